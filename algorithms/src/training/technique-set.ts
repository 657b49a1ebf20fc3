/**
 * The techniques of a search, in the search's order, as one: each hook calls those of all techniques, and each technique draws from random
 * numbers of its own (trial, step, technique), so that switching one on does not change another.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { Rng } from "../core/index.js";
import type { MaskableWeight, Site, SiteActivations, StepContext, TechniqueHooks, Weight } from "./technique.js";
import type { TrainingRules } from "./tensor-network.js";

/** Values of hyperparameters in one step: batchSize of them, or one that all examples share. */
export type StepValues = ReadonlyMap<string, Float32Array>;

export interface NamedHooks {
  readonly name: string;
  readonly hooks: TechniqueHooks;
}

/** All techniques in one step. */
export class TechniquePass implements TrainingRules {
  readonly #active: readonly { hooks: TechniqueHooks; context: StepContext }[];
  /** Penalties on activations of the forward pass under way. */
  #observed: tf.Scalar[] = [];

  constructor(techniques: readonly NamedHooks[], step: { step: number; batchSize: number; rng: Rng; values: StepValues }) {
    this.#active = techniques.map(({ name, hooks }) => ({ hooks, context: contextOf(step, step.rng.fork(name)) }));
  }

  inputs(inputs: tf.Tensor): tf.Tensor {
    return this.#active.reduce((x, { hooks, context }) => hooks.inputs?.(x, context) ?? x, inputs);
  }

  targets(targets: tf.Tensor): tf.Tensor {
    return this.#active.reduce((y, { hooks, context }) => hooks.targets?.(y, context) ?? y, targets);
  }

  atSite(x: tf.Tensor, site: Site): tf.Tensor {
    return this.#active.reduce((y, { hooks, context }) => hooks.site?.(y, site, context) ?? y, x);
  }

  maskOf(weight: MaskableWeight): tf.Tensor | undefined {
    return this.#active.reduce<tf.Tensor | undefined>((product, { hooks, context }) => {
      const mask = hooks.mask?.(weight, context);
      return product === undefined || mask === undefined ? (product ?? mask) : tf.mul(product, mask);
    }, undefined);
  }

  observe(x: SiteActivations, site: Site): void {
    for (const { hooks, context } of this.#active) {
      const penalty = hooks.activations?.(x, site, context);
      if (penalty !== undefined) this.#observed.push(penalty);
    }
  }

  /** The mean loss with every penalty added: those on weights, and those on the activations that were observed since the last call. */
  penalize(loss: tf.Scalar, weights: readonly Weight[]): tf.Scalar {
    const penalties = this.#active.flatMap(({ hooks, context }) => hooks.penalty?.(weights, context) ?? []);
    const observed = this.#observed;
    this.#observed = [];
    return [...penalties, ...observed].reduce<tf.Scalar>((sum, penalty) => tf.add(sum, penalty), loss);
  }

  gradients(gradients: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
    return this.#active.reduce((g, { hooks, context }) => hooks.gradients?.(g, context) ?? g, gradients);
  }
}

function contextOf({ step, batchSize, values }: { step: number; batchSize: number; values: StepValues }, rng: Rng): StepContext {
  const valuesOf = (name: string): Float32Array => {
    const found = values.get(name);
    assert(found !== undefined, `${name} is a hyperparameter of a technique that is switched on`);
    return found;
  };
  const made = new Map<string, tf.Tensor>();
  return {
    step,
    batchSize,
    rng,
    once(name, make) {
      const known = made.get(name) ?? make();
      made.set(name, known);
      return known;
    },
    values: valuesOf,
    value: (name) => tf.tensor2d(valuesOf(name), [valuesOf(name).length, 1]),
  };
}
