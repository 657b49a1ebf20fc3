/**
 * The dense layer whose weights react to hyperparameters, x W + (h V) * (x W') + b + (h C) * b', as one operation on wasm: on small models most
 * of a step's time beyond the two products is what it costs to record and save many small operations. Elsewhere it is made of them.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, equation 7.
 */
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { bend } from "./bend.js";
import { bendPlaces, isTaped, placesGradient } from "./bend-places.js";
import { one } from "./gradients/parts.js";
import { HYPER_DENSE, HYPER_DENSE_UNBIASED } from "./wasm/bend-places.js";

/** A weight, its response and the slopes of the response's multipliers [hyperparameters, outputs]. */
export interface HyperWeight {
  readonly own: Tensor;
  readonly response: Tensor;
  readonly slopes: Tensor;
}

/** @param x [batch, ..., in]. @param h [batch, hyperparameters]. @param kernel of [in, out]. @param bias of [out]. */
export function hyperDense(x: Tensor, h: Tensor, kernel: HyperWeight, bias?: HyperWeight): Tensor {
  if (tf.backend() instanceof BackendWasm) {
    const { own, response, slopes } = kernel;
    const inputs = { x, h, own, response, slopes };
    const biases = bias && { bias: bias.own, biasResponse: bias.response, biasSlopes: bias.slopes };
    const name = bias === undefined ? HYPER_DENSE_UNBIASED : HYPER_DENSE;
    return one(tf.engine().runKernel<Tensor[]>(name, { ...inputs, ...biases })[0]);
  }
  const [own, response] = [flatProduct(x, kernel.own), flatProduct(x, kernel.response)];
  const shift = bias && bend(bias.own, bias.response, tf.matMul(h, bias.slopes));
  return bendPlaces(own, response, tf.matMul(h, kernel.slopes), shift);
}

const weightInputs = ["x", "h", "own", "response", "slopes"];

export const hyperDenseGradients: readonly GradConfig[] = [
  { kernelName: HYPER_DENSE_UNBIASED, inputsToSave: weightInputs, outputsToSave: [false, true], gradFunc: gradients },
  {
    kernelName: HYPER_DENSE,
    inputsToSave: [...weightInputs, "biasResponse", "biasSlopes"],
    outputsToSave: [false, true],
    gradFunc: gradients,
  },
];

/** Each gradient when it is asked for: a first layer's x has none, and a tuning step wants none of the weights'. */
function gradients(given: Tensor | Tensor[], saved: Tensor[]): Record<string, () => Tensor> {
  const dy = one(Array.isArray(given) ? given[0] : given);
  const [x, h, own, response, slopes] = saved;
  const [biasResponse, biasSlopes] = saved.length === 8 ? saved.slice(5) : [];
  const hidden = one(h);
  // Where this is differentiated again, x W' is made anew: nothing would flow back through what was saved of it.
  const places = isTaped() ? flatProduct(one(x), one(response)) : one(saved[saved.length - 1]);
  // What several gradients share is made here: tfjs frees what is made inside one of them.
  const by = tf.matMul(hidden, one(slopes));
  const [dResponse, dMultipliers, dBias] = placesGradient(dy, places, by);
  const byBiasSlopes = () => tf.mul(dBias, one(biasResponse));
  return {
    x: () => tf.add(flatProduct(dy, one(own), true), flatProduct(dResponse, one(response), true)),
    own: () => tf.matMul(flat(one(x)), flat(dy), true),
    response: () => tf.matMul(flat(one(x)), flat(dResponse), true),
    slopes: () => tf.matMul(hidden, dMultipliers, true),
    h: () => {
      const byKernel = tf.matMul(dMultipliers, one(slopes), false, true);
      return biasSlopes === undefined ? byKernel : tf.add(byKernel, tf.matMul(byBiasSlopes(), one(biasSlopes), false, true));
    },
    bias: () => tf.sum(dBias, 0),
    biasResponse: () => tf.sum(tf.mul(dBias, tf.matMul(hidden, one(biasSlopes))), 0),
    biasSlopes: () => tf.matMul(hidden, byBiasSlopes(), true),
  };
}

function flat(x: Tensor): Tensor {
  return x.rank === 2 ? x : tf.reshape(x, [x.size / (x.shape[x.rank - 1] ?? 1), x.shape[x.rank - 1] ?? 1]);
}

/** x [..., in] times a kernel [in, out], or its transpose. */
function flatProduct(x: Tensor, kernel: Tensor, transposed = false): Tensor {
  const product = tf.matMul(flat(x), kernel, false, transposed);
  return x.rank === 2 ? product : tf.reshape(product, [...x.shape.slice(0, -1), product.shape[1] ?? 1]);
}
