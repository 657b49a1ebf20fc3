/**
 * The contract of a technique: pure functions that act at named places of a training step. Under `self-tune` its hyperparameters have another value for
 * every example; a technique therefore reads them as columns.
 */
import type { NamedTensorMap, Scalar, Tensor } from "@tensorflow/tfjs-core";
import type { TechniqueSpec } from "../../core/component.js";
import type { Rng } from "../../core/rng.js";
import type { ParameterInfo, ParameterRole } from "../state/parameter-info.js";
import type { StepMemory } from "../state/step-memory.js";

/** What a hook may use. All tensors it makes are freed by the caller's tidy. */
export interface StepContext {
  /** The step, from 0. */
  readonly step: number;
  /** Rows of the batch. */
  readonly batchSize: number;
  /** Which rows of the train split they are, in the batch's order. */
  readonly rows: Int32Array;
  /** Rows of the train split. */
  readonly trainRows: number;
  /** The pass over the train split that the step is in, from 0. */
  readonly epoch: number;
  /** Passes that training is planned to have, at least 1, a part of one counted whole. The search's length, not a rung's. */
  readonly plannedEpochs: number;
  /** What the technique remembers from step to step. */
  readonly memory: StepMemory;
  /** Random numbers of this step and technique. */
  readonly rng: Rng;
  /** A tensor that is made once in a forward pass, by its name: a mask serves a value and its tangent. */
  once(name: string, make: () => Tensor): Tensor;
  /**
   * A hyperparameter for every example (length batchSize), or one number where all share it (length 1). It lies on the host, so that a
   * technique can skip work at strength 0 and build masks without asking the backend. Not to be written to.
   */
  values(name: string): Float32Array;
  /** The same as a tensor [batch, 1] or [1, 1]. Detached: no gradient flows through it. */
  value(name: string): Tensor;
}

/** What stands at a place where techniques act on activations. */
export type SiteKind = "input" | "hidden" | "output";

/** A place where techniques act on activations, by the model's own name for it. */
export interface Site {
  readonly name: string;
  /** input: what the model is given. hidden: between layers. output: what the last layer before the logits gives. */
  readonly kind: SiteKind;
}

/** A weight of which a technique may drop parts. */
export interface MaskableWeight {
  readonly name: string;
  /** recurrent: a layer's kernel from its own last outputs. embedding: a table, of which whole rows are dropped. */
  readonly kind: "recurrent" | "embedding";
  /** Of the mask: [units, outputs] of a recurrent kernel, [vocabulary, 1] of a table. */
  readonly shape: readonly number[];
}

/** Activations at a site: as they came, and as `site` hooks of all techniques left them. [batch, ...]. */
export interface SiteActivations {
  readonly before: Tensor;
  readonly after: Tensor;
}

/** A layer's weight, for penalties and gradient rules. */
export interface Weight {
  readonly name: string;
  /** gain: what a normalization multiplies by; with biases and embeddings, it takes no weight decay. */
  readonly kind: ParameterRole;
  /** The weight as the loss sees it (under `self-tune` the effective weight at the shared hyperparameters). */
  readonly value: Tensor;
  /** Half the sum of its squares; there where it costs less than what is made of the value. */
  halfSquares?(): Scalar;
}

/** A forward pass of a batch. */
export interface Outcome {
  /** What the model gave, [batch, ...]. */
  readonly outputs: Tensor;
  /** As the techniques' `targets` hooks left them, [batch, ...]. */
  readonly targets: Tensor;
}

/** Where a gradient transform stands among others: stages in this order, and within one the search's order of techniques. */
export const gradientStages = ["matrix", "norm", "projection"] as const;
export type GradientStage = (typeof gradientStages)[number];

/** Asks for gradients once more. */
export interface MoreGradients {
  /** Of the same batch with the same random numbers, at weights moved by these amounts; weights that are not named stay. */
  gradientsAt(moves: NamedTensorMap): NamedTensorMap;
}

/**
 * What a model uses in the place of trained kernels, in training and in measuring alike. Pure. Under `self-tune` it is of the weight itself; the
 * weight's response to hyperparameters is added to what it gives.
 */
export interface KernelView {
  /** The kernel as layers use it, in its shape; undefined where it is used as it is trained. Differentiable. */
  seen(kernel: Tensor, info: ParameterInfo): Tensor | undefined;
  /** Replaces a kernel's first values by those whose view they are; absent where first values are trained ones. Of kernels that `seen` changes. */
  invert?(values: Float32Array, info: ParameterInfo): void;
}

/** Hooks, in the order in which a step calls them. Training only. */
export interface TechniqueHooks {
  /** A view of kernels for a whole trial. @param value of a hyperparameter, which is `held`. */
  view?(value: (name: string) => number): KernelView;
  inputs?(inputs: Tensor, context: StepContext): Tensor;
  targets?(targets: Tensor, context: StepContext): Tensor;
  /** At a Network site. x [batch, ...]. Linear in x once the context is given: called again, it does to a tangent what it did to the value. */
  site?(x: Tensor, site: Site, context: StepContext): Tensor;
  /**
   * Numbers that a weight is multiplied by in this step, and its response to hyperparameters by the same ones; undefined for none. It acts on
   * weights, so its hyperparameters are shared in a batch.
   */
  mask?(weight: MaskableWeight, context: StepContext): Tensor | undefined;
  /** The loss of each example [batch], from that so far. Its gradient reaches the outputs through both. */
  losses?(losses: Tensor, outcome: Outcome, context: StepContext): Tensor;
  /** A penalty on activations, added to the batch's mean loss; undefined for none. */
  activations?(x: SiteActivations, site: Site, context: StepContext): Scalar | undefined;
  /** Added to the batch's mean loss. */
  penalty?(weights: readonly Weight[], context: StepContext): Scalar;
  /** Takes and gives gradients by weight name; frees what it replaces. */
  gradients?(gradients: NamedTensorMap, context: StepContext, more: MoreGradients): NamedTensorMap;
  /** Where `gradients` stands among other techniques'; absent for norm. */
  readonly gradientStage?: GradientStage;
  /** Takes and gives the optimizer's directions by weight name, before the learning rate. */
  directions?(directions: NamedTensorMap, context: StepContext): NamedTensorMap;
  /** After the gradients, once a step: what the forward pass gave, as constants. For what a technique remembers. */
  remember?(outcome: Outcome, context: StepContext): void;
}

/** What a technique's folder gives. */
export interface TechniqueModule<Options> {
  readonly spec: TechniqueSpec<Options>;
  create(options: Options): TechniqueHooks;
}
