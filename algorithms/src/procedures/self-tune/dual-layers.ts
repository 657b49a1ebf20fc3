/**
 * The layers of the linearised network: with z + z. t for an activation and h = t e for the hyperparameters' displacement, the part of a layer
 * that is of first order in t. For a dense layer z' = W z + b and z.' = W z. + (V e) * (W' z) + (C e) * b'; a convolution and an embedding
 * alike. Values do not depend on responses, and tangents are linear in V, C and S, and in W' and b'.
 * Source: Bae and Grosse, "Delta-STN", NeurIPS 2020 (linearised predictions); the dual-number form is ours.
 */
import * as tf from "@tensorflow/tfjs";
import { bend } from "../../kernels/index.js";
import { type Initializer, ones, type ParameterStore, uniformFanIn, zeros } from "../../training/parameter-store.js";
import { embeddingBound, maskedRows, productOf, tableOf } from "../../training/plain-layers.js";
import type { Weight } from "../../training/technique.js";
import { type Conv2dOptions, imagesOf, type Layers } from "../../training/tensor-network.js";
import { type Dual, mapped } from "./dual.js";
import { lstmDual } from "./dual-recurrence.js";
import { masked } from "./hyper-layers.js";
import { kindOf, type Part, perExample, type ReactingWeight, ReactingWeights, type ResponseOptions } from "./reacting-weights.js";

export class DualLayers {
  readonly #store: ParameterStore;
  readonly #weights: ReactingWeights;
  readonly #plain: Weight[] = [];

  /** For one forward pass. @param displacement e [batch, hyperparameters], from where the hyperparameters are. */
  constructor(store: ParameterStore, displacement: tf.Tensor, options: ResponseOptions) {
    this.#store = store;
    this.#weights = new ReactingWeights(store, displacement, options);
  }

  dense(name: string, x: Dual, { units, bias }: { readonly units: number; readonly bias: boolean }): Dual {
    const rank = x.value.rank;
    const inputs = x.value.shape[rank - 1] ?? 0;
    const kernel = this.#weight(name, "kernel", { shape: [inputs, units], fanIn: inputs });
    const product = this.#through(kernel, x, rank, productOf);
    return bias ? this.#withBias(product, this.#weight(name, "bias", { shape: [units], fanIn: inputs })) : product;
  }

