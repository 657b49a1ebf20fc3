/**
 * How the dense layer whose weights react moves along hyperparameters' displacement h, to first order: base + (h V) * (x W') + (h C) * b', base being
 * what the layer makes of x's own tangent. One operation on wasm, whose gradient it shares with the layer itself; elsewhere made of others.
 * Source: Bae and Grosse, "Delta-STN", NeurIPS 2020 (linearised predictions).
 */
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { bendPlaces } from "./bend-places.js";
import { one } from "./gradients/parts.js";
import { flatProduct, type HyperWeight, partsOf, responseGradients } from "./hyper-dense.js";
import { isTaped } from "./taping.js";
import { HYPER_TANGENT, HYPER_TANGENT_UNBIASED } from "./wasm/hyper-dense.js";

/** A weight's response alone. */
type Response = Omit<HyperWeight, "own">;

/** @param x [batch, ..., in], the value. @param h [batch, hyperparameters]. @param base [batch, ..., out]; absent for zero. */
export function hyperTangent(x: Tensor, h: Tensor, base: Tensor | undefined, kernel: Response, bias?: Response): Tensor {
  const { response, slopes } = kernel;
  if (tf.backend() instanceof BackendWasm) {
    const inputs = { x, h, response, slopes, ...(base && { base }) };
    const biases = bias && { biasResponse: bias.response, biasSlopes: bias.slopes };
    const name = bias === undefined ? HYPER_TANGENT_UNBIASED : HYPER_TANGENT;
    return one(tf.engine().runKernel<Tensor[]>(name, { ...inputs, ...biases })[0]);
  }
  const shift = bias && tf.mul(bias.response, tf.matMul(h, bias.slopes));
  return bendPlaces(base, flatProduct(x, response), tf.matMul(h, slopes), shift);
}

const weightInputs = ["x", "h", "response", "slopes"];

export const hyperTangentGradients: readonly GradConfig[] = [
  { kernelName: HYPER_TANGENT_UNBIASED, inputsToSave: weightInputs, outputsToSave: [false, true], gradFunc: gradients },
  {
    kernelName: HYPER_TANGENT,
    inputsToSave: [...weightInputs, "biasResponse", "biasSlopes"],
    outputsToSave: [false, true],
    gradFunc: gradients,
  },
];

function gradients(given: Tensor | Tensor[], saved: Tensor[]): Record<string, () => Tensor> {
  const dy = one(Array.isArray(given) ? given[0] : given);
  const [x, h, response, slopes] = [one(saved[0]), one(saved[1]), one(saved[2]), one(saved[3])];
  const bias = saved.length === 7 ? { biasResponse: one(saved[4]), biasSlopes: one(saved[5]) } : undefined;
  const taped = isTaped();
  const places = taped ? flatProduct(x, response) : one(saved[saved.length - 1]);
  const parts = partsOf({ dy, h, slopes, places, ...bias }, taped);
  return {
    ...responseGradients(parts, { x, slopes, ...bias }),
    x: () => flatProduct(parts.dResponse, response, true),
    base: () => dy,
  };
}
