/**
 * Between a search file's shape and the message, both ways. Nothing is checked here: a document has passed its schema, a spec has passed
 * `checkSpec`. Defaults are left out on the way back, so that a file says what its user meant.
 */
import { formatBytes, parseBytes } from "./byte-sizes.js";
import { backendNames, predictedSplits, predictionPrecisions } from "./check-spec.js";
import { formatDuration, parseDurationMs } from "./durations.js";
import {
  type Component,
  type Condition,
  type Objective,
  type Parameter,
  type Predictions,
  type SearchInput,
  SearchSpec,
} from "./gen/regulus/v1/search.js";
import { retryReason, retryWord } from "./retry-reasons.js";
import type { ParameterDocument, SearchDocument } from "./search-document.js";
import { fromVectors, toVectors } from "./vectors.js";

/** A document of which parts may be missing. */
export type ReadDocument = { readonly [K in keyof SearchDocument]?: SearchDocument[K] | undefined };

/** A file's content as the message. */
export function documentToSpec(document: ReadDocument): SearchSpec {
  const { name, workload, command, objective, objectives, budget, resources, retries, reporting } = document;
  return SearchSpec.fromPartial(
    present({
      name,
      workload: typeof workload === "string" ? { name: workload } : workload && present(workload),
      command: command && present({ ...command, stopGraceMs: ms(command.stopGraceMs) }),
      objectives: [...(objective === undefined ? [] : [objective]), ...(objectives ?? [])].map(toObjective),
      strategy: document.strategy === undefined ? undefined : toComponent(document.strategy),
      space: Object.entries(document.space ?? {}).map(([parameterName, parameter]) => toParameter(parameterName, parameter)),
      techniques: (document.techniques ?? []).map(toComponent),
      probes: (document.probes ?? []).map(toComponent),
      diagnostics: (document.diagnostics ?? []).map(toComponent),
      budget: budget && present({ ...budget, wallTimeMs: ms(budget.wallTime) }),
      parallelism: document.parallelism,
      resources:
        resources &&
        present({
          ...resources,
          memoryBytes: typeof resources.memory === "string" ? parseBytes(resources.memory) : resources.memory,
          stepTimeoutMs: ms(resources.stepTimeout),
          attemptTimeoutMs: ms(resources.attemptTimeout),
        }),
      retries: retries && present({ max: retries.max, backoffMs: ms(retries.backoff), on: retries.on?.map(retryReason) }),
      seed: document.seed,
      labels: document.labels,
      priority: document.priority,
      weight: document.weight,
      tuning: document.tuning === undefined ? undefined : toComponent(document.tuning),
      control: document.control,
      schedule: toSchedule(document.schedule),
      inputs: (document.inputs ?? []).map(present),
      reporting:
        reporting &&
        present({
          measureEverySteps: reporting.measureEverySteps,
          checkpointEveryMs: ms(reporting.checkpointEvery),
          predictions: reporting.predictions && present(reporting.predictions),
        }),
    }),
  );
}

/** A sound spec as a search file's content; `parseSearchDocument` of it gives the same spec. */
export function specToDocument(spec: SearchSpec): SearchDocument {
  const { workload, command, budget, resources, retries, reporting } = spec;
  const [objective, ...others] = spec.objectives.map(fromObjective);
  return present({
    name: spec.name,
    workload: workload && fromWorkload(workload),
    command:
      command &&
      present({
        argv: command.argv,
        env: filled(command.env),
        directory: command.directory || undefined,
        stopGraceMs: duration(command.stopGraceMs),
      }),
    objective: others.length === 0 ? objective : undefined,
    objectives: others.length === 0 ? undefined : spec.objectives.map(fromObjective),
    strategy: fromComponent(spec.strategy ?? { name: "", options: undefined }),
    space: spec.space.length === 0 ? undefined : Object.fromEntries(spec.space.map((p) => [p.name, fromParameter(p)])),
    techniques: spec.techniques.length === 0 ? undefined : spec.techniques.map(fromComponent),
    probes: spec.probes.length === 0 ? undefined : spec.probes.map(fromComponent),
    diagnostics: spec.diagnostics.length === 0 ? undefined : spec.diagnostics.map(fromComponent),
    budget:
      budget &&
      present({
        trials: budget.trials || undefined,
        steps: budget.steps || undefined,
        stepsPerTrial: budget.stepsPerTrial || undefined,
        wallTime: duration(budget.wallTimeMs),
        failures: budget.failures,
      }),
    parallelism: spec.parallelism || undefined,
    resources:
      resources &&
      present({
        slots: resources.slots || undefined,
        backend: backendNames.find((known) => known === resources.backend),
        memory: resources.memoryBytes === 0 ? undefined : formatBytes(resources.memoryBytes),
        agentLabels: filled(resources.agentLabels),
        stepTimeout: duration(resources.stepTimeoutMs),
        attemptTimeout: duration(resources.attemptTimeoutMs),
      }),
    retries:
      retries &&
      present({
        max: retries.max,
        backoff: duration(retries.backoffMs),
        on: retries.on.length === 0 ? undefined : retries.on.map(retryWord),
      }),
    reporting:
      reporting &&
      present({
        measureEverySteps: reporting.measureEverySteps || undefined,
        checkpointEvery: duration(reporting.checkpointEveryMs),
        predictions: reporting.predictions && fromPredictions(reporting.predictions),
      }),
    seed: spec.seed,
    labels: filled(spec.labels),
    priority: spec.priority || undefined,
    weight: spec.weight,
    tuning: spec.tuning && fromComponent(spec.tuning),
    control: spec.control && { share: spec.control.share },
    inputs: spec.inputs.length === 0 ? undefined : spec.inputs.map(fromInput),
    schedule: spec.schedule && { steps: [...spec.schedule.steps], values: copied(fromVectors(spec.schedule.values)) },
  });
}

