/**
 * The layers of the linearised network: with z + z. t for an activation and h = t e for the hyperparameters' displacement, the part of a layer
 * that is of first order in t. For a dense layer z' = W z + b and z.' = W z. + (V e) * (W' z) + (C e) * b'; a convolution and an embedding
 * alike. Values do not depend on responses, and tangents are linear in V, C and S, and in W' and b'.
 * Source: Bae and Grosse, "Delta-STN", NeurIPS 2020 (linearised predictions); the dual-number form is ours.
 */
import * as tf from "@tensorflow/tfjs";
import { atPlaces, bendPlaces, hyperTangent, untaped } from "../../kernels/index.js";
import type { Weight } from "../../training/contracts/technique.js";
import { embeddingBound, maskedRows, productOf, tableOf } from "../../training/network/plain-layers.js";
import { type Conv2dOptions, imagesOf, type Layers } from "../../training/network/tensor-network.js";
import { roleOf } from "../../training/state/parameter-info.js";
import { type Initializer, ones, type ParameterStore, uniformFanIn, zeros } from "../../training/state/parameter-store.js";
import { type Dual, mapped } from "./dual.js";
import { lstmDual } from "./dual-recurrence.js";
import { masked } from "./hyper-layers.js";
import { type Part, type ReactingWeight, ReactingWeights, type ResponseOptions } from "./reacting-weights.js";

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
    const shift = bias ? this.#weight(name, "bias", { shape: [units], fanIn: inputs }) : undefined;
    return this.#product(kernel, x, shift);
  }

  conv2d(name: string, x: Dual, { filters, kernel: side, stride, padding }: Conv2dOptions): Dual {
    const channels = imagesOf(x.value).shape[3];
    const fanIn = side * side * channels;
    const kernel = this.#weight(name, "kernel", { shape: [side, side, channels, filters], fanIn });
    const bias = this.#weight(name, "bias", { shape: [filters], fanIn });
    const convolved = (images: tf.Tensor, weight: tf.Tensor) => tf.conv2d(imagesOf(images), imagesOf(weight), stride, padding);
    return this.#through(kernel, x, convolved, bias);
  }

  /** Tokens have no tangent, since nothing moves them. */
  embedding(name: string, x: Dual, { vocabulary, units, maskOf }: Parameters<Layers["embedding"]>[2]): Dual {
    const table = this.#weight(name, "table", { shape: [vocabulary, units], fanIn: 1 / embeddingBound ** 2 });
    const tokens = tf.cast(x.value, "int32");
    const constant = { value: tokens, tangent: undefined };
    const embedded = this.#through(table, constant, (at, weight) => tf.gather(weight, at));
    const mask = maskOf?.({ name, kind: "embedding", shape: [vocabulary, 1] });
    return mapped(embedded, (rows) => maskedRows(rows, tokens, mask));
  }

  lstm(name: string, x: Dual, { units, maskOf }: Parameters<Layers["lstm"]>[2]): Dual {
    const inputs = x.value.shape[2] ?? 0;
    const kernel = this.#weight(name, "kernel", { shape: [inputs, 4 * units], fanIn: inputs });
    const recurrent = this.#weight(name, "recurrent", { shape: [units, 4 * units], fanIn: units });
    const bias = this.#weight(name, "bias", { shape: [4 * units], fanIn: inputs });
    const driven = this.#product(kernel, x, bias);
    const mask = maskOf?.({ name, kind: "recurrent", shape: recurrent.own.shape });
    const kept = mask === undefined ? recurrent : maskedDual(recurrent, mask);
    return lstmDual(driven, (hidden) => this.#through(kept, hidden, productOf));
  }

  /** Tied to the table alone and not to its response. */
  tied(name: string, x: Dual, { embedding }: { readonly embedding: string }): Dual {
    const table = tableOf(this.#store, embedding, x.value);
    const [vocabulary = 0, units = 0] = table.shape;
    const bias = this.#weight(name, "bias", { shape: [vocabulary], fanIn: units });
    return this.#through({ own: table }, x, (of, weight) => productOf(of, weight, true), bias);
  }

  gainAndBias(name: string, x: Dual): Dual {
    const shape = [x.value.shape[x.value.rank - 1] ?? 0];
    const gain = this.#weight(name, "gain", { shape, fanIn: 1 }, ones);
    return this.#through(gain, x, tf.mul, this.#weight(name, "bias", { shape, fanIn: shape[0] ?? 0 }, zeros));
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
    this.#plain.push({ name: `${layer}/${part}`, kind: roleOf(part), value: own });
    return { own };
  }

  /** A product with a kernel, plus a bias. */
  #product(kernel: DualWeight, x: Dual, bias?: DualWeight): Dual {
    if (!("response" in kernel)) return this.#through(kernel, x, productOf, bias);
    const through = mapped(x, (of) => productOf(of, kernel.own));
    const shift = bias !== undefined && "response" in bias ? bias : undefined;
    return {
      value: shifted(through.value, bias),
      tangent: hyperTangent(x.value, this.#weights.coordinates, through.tangent, kernel, shift),
    };
  }

  /** An operation that is linear in the weight and in x, plus a bias. */
  #through(weight: DualWeight, x: Dual, apply: (x: tf.Tensor, weight: tf.Tensor) => tf.Tensor, bias?: DualWeight): Dual {
    const through = mapped(x, (of) => apply(of, weight.own));
    const value = shifted(through.value, bias);
    const shift = bias !== undefined && "response" in bias ? this.#shiftOf(bias) : undefined;
    if ("response" in weight) {
      const multipliers = this.#weights.multipliers(weight);
      return { value, tangent: bendPlaces(through.tangent, apply(x.value, weight.response), multipliers, shift) };
    }
    const parts = [through.tangent, shift && atPlaces(shift, value.rank)].flatMap((part) => part ?? []);
    return {
      value,
      tangent:
        parts.length === 0
          ? undefined
          : tf.broadcastTo(
              parts.reduce((a, b) => tf.add(a, b)),
              value.shape,
            ),
    };
  }

  /** How a bias moves for every example, [batch, outputs]. */
  #shiftOf(bias: ReactingWeight): tf.Tensor {
    return tf.mul(bias.response, this.#weights.multipliers(bias));
  }
}

/** A layer's value with its bias. */
function shifted(value: tf.Tensor, bias: DualWeight | undefined): tf.Tensor {
  return bias === undefined ? value : untaped(() => tf.add(value, bias.own));
}

function maskedDual(weight: DualWeight, mask: tf.Tensor): DualWeight {
  return "response" in weight ? masked(weight, mask) : { own: tf.mul(weight.own, mask) };
}

/** A weight with its response, or one of a layer that does not react. */
type DualWeight = ReactingWeight | { readonly own: tf.Tensor };
