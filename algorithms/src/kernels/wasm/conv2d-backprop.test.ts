/** Gradients of conv2d on wasm against the cpu backend, over strides, paddings and shapes that do and do not fill vectors and tiles. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

/** float32 sums of up to 600 products in another order: chance gives some 1e-6, a misplaced patch gives 0.1. */
const TOLERANCE = 1e-4;

const cases = [
  { x: [2, 9, 7, 3], filter: [3, 3, 3, 5], strides: 1, pad: "same" },
  { x: [2, 9, 7, 3], filter: [3, 3, 3, 5], strides: 1, pad: "valid" },
  { x: [3, 8, 8, 4], filter: [3, 3, 4, 8], strides: 2, pad: "same" },
  { x: [3, 9, 8, 1], filter: [5, 5, 1, 8], strides: 2, pad: "valid" },
  { x: [2, 6, 6, 8], filter: [1, 1, 8, 4], strides: 1, pad: "valid" },
  { x: [1, 7, 5, 2], filter: [2, 4, 2, 3], strides: [2, 1], pad: "same" },
  { x: [2, 4, 4, 2], filter: [5, 5, 2, 3], strides: 1, pad: "same" },
  { x: [2, 7, 7, 2], filter: [3, 3, 2, 3], strides: 3, pad: 1 },
  { x: [40, 12, 12, 8], filter: [5, 5, 8, 4], strides: 1, pad: "valid" },
] as const;

for (const { x, filter, strides, pad } of cases) {
  const name = `x [${x}] filter [${filter}] strides ${strides} pad ${pad}`;
  const s: number | [number, number] = typeof strides === "number" ? strides : [strides[0], strides[1]];
  const convolve = (image: tf.Tensor, weights: tf.Tensor) =>
    tf.conv2d(tf.reshape<tf.Rank.R4>(image, [...x]), tf.reshape<tf.Rank.R4>(weights, [...filter]), s, pad);
  const operands = () => ({
    image: tf.randomNormal([...x], 0, 1, "float32", 1),
    weights: tf.randomNormal([...filter], 0, 1, "float32", 2),
  });
  const dyFor = (y: tf.Tensor) => tf.randomNormal(y.shape, 0, 1, "float32", 3);

  test(`filter gradient, ${name}, is cpu's`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const { image, weights } = operands();
      return tf.grad((w: tf.Tensor) => convolve(image, w))(weights, dyFor(convolve(image, weights)));
    });
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  });

  test(`input gradient, ${name}, is cpu's`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const { image, weights } = operands();
      return tf.grad((i: tf.Tensor) => convolve(i, weights))(image, dyFor(convolve(image, weights)));
    });
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  });
}

test("channels first is refused with what was seen", () => {
  const [x, dy] = [tf.zeros<tf.Rank.R4>([1, 2, 3, 3]), tf.zeros<tf.Rank.R4>([1, 2, 3, 3])];
  assert.throws(
    () =>
      tf
        .engine()
        .runKernel("Conv2DBackpropFilter", { x, dy }, { strides: 1, pad: "same", dataFormat: "NCHW", filterShape: [1, 1, 2, 2] }),
    /saw data format NCHW, expected NHWC/,
  );
});
