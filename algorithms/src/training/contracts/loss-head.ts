/**
 * The contract of a loss head: the loss that training takes of a model's outputs, in the place of the workload's own. Measurements and the tuning of
 * hyperparameters keep the workload's loss, so that trials with unlike heads compare.
 */
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LossHeadSpec } from "../../core/component.js";

/** A loss head with its settings. All tensors it makes are freed by the caller's tidy. */
export interface LossHead {
  /**
   * The loss of each example [batch], from outputs and targets [batch, ...] as techniques left them. Made of operations whose gradient can be
   * differentiated again.
   */
  losses(outputs: Tensor, targets: Tensor): Tensor;
}

/** What a loss head's folder gives. */
export interface LossHeadModule<Settings> {
  readonly spec: LossHeadSpec<Settings>;
  create(settings: Settings): LossHead;
}
