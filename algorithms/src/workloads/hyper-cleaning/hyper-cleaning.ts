/**
 * Data hyper-cleaning on MNIST: training labels of which a share is wrong, fixed for each image, and clean validation images. Which images, and which
 * flips, depends on the search's seed alone. What is minimized is solvers/problems/hyper-cleaning.ts.
 */
import { assert } from "@regulus/proto";
import { createRng } from "../../core/index.js";
import { type Digits, testDigits, trainDigits } from "../../data/mnist-digits.js";
import { pooledDigits } from "../../data/pooled-digits.js";
import { createHyperCleaning, type HyperCleaningData } from "../../solvers/problems/hyper-cleaning.js";
import type { StochasticModule } from "../../training/workload.js";
import { type HyperCleaningOptions, spec } from "./spec.js";

export const module: StochasticModule<HyperCleaningOptions> = {
  spec,
  stochastic: ({ options, seed }) => createHyperCleaning(noisyDigits(options, seed), { ...options, seed }),
};

/** The images of a seed with the flips in their labels. */
export function noisyDigits(options: HyperCleaningOptions, seed: number): HyperCleaningData {
  const { trainSize, validSize, testSize, classes, flipRate, side } = options;
  const rng = createRng(seed).fork("hyper-cleaning", "mnist");
  const [training, testing] = [trainDigits(), testDigits()];
  const places = drawPlaces(training, classes, trainSize + validSize, rng.fork("train").permutation(training.labels.length));
  const testPlaces = drawPlaces(testing, classes, testSize, rng.fork("test").permutation(testing.labels.length));
  const train = pooledDigits(training, places.slice(0, trainSize), { side });
  const labels = Uint8Array.from(train.labels);
  const clean = Array.from(labels, (label, row) => {
    const draw = rng.fork("flip", row);
    if (draw.uniform() >= flipRate) return true;
    labels[row] = (label + 1 + draw.integer(classes - 1)) % classes;
    return false;
  });
  return {
    classes,
    train: { ...train, labels },
    valid: pooledDigits(training, places.slice(trainSize), { side }),
    test: pooledDigits(testing, testPlaces, { side }),
    clean,
  };
}

/** The first `count` images, in a given order, of the classes wanted. */
function drawPlaces({ labels }: Digits, classes: number, count: number, order: Int32Array): Int32Array {
  const found = order.filter((place) => (labels[place] ?? classes) < classes).subarray(0, count);
  assert(found.length === count, `${classes} classes have ${found.length} images, and ${count} are wanted`);
  return found;
}
