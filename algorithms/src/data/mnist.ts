/**
 * The MNIST digits as splits and batches of tensors. They are kept as bytes; a batch's pixels are normalized when it is made.
 * Source: LeCun, Cortes, Burges; http://yann.lecun.com/exdb/mnist.
 */
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../core/index.js";
import { filled } from "../kernels/index.js";
import type { Batch, Split } from "../training/contracts/workload.js";
import { type Digits, mnistClasses, mnistPixels, testDigits, trainDigits } from "./mnist-digits.js";
import { checkMnistSizes, type MnistSizes, mnistTestImages, mnistTrainImages } from "./mnist-sizes.js";

/** Mean and standard deviation of all training pixels, scaled to [0, 1]. */
const pixelMean = 0.1307;
const pixelDeviation = 0.3081;
/** A byte times the slope plus the offset is its normalized value. */
const slope = 1 / (255 * pixelDeviation);
const offset = -pixelMean / pixelDeviation;

/** The four splits of a seed: disjoint rows of the official training set, and the whole official test set. */
export class MnistSplits {
  readonly sizes: Readonly<Record<Split, number>>;
  readonly #digits: Readonly<Record<Split, Digits>>;
  /** Place of each row of a split in its official set. */
  readonly #places: Readonly<Record<Split, Int32Array>>;

  constructor(sizes: MnistSizes, seed: number) {
    checkMnistSizes(sizes);
    const [training, testing] = [trainDigits(), testDigits()];
    const { trainSize, tuneSize, validSize } = sizes;
    this.sizes = { train: trainSize, tune: tuneSize, valid: validSize, test: mnistTestImages };
    this.#digits = { train: training, tune: training, valid: training, test: testing };
    const order = createRng(seed).fork("mnist").permutation(mnistTrainImages);
    this.#places = {
      train: order.slice(0, trainSize),
      tune: order.slice(trainSize, trainSize + tuneSize),
      valid: order.slice(trainSize + tuneSize, trainSize + tuneSize + validSize),
      test: Int32Array.from({ length: mnistTestImages }, (_, row) => row),
    };
  }

  /** Pixels of mean 0 and variance 1 in the given shape of one example, targets one-hot [batch, 10]. */
  batch(split: Split, rows: Int32Array, shape: readonly number[]): Batch {
    const { pixels, labels } = this.#digits[split];
    const places = this.#places[split];
    const targets = new Float32Array(rows.length * mnistClasses);
    for (const [at, row] of rows.entries()) targets[at * mnistClasses + (labels[places[row] ?? 0] ?? 0)] = 1;
    const fill = (bytes: Float32Array): void => {
      // Whole rows by `set` and the arithmetic on the backend: a loop over pixels here takes three times as long.
      for (const [at, row] of rows.entries()) {
        const place = places[row] ?? 0;
        bytes.set(pixels.subarray(place * mnistPixels, (place + 1) * mnistPixels), at * mnistPixels);
      }
    };
    const inputs = tf.tidy(() => tf.add(tf.mul(filled([rows.length, ...shape], fill), slope), offset));
    return { inputs, targets: tf.tensor2d(targets, [rows.length, mnistClasses]) };
  }
}
