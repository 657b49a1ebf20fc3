/**
 * Layers with fixed weights: the ordinary dense, convolution and embedding layers, their tensors in a ParameterStore under "NAME/kernel" and
 * "NAME/bias".
 */
import * as tf from "@tensorflow/tfjs";
import { type ParameterStore, uniformFanIn } from "./parameter-store.js";
import type { Weight } from "./technique.js";
import { type Conv2dOptions, imagesOf, type Layers } from "./tensor-network.js";

/** Half width of an embedding's first values. */
export const embeddingBound = 0.1;

export class PlainLayers implements Layers {
  readonly #store: ParameterStore;
  readonly #used: Weight[] = [];

  /** For one forward pass. The store outlives it. */
  constructor(store: ParameterStore) {
    this.#store = store;
  }

  dense(name: string, x: tf.Tensor, { units, bias }: { readonly units: number; readonly bias: boolean }): tf.Tensor {
    const inputs = x.shape[x.rank - 1] ?? 0;
    const product = productOf(x, this.#kernel(name, [inputs, units], inputs));
    return bias ? tf.add(product, this.#bias(name, units, inputs)) : product;
  }

  conv2d(name: string, x: tf.Tensor, { filters, kernel, stride, padding }: Conv2dOptions): tf.Tensor {
    const images = imagesOf(x);
    const channels = images.shape[3];
    const fanIn = kernel * kernel * channels;
    const weight = imagesOf(this.#kernel(name, [kernel, kernel, channels, filters], fanIn));
    return tf.add(tf.conv2d(images, weight, stride, padding), this.#bias(name, filters, fanIn));
  }

  embedding(
    name: string,
    x: tf.Tensor,
    { vocabulary, units }: { readonly vocabulary: number; readonly units: number },
  ): tf.Tensor {
    const table = this.#store.get(`${name}/table`, [vocabulary, units], uniformFanIn(1 / embeddingBound ** 2));
    this.#used.push({ name: `${name}/table`, kind: "embedding", value: table });
    return tf.gather(table, tf.cast(x, "int32"));
  }

  weights(): readonly Weight[] {
    return this.#used;
  }

  #kernel(name: string, shape: readonly number[], fanIn: number): tf.Tensor {
    const value = this.#store.get(`${name}/kernel`, shape, uniformFanIn(fanIn));
    this.#used.push({ name: `${name}/kernel`, kind: "kernel", value });
    return value;
  }

  #bias(name: string, units: number, fanIn: number): tf.Tensor {
    const value = this.#store.get(`${name}/bias`, [units], uniformFanIn(fanIn));
    this.#used.push({ name: `${name}/bias`, kind: "bias", value });
    return value;
  }
}

/** x [..., in] times a kernel [in, units]. The leading axes are one for the product: tfjs' gradients know no broadcast there. */
export function productOf(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
  const [inputs = 0, units = 0] = kernel.shape;
  if (x.rank === 2) return tf.matMul(x, kernel);
  return tf.reshape(tf.matMul(tf.reshape(x, [x.size / inputs, inputs]), kernel), [...x.shape.slice(0, -1), units]);
}