/** As it was asked for: what was found is the coordinator's. */
function fromInput({ search, trials, best, kinds }: SearchInput) {
  return present({ search, trials: trials.length === 0 ? undefined : [...trials], best: best || undefined, kinds: [...kinds] });
}

function fromPredictions({ splits, precision }: Predictions) {
  return present({
    splits: predictedSplits.filter((split) => splits.includes(split)),
    precision: predictionPrecisions.find((known) => known === precision),
  });
}

function toSchedule(document: ReadDocument["schedule"]): SearchSpec["schedule"] {
  if (document === undefined || typeof document === "string") return undefined;
  return { steps: document.steps, values: toVectors(document.values) };
}

function copied(lists: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, [...list]]));
}

function toObjective({ metric, direction, value, goal }: NonNullable<SearchDocument["objective"]>): Objective {
  return {
    metric,
    direction: direction === "maximize" ? "DIRECTION_MAXIMIZE" : "DIRECTION_MINIMIZE",
    value: value && countedWords[value],
    goal,
  };
}

const countedWords = { best: "OBJECTIVE_VALUE_BEST", last: "OBJECTIVE_VALUE_LAST" } as const;

function toComponent(component: SearchDocument["strategy"]): Component {
  return typeof component === "string" ? { name: component, options: undefined } : { options: undefined, ...component };
}

function fromComponent({ name, options }: Component): SearchDocument["strategy"] {
  return options === undefined ? name : { name, options };
}

function fromWorkload(workload: NonNullable<SearchSpec["workload"]>): SearchDocument["workload"] {
  const { name, module, options } = workload;
  if (module === "" && options === undefined) return name;
  return present({ name: name || undefined, module: module || undefined, options });
}

function fromObjective({ metric, direction, value, goal }: Objective): NonNullable<SearchDocument["objective"]> {
  const which =
    value === "OBJECTIVE_VALUE_LAST" ? ("last" as const) : value === "OBJECTIVE_VALUE_BEST" ? ("best" as const) : undefined;
  return {
    metric,
    direction: direction === "DIRECTION_MAXIMIZE" ? "maximize" : "minimize",
    ...present({ value: which, goal }),
  };
}

function toParameter(name: string, document: ParameterDocument): Parameter {
  const when = document.when && {
    parameter: document.when.parameter,
    equals: Array.isArray(document.when.equals) ? document.when.equals : [document.when.equals],
  };
  const tuned = document.tuned && tunedOf[document.tuned];
  return { name, domain: toDomain(document), initial: document.initial, when, ...(tuned && { tuned }) };
}

function toDomain(document: ParameterDocument): NonNullable<Parameter["domain"]> {
  switch (document.type) {
    case "double":
    case "int": {
      const { type, min, max, scale, step } = document;
      return { $case: type, value: { min, max, scale: scales[scale ?? "linear"], ...present({ step }) } };
    }
    case "categorical":
      return { $case: "categorical", value: { choices: document.choices } };
    case "boolean":
      return { $case: "boolean", value: {} };
  }
}

const tunedOf = { inside: "TUNED_INSIDE", outside: "TUNED_OUTSIDE" } as const;

const scales = { linear: "SCALE_LINEAR", log: "SCALE_LOG", logit: "SCALE_LOGIT" } as const;

function fromParameter({ domain, initial, when, tuned }: Parameter): ParameterDocument {
  const who = tuned === "TUNED_INSIDE" ? ("inside" as const) : tuned === "TUNED_OUTSIDE" ? ("outside" as const) : undefined;
  const rest = present({ initial, when: when && fromCondition(when), tuned: who });
  switch (domain?.$case) {
    case "double": {
      const { min, max, scale, step } = domain.value;
      const word = scale === "SCALE_LOG" ? ("log" as const) : scale === "SCALE_LOGIT" ? ("logit" as const) : undefined;
      return { type: "double", min, max, ...present({ scale: word, step }), ...rest };
    }
    case "int": {
      const { min, max, scale, step } = domain.value;
      const word = scale === "SCALE_LOG" ? ("log" as const) : undefined;
      return { type: "int", min, max, ...present({ scale: word, step }), ...rest };
    }
    case "categorical":
      return { type: "categorical", choices: [...domain.value.choices], ...rest };
    default:
      return { type: "boolean", ...rest };
  }
}

function fromCondition({ parameter, equals }: Condition): NonNullable<ParameterDocument["when"]> {
  return { parameter, equals: equals.length === 1 && !Array.isArray(equals[0]) ? equals[0] : [...equals] };
}

function ms(duration: number | string | undefined): number | undefined {
  return typeof duration === "string" ? parseDurationMs(duration) : duration;
}

function duration(durationMs: number): string | undefined {
  return durationMs === 0 ? undefined : formatDuration(durationMs);
}

function filled(map: Readonly<Record<string, string>>): Record<string, string> | undefined {
  return Object.keys(map).length === 0 ? undefined : { ...map };
}

/** What `T` is once its absent fields are gone. */
type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the fields that are undefined. */
function present<T extends object>(map: T): Present<T> {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as Present<T>;
}
