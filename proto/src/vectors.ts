/** Vectors of messages as plain lists of numbers, and how many numbers they hold. */
import type { Vector } from "./gen/regulus/v1/trial.js";

/** The vectors of a message from lists by name; none where absent. */
export function toVectors(lists: Readonly<Record<string, readonly number[]>> | undefined): Record<string, Vector> {
  return Object.fromEntries(Object.entries(lists ?? {}).map(([name, values]) => [name, { values: [...values] }]));
}

/** Lists by name from the vectors of a message. */
export function fromVectors(vectors: Readonly<Record<string, Vector>> | undefined): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(vectors ?? {}).map(([name, { values }]) => [name, values]));
}

/** Numbers in all vectors together. */
export function numbersIn(vectors: Readonly<Record<string, Vector>> | undefined): number {
  let count = 0;
  for (const name in vectors) count += vectors[name]?.values.length ?? 0;
  return count;
}
