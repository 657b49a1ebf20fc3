/**
 * The techniques of a search, in the search's order, as one: each hook calls those of all techniques, and each technique draws from random
 * numbers of its own (trial, step, technique), so that switching one on does not change another.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { Rng } from "../core/index.js";
import type { StepContext, TechniqueHooks, Weight } from "./technique.js";
import type { SiteRule } from "./tensor-network.js";

/** Values of hyperparameters in one step: batchSize of them, or one that all examples share. */
export type StepValues = ReadonlyMap<string, Float32Array>;

export interface NamedHooks {
  readonly name: string;
  readonly hooks: TechniqueHooks;
}

/** All techniques in one step. */
export class TechniquePass {
  readonly #active: readonly { hooks: TechniqueHooks; context: StepContext }[];

  constructor(techniques: readonly NamedHooks[], step: { step: number; batchSize: number; rng: Rng; values: StepValues }) {
    this.#active = techniques.map(({ name, hooks }) => ({ hooks, context: contextOf(step, step.rng.fork(name)) }));
  }

  inputs(inputs: tf.Tensor): tf.Tensor {
    return this.#active.reduce((x, { hooks, context }) => hooks.inputs?.(x, context) ?? x, inputs);
  }

  targets(targets: tf.Tensor): tf.Tensor {
    return this.#active.reduce((y, { hooks, context }) => hooks.targets?.(y, context) ?? y, targets);
  }

  readonly atSite: SiteRule = (x, site) => this.#active.reduce((y, { hooks, context }) => hooks.site?.(y, site, context) ?? y, x);

  /** The mean loss with every penalty added. */
  penalize(loss: tf.Scalar, weights: readonly Weight[]): tf.Scalar {
    return this.#active.reduce<tf.Scalar>((sum, { hooks, context }) => {
      const penalty = hooks.penalty?.(weights, context);
      return penalty === undefined ? sum : tf.add<tf.Scalar>(sum, penalty);
    }, loss);
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
  return {
    step,
    batchSize,
    rng,
    values: valuesOf,
    value: (name) => tf.tensor2d(valuesOf(name), [valuesOf(name).length, 1]),
  };
}
