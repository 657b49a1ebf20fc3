/**
 * Layers whose weights react to hyperparameters: W(h) = W + diag(V h) W', b(h) = b + (C h) * b', h the unconstrained coordinates. Since
 * diag(V h) acts on outputs, a batch in which every example has its own h costs two products instead of one. With one h for all, W(h) is
 * formed first, and a pass costs what an ordinary one does. Convolutions have one multiplier an output channel; an embedding's row is
 * E[token] + E'[token] * (S h). Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, section 3.1, equation 7, and appendix G.
 */
import * as tf from "@tensorflow/tfjs";
import { atPlaces, bend, bendHalves, bendPlaces, hyperDense } from "../../kernels/index.js";
import type { Weight } from "../../training/contracts/technique.js";
import { lstmSequence } from "../../training/network/lstm.js";
import { embeddingBound, maskedRows, PlainLayers, productOf, tableOf } from "../../training/network/plain-layers.js";
import { type Conv2dOptions, imagesOf, type Layers } from "../../training/network/tensor-network.js";
import { ones, type ParameterStore, uniformFanIn, zeros } from "../../training/state/parameter-store.js";
import { type ReactingWeight, ReactingWeights, type ResponseOptions } from "./reacting-weights.js";

export class HyperLayers implements Layers {
  readonly #store: ParameterStore;
  readonly #weights: ReactingWeights;
  readonly #plain: PlainLayers;

  /** For one forward pass. @param coordinates h [batch, hyperparameters], or [1, hyperparameters] for all examples. */
  constructor(store: ParameterStore, coordinates: tf.Tensor, options: ResponseOptions) {
    this.#store = store;
    this.#weights = new ReactingWeights(store, coordinates, options);
    this.#plain = new PlainLayers(store);
  }

