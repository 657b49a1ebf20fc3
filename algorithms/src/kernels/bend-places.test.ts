/** Fused operations on wasm against the plain ones they are made of elsewhere: values, gradients, and gradients of gradients. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "./against-cpu.js";
import { chooseBackend } from "./backend.js";
import { bendHalves, bendPlaces } from "./bend-places.js";
import { hyperDense } from "./hyper-dense.js";
import { hyperTangent } from "./hyper-tangent.js";

before(() => chooseBackend("wasm"));

type T = tf.Tensor;
/** Sums of up to 60 float32 products in two orders, and what a second gradient makes of them. */
const TOLERANCE = 1e-4;

const weight = ([own, response, slopes]: readonly (T | undefined)[]) => {
  assert.ok(own && response && slopes);
  return { own, response, slopes };
};
const response = ([one, slopes]: readonly (T | undefined)[]) => {
  assert.ok(one && slopes);
  return { response: one, slopes };
};
const cases: Record<string, { shapes: number[][]; f: (...x: T[]) => T }> = {
  "places, whole": {
    shapes: [
      [3, 4, 2, 5],
      [3, 4, 2, 5],
      [3, 5],
      [3, 5],
    ],
    f: (base, slope, by, bias) => bendPlaces(base, slope ?? tf.scalar(0), by ?? tf.scalar(0), bias),
  },
  "places, without base and bias": {
    shapes: [
      [3, 7],
      [3, 7],
    ],
    f: (slope, by) => bendPlaces(undefined, slope ?? tf.scalar(0), by ?? tf.scalar(0)),
  },
  halves: {
    shapes: [
      [3, 4, 10],
      [3, 5],
      [3, 5],
    ],
    f: (both, by, bias) => bendHalves(both ?? tf.scalar(0), by ?? tf.scalar(0), bias ?? tf.scalar(0)),
  },
  "dense, on sequences": {
    shapes: [[3, 2, 4], [3, 2], [4, 5], [4, 5], [2, 5], [5], [5], [2, 5]],
    f: (x, h, ...rest) => hyperDense(x ?? tf.scalar(0), h ?? tf.scalar(0), weight(rest), weight(rest.slice(3))),
  },
  "dense, without bias": {
    shapes: [
      [3, 4],
      [3, 2],
      [4, 5],
      [4, 5],
      [2, 5],
    ],
    f: (x, h, ...rest) => hyperDense(x ?? tf.scalar(0), h ?? tf.scalar(0), weight(rest)),
  },
  "tangent of dense, on sequences": {
    shapes: [[3, 2, 4], [3, 2], [3, 2, 5], [4, 5], [2, 5], [5], [2, 5]],
    f: (x, h, base, ...rest) => hyperTangent(x ?? tf.scalar(0), h ?? tf.scalar(0), base, response(rest), response(rest.slice(2))),
  },
  "tangent of dense, without base and bias": {
    shapes: [
      [3, 4],
      [3, 2],
      [4, 5],
      [2, 5],
    ],
    f: (x, h, ...rest) => hyperTangent(x ?? tf.scalar(0), h ?? tf.scalar(0), undefined, response(rest)),
  },
};

for (const [name, { shapes, f }] of Object.entries(cases))
  test(`${name}: the same on wasm as on cpu, differentiated once and twice`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const at = shapes.map((shape, seed) => tf.randomNormal(shape, 0, 1, "float32", seed + 1));
      const loss = (...x: T[]) => tf.sum(tf.square(f(...x)));
      const first = tf.grads(loss)(at);
      const second = tf.grads((...x: T[]) =>
        tf.addN(
          tf
            .grads(loss)(x)
            .map((g, i) => tf.sum(tf.mul(g, at[i] ?? 0))),
        ),
      )(at);
      return tf.concat([f(...at), ...first, ...second].map((x) => tf.reshape(x, [-1])));
    });
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `${relativeGap(wasm, cpu)}`);
  });
