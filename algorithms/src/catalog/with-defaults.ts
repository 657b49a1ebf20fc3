/**
 * The defaults of a search that need no registry: the meaning of zero or absence (comments of search.proto), written out, so
 * that a log tells them even when a later version has others.
 */
import { Direction, defaults, ObjectiveValue, type Parameter, retriedByDefault, Scale, type SearchSpec } from "@regulus/proto";

/** The search with its defaults written out. Idempotent. */
export function withDefaults(spec: SearchSpec): SearchSpec {
  const { budget, resources, retries, reporting, command } = spec;
  return {
    ...spec,
    command: command && { ...command, stopGraceMs: command.stopGraceMs || defaults.stopGraceMs },
    objectives: spec.objectives.map((objective) => ({
      ...objective,
      direction: directionOf(objective.direction),
      value:
        objective.value === ObjectiveValue.OBJECTIVE_VALUE_LAST
          ? ObjectiveValue.OBJECTIVE_VALUE_LAST
          : ObjectiveValue.OBJECTIVE_VALUE_BEST,
    })),
    space: spec.space.map(withScale),
    budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...budget },
    parallelism: spec.parallelism || 1,
    resources: {
      backend: "",
      memoryBytes: 0,
      agentLabels: {},
      attemptTimeoutMs: 0,
      ...resources,
      slots: resources?.slots || 1,
      stepTimeoutMs: resources?.stepTimeoutMs || defaults.stepTimeoutMs,
    },
    retries: {
      max: retries?.max ?? defaults.retriesMax,
      backoffMs: retries?.backoffMs || defaults.retryBackoffMs,
      on: retries?.on.length ? retries.on : [...retriedByDefault],
    },
    reporting: {
      measureEverySteps: reporting?.measureEverySteps ?? 0,
      checkpointEveryMs: reporting?.checkpointEveryMs || defaults.checkpointEveryMs,
      predictions: reporting?.predictions,
    },
  };
}

function directionOf(direction: Direction): Direction {
  return direction === Direction.DIRECTION_UNSPECIFIED ? Direction.DIRECTION_MINIMIZE : direction;
}

function withScale(parameter: Parameter): Parameter {
  const { domain } = parameter;
  if (domain?.$case === "double")
    return { ...parameter, domain: { ...domain, value: { ...domain.value, scale: scaleOf(domain.value.scale) } } };
  if (domain?.$case === "int")
    return { ...parameter, domain: { ...domain, value: { ...domain.value, scale: scaleOf(domain.value.scale) } } };
  return parameter;
}

function scaleOf(scale: Scale): Scale {
  return scale === Scale.SCALE_UNSPECIFIED ? Scale.SCALE_LINEAR : scale;
}
