/**
 * What a technique is: pure functions that act at named places of a training step. Under `self-tune` its hyperparameters have another value for
 * every example; a technique therefore reads them as columns.
 */
import type { NamedTensorMap, Scalar, Tensor } from "@tensorflow/tfjs-core";
import type { TechniqueSpec } from "../core/component.js";
import type { Rng } from "../core/rng.js";

/** What a hook may use. All tensors it makes are freed by the caller's tidy. */
export interface StepContext {
  /** The step, from 0. */
  readonly step: number;
  /** Rows of the batch. */
  readonly batchSize: number;
  /** Random numbers of this step and technique. */
  readonly rng: Rng;
  /**
   * A hyperparameter for every example (length batchSize), or one number where all share it (length 1). It lies on the host, so that a
   * technique can skip work at strength 0 and build masks without asking the backend. Not to be written to.
   */
  values(name: string): Float32Array;
  /** The same as a tensor [batch, 1] or [1, 1]. Detached: no gradient flows through it. */
  value(name: string): Tensor;
}

/** A layer's weight, for penalties and gradient rules. */
export interface Weight {
  readonly name: string;
  readonly kind: "kernel" | "bias" | "embedding";
  /** The weight as the loss sees it (under `self-tune` the effective weight at the shared hyperparameters). */
  readonly value: Tensor;
}

/** Hooks, in the order in which a step calls them. Training only. */
export interface TechniqueHooks {
  inputs?(inputs: Tensor, context: StepContext): Tensor;
  targets?(targets: Tensor, context: StepContext): Tensor;
  /** At a Network site. x [batch, ...]. */
  site?(x: Tensor, site: { readonly name: string; readonly kind: "input" | "hidden" }, context: StepContext): Tensor;
  /** Added to the batch's mean loss. */
  penalty?(weights: readonly Weight[], context: StepContext): Scalar;
  /** Takes and gives gradients by weight name; frees what it replaces. */
  gradients?(gradients: NamedTensorMap, context: StepContext): NamedTensorMap;
}

/** What a technique's folder gives. */
export interface TechniqueModule<Options> {
  readonly spec: TechniqueSpec<Options>;
  create(options: Options): TechniqueHooks;
}
