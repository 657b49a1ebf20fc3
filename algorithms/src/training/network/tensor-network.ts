/**
 * The Network whose signals are tensors. What a name's weights are it leaves to Layers (fixed weights, or weights that react to
 * hyperparameters); everything without weights is done here. Initialization: uniform within 1/sqrt(fan-in), embeddings within 0.1.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { Activation, Network, Signal } from "../contracts/network.js";
import type { MaskableWeight, Site, SiteActivations, SiteKind, Weight } from "../contracts/technique.js";
import { groupNormalized, layerNormalized } from "./normalization.js";

export interface Conv2dOptions {
  readonly filters: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: "same" | "valid";
}

/** The layers that have weights, before any activation. */
export interface Layers {
  dense(name: string, x: tf.Tensor, options: { readonly units: number; readonly bias: boolean }): tf.Tensor;
  conv2d(name: string, x: tf.Tensor, options: Conv2dOptions): tf.Tensor;
  embedding(
    name: string,
    x: tf.Tensor,
    options: { readonly vocabulary: number; readonly units: number; readonly maskOf: MaskRule | undefined },
  ): tf.Tensor;
  lstm(name: string, x: tf.Tensor, options: { readonly units: number; readonly maskOf: MaskRule | undefined }): tf.Tensor;
  tied(name: string, x: tf.Tensor, options: { readonly embedding: string }): tf.Tensor;
  /** x [batch, ..., channels] times a gain plus a bias for each channel. */
  gainAndBias(name: string, x: tf.Tensor): tf.Tensor;
  /** The weights of the layers used so far, as the loss sees them. */
  weights(): readonly Weight[];
}

/** What a weight is multiplied by in this step; undefined for nothing. */
export type MaskRule = (weight: MaskableWeight) => tf.Tensor | undefined;

/** What techniques do to a forward pass while training. */
export interface TrainingRules {
  /** What happens to activations at a site; linear in x. */
  atSite(x: tf.Tensor, site: Site): tf.Tensor;
  /** Shows what went through a site, for penalties on it. */
  observe(x: SiteActivations, site: Site): void;
  maskOf(weight: MaskableWeight): tf.Tensor | undefined;
}

export class TensorNetwork implements Network {
  readonly #layers: Layers;
  readonly #rules: TrainingRules | undefined;
  readonly #maskOf: MaskRule | undefined;
  readonly #watch: ((site: string, x: tf.Tensor) => void) | undefined;

  /**
   * @param rules absent when measuring.
   * @param watch is shown what goes through each site; absent for nobody.
   */
  constructor(layers: Layers, rules?: TrainingRules, watch?: (site: string, x: tf.Tensor) => void) {
    this.#layers = layers;
    this.#rules = rules;
    this.#watch = watch;
    this.#maskOf = rules === undefined ? undefined : (weight) => rules.maskOf(weight);
  }

  get training(): boolean {
    return this.#rules !== undefined;
  }

  dense(name: string, x: Signal, options: { units: number; activation?: Activation; bias?: boolean }): Signal {
    return activate(
      this.#layers.dense(name, tensorOf(x), { units: options.units, bias: options.bias ?? true }),
      options.activation,
    );
  }

  conv2d(
    name: string,
    x: Signal,
    options: { filters: number; kernel: number; stride?: number; padding?: "same" | "valid"; activation?: Activation },
  ): Signal {
    const { filters, kernel, stride = 1, padding = "same", activation } = options;
    return activate(this.#layers.conv2d(name, tensorOf(x), { filters, kernel, stride, padding }), activation);
  }

  embedding(name: string, x: Signal, options: { vocabulary: number; units: number }): Signal {
    return this.#layers.embedding(name, tensorOf(x), { ...options, maskOf: this.#maskOf });
  }

  lstm(name: string, x: Signal, { units }: { units: number }): Signal {
    return this.#layers.lstm(name, tensorOf(x), { units, maskOf: this.#maskOf });
  }

  tied(name: string, x: Signal, options: { embedding: string }): Signal {
    return this.#layers.tied(name, tensorOf(x), options);
  }

  layerNorm(name: string, x: Signal): Signal {
    return this.#layers.gainAndBias(name, layerNormalized(tensorOf(x)));
  }

  groupNorm(name: string, x: Signal, { groups = 1 }: { groups?: number } = {}): Signal {
    return this.#layers.gainAndBias(name, groupNormalized(tensorOf(x), groups));
  }

  maxPool(x: Signal, { size, stride = size }: { size: number; stride?: number }): Signal {
    return tf.maxPool(imagesOf(x), size, stride, "valid");
  }

  averagePool(x: Signal, { size, stride = size }: { size: number; stride?: number }): Signal {
    return tf.avgPool(imagesOf(x), size, stride, "valid");
  }

  globalAverage(x: Signal): Signal {
    const axes = x.shape.map((_, axis) => axis).slice(1, -1);
    return tf.mean(tensorOf(x), axes);
  }

  activation(x: Signal, activation: Activation): Signal {
    return activate(tensorOf(x), activation);
  }

  flatten(x: Signal): Signal {
    const [batch = 0, ...rest] = x.shape;
    return tf.reshape(tensorOf(x), [batch, tf.util.sizeFromShape(rest)]);
  }

  reshape(x: Signal, shape: readonly number[]): Signal {
    return tf.reshape(tensorOf(x), [...shape]);
  }

  add(a: Signal, b: Signal): Signal {
    return tf.add(tensorOf(a), tensorOf(b));
  }

  site(name: string, x: Signal, kind: SiteKind): Signal {
    const before = tensorOf(x);
    this.#watch?.(name, before);
    if (this.#rules === undefined) return x;
    const after = this.#rules.atSite(before, { name, kind });
    this.#rules.observe({ before, after }, { name, kind });
    return after;
  }
}

/** The tensor that a signal of this network is. */
export function tensorOf(x: Signal): tf.Tensor {
  assert(x instanceof tf.Tensor, "a signal comes from the network that it is given to");
  return x;
}

/** Images [batch, height, width, channels], or a kernel [height, width, channels, filters]. */
export function imagesOf(x: Signal): tf.Tensor4D {
  const tensor = tensorOf(x);
  assert(isRank4(tensor), `convolution and pooling take four axes, not [${x.shape.join(", ")}]`);
  return tensor;
}

function isRank4(x: tf.Tensor): x is tf.Tensor4D {
  return x.rank === 4;
}

function activate(x: tf.Tensor, activation: Activation = "linear"): tf.Tensor {
  switch (activation) {
    case "linear":
      return x;
    case "relu":
      return tf.relu(x);
    case "tanh":
      return tf.tanh(x);
    case "sigmoid":
      return tf.sigmoid(x);
  }
}
