/**
 * Long solves in parts: a part ends after a slice of time, so that whoever runs the trial can look at what the outside says, and what is on its way
 * goes into checkpoints with all of its bits. No answer depends on where the parts end.
 */
import { assert } from "@regulus/proto";
import { z } from "zod";
import { continueSample, type SampleSolve, type SolveFrom } from "../../solvers/answer-sample.js";
import type { AnsweredSample, RespondQuestion, RespondSample } from "../../solvers/respond.js";

/** Time after which a solve gives way, in milliseconds. A single step of a solver is never cut, however long it takes. */
const sliceMs = 20;

/** Goes on with one sample's answer for a slice of time. The answer, or what is on its way: given back as `solve`, it goes on from there. */
export function solveForSlice(sample: RespondSample, question: RespondQuestion, from: SolveFrom): AnsweredSample | SampleSolve {
  const endMs = performance.now() + sliceMs;
  return continueSample(sample, question, { ...from, giveWay: () => performance.now() >= endMs });
}

/** What a checkpoint says of a solve on its way, beside its numbers. */
export const savedSolve = z.discriminatedUnion("stage", [
  z.strictObject({ stage: z.literal("lower"), dim: z.int().min(1) }),
  z.strictObject({ stage: z.literal("adjoint"), dim: z.int().min(1), outcome: z.enum(["reached", "stalled", "spent"]) }),
]);
type SavedSolve = z.infer<typeof savedSolve>;

/** A solve as what a checkpoint says of it and its numbers. */
export function packSolve(solve: SampleSolve): { readonly saved: SavedSolve; readonly values: Float64Array } {
  if (solve.stage === "lower") {
    const { x, y, bestX, best, sinceBest, t, iterations, mu, smoothness } = solve.lower;
    const values = [...x, ...y, ...bestX, best, sinceBest, t, iterations, mu, smoothness];
    return { saved: { stage: "lower", dim: x.length }, values: Float64Array.from(values) };
  }
  const { x, accuracy, iterations: steps, outcome } = solve.solved;
  const { q, r, p, rr, residual, before, iterations, restarts } = solve.adjoint;
  const values = [...x, ...q, ...r, ...p, accuracy, steps, rr, residual, before, iterations, restarts];
  return { saved: { stage: "adjoint", dim: x.length, outcome }, values: Float64Array.from(values) };
}

/** The solve again. */
export function unpackSolve(saved: SavedSolve, values: Float64Array): SampleSolve {
  const { dim } = saved;
  const vectors = saved.stage === "lower" ? 3 : 4;
  const vector = (index: number): Float64Array => values.slice(index * dim, (index + 1) * dim);
  const numbers = [...values.subarray(vectors * dim)];
  assert(numbers.length === (saved.stage === "lower" ? 6 : 7), `a solve has its numbers, not ${values.length}`);
  if (saved.stage === "lower") {
    const [best = 0, sinceBest = 0, t = 0, iterations = 0, mu = 0, smoothness = 0] = numbers;
    const lower = { x: vector(0), y: vector(1), bestX: vector(2), best, sinceBest, t, iterations, mu, smoothness };
    return { stage: "lower", lower };
  }
  const [accuracy = 0, steps = 0, rr = 0, residual = 0, before = 0, iterations = 0, restarts = 0] = numbers;
  const adjoint = { q: vector(1), r: vector(2), p: vector(3), rr, residual, before, iterations, restarts };
  return { stage: "adjoint", solved: { x: vector(0), accuracy, iterations: steps, outcome: saved.outcome }, adjoint };
}
