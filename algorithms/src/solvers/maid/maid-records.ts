/** Records of MAID's outer iterations: numbers and a sentence. */
import { counted } from "@regulus/proto";
import type { MaidState, Point, Trial } from "./maid-state.js";
import type { IterationRecord } from "./method.js";

/** A step was taken; the state's theta and step are already the new ones. */
export function acceptedRecord(
  state: MaidState,
  point: Point,
  { trial, place }: { trial: Trial; place: number },
): IterationRecord {
  const { value = 0, upperBound = 0, lowerBound = 0, accuracy = 0, psi = 0, stepLength, metrics = {} } = trial;
  const certified = point.lowerBound - upperBound;
  // Longer steps that failed for more than want of decrease: where they led, something is wrong.
  const unusable = countWords(state.trials.slice(0, place).filter((one) => one.unusable !== "rejected early"));
  const before = unusable === "" ? "" : ` (longer ones: ${unusable})`;
  return {
    step: state.step,
    accepted: true,
    metrics: {
      ...metrics,
      upperLoss: value,
      upperBound,
      lowerBound,
      stepLength,
      gradientNorm: point.gradientNorm,
      slope: point.slope,
      accuracy,
      residual: point.residual,
      psi,
      work: state.work,
      trials: place + 1,
      ...(point.bound === undefined ? {} : { bound: point.bound }),
    },
    vectors: { theta: state.theta, hypergradient: point.hypergradient },
    message: `step of length ${short(stepLength)} accepted at trial ${place + 1} of ${state.trials.length}${before}: the loss falls by at least ${short(certified)}`,
  };
}

/** No step was taken: the line search or the hypergradient was refused. */
export function refusedRecord(state: MaidState, point: Point, message: string): IterationRecord {
  const least = leastPsi(state.trials);
  return {
    step: state.step,
    accepted: false,
    metrics: {
      ...point.metrics,
      upperLoss: point.value,
      upperBound: point.upperBound,
      lowerBound: point.lowerBound,
      stepLength: state.trials[0]?.stepLength ?? state.stepLength,
      gradientNorm: point.gradientNorm,
      slope: point.slope,
      accuracy: point.accuracy,
      residual: point.residual,
      work: state.work,
      trials: state.trials.length,
      ...(least?.psi === undefined ? {} : { psi: least.psi }),
      ...(point.bound === undefined ? {} : { bound: point.bound }),
    },
    vectors: { theta: state.theta, hypergradient: point.hypergradient },
    message,
  };
}

/** Why no trial of a line search passed. */
export function searchFailedWords(state: MaidState, point: Point): string {
  const { trials } = state;
  const [first, last] = [trials[0]?.stepLength ?? 0, trials.at(-1)?.stepLength ?? 0];
  const opening = `none of ${counted(trials.length, "step")} from ${short(first)} to ${short(last)} passed`;
  const unusable = countWords(trials);
  const least = leastPsi(trials);
  if (least?.psi === undefined || least.value === undefined || least.upperBound === undefined) return `${opening} (${unusable})`;
  const fell = point.value - least.value;
  const width = least.upperBound - least.value + (point.value - point.lowerBound);
  const reason =
    fell > 0
      ? `the best lowered the loss by ${short(fell)}, but the loss is known only to within ${short(width)} at accuracy ${short(point.accuracy)}`
      : `none lowered the loss at accuracy ${short(point.accuracy)}`;
  return `${opening}: ${reason}${unusable === "" ? "" : ` (${unusable})`}`;
}

/** Why a step has to be taken back, or why nothing can be done. */
export function takenBackWords({ previous, takenBack }: MaidState, takenBackMax: number): string {
  if (previous === null) return "the loss or its hypergradient is not a number at the starting hyperparameters: start elsewhere";
  const words = `the hypergradient is not a number after a step of length ${short(previous.stepLength)}`;
  const often = takenBack === 0 ? "" : `, ${takenBack + 1} times in a row`;
  return `${words}${often}: ${takenBack >= takenBackMax ? "the loss is known here, and no step leads on" : "the step is taken back"}`;
}

function leastPsi(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>((least, trial) => {
    if (trial.psi === undefined) return least;
    return least?.psi === undefined || trial.psi < least.psi ? trial : least;
  }, undefined);
}

function countWords(trials: readonly Trial[]): string {
  const kinds = [...new Set(trials.map(({ unusable }) => unusable).filter((kind) => kind !== undefined))];
  return kinds.map((kind) => `${trials.filter(({ unusable }) => unusable === kind).length} ${kind}`).join(", ");
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
