/**
 * How a model is written: once, in terms of a Network, and without knowing whether its hyperparameters are fixed (`fit`) or learned
 * inside training (`self-tune`). A Network gives layers by name; what a name's weights are, and how they react to hyperparameters, is the
 * Network's affair.
 */
import type { SiteKind } from "./technique.js";

/** A value on its way through a network: a batch of activations. Only the Network looks inside. */
export interface Signal {
  readonly shape: readonly number[];
}

export type Activation = "linear" | "relu" | "tanh" | "sigmoid";

/** Layers by name. Names are unique in a model. */
export interface Network {
  /** Whether techniques act (dropout and the like); false when measuring. */
  readonly training: boolean;
  /** x [batch, in] to [batch, units]. */
  dense(name: string, x: Signal, options: { units: number; activation?: Activation; bias?: boolean }): Signal;
  /** x [batch, height, width, in] to [batch, height', width', filters]. */
  conv2d(
    name: string,
    x: Signal,
    options: { filters: number; kernel: number; stride?: number; padding?: "same" | "valid"; activation?: Activation },
  ): Signal;
  /** x [batch, length] of whole numbers to [batch, length, units]. */
  embedding(name: string, x: Signal, options: { vocabulary: number; units: number }): Signal;
  /**
   * A recurrent layer with long short-term memory: x [batch, time, in] to its hidden states [batch, time, units], both states zero before the
   * first time. Its recurrent kernel is what DropConnect acts on.
   */
  lstm(name: string, x: Signal, options: { units: number }): Signal;
  /** x [..., units] of an embedding to logits [..., vocabulary], by the embedding's own table and a bias of this layer's. */
  tied(name: string, x: Signal, options: { embedding: string }): Signal;
  /**
   * x [batch, ..., units] to mean 0 and variance 1 over the last axis of each place, times a gain plus a bias for each unit. It mixes no
   * examples, so that it stays right where every example has its own hyperparameters; batch normalization does not, and there is none.
   */
  layerNorm(name: string, x: Signal): Signal;
  /**
   * x [batch, ..., channels] to mean 0 and variance 1 over all places and the channels of each group (groups divide channels; default 1),
   * times a gain plus a bias for each channel.
   */
  groupNorm(name: string, x: Signal, options?: { groups?: number }): Signal;
  /** x [batch, height, width, channels]; windows of size x size. */
  maxPool(x: Signal, options: { size: number; stride?: number }): Signal;
  /** As maxPool, with means. */
  averagePool(x: Signal, options: { size: number; stride?: number }): Signal;
  /** Means over every axis but the first and the last. */
  globalAverage(x: Signal): Signal;
  activation(x: Signal, activation: Activation): Signal;
  /** To [batch, all]. */
  flatten(x: Signal): Signal;
  reshape(x: Signal, shape: readonly number[]): Signal;
  add(a: Signal, b: Signal): Signal;
  /**
   * A place where techniques may act on activations (dropout, activation penalties). Kind tells which of a technique's rates applies: input for
   * what the model is given, hidden between layers, output for what the last layer before the logits gives.
   */
  site(name: string, x: Signal, kind: SiteKind): Signal;
}