  conv2d(name: string, x: Dual, { filters, kernel: side, stride, padding }: Conv2dOptions): Dual {
    const channels = imagesOf(x.value).shape[3];
    const fanIn = side * side * channels;
    const kernel = this.#weight(name, "kernel", { shape: [side, side, channels, filters], fanIn });
    const convolved = this.#through(kernel, x, 4, (images, weight) =>
      tf.conv2d(imagesOf(images), imagesOf(weight), stride, padding),
    );
    return this.#withBias(convolved, this.#weight(name, "bias", { shape: [filters], fanIn }));
  }

  /** Tokens have no tangent, since nothing moves them. */
  embedding(name: string, x: Dual, { vocabulary, units, maskOf }: Parameters<Layers["embedding"]>[2]): Dual {
    const table = this.#weight(name, "table", { shape: [vocabulary, units], fanIn: 1 / embeddingBound ** 2 });
    const tokens = tf.cast(x.value, "int32");
    const constant = { value: tokens, tangent: undefined };
    const embedded = this.#through(table, constant, x.value.rank + 1, (at, weight) => tf.gather(weight, at));
    const mask = maskOf?.({ name, kind: "embedding", shape: [vocabulary, 1] });
    return mapped(embedded, (rows) => maskedRows(rows, tokens, mask));
  }

  lstm(name: string, x: Dual, { units, maskOf }: Parameters<Layers["lstm"]>[2]): Dual {
    const inputs = x.value.shape[2] ?? 0;
    const kernel = this.#weight(name, "kernel", { shape: [inputs, 4 * units], fanIn: inputs });
    const recurrent = this.#weight(name, "recurrent", { shape: [units, 4 * units], fanIn: units });
    const bias = this.#weight(name, "bias", { shape: [4 * units], fanIn: inputs });
    const driven = this.#withBias(this.#through(kernel, x, 3, productOf), bias);
    const mask = maskOf?.({ name, kind: "recurrent", shape: recurrent.own.shape });
    const kept = mask === undefined ? recurrent : maskedDual(recurrent, mask);
    return lstmDual(driven, (hidden) => this.#through(kept, hidden, 2, productOf));
  }

  /** Tied to the table alone and not to its response. */
  tied(name: string, x: Dual, { embedding }: { readonly embedding: string }): Dual {
    const table = tableOf(this.#store, embedding, x.value);
    const [vocabulary = 0, units = 0] = table.shape;
    const product = mapped(x, (of) => productOf(of, table, true));
    return this.#withBias(product, this.#weight(name, "bias", { shape: [vocabulary], fanIn: units }));
  }

  gainAndBias(name: string, x: Dual): Dual {
    const shape = [x.value.shape[x.value.rank - 1] ?? 0];
    const gain = this.#weight(name, "gain", { shape, fanIn: 1 }, ones);
    const scaled = this.#through(gain, x, x.value.rank, tf.mul);
    return this.#withBias(scaled, this.#weight(name, "bias", { shape, fanIn: shape[0] ?? 0 }, zeros));
  }

  /** The weights used, displaced as the first example's hyperparameters are. */
  weights(): readonly Weight[] {
    return [...this.#weights.weights(), ...this.#plain];
  }

  /** @param fill of the weight itself where that differs from its response's. */
  #weight(
    layer: string,
    part: Part,
    { shape, fanIn }: { readonly shape: readonly number[]; readonly fanIn: number },
    fill: Initializer = uniformFanIn(fanIn),
  ): DualWeight {
    const fillResponse = part === "gain" ? fill : uniformFanIn(fanIn);
    if (this.#weights.reacts(layer)) return this.#weights.get(layer, part, shape, fill, fillResponse);
    const own = this.#store.get(`${layer}/${part}`, shape, fill);
    this.#plain.push({ name: `${layer}/${part}`, kind: kindOf(part), value: own });
    return { own };
  }

  /** An operation that is linear in the weight and in x. @param rank of its result. */
  #through(weight: DualWeight, x: Dual, rank: number, apply: (x: tf.Tensor, weight: tf.Tensor) => tf.Tensor): Dual {
    const through = mapped(x, (of) => apply(of, weight.own));
    if (!("response" in weight)) return through;
    const response = apply(x.value, weight.response);
    return { value: through.value, tangent: bentBy(through.tangent, response, perExample(weight.multipliers, rank)) };
  }

  #withBias({ value, tangent }: Dual, bias: DualWeight): Dual {
    const sum = tf.add(value, bias.own);
    if (!("response" in bias)) return { value: sum, tangent };
    // One bias for a whole image: its multipliers are an example's, and have the axes of x between the first and the last.
    const [rank, { response, multipliers }] = [value.rank, bias];
    if (rank === 2 && tangent !== undefined) return { value: sum, tangent: bend(tangent, response, multipliers) };
    return { value: sum, tangent: added(tangent, perExample(tf.mul(response, multipliers), rank), value.shape) };
  }
}

function maskedDual(weight: DualWeight, mask: tf.Tensor): DualWeight {
  return "response" in weight ? masked(weight, mask) : { own: tf.mul(weight.own, mask) };
}

/** A weight with its response, or one of a layer that does not react. */
type DualWeight = ReactingWeight | { readonly own: tf.Tensor };

function bentBy(tangent: tf.Tensor | undefined, slope: tf.Tensor, by: tf.Tensor): tf.Tensor {
  if (tangent === undefined) return tf.mul(slope, by);
  return tangent.rank === 2 ? bend(tangent, slope, by) : tf.add(tangent, tf.mul(slope, by));
}

function added(tangent: tf.Tensor | undefined, more: tf.Tensor, shape: number[]): tf.Tensor {
  return tangent === undefined ? tf.broadcastTo(more, shape) : tf.add(tangent, more);
}
