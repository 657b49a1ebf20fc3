/**
 * Gradients of max and average pooling that can be differentiated again; tfjs has no gradient of a pooling's gradient. Stock average pooling's
 * gradient is also wrong at the border (tfjs 4.22: the forward means over the part of a window that lies inside, the gradient divides by the
 * whole window) on every backend but native TensorFlow; here it is put right.
 */
import { assert } from "@regulus/proto";
import type { GradConfig, NamedAttrMap, Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { getKernel } from "@tensorflow/tfjs-core";
import { MAX_POOL_TANGENT } from "../wasm/pool-gradients.js";
import { one } from "./parts.js";

export const averagePoolGradient: GradConfig = {
  kernelName: "AvgPool",
  inputsToSave: ["x"],
  gradFunc: (dy, [x], attrs) => ({
    x: () => {
      const scaled = timesWindowOverInside(one(dy), one(x), attrs, 1);
      return tf.engine().runKernel<Tensor>("AvgPoolGrad", { dy: scaled, input: one(x) }, attrs);
    },
  }),
};

/** The gradient is linear in dy, and pooling is its transpose. */
export const averagePoolGradGradient: GradConfig = {
  kernelName: "AvgPoolGrad",
  inputsToSave: ["dy", "input"],
  gradFunc: (ddx, [, input], attrs) => ({
    dy: () => timesWindowOverInside(tf.engine().runKernel<Tensor>("AvgPool", { x: one(ddx) }, attrs), one(input), attrs, -1),
    input: () => tf.zerosLike(one(input)),
  }),
};

/** By dy: what ddx holds where each window's maximum stands, the first one of equals. By the others it is zero almost everywhere. */
export const maxPoolGradGradient: GradConfig = {
  kernelName: "MaxPoolGrad",
  inputsToSave: ["dy", "input", "output"],
  gradFunc: (ddx, [, input, output], attrs) => ({
    dy: () => takeAtMaxima(one(ddx), one(input), one(output), attrs),
    input: () => tf.zerosLike(one(input)),
    output: () => tf.zerosLike(one(output)),
  }),
};

/**
 * How a max pooling moves with its images, to first order: the tangent of each window's maximum (the first of equals), [batch, oh, ow, c].
 * Linear in the tangent, and differentiable by it as often as wanted; by images and pooled it is constant almost everywhere.
 * @param pooled what max pooling with valid padding gave for the images.
 */
export function maxPoolTangent(
  tangent: Tensor4D,
  images: Tensor4D,
  pooled: Tensor,
  { size, stride }: { readonly size: number; readonly stride: number },
): Tensor {
  const attrs: NamedAttrMap = { filterSize: size, strides: stride, pad: "valid" };
  const taken = tf.customGrad((...inputs) => {
    const [given, save] = inputs;
    assert(given instanceof tf.Tensor && typeof save === "function", "customGrad gives what it is given, and a way to save");
    save([images, pooled]);
    return {
      value: takeAtMaxima(given, images, pooled, attrs),
      gradFunc: (dy: Tensor, [input = images, output = pooled]: Tensor[]) =>
        tf.engine().runKernel<Tensor>("MaxPoolGrad", { dy, input, output }, attrs),
    };
  });
  return taken(tangent);
}

function poolInfo(shape: readonly number[], attrs: NamedAttrMap): tf.backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as tf.MaxPoolAttrs;
  const [n = 1, h = 1, w = 1, c = 1] = shape;
  return tf.backend_util.computePool2DInfo([n, h, w, c], filterSize, strides, 1, pad, dimRoundingMode);
}

/** y times (window / its part inside the image) to the given power, for backends whose gradient divides by the whole window. */
function timesWindowOverInside(y: Tensor, input: Tensor, attrs: NamedAttrMap, power: 1 | -1): Tensor {
  if (tf.getBackend() === "tensorflow") return y;
  const info = poolInfo(input.shape, attrs);
  const { padInfo, filterHeight, filterWidth } = info;
  if (padInfo.top + padInfo.bottom + padInfo.left + padInfo.right === 0) return y;
  const rows = insideShares(info.outHeight, info.strideHeight, filterHeight, padInfo.top, info.inHeight);
  const columns = insideShares(info.outWidth, info.strideWidth, filterWidth, padInfo.left, info.inWidth);
  const factors = rows.flatMap((row) => columns.map((column) => (row * column) ** -power));
  return tf.mul(y, tf.tensor4d(factors, [1, info.outHeight, info.outWidth, 1]));
}

/** For each window along an axis, the share of it that lies inside. */
function insideShares(count: number, stride: number, window: number, before: number, length: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const start = i * stride - before;
    return (Math.min(start + window, length) - Math.max(start, 0)) / window;
  });
}

function takeAtMaxima(ddx: Tensor, input: Tensor, output: Tensor, attrs: NamedAttrMap): Tensor {
  if (getKernel(MAX_POOL_TANGENT, tf.getBackend()) !== undefined) {
    return tf.engine().runKernel<Tensor>(MAX_POOL_TANGENT, { tangent: ddx, input, output }, attrs);
  }
  const info = poolInfo(input.shape, attrs);
  const { padInfo, outHeight, outWidth, strideHeight, strideWidth } = info;
  const pads: [number, number][] = [
    [0, 0],
    [padInfo.top, Math.max(padInfo.bottom, 0)],
    [padInfo.left, Math.max(padInfo.right, 0)],
    [0, 0],
  ];
  const [images, wanted] = [tf.pad(input, pads, Number.NEGATIVE_INFINITY), tf.pad(ddx, pads)];
  const at = (x: Tensor, row: number, column: number): Tensor => {
    const end = [
      info.batchSize,
      row + (outHeight - 1) * strideHeight + 1,
      column + (outWidth - 1) * strideWidth + 1,
      info.inChannels,
    ];
    return tf.stridedSlice(x, [0, row, column, 0], end, [1, strideHeight, strideWidth, 1]);
  };
  let taken = tf.zerosLike(output);
  let waiting = tf.onesLike(output);
  for (let row = 0; row < info.filterHeight; row++)
    for (let column = 0; column < info.filterWidth; column++) {
      const hit = tf.mul(tf.cast(tf.equal(at(images, row, column), output), "float32"), waiting);
      taken = tf.add(taken, tf.mul(hit, at(wanted, row, column)));
      waiting = tf.sub(waiting, hit);
    }
  return taken;
}
