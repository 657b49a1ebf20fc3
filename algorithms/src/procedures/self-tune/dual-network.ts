/**
 * The Network whose signals are dual numbers: it computes a model's prediction at the present hyperparameters and, beside it, how that moves
 * to first order along a displacement of them. Layers with weights are DualLayers' affair.
 * Source: Bae and Grosse, "Delta-STN", NeurIPS 2020.
 */
import * as tf from "@tensorflow/tfjs";
import type { Activation, Network, Signal } from "../../training/contracts/network.js";
import type { SiteActivations, SiteKind } from "../../training/contracts/technique.js";
import { imagesOf, type MaskRule, type TrainingRules } from "../../training/network/tensor-network.js";
import { activateDual, addDuals, type Dual, DualSignal, dualOf, mapped, maxPoolDual } from "./dual.js";
import type { DualLayers } from "./dual-layers.js";
import { groupNormalizedDual, layerNormalizedDual } from "./dual-recurrence.js";

export class DualNetwork implements Network {
  readonly #layers: DualLayers;
  readonly #rules: TrainingRules | undefined;
  readonly #maskOf: MaskRule | undefined;

  /** @param rules absent when measuring. */
  constructor(layers: DualLayers, rules?: TrainingRules) {
    this.#layers = layers;
    this.#rules = rules;
    this.#maskOf = rules === undefined ? undefined : (weight) => rules.maskOf(weight);
  }

  get training(): boolean {
    return this.#rules !== undefined;
  }

  dense(name: string, x: Signal, options: { units: number; activation?: Activation; bias?: boolean }): Signal {
    const { units, activation, bias = true } = options;
    return signal(activateDual(this.#layers.dense(name, dualOf(x), { units, bias }), activation));
  }

  conv2d(
    name: string,
    x: Signal,
    options: { filters: number; kernel: number; stride?: number; padding?: "same" | "valid"; activation?: Activation },
  ): Signal {
    const { filters, kernel, stride = 1, padding = "same", activation } = options;
    return signal(activateDual(this.#layers.conv2d(name, dualOf(x), { filters, kernel, stride, padding }), activation));
  }

  embedding(name: string, x: Signal, options: { vocabulary: number; units: number }): Signal {
    return signal(this.#layers.embedding(name, dualOf(x), { ...options, maskOf: this.#maskOf }));
  }

  lstm(name: string, x: Signal, { units }: { units: number }): Signal {
    return signal(this.#layers.lstm(name, dualOf(x), { units, maskOf: this.#maskOf }));
  }

  tied(name: string, x: Signal, options: { embedding: string }): Signal {
    return signal(this.#layers.tied(name, dualOf(x), options));
  }

  layerNorm(name: string, x: Signal): Signal {
    return signal(this.#layers.gainAndBias(name, layerNormalizedDual(dualOf(x))));
  }

  groupNorm(name: string, x: Signal, { groups = 1 }: { groups?: number } = {}): Signal {
    return signal(this.#layers.gainAndBias(name, groupNormalizedDual(dualOf(x), groups)));
  }

  maxPool(x: Signal, { size, stride = size }: { size: number; stride?: number }): Signal {
    return signal(maxPoolDual(dualOf(x), size, stride));
  }

  averagePool(x: Signal, { size, stride = size }: { size: number; stride?: number }): Signal {
    return signal(mapped(dualOf(x), (images) => tf.avgPool(imagesOf(images), size, stride, "valid")));
  }

  globalAverage(x: Signal): Signal {
    const axes = x.shape.map((_, axis) => axis).slice(1, -1);
    return signal(mapped(dualOf(x), (values) => tf.mean(values, axes)));
  }

  activation(x: Signal, activation: Activation): Signal {
    return signal(activateDual(dualOf(x), activation));
  }

  flatten(x: Signal): Signal {
    const [batch = 0, ...rest] = x.shape;
    return this.reshape(x, [batch, tf.util.sizeFromShape(rest)]);
  }

  reshape(x: Signal, shape: readonly number[]): Signal {
    return signal(mapped(dualOf(x), (values) => tf.reshape(values, [...shape])));
  }

  add(a: Signal, b: Signal): Signal {
    return signal(addDuals(dualOf(a), dualOf(b)));
  }

  /** What acts on an activation acts on its tangent too; penalties are on the linearised activation. */
  site(name: string, x: Signal, kind: SiteKind): Signal {
    const rules = this.#rules;
    if (rules === undefined) return x;
    const after = signal(mapped(dualOf(x), (values) => rules.atSite(values, { name, kind })));
    // Formed where a penalty asks for them.
    const activations: SiteActivations = {
      get before() {
        return linearised(x);
      },
      get after() {
        return linearised(after);
      },
    };
    rules.observe(activations, { name, kind });
    return after;
  }
}

function signal(dual: Dual): Signal {
  return new DualSignal(dual);
}

/** The linearised prediction: the value moved by its tangent. */
export function linearised(signal: Signal): tf.Tensor {
  const { value, tangent } = dualOf(signal);
  return tangent === undefined ? value : tf.add(value, tangent);
}
