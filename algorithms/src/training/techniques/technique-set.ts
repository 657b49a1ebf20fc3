/**
 * The techniques of a search, in the search's order, as one: each hook calls those of all techniques, and each technique draws from random
 * numbers of its own (trial, step, technique), so that switching one on does not change another.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { Rng } from "../../core/index.js";
import {
  gradientStages,
  type MaskableWeight,
  type MoreGradients,
  type Outcome,
  type Site,
  type SiteActivations,
  type StepContext,
  type TechniqueHooks,
  type Weight,
} from "../contracts/technique.js";
import type { TrainingRules } from "../network/tensor-network.js";
import type { StepMemories } from "../state/step-memory.js";

/** Values of hyperparameters in one step: batchSize of them, or one that all examples share. */
export type StepValues = ReadonlyMap<string, Float32Array>;

export interface NamedHooks {
  readonly name: string;
  readonly hooks: TechniqueHooks;
}

/** A step as techniques see it, but for what is their own. */
export interface TechniqueStep extends Omit<StepContext, "batchSize" | "rng" | "memory" | "once" | "values" | "value"> {
  /** Random numbers of the step. */
  readonly rng: Rng;
  readonly memories: StepMemories;
  readonly values: StepValues;
}

/** All techniques in one step. */
export class TechniquePass implements TrainingRules {
  readonly #active: readonly { hooks: TechniqueHooks; context: StepContext }[];
  /** Penalties on activations of the forward pass under way. */
  #observed: tf.Scalar[] = [];

  constructor(techniques: readonly NamedHooks[], step: TechniqueStep) {
    this.#active = techniques.map(({ name, hooks }) => ({ hooks, context: contextOf(step, name) }));
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

  /** The loss of each example. */
  losses(losses: tf.Tensor, outcome: Outcome): tf.Tensor {
    return this.#active.reduce((all, { hooks, context }) => hooks.losses?.(all, outcome, context) ?? all, losses);
  }

  gradients(gradients: Record<string, tf.Tensor>, more: MoreGradients): Record<string, tf.Tensor> {
    const inOrder = gradientStages.flatMap((stage) =>
      this.#active.filter(({ hooks }) => (hooks.gradientStage ?? "norm") === stage),
    );
    return inOrder.reduce((g, { hooks, context }) => hooks.gradients?.(g, context, more) ?? g, gradients);
  }

  /** What acts on the optimizer's directions; undefined where nothing does. */
  get directions(): ((directions: Record<string, tf.Tensor>) => Record<string, tf.Tensor>) | undefined {
    if (this.#active.every(({ hooks }) => hooks.directions === undefined)) return undefined;
    return (directions) => this.#active.reduce((all, { hooks, context }) => hooks.directions?.(all, context) ?? all, directions);
  }

  /** Whether a technique wants to see what a forward pass gave. */
  get remembers(): boolean {
    return this.#active.some(({ hooks }) => hooks.remember !== undefined);
  }

  remember(outcome: Outcome): void {
    for (const { hooks, context } of this.#active) hooks.remember?.(outcome, context);
  }
}

function contextOf({ rng, memories, values, ...step }: TechniqueStep, technique: string): StepContext {
  const valuesOf = (name: string): Float32Array => {
    const found = values.get(name);
    assert(found !== undefined, `${name} is a hyperparameter of a technique that is switched on`);
    return found;
  };
  const made = new Map<string, tf.Tensor>();
  return {
    ...step,
    batchSize: step.rows.length,
    rng: rng.fork(technique),
    memory: memories.of(technique),
    once(name, make) {
      const known = made.get(name) ?? make();
      made.set(name, known);
      return known;
    },
    values: valuesOf,
    value: (name) => tf.tensor2d(valuesOf(name), [valuesOf(name).length, 1]),
  };
}
