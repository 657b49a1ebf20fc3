/**
 * Opens a user's own module: training settings among its options and its parameters act as those of any workload do, but for names that
 * the module's spec declares, which are its own; and names that nothing reads are told of.
 */
import type { Configuration, WorkloadSpec } from "../../core/index.js";
import { readTrainingOptions, trainingOf, trainingOptions } from "../../settings/training-settings.js";
import type { ModelKit } from "../contracts/model-kit.js";
import type { Task, WorkloadModule } from "../contracts/workload.js";
import { openRequestOf } from "./open-request.js";

/** What a trial gives to a module. */
export interface GivenToModule {
  readonly options: Readonly<Record<string, unknown>>;
  readonly parameters: Configuration;
  /** Seed of the search. */
  readonly seed: number;
  readonly kit: ModelKit;
}

/** The module's task, and what is to be said about names that nobody reads. */
export async function openModule(
  module: WorkloadModule<unknown>,
  { options: written, parameters, seed, kit }: GivenToModule,
): Promise<{ readonly task: Task; readonly unread: readonly string[] }> {
  const declared = declaredOptions(module.spec);
  const settings = pick(written, (name) => name in trainingOptions && !(declared?.has(name) ?? false));
  // A module that says which options it has is not given others that training takes.
  const own = declared === undefined ? written : pick(written, (name) => !(name in settings));
  const request = openRequestOf(module.spec, { options: own, parameters, seed });
  const ownParameters = new Set(module.spec.hyperparameters(request.options).map(({ parameter }) => parameter.name));
  const moved = pick(parameters, (name) => name in trainingOptions && !ownParameters.has(name));
  const read = new Set<string>();
  const options = declared === undefined ? noting(request.options, read) : request.options;
  const hyperparameters = { ...request.hyperparameters };
  note(hyperparameters, read);
  const task = await module.open({ options, hyperparameters, seed, kit });
  const isKnown = (name: string) => name in trainingOptions || ownParameters.has(name) || declared?.has(name) || read.has(name);
  const unread = [...new Set([...Object.keys(written), ...Object.keys(parameters)])].filter((name) => !isKnown(name));
  try {
    const training = trainingOf(moved, readTrainingOptions(settings), task.training);
    return { task: { ...task, training }, unread };
  } catch (error) {
    task.close();
    throw error;
  }
}

/** Names of the options that a module declares; undefined where its spec says nothing of names. */
function declaredOptions({ options }: WorkloadSpec<unknown>): ReadonlySet<string> | undefined {
  if (!("shape" in options) || typeof options.shape !== "object" || options.shape === null) return undefined;
  return new Set(Object.keys(options.shape));
}

function pick<Value>(values: Readonly<Record<string, Value>>, wanted: (name: string) => boolean): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => wanted(name)));
}

function noting(options: unknown, read: Set<string>): unknown {
  if (typeof options !== "object" || options === null || Object.getPrototypeOf(options) !== Object.prototype) return options;
  const copy = { ...options };
  note(copy, read);
  return copy;
}

/** Has each reading of a property noted. By accessors, since a proxy can't be copied to another thread. */
function note(values: object, read: Set<string>): void {
  for (const [name, value] of Object.entries(values)) {
    let now: unknown = value;
    Object.defineProperty(values, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        read.add(name);
        return now;
      },
      set: (next: unknown) => {
        now = next;
      },
    });
  }
}
