/**
 * HOAG, hyperparameter optimization with approximate gradient: the accuracy follows a fixed schedule, and the step length a heuristic that may
 * increase the loss. The baseline beside MAID; nothing it does is certified.
 * Source: Pedregosa, "Hyperparameter optimization with approximate gradient", ICML 2016 (arXiv 1602.02355), with the step rule as
 * the experiments of MAID (arXiv 2308.10098) run it: C = 0.25, F = 1.
 */
import { assert, counted } from "@regulus/proto";
import { sampleAt } from "../dealt-samples.js";
import type { ReducedAnswer } from "../respond.js";
import type { BilevelMethod, FinishReason, IterationRecord, MethodState } from "./method.js";
import type { HoagOptions } from "./options.js";

const [C, F] = [0.25, 1];
/** A loss this many times the last one is an increase that halves the step. */
const increase = 1.2;
/** Below this norm, the first hypergradient says nothing about a step length. */
const smallGradient = 1e-3;

export interface HoagState extends MethodState {
  readonly options: HoagOptions;
  readonly samples: number;
  /** Solves so far: k of the schedule, and the id of the open question. */
  solves: number;
  /** Halvings of the accuracy after increases. */
  halvings: number;
  /** Inverse of the step length; null before the first answer. */
  inverseStep: number | null;
  last: { readonly value: number; readonly accuracy: number } | null;
}

export const hoag: BilevelMethod<HoagOptions, HoagState> = {
  init(options, { theta, samples }) {
    assert(samples >= 1, "a bilevel problem has samples");
    return {
      options,
      samples,
      theta: [...theta],
      step: 0,
      work: 0,
      finished: null,
      solves: 0,
      halvings: 0,
      inverseStep: null,
      last: null,
    };
  },

  questions(state) {
    if (state.finished !== null) return [];
    const accuracy = accuracyOf(state);
    const question = {
      theta: state.theta,
      accuracy,
      gradient: { residual: accuracy },
      iterationsMax: state.options.iterationsMax,
    };
    return [{ id: state.solves, question, startFrom: state.solves === 0 ? null : state.solves - 1, speculative: false }];
  },

  undecided: () => [],

  tell(state, id, answer) {
    if (state.finished !== null || id !== state.solves) return [];
    const { options } = state;
    state.work += answer.iterations;
    if (answer.problem?.kind === "not-strongly-convex")
      return finish(
        state,
        "not-strongly-convex",
        `the lower level of sample ${sampleAt(state.samples, answer.problem.position)} is not strongly convex`,
      );
    const z = answer.hypergradient ?? [];
    const gradientNorm = Math.sqrt(z.reduce((sum, one) => sum + one * one, 0));
    if (answer.problem !== undefined || !Number.isFinite(gradientNorm))
      return finish(state, "not-finite", "the loss or its hypergradient is not a number");
    if (gradientNorm <= options.tolerance && (answer.unresolved ?? 0) === 0)
      return finish(
        state,
        "converged",
        `the hypergradient's norm is ${short(gradientNorm)}, tolerance ${short(options.tolerance)}`,
      );
    const record = moved(state, answer, z, gradientNorm);
    if (state.step >= options.steps || (options.work > 0 && state.work >= options.work))
      finish(state, "budget", `${state.step} of ${counted(options.steps, "step")}, ${state.work} lower and adjoint steps`);
    return [record];
  },
};

function accuracyOf({ options, solves, halvings }: HoagState): number {
  const k = solves;
  const falling = { geometric: 0.9 ** k, quadratic: (k + 1) ** -2, cubic: (k + 1) ** -3 }[options.schedule];
  return Math.max(options.accuracyMin, options.accuracy * falling * 0.5 ** halvings);
}

function moved(state: HoagState, answer: ReducedAnswer, z: readonly number[], gradientNorm: number): IterationRecord {
  const { options, last } = state;
  const accuracy = accuracyOf(state);
  const own = gradientNorm <= smallGradient ? 1 : gradientNorm / Math.sqrt(z.length);
  const first = options.stepLength === undefined ? own : 1 / options.stepLength;
  let inverse = state.inverseStep ?? first;
  const increment = gradientNorm / inverse;
  let [steps, words] = [true, "step taken"];
  if (last !== null) {
    const slack = C * accuracy + last.accuracy * (C + F) * increment - F * inverse * increment ** 2;
    if (answer.value <= last.value + slack) {
      inverse *= 0.95;
      words = "the loss fell as expected: longer step";
    } else if (answer.value >= increase * last.value) {
      inverse *= 2;
      state.halvings += 1;
      [steps, words] = [false, `the loss rose from ${short(last.value)} to ${short(answer.value)}: step and accuracy halved`];
    }
  }
  if (steps) {
    const { thetaMin, thetaMax } = options;
    state.theta = state.theta.map((one, j) => Math.min(thetaMax, Math.max(thetaMin, one - (z[j] ?? 0) / inverse)));
    state.step += 1;
  }
  state.inverseStep = inverse;
  state.last = { value: answer.value, accuracy };
  state.solves += 1;
  return {
    step: state.step,
    accepted: steps,
    metrics: {
      ...answer.metrics,
      upperLoss: answer.value,
      upperBound: answer.upperBound,
      lowerBound: answer.lowerBound,
      stepLength: 1 / inverse,
      gradientNorm,
      accuracy: answer.accuracy,
      residual: answer.residual ?? 0,
      work: state.work,
    },
    vectors: { theta: state.theta, hypergradient: z },
    message: words,
  };
}

function finish(state: HoagState, reason: FinishReason, message: string): readonly IterationRecord[] {
  state.finished = { reason, message };
  return [];
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
