/**
 * Layers whose weights react to hyperparameters: W(h) = W + diag(V h) W', b(h) = b + (C h) * b', h the unconstrained coordinates. Since
 * diag(V h) acts on outputs, a batch in which every example has its own h costs two products instead of one. With one h for all, W(h) is
 * formed first, and a pass costs what an ordinary one does. Convolutions have one multiplier an output channel; an embedding's row is
 * E[token] + E'[token] * (S h). Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, section 3.1, equation 7, and appendix G.
 */
import * as tf from "@tensorflow/tfjs";
import { bend } from "../../kernels/index.js";
import { lstmSequence } from "../../training/lstm.js";
import { type Initializer, normal, ones, type ParameterStore, uniformFanIn, zeros } from "../../training/parameter-store.js";
import { embeddingBound, maskedRows, PlainLayers, productOf, tableOf } from "../../training/plain-layers.js";
import type { Weight } from "../../training/technique.js";
import { type Conv2dOptions, imagesOf, type Layers } from "../../training/tensor-network.js";

export interface ResponseOptions {
  /** Layers that react; absent for all. */
  readonly layers?: readonly string[] | undefined;
  /** Standard deviation of the first V, C and S. */
  readonly responseDeviation: number;
}

export class HyperLayers implements Layers {
  readonly #store: ParameterStore;
  readonly #coordinates: tf.Tensor;
  readonly #options: ResponseOptions;
  readonly #plain: PlainLayers;
  readonly #used: Weight[] = [];
  #shared: tf.Tensor | undefined;

  /** For one forward pass. @param coordinates h [batch, hyperparameters], or [1, hyperparameters] for all examples. */
  constructor(store: ParameterStore, coordinates: tf.Tensor, options: ResponseOptions) {
    this.#store = store;
    this.#coordinates = coordinates;
    this.#options = options;
    this.#plain = new PlainLayers(store);
  }