  dense(name: string, x: tf.Tensor, options: { readonly units: number; readonly bias: boolean }): tf.Tensor {
    if (!this.#weights.reacts(name)) return this.#plain.dense(name, x, options);
    const { units, bias } = options;
    const inputs = x.shape[x.rank - 1] ?? 0;
    const fill = uniformFanIn(inputs);
    const kernel = this.#weights.get(name, "kernel", [inputs, units], fill);
    const shift = bias ? this.#weights.get(name, "bias", [units], fill) : undefined;
    if (!this.#weights.single) return hyperDense(x, this.#weights.coordinates, kernel, shift);
    const product = productOf(x, this.#weights.effective(kernel));
    return shift === undefined ? product : tf.add(product, this.#weights.effective(shift));
  }

  conv2d(name: string, x: tf.Tensor, options: Conv2dOptions): tf.Tensor {
    if (!this.#weights.reacts(name)) return this.#plain.conv2d(name, x, options);
    const { filters, kernel: side, stride, padding } = options;
    const images = imagesOf(x);
    const channels = images.shape[3];
    const fill = uniformFanIn(side * side * channels);
    const kernel = this.#weights.get(name, "kernel", [side, side, channels, filters], fill);
    const bias = this.#weights.get(name, "bias", [filters], fill);
    const convolved = (weight: tf.Tensor) => tf.conv2d(images, imagesOf(weight), stride, padding);
    if (this.#weights.single) return tf.add(convolved(this.#weights.effective(kernel)), this.#weights.effective(bias));
    // Both kernels as one with twice the filters: patches are laid out once, and products are longer.
    const both = convolved(tf.concat([kernel.own, kernel.response], 3));
    return bendHalves(both, this.#weights.multipliers(kernel), this.#shiftOf(bias));
  }

  embedding(name: string, x: tf.Tensor, options: Parameters<Layers["embedding"]>[2]): tf.Tensor {
    if (!this.#weights.reacts(name)) return this.#plain.embedding(name, x, options);
    const { vocabulary, units, maskOf } = options;
    const table = this.#weights.get(name, "table", [vocabulary, units], uniformFanIn(1 / embeddingBound ** 2));
    const tokens = tf.cast(x, "int32");
    const embedded = this.#through(table, x.rank + 1, (weight) => tf.gather(weight, tokens));
    // The same rows of both tables are dropped, so that dropping their sum is the same.
    return maskedRows(embedded, tokens, maskOf?.({ name, kind: "embedding", shape: [vocabulary, 1] }));
  }

  /** The mask of DropConnect is drawn once a pass, and W and W' of the recurrent kernel get the same one. */
  lstm(name: string, x: tf.Tensor, options: Parameters<Layers["lstm"]>[2]): tf.Tensor {
    if (!this.#weights.reacts(name)) return this.#plain.lstm(name, x, options);
    const { units, maskOf } = options;
    const inputs = x.shape[2] ?? 0;
    const kernel = this.#weights.get(name, "kernel", [inputs, 4 * units], uniformFanIn(inputs));
    const recurrent = this.#weights.get(name, "recurrent", [units, 4 * units], uniformFanIn(units));
    const bias = this.#weights.get(name, "bias", [4 * units], uniformFanIn(inputs));
    const kept = masked(recurrent, maskOf?.({ name, kind: "recurrent", shape: recurrent.own.shape }));
    if (this.#weights.single) {
      const formed = this.#weights.effective(kept);
      const driven = tf.add(productOf(x, this.#weights.effective(kernel)), this.#weights.effective(bias));
      return lstmSequence(driven, (hidden) => tf.matMul(hidden, formed));
    }
    const multipliers = this.#weights.multipliers(kept);
    return lstmSequence(hyperDense(x, this.#weights.coordinates, kernel, bias), (hidden) =>
      bend(tf.matMul(hidden, kept.own), tf.matMul(hidden, kept.response), multipliers),
    );
  }

  /** Tied to the table alone and not to its response; its own bias reacts. */
  tied(name: string, x: tf.Tensor, options: { readonly embedding: string }): tf.Tensor {
    if (!this.#weights.reacts(name)) return this.#plain.tied(name, x, options);
    const table = tableOf(this.#store, options.embedding, x);
    const [vocabulary = 0, units = 0] = table.shape;
    const bias = this.#weights.get(name, "bias", [vocabulary], uniformFanIn(units));
    return tf.add(productOf(x, table, true), this.#biasOf(bias, x.rank));
  }

  /** Gain and bias both react like a bias. Their responses begin away from zero: at zero with zero slopes neither would ever move. */
  gainAndBias(name: string, x: tf.Tensor): tf.Tensor {
    if (!this.#weights.reacts(name)) return this.#plain.gainAndBias(name, x);
    const channels = x.shape[x.rank - 1] ?? 0;
    const gain = this.#weights.get(name, "gain", [channels], ones);
    const bias = this.#weights.get(name, "bias", [channels], zeros, uniformFanIn(channels));
    return tf.add(tf.mul(x, this.#biasOf(gain, x.rank)), this.#biasOf(bias, x.rank));
  }

  weights(): readonly Weight[] {
    return [...this.#weights.weights(), ...this.#plain.weights()];
  }

  /** An operation that is linear in the weight, on W(h). @param rank of its result. */
  #through(weight: ReactingWeight, rank: number, apply: (weight: tf.Tensor) => tf.Tensor): tf.Tensor {
    if (this.#weights.single) return apply(this.#weights.effective(weight));
    const [own, response] = [apply(weight.own), apply(weight.response)];
    const multipliers = this.#weights.multipliers(weight);
    return rank === 2 ? bend(own, response, multipliers) : bendPlaces(own, response, multipliers);
  }

  /** b(h) for every example, [batch, outputs]. */
  #shiftOf(bias: ReactingWeight): tf.Tensor {
    return bend(bias.own, bias.response, this.#weights.multipliers(bias));
  }

  #biasOf(bias: ReactingWeight, rank: number): tf.Tensor {
    return this.#weights.single ? this.#weights.effective(bias) : atPlaces(this.#shiftOf(bias), rank);
  }
}

/** A weight and its response under one mask. */
export function masked(weight: ReactingWeight, mask: tf.Tensor | undefined): ReactingWeight {
  return mask === undefined ? weight : { ...weight, own: tf.mul(weight.own, mask), response: tf.mul(weight.response, mask) };
}
