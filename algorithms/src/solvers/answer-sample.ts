/**
 * How one sample answers a question: its lower level is solved, then, where a hypergradient is asked for, its adjoint system. Both may be done in
 * parts, with the same bits: what is on its way is plain numbers. Pure: no files, no clock, no state; warm starts go in and come out, and who
 * carries them between rounds is the caller's business.
 *
 * Source: MAID (arXiv 2308.10098): hypergradient and its a-posteriori bound (Theorem 2.1).
 */
import { assert } from "@regulus/proto";
import { beginLower, continueLower, type LowerSolution, type LowerSolve, never } from "./accelerated-gradient.js";
import { beginLinear, continueLinear, type LinearSolve } from "./conjugate-gradient.js";
import { norm } from "./lower-problem.js";
import {
  type AnsweredSample,
  iterationsDefault,
  type RespondQuestion,
  type RespondSample,
  type SampleAnswer,
  type SampleProblem,
  type WarmStart,
} from "./respond.js";

/** A sample's answer on its way: the solve of its lower level, then that of its adjoint system at the solution. Plain numbers. */
export type SampleSolve =
  | { readonly stage: "lower"; readonly lower: LowerSolve }
  | { readonly stage: "adjoint"; readonly solved: LowerSolution; readonly adjoint: LinearSolve };

/** Where a sample's solve goes on. */
export interface SolveFrom {
  readonly warm: WarmStart;
  /** What is on its way; undefined where nothing is. */
  readonly solve: SampleSolve | undefined;
}

/** Solves one sample's lower level from a warm start and answers the question. */
export function answerSample(sample: RespondSample, question: RespondQuestion, warm: WarmStart): AnsweredSample {
  const done = continueSample(sample, question, { warm, solve: undefined, giveWay: never });
  assert("answer" in done, "a solve that never gives way comes to its end");
  return done;
}

/**
 * Goes on with a sample's answer, with `solve`, which it changes, or from the warm start where there is none, until `giveWay`, which is asked after
 * every step of its lower or adjoint solve, says so. The answer, or what is on its way. The bits of the answer do not depend on the parts.
 */
export function continueSample(
  sample: RespondSample,
  question: RespondQuestion,
  { warm, solve, giveWay }: SolveFrom & { readonly giveWay: () => boolean },
): AnsweredSample | SampleSolve {
  const { lower } = sample;
  const theta = Float64Array.from(question.theta);
  const iterationsMax = question.iterationsMax ?? iterationsDefault;
  let solved: LowerSolution;
  if (solve?.stage === "adjoint") {
    solved = solve.solved;
  } else {
    const under = solve?.lower ?? beginLower(lower, theta, warm.x);
    if (!(under.mu > 0)) return { answer: failedAnswer("not-strongly-convex"), solution: warm };
    if (!Number.isFinite(under.mu) || !Number.isFinite(under.smoothness))
      return { answer: failedAnswer("not-finite"), solution: warm };
    const found = continueLower(lower, theta, under, { accuracy: question.accuracy, iterationsMax }, giveWay);
    if (found === undefined) return { stage: "lower", lower: under };
    solved = found;
  }
  const { answer, upperGradient } = judged(sample, theta, solved);
  if (answer.problem !== undefined) return { answer, solution: warm };
  if (question.gradient === undefined) return { answer, solution: { ...warm, x: solved.x } };

  const adjoint = solve?.stage === "adjoint" ? solve.adjoint : beginLinear(lower.dim, warm.q);
  const hessian = lower.hessianAt?.(solved.x, theta) ?? ((v, out) => lower.hessianVector(solved.x, theta, v, out));
  const ended = continueLinear(hessian, upperGradient, adjoint, { residual: question.gradient.residual, iterationsMax }, giveWay);
  if (ended === undefined) return { stage: "adjoint", solved, adjoint };
  const { q, residual, iterations } = ended;
  const hypergradient = new Float64Array(lower.thetaDim);
  lower.crossTransposed(solved.x, theta, q, hypergradient);
  for (let j = 0; j < hypergradient.length; j++) hypergradient[j] = -(hypergradient[j] as number);
  const { accuracy } = solved;
  const bound = hypergradientBound(sample, { x: solved.x, theta, accuracy, residual, gradientNorm: answer.gradientNorm });
  return {
    answer: { ...answer, adjoint: { residual, iterations, ...(bound === undefined ? {} : { bound }) } },
    solution: { x: solved.x, q },
    hypergradient,
  };
}

/** What a solution says of the sample, without its hypergradient. */
function judged(
  sample: RespondSample,
  theta: Float64Array,
  { x, accuracy, iterations, outcome }: LowerSolution,
): { readonly answer: SampleAnswer; readonly upperGradient: Float64Array } {
  const { upper, lower } = sample;
  const upperGradient = new Float64Array(lower.dim);
  upper.gradient(x, upperGradient);
  const answer = {
    value: upper.value(x),
    gradientNorm: norm(upperGradient),
    accuracy,
    smoothness: upper.smoothness,
    convex: upper.convex,
    iterations,
    stalled: outcome === "stalled",
    ...(sample.metrics === undefined ? {} : { metrics: sample.metrics(x, theta) }),
  };
  const finite = [answer.value, answer.gradientNorm, accuracy].every(Number.isFinite);
  return { answer: finite ? answer : failedAnswer("not-finite"), upperGradient };
}

/**
 * omega of Theorem 2.1: c(x) eps + norm(J)/mu delta + L_J L_g / mu eps^2, with L_{H^-1} <= L_H / mu^2. It holds, and is loose by factors up to
 * thousands. Undefined where the problem does not give its Lipschitz constants.
 */
export function hypergradientBound(
  { lower, upper }: RespondSample,
  at: { x: Float64Array; theta: Float64Array; accuracy: number; residual: number; gradientNorm: number },
): number | undefined {
  const constants = lower.lipschitz?.(at.x, at.theta);
  if (constants === undefined) return undefined;
  const { crossNorm, crossLipschitz, hessianLipschitz } = constants;
  const mu = lower.mu(at.theta);
  const perAccuracy =
    (upper.smoothness * crossNorm) / mu +
    (hessianLipschitz / mu ** 2) * at.gradientNorm * crossNorm +
    (crossLipschitz * at.gradientNorm) / mu;
  return (
    perAccuracy * at.accuracy + (crossNorm / mu) * at.residual + ((crossLipschitz * upper.smoothness) / mu) * at.accuracy ** 2
  );
}

function failedAnswer(problem: SampleProblem): SampleAnswer {
  return { value: 0, gradientNorm: 0, accuracy: 0, smoothness: 0, convex: false, iterations: 0, stalled: false, problem };
}
