/**
 * MNIST for hyper-cleaning: training images a share of whose labels is wrong, fixed for each image, clean validation images, and test images. Which
 * images, and which flips, depends on the seed alone.
 */
import { assert } from "@regulus/proto";
import { createRng } from "../core/index.js";
import type { HyperCleaningData } from "../solvers/problems/hyper-cleaning.js";
import { type Digits, testDigits, trainDigits } from "./mnist-digits.js";
import { pooledDigits } from "./pooled-digits.js";

export interface NoisyDigitsOptions {
  readonly trainSize: number;
  readonly validSize: number;
  readonly testSize: number;
  /** Digits to tell apart: 0 up to, not including, this one. */
  readonly classes: number;
  /** Share of the training labels that are replaced by another class. */
  readonly flipRate: number;
  /** Windows of pixels along one side of an image. */
  readonly side: number;
}

/** The images of a seed with the flips in their labels. */
export function noisyDigits(options: NoisyDigitsOptions, seed: number): HyperCleaningData {
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
