/**
 * How a model is written: once, in terms of a Network, and without knowing whether its hyperparameters are fixed (`fit`) or learned
 * inside training (`self-tune`). A Network gives layers by name; what a name's weights are, and how they react to hyperparameters, is the
 * Network's affair.
 */

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
  /** A place where techniques may act on activations (dropout). Kind tells which of a technique's rates applies. */
  site(name: string, x: Signal, kind: "input" | "hidden"): Signal;
}
