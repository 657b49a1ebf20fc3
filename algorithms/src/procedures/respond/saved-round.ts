/** The description in a checkpoint of the procedure respond, and the layout of a round's answers. */
import { counted, RegulusError } from "@regulus/proto";
import { z } from "zod";
import type { SampleAnswer } from "../../solvers/respond.js";
import { decodeAnswer, encodeAnswer } from "../../solvers/respond-messages.js";
import { savedSolve } from "./solve-in-parts.js";

/** Answers as the numbers that travel, end to end in the order of the names: JSON would lose what is not finite. */
export function encodeForCheckpoint(answers: readonly SampleAnswer[]): { names: string[]; values: Float64Array } {
  const range = { lo: 0, hi: answers.length };
  const { vectors } = encodeAnswer({ question: 0, samples: answers.length, range, answers, nodes: [], rejected: false });
  return { names: Object.keys(vectors), values: Float64Array.from(Object.values(vectors).flat()) };
}

export function decodeFromCheckpoint(names: readonly string[], values: Float64Array, count: number): SampleAnswer[] {
  if (count === 0) return [];
  const vectors = Object.fromEntries(names.map((name, i) => [name, [...values.subarray(i * count, (i + 1) * count)]]));
  const metrics = { question: 0, samples: count, firstPosition: 0, endPosition: count, rejected: 0 };
  const decoded = decodeAnswer({ metrics, vectors });
  if (decoded === undefined || typeof decoded === "string") {
    throw new RegulusError(
      "data-loss",
      `saw ${decoded ?? "no answer"}, expected the answers of ${counted(count, "sample")} in a checkpoint`,
    );
  }
  return [...decoded.answers];
}

const counts = z.array(z.tuple([z.int().min(0), z.int().min(0)]));
export const savedState = z.strictObject({
  startFrom: z.int().min(0).nullable(),
  hasStarts: z.boolean(),
  starts: counts,
  round: z.strictObject({
    question: z.int().min(0).nullable(),
    rejected: z.boolean(),
    solutions: counts,
    answers: z.array(z.string()),
    count: z.int().min(0),
    solve: savedSolve.optional(),
  }),
  hypergradients: z.int().min(0),
});
