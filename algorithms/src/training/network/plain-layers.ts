/**
 * Layers with fixed weights: the ordinary dense, convolution, embedding and LSTM layers, their tensors in a ParameterStore under "NAME/kernel",
 * "NAME/recurrent", "NAME/gain", "NAME/table" and "NAME/bias".
 */
import * as tf from "@tensorflow/tfjs";
import { TrialFailure } from "../contracts/procedure.js";
import type { Weight } from "../contracts/technique.js";
import { ones, type ParameterStore, uniformFanIn, zeros } from "../state/parameter-store.js";
import { lstmSequence } from "./lstm.js";
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

  embedding(name: string, x: tf.Tensor, { vocabulary, units, maskOf }: Parameters<Layers["embedding"]>[2]): tf.Tensor {
    const table = this.#store.get(`${name}/table`, [vocabulary, units], uniformFanIn(1 / embeddingBound ** 2));
    this.#used.push({ name: `${name}/table`, kind: "embedding", value: table });
    const tokens = tf.cast(x, "int32");
    return maskedRows(tf.gather(table, tokens), tokens, maskOf?.({ name, kind: "embedding", shape: [vocabulary, 1] }));
  }

  lstm(name: string, x: tf.Tensor, { units, maskOf }: Parameters<Layers["lstm"]>[2]): tf.Tensor {
    const inputs = x.shape[2] ?? 0;
    const own = this.#kernel(name, [inputs, 4 * units], inputs);
    const recurrent = this.#weight(name, "recurrent", [units, 4 * units], units);
    const mask = maskOf?.({ name, kind: "recurrent", shape: recurrent.shape });
    const kept = mask === undefined ? recurrent : tf.mul(recurrent, mask);
    const driven = tf.add(productOf(x, own), this.#bias(name, 4 * units, inputs));
    return lstmSequence(driven, (hidden) => tf.matMul(hidden, kept));
  }

  tied(name: string, x: tf.Tensor, { embedding }: { readonly embedding: string }): tf.Tensor {
    const table = tableOf(this.#store, embedding, x);
    return tf.add(productOf(x, table, true), this.#bias(name, table.shape[0] ?? 0, table.shape[1] ?? 0));
  }

  gainAndBias(name: string, x: tf.Tensor): tf.Tensor {
    const channels = x.shape[x.rank - 1] ?? 0;
    const gain = this.#store.get(`${name}/gain`, [channels], ones);
    const bias = this.#store.get(`${name}/bias`, [channels], zeros);
    this.#used.push({ name: `${name}/gain`, kind: "gain", value: gain }, { name: `${name}/bias`, kind: "bias", value: bias });
    return tf.add(tf.mul(x, gain), bias);
  }

  weights(): readonly Weight[] {
    return this.#used;
  }

  #kernel(name: string, shape: readonly number[], fanIn: number): tf.Tensor {
    return this.#weight(name, "kernel", shape, fanIn);
  }

  #weight(name: string, part: "kernel" | "recurrent", shape: readonly number[], fanIn: number): tf.Tensor {
    const value = this.#store.get(`${name}/${part}`, shape, uniformFanIn(fanIn));
    this.#used.push({ name: `${name}/${part}`, kind: "kernel", value });
    return value;
  }

  #bias(name: string, units: number, fanIn: number): tf.Tensor {
    const value = this.#store.get(`${name}/bias`, [units], uniformFanIn(fanIn));
    this.#used.push({ name: `${name}/bias`, kind: "bias", value });
    return value;
  }
}

/** x [..., in] times a kernel [in, units], or [units, in] where it is transposed. The leading axes are one for the product: tfjs' gradients know no broadcast there. */
export function productOf(x: tf.Tensor, kernel: tf.Tensor, transposed = false): tf.Tensor {
  const [rows = 0, columns = 0] = kernel.shape;
  const [inputs, units] = transposed ? [columns, rows] : [rows, columns];
  if (x.rank === 2) return tf.matMul(x, kernel, false, transposed);
  const flat = tf.reshape(x, [x.size / inputs, inputs]);
  return tf.reshape(tf.matMul(flat, kernel, false, transposed), [...x.shape.slice(0, -1), units]);
}

/** Embedded tokens [..., units] with the rows of a mask [vocabulary, 1] that are theirs. */
export function maskedRows(embedded: tf.Tensor, tokens: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor {
  return mask === undefined ? embedded : tf.mul(embedded, tf.gather(mask, tokens));
}

/** The table of an embedding that the model used before, for a layer that is tied to it. */
export function tableOf(store: ParameterStore, embedding: string, x: tf.Tensor): tf.Tensor {
  const table = store.variables.get(`${embedding}/table`);
  const units = x.shape[x.rank - 1];
  if (table !== undefined && table.shape[1] === units) return table;
  const seen = table === undefined ? "none of that name before this layer" : `one of ${table.shape[1]} units`;
  throw new TrialFailure(
    "user-error",
    `a tied layer takes ${units} units and the embedding ${embedding}: saw ${seen}, expected one of ${units}`,
  );
}
