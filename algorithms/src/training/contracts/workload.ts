/**
 * The contract of a workload: data in splits, a model, losses, metrics. It knows nothing of strategies, procedures, techniques or agents.
 */
import type { Tensor } from "@tensorflow/tfjs-core";
import type { WorkloadSpec } from "../../core/component.js";
import type { Configuration } from "../../core/space.js";
import type { TrainingDefaults } from "../../settings/training-settings.js";
import type { RespondTask } from "../../solvers/respond.js";
import type { StochasticProblem } from "../../solvers/stochastic-problem.js";
import type { ModelKit } from "./model-kit.js";
import type { Network, Signal } from "./network.js";

/**
 * train: gradients of weights. tune: gradients of hyperparameters learned inside training. valid: the held-out selection split that strategies
 * and early stopping compare by. test: reported, never chosen by.
 */
export type Split = "train" | "tune" | "valid" | "test";

/** Rows of a split. Inputs [batch, ...], targets [batch, ...]. */
export interface Batch {
  readonly inputs: Tensor;
  readonly targets: Tensor;
}

/** An opened workload: data loaded, sizes known. */
export interface Task {
  /** Rows of each split. */
  readonly sizes: Readonly<Record<Split, number>>;
  /** Settings, with the configuration's values already in. */
  readonly training: TrainingDefaults;
  /** Rows of one batch when measuring, where outputs are large; absent for 1,000. */
  readonly measureRows?: number;
  /** Rows of a split. The caller disposes of both tensors. */
  batch(split: Split, rows: Int32Array): Batch;
  /** The model: inputs to outputs [batch, outputs]. */
  forward(net: Network, inputs: Signal): Signal;
  /** Loss of each example [batch]. Must be safe under second derivatives. */
  loss(outputs: Tensor, targets: Tensor): Tensor;
  /** Further metrics of each example [batch], by name (error ...). They are reported as split + name: testError. */
  metrics(outputs: Tensor, targets: Tensor): Readonly<Record<string, Tensor>>;
  /** Gives its memory back. */
  close(): void;
}

export interface OpenRequest<Options> {
  readonly options: Options;
  /** Values of the workload's own hyperparameters. */
  readonly hyperparameters: Configuration;
  /** Seed of the data's splits; the same for every trial of a search. */
  readonly seed: number;
  /** tfjs and our losses, for modules that can't import them (a user's module by path). */
  readonly kit: ModelKit;
}

/** What a workload's folder (or a user's module, as its export `workload`) gives. */
export interface WorkloadModule<Options> {
  readonly spec: WorkloadSpec<Options>;
  open(request: OpenRequest<Options>): Promise<Task>;
}

/** A workload that trains nothing: its metrics are known in closed form. Runs under the procedure `evaluate`, without tfjs. */
export interface ClosedFormModule<Options> {
  readonly spec: WorkloadSpec<Options>;
  evaluate(request: Omit<OpenRequest<Options>, "kit">): ClosedForm;
}

/** A configuration of a closed-form workload. */
export interface ClosedForm {
  /** Steps after which it ends where nothing else says; at least 1. */
  readonly steps: number;
  /** Metrics after so many steps. A pure function. Throws TrialFailure where the configuration has none. */
  metrics(step: number): Readonly<Record<string, number>>;
  /** Time that one step takes, in ms; 0 for none. */
  readonly stepMs: number;
}

/** A workload whose lower level is solved in float64 on request. Runs under the procedure `respond`, without tfjs. */
export interface RespondModule<Options> {
  readonly spec: WorkloadSpec<Options>;
  respond(request: Omit<OpenRequest<Options>, "kit">): RespondTask;
}

/** A bilevel problem known through stochastic oracles in float64. Runs under the procedure `stochastic-oracle`, without tfjs. */
export interface StochasticModule<Options> {
  readonly spec: WorkloadSpec<Options>;
  stochastic(request: Omit<OpenRequest<Options>, "kit">): StochasticProblem;
}