  dense(name: string, x: tf.Tensor, options: { readonly units: number; readonly bias: boolean }): tf.Tensor {
    if (!this.#reacts(name)) return this.#plain.dense(name, x, options);
    const { units, bias } = options;
    const inputs = x.shape[x.rank - 1] ?? 0;
    const kernel = this.#pair(name, "kernel", [inputs, units], uniformFanIn(inputs));
    const bent = this.#through(kernel, x.rank, (weight) => productOf(x, weight));
    return bias ? tf.add(bent, this.#biasOf(this.#pair(name, "bias", [units], uniformFanIn(inputs)), x.rank)) : bent;
  }

  conv2d(name: string, x: tf.Tensor, options: Conv2dOptions): tf.Tensor {
    if (!this.#reacts(name)) return this.#plain.conv2d(name, x, options);
    const { filters, kernel: side, stride, padding } = options;
    const images = imagesOf(x);
    const channels = images.shape[3];
    const fanIn = side * side * channels;
    const kernel = this.#pair(name, "kernel", [side, side, channels, filters], uniformFanIn(fanIn));
    const bent = this.#through(kernel, 4, (weight) => tf.conv2d(images, imagesOf(weight), stride, padding));
    return tf.add(bent, this.#biasOf(this.#pair(name, "bias", [filters], uniformFanIn(fanIn)), 4));
  }

  embedding(name: string, x: tf.Tensor, options: Parameters<Layers["embedding"]>[2]): tf.Tensor {
    if (!this.#reacts(name)) return this.#plain.embedding(name, x, options);
    const { vocabulary, units, maskOf } = options;
    const table = this.#pair(name, "table", [vocabulary, units], uniformFanIn(1 / embeddingBound ** 2));
    const tokens = tf.cast(x, "int32");
    const embedded = this.#through(table, x.rank + 1, (weight) => tf.gather(weight, tokens));
    // The same rows of both tables are dropped, so that dropping their sum is the same.
    return maskedRows(embedded, tokens, maskOf?.({ name, kind: "embedding", shape: [vocabulary, 1] }));
  }

  /** The mask of DropConnect is drawn once a pass, and W and W' of the recurrent kernel get the same one. */
  lstm(name: string, x: tf.Tensor, options: Parameters<Layers["lstm"]>[2]): tf.Tensor {
    if (!this.#reacts(name)) return this.#plain.lstm(name, x, options);
    const { units, maskOf } = options;
    const inputs = x.shape[2] ?? 0;
    const kernel = this.#pair(name, "kernel", [inputs, 4 * units], uniformFanIn(inputs));
    const recurrent = this.#pair(name, "recurrent", [units, 4 * units], uniformFanIn(units));
    const bias = this.#pair(name, "bias", [4 * units], uniformFanIn(inputs));
    const driven = tf.add(
      this.#through(kernel, 3, (weight) => productOf(x, weight)),
      this.#biasOf(bias, 3),
    );
    const kept = masked(recurrent, maskOf?.({ name, kind: "recurrent", shape: recurrent.own.shape }));
    if (this.#coordinates.shape[0] === 1) {
      const formed = effective(kept, kept.multipliers);
      return lstmSequence(driven, (hidden) => tf.matMul(hidden, formed));
    }
    return lstmSequence(driven, (hidden) => this.#through(kept, 2, (weight) => tf.matMul(hidden, weight)));
  }

  /** Tied to the table alone and not to its response; its own bias reacts. */
  tied(name: string, x: tf.Tensor, options: { readonly embedding: string }): tf.Tensor {
    if (!this.#reacts(name)) return this.#plain.tied(name, x, options);
    const table = tableOf(this.#store, options.embedding, x);
    const [vocabulary = 0, units = 0] = table.shape;
    const bias = this.#pair(name, "bias", [vocabulary], uniformFanIn(units));
    return tf.add(productOf(x, table, true), this.#biasOf(bias, x.rank));
  }

  /** Gain and bias both react like a bias. Their responses begin away from zero: at zero with zero slopes neither would ever move. */
  gainAndBias(name: string, x: tf.Tensor): tf.Tensor {
    if (!this.#reacts(name)) return this.#plain.gainAndBias(name, x);
    const channels = x.shape[x.rank - 1] ?? 0;
    const gain = this.#pair(name, "gain", [channels], ones);
    const bias = this.#pair(name, "bias", [channels], zeros, uniformFanIn(channels));
    return tf.add(tf.mul(x, this.#biasOf(gain, x.rank)), this.#biasOf(bias, x.rank));
  }

  weights(): readonly Weight[] {
    return [...this.#used, ...this.#plain.weights()];
  }

  #reacts(name: string): boolean {
    return this.#options.layers?.includes(name) ?? true;
  }

  /** A weight and its response, with the multiplier of the last axis. */
  #pair(name: string, part: Part, shape: readonly number[], fill: Initializer, fillResponse: Initializer = fill): Pair {
    const [hyperparameters, outputs] = [this.#coordinates.shape[1] ?? 0, shape[shape.length - 1] ?? 0];
    const own = this.#store.get(`${name}/${part}`, shape, fill);
    const response = this.#store.get(`${name}/response/${part}`, shape, fillResponse);
    const slopes = this.#store.get(
      `${name}/response/${part}-slopes`,
      [hyperparameters, outputs],
      normal(this.#options.responseDeviation),
    );
    const pair = { own, response, multipliers: tf.matMul(this.#coordinates, slopes) };
    this.#used.push(
      lazyWeight(`${name}/${part}`, kindOf(part), () => effective(pair, tf.matMul(this.#sharedCoordinates(), slopes))),
    );
    return pair;
  }

  /** The first example's coordinates, [1, hyperparameters]: what acts on weights is shared by all. */
  #sharedCoordinates(): tf.Tensor {
    this.#shared ??= tf.slice(this.#coordinates, [0, 0], [1, this.#coordinates.shape[1] ?? 0]);
    return this.#shared;
  }

  /** An operation that is linear in the weight, on W(h). @param rank of its result. */
  #through(pair: Pair, rank: number, apply: (weight: tf.Tensor) => tf.Tensor): tf.Tensor {
    if (this.#coordinates.shape[0] === 1) return apply(effective(pair, pair.multipliers));
    const [own, response] = [apply(pair.own), apply(pair.response)];
    return rank === 2 ? bend(own, response, pair.multipliers) : tf.add(own, tf.mul(response, perExample(pair.multipliers, rank)));
  }

  #biasOf(pair: Pair, rank: number): tf.Tensor {
    if (this.#coordinates.shape[0] === 1) return tf.reshape(effective(pair, pair.multipliers), [pair.own.size]);
    return perExample(bend(pair.own, pair.response, pair.multipliers), rank);
  }
}

/** Which of a layer's weights. */
type Part = "kernel" | "recurrent" | "bias" | "table" | "gain";

function kindOf(part: Part): Weight["kind"] {
  if (part === "table") return "embedding";
  return part === "recurrent" ? "kernel" : part;
}

/** A weight and its response under one mask. */
function masked(pair: Pair, mask: tf.Tensor | undefined): Pair {
  return mask === undefined ? pair : { ...pair, own: tf.mul(pair.own, mask), response: tf.mul(pair.response, mask) };
}

interface Pair {
  readonly own: tf.Tensor;
  readonly response: tf.Tensor;
  /** [batch, outputs] or [1, outputs]. */
  readonly multipliers: tf.Tensor;
}

/** The weight at one point. @param multipliers [1, outputs]; they scale the last axis. */
function effective({ own, response }: Pair, multipliers: tf.Tensor): tf.Tensor {
  return bend(own, response, tf.reshape(multipliers, [multipliers.size]));
}

/** [batch, outputs] to [batch, 1 ..., outputs] of a rank. */
function perExample(multipliers: tf.Tensor, rank: number): tf.Tensor {
  const [batch = 0, outputs = 0] = multipliers.shape;
  return rank === 2 ? multipliers : tf.reshape(multipliers, [batch, ...Array<number>(rank - 2).fill(1), outputs]);
}

/** A weight that is formed when it is first asked for: only penalties need it, and it costs a pass over the kernel. */
function lazyWeight(name: string, kind: Weight["kind"], form: () => tf.Tensor): Weight {
  let formed: tf.Tensor | undefined;
  return {
    name,
    kind,
    get value() {
      formed ??= form();
      return formed;
    },
  };
}
