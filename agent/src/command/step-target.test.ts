/** When a target is reached, on courses short enough to be read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StepTarget } from "./step-target.js";

type Course = readonly (readonly [step: number, ...names: string[]])[];

function arrivals(until: number, course: Course): { said: readonly string[]; at: number | undefined } {
  const target = new StepTarget(until, "loss");
  const said = course.map(([step, ...names]) => target.add(step, Object.fromEntries(names.map((name) => [name, 1]))));
  return { said, at: target.reachedStep };
}

const courses: readonly (readonly [
  words: string,
  until: number,
  course: Course,
  said: readonly string[],
  at: number | undefined,
])[] = [
  [
    "a line at the target reaches it",
    2,
    [
      [1, "loss"],
      [2, "loss"],
    ],
    ["before", "reached"],
    2,
  ],
  [
    "one past it does, where none is at it",
    3,
    [
      [2, "loss"],
      [4, "loss"],
      [6, "loss"],
    ],
    ["before", "reached", "beyond"],
    4,
  ],
  ["further lines of that step are part of it", 2, [[2, "loss"], [2, "acc"], [3]], ["reached", "reached", "beyond"], 2],
  [
    "the objective may come in a later line of the step",
    2,
    [
      [2, "acc"],
      [2, "loss"],
      [3, "acc"],
    ],
    ["before", "reached", "beyond"],
    2,
  ],
  [
    "a program that evaluates rarely is not waited for",
    5,
    [
      [4, "loss"],
      [5, "acc"],
      [6, "acc"],
    ],
    ["before", "before", "beyond"],
    5,
  ],
  [
    "nor asked before it has evaluated once",
    2,
    [
      [2, "acc"],
      [3, "acc"],
      [4, "loss"],
      [5, "acc"],
    ],
    ["before", "before", "reached", "beyond"],
    4,
  ],
  [
    "without a target all continues",
    0,
    [
      [1, "loss"],
      [90, "loss"],
    ],
    ["before", "before"],
    undefined,
  ],
];
for (const [words, until, course, said, at] of courses) {
  test(words, () => assert.deepEqual(arrivals(until, course), { said, at }));
}
