/**
 * The dense layer whose weights react to hyperparameters, x W + (h V) * (x W') + b + (h C) * b', as one operation on wasm: on small models most
 * of a step's time beyond the two products is what it costs to record and save many small operations. Elsewhere it is made of them.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, equation 7.
 */
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { bend } from "./bend.js";
import { bendPlaces, placesGradient } from "./bend-places.js";
import { one } from "./gradients/parts.js";
import { isTaped } from "./taping.js";
import { HYPER_DENSE, HYPER_DENSE_GRADIENT, HYPER_DENSE_INPUT_GRADIENT, HYPER_DENSE_UNBIASED } from "./wasm/hyper-dense.js";

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

/** The products with x or its gradient when they are asked for: a first layer's x has none, and a tuning step wants none of the weights'. */
function gradients(given: Tensor | Tensor[], saved: Tensor[]): Record<string, () => Tensor> {
  const dy = one(Array.isArray(given) ? given[0] : given);
  const [x, h, own, response, slopes] = saved;
  const bias = saved.length === 8 ? { biasResponse: one(saved[5]), biasSlopes: one(saved[6]) } : undefined;
  const hidden = one(h);
  const taped = isTaped();
  // Where this is differentiated again, x W' is made anew: nothing would flow back through what was saved of it.
  const places = taped ? flatProduct(one(x), one(response)) : one(saved[saved.length - 1]);
  const parts = partsOf({ dy, h: hidden, slopes: one(slopes), places, ...bias }, taped);
  return {
    ...responseGradients(parts, { x: one(x), slopes: one(slopes), ...bias }),
    x: () =>
      taped
        ? tf.add(flatProduct(dy, one(own), true), flatProduct(parts.dResponse, one(response), true))
        : tf.engine().runKernel<Tensor>(HYPER_DENSE_INPUT_GRADIENT, {
            dy,
            own: one(own),
            places: parts.dResponse,
            response: one(response),
          }),
    own: () => tf.matMul(flat(one(x)), flat(dy), true),
    bias: () => one(parts.biased[0]),
  };
}

export interface PartInputs {
  readonly dy: Tensor;
  readonly h: Tensor;
  readonly slopes: Tensor;
  readonly places: Tensor;
  readonly biasResponse?: Tensor;
  readonly biasSlopes?: Tensor;
}

/** What several gradients share. */
export interface Parts {
  readonly dResponse: Tensor;
  readonly dMultipliers: Tensor;
  /** For each example. */
  readonly dBias: Tensor;
  readonly dSlopes: Tensor;
  /** Of a biased layer: by its bias, the bias's response and that one's slopes. */
  readonly biased: readonly Tensor[];
}

/** Made at once, before any gradient is asked for: tfjs frees what is made inside one of them. */
export function partsOf(inputs: PartInputs, taped: boolean): Parts {
  const parts = taped ? tapedParts(inputs) : tf.engine().runKernel<Tensor[]>(HYPER_DENSE_GRADIENT, { ...inputs });
  const [dResponse, dMultipliers, dBias, dSlopes, ...biased] = parts;
  return {
    dResponse: one(dResponse),
    dMultipliers: one(dMultipliers),
    dBias: one(dBias),
    dSlopes: one(dSlopes),
    biased,
  };
}

/** Gradients by a layer's responses and by h. */
export function responseGradients(
  { dResponse, dMultipliers, dBias, dSlopes, biased }: Parts,
  { x, slopes, biasResponse, biasSlopes }: Pick<PartInputs, "slopes" | "biasResponse" | "biasSlopes"> & { readonly x: Tensor },
): Record<string, () => Tensor> {
  return {
    response: () => tf.matMul(flat(x), flat(dResponse), true),
    slopes: () => dSlopes,
    h: () => {
      const byKernel = tf.matMul(dMultipliers, slopes, false, true);
      if (biasResponse === undefined || biasSlopes === undefined) return byKernel;
      return tf.add(byKernel, tf.matMul(tf.mul(dBias, biasResponse), biasSlopes, false, true));
    },
    biasResponse: () => one(biased[1]),
    biasSlopes: () => one(biased[2]),
  };
}

/** What the kernel of the gradient gives, from operations that can be differentiated. */
function tapedParts({ dy, h, slopes, places, biasResponse, biasSlopes }: PartInputs): readonly Tensor[] {
  const [dResponse, dMultipliers, dBias] = placesGradient(dy, places, tf.matMul(h, slopes));
  const parts = [dResponse, dMultipliers, dBias, tf.matMul(h, dMultipliers, true)];
  if (biasResponse === undefined || biasSlopes === undefined) return parts;
  const byResponse = tf.sum(tf.mul(dBias, tf.matMul(h, biasSlopes)), 0);
  return [...parts, tf.sum(dBias, 0), byResponse, tf.matMul(h, tf.mul(dBias, biasResponse), true)];
}

function flat(x: Tensor): Tensor {
  return x.rank === 2 ? x : tf.reshape(x, [x.size / (x.shape[x.rank - 1] ?? 1), x.shape[x.rank - 1] ?? 1]);
}

/** x [..., in] times a kernel [in, out], or its transpose. */
export function flatProduct(x: Tensor, kernel: Tensor, transposed = false): Tensor {
  const product = tf.matMul(flat(x), kernel, false, transposed);
  return x.rank === 2 ? product : tf.reshape(product, [...x.shape.slice(0, -1), product.shape[1] ?? 1]);
}
