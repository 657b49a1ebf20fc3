/**
 * Hyper-representation on MNIST: a task is some of the ten digits under other numbers, all turned by the same quarter turns, with few images of each.
 * Tasks depend on the search's seed alone; held-out tasks are made of test images. What is minimized is solvers/problems/hyper-representation.ts.
 */
import { assert, counted } from "@regulus/proto";
import { createRng, type Rng } from "../../core/index.js";
import { type Digits, mnistClasses, testDigits, trainDigits } from "../../data/mnist-digits.js";
import { pooledDigits } from "../../data/pooled-digits.js";
import { createHyperRepresentation, type RepresentationTask } from "../../solvers/problems/hyper-representation.js";
import type { StochasticModule } from "../../training/contracts/workload.js";
import { type HyperRepresentationOptions, spec } from "./spec.js";

export const module: StochasticModule<HyperRepresentationOptions> = {
  spec,
  stochastic({ options, seed }) {
    const rng = createRng(seed).fork("hyper-representation", "mnist");
    const draw = (digits: Digits, key: string) =>
      Array.from({ length: options.tasks }, (_, task) => drawTask(digits, options, rng.fork(key, task)));
    return createHyperRepresentation(draw(trainDigits(), "train"), draw(testDigits(), "test"), { ...options, seed });
  },
};

/** One task: which digits, how they are turned, and which images. */
export function drawTask(digits: Digits, options: HyperRepresentationOptions, rng: Rng): RepresentationTask {
  const { classes, shots, queries, side } = options;
  const chosen = rng.fork("digits").permutation(mnistClasses).subarray(0, classes);
  const turns = rng.fork("turns").integer(4);
  const order = rng.fork("images").permutation(digits.labels.length);
  const [support, query]: [number[], number[]] = [[], []];
  for (const digit of chosen) {
    const places = order.filter((place) => digits.labels[place] === digit).subarray(0, shots + queries);
    assert(
      places.length === shots + queries,
      `the digit ${digit} has ${counted(places.length, "image")}, and ${shots + queries} are wanted`,
    );
    support.push(...places.subarray(0, shots));
    query.push(...places.subarray(shots));
  }
  const rowsOf = (places: readonly number[]) => {
    const rows = pooledDigits(digits, places, { side, turns });
    return { ...rows, labels: rows.labels.map((digit) => chosen.indexOf(digit)) };
  };
  return { support: rowsOf(support), query: rowsOf(query) };
}
