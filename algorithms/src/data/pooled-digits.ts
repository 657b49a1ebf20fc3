/**
 * MNIST digits as short rows of float64 features for linear models: means of square windows of pixels, centred and scaled, with a one at the end
 * for the bias. Whole quarter turns are exact, since the windows tile the image.
 */
import { assert } from "@regulus/proto";
import { type Digits, mnistPixels, mnistSide } from "./mnist-digits.js";

/** Rows with a class each. */
export interface LabelledRows {
  readonly count: number;
  /** Features of a row, the one for the bias included. */
  readonly width: number;
  /** [count * width], row by row. */
  readonly features: Float64Array;
  readonly labels: Uint8Array;
}

/** Mean and standard deviation of all training pixels in [0, 1]; a window's mean varies a little less. */
const pixelMean = 0.1307;
const pixelDeviation = 0.3081;

/** Windows along one side that tile 28 pixels. */
export const poolings = [4, 7, 14, 28] as const;

/**
 * Features of the images at `places`. @param side windows along one side, one of `poolings`: side * side + 1 features.
 * @param turns quarter turns, anticlockwise.
 */
export function pooledDigits(
  digits: Digits,
  places: ArrayLike<number>,
  { side, turns = 0 }: { side: number; turns?: number },
): LabelledRows {
  const size = mnistSide / side;
  assert(Number.isInteger(size), `windows tile the image: saw ${side} along ${mnistSide} pixels`);
  const width = side * side + 1;
  const features = new Float64Array(places.length * width);
  const labels = new Uint8Array(places.length);
  for (let row = 0; row < places.length; row++) {
    const place = places[row] ?? 0;
    labels[row] = digits.labels[place] ?? 0;
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        const [si, sj] = turned(i, j, side, turns);
        const mean = windowMean(digits.pixels, place * mnistPixels, { top: si * size, left: sj * size, size });
        features[row * width + i * side + j] = (mean - pixelMean) / pixelDeviation;
      }
    }
    features[row * width + width - 1] = 1;
  }
  return { count: places.length, width, features, labels };
}

/** Where the window at (i, j) of the turned image lies in the image. */
function turned(i: number, j: number, side: number, turns: number): [number, number] {
  let [a, b] = [i, j];
  for (let turn = 0; turn < ((turns % 4) + 4) % 4; turn++) [a, b] = [b, side - 1 - a];
  return [a, b];
}

/** In [0, 1]. */
function windowMean(pixels: Uint8Array, start: number, { top, left, size }: { top: number; left: number; size: number }): number {
  let sum = 0;
  for (let y = top; y < top + size; y++) {
    for (let x = left; x < left + size; x++) sum += pixels[start + y * mnistSide + x] ?? 0;
  }
  return sum / (255 * size * size);
}
