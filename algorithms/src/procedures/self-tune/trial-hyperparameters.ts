/** Which hyperparameters of a trial self-tune learns, where they begin, and the values of the others. It moves nothing. */
import { RegulusError } from "@regulus/proto";
import { type HyperparameterSpec, unconstrainedMax, unconstrainedOf } from "../../core/index.js";
import { LearnedHyperparameters } from "../../solvers/self-tuning/learned-hyperparameters.js";
import type { TrialRequest } from "../../training/contracts/procedure.js";
import type { TrialSetup } from "../../training/setup/trial-setup.js";
import type { StepValues } from "../../training/techniques/technique-set.js";
import type { SelfTuneOptions } from "./spec.js";

/** The techniques' hyperparameters that can be learned and that the trial gives no value. */
export function learnedOf(
  { hyperparameters }: TrialSetup,
  space: TrialRequest["spec"]["space"],
  options: SelfTuneOptions,
): LearnedHyperparameters {
  const each = [...hyperparameters].flatMap(([name, { spec: one, value }]) => {
    if (!one.inside || value !== undefined) return [];
    const parameter = parameterOf(space, one);
    const line = unconstrainedOf(parameter);
    const start = line.coordinate(options.initial[name] ?? Number(parameter.initial ?? one.fallback));
    return [{ name, start, coordinateMax: unconstrainedMax, sharedInBatch: one.sharedInBatch, value: line.value }];
  });
  if (each.length > 0) return new LearnedHyperparameters(each, options.scale);
  const words =
    "saw no hyperparameter that self-tune could learn, expected techniques with hyperparameters that the trial leaves open";
  throw new RegulusError("failed-precondition", `${words}: add dropout or weight-decay to techniques`);
}

/** Coordinates of values that the options name for a start from another trial's checkpoint, by hyperparameter. */
export function centersOf(
  { hyperparameters }: TrialSetup,
  space: TrialRequest["spec"]["space"],
  { recenter }: SelfTuneOptions,
): ReadonlyMap<string, number> {
  const known = [...hyperparameters].filter(([name]) => recenter[name] !== undefined);
  return new Map(
    known.map(([name, { spec: one }]) => [name, unconstrainedOf(parameterOf(space, one)).coordinate(recenter[name] ?? 0)]),
  );
}

/** The search's own range of a hyperparameter, else the technique's. */
function parameterOf(
  space: TrialRequest["spec"]["space"],
  { parameter }: HyperparameterSpec,
): TrialRequest["spec"]["space"][number] {
  return space.find(({ name }) => name === parameter.name) ?? parameter;
}

/** Values of hyperparameters that nothing learns. */
export function heldOf({ hyperparameters, fixed }: TrialSetup, learned: LearnedHyperparameters): StepValues {
  const values = new Map([...fixed].map(([name, value]) => [name, Float32Array.of(value)]));
  const names = new Set(learned.each.map(({ name }) => name));
  for (const [name, { spec: one, value }] of hyperparameters) {
    if (!names.has(name)) values.set(name, Float32Array.of(value ?? Number(one.fallback)));
  }
  return values;
}
