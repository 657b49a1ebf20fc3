/**
 * The contract of a probe: a measurement of a model while it trains, outside of any gradient: of its outputs, of named places inside it, of its weights or
 * of its gradients. It reads and changes nothing.
 */
import type { ProbeSpec } from "../../core/component.js";
import type { ParameterInfo } from "../state/parameter-info.js";
import type { Split } from "./workload.js";

/** Numbers of some rows, in row order. */
export interface ProbedRows {
  /** [rows, ...]. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A batch of rows as the model sees them. */
export interface ProbedBatch {
  /** The first of them. */
  readonly row: number;
  readonly outputs: ProbedRows;
  readonly targets: ProbedRows;
  /** What went through the sites that were asked for, by name. */
  readonly sites: Readonly<Record<string, ProbedRows>>;
}

/** A weight as the loss sees it. */
export interface ProbedWeight {
  readonly info: ParameterInfo;
  readonly values: Float32Array;
}

/** Gradients of one row's training loss. */
export interface ExampleGradients {
  readonly row: number;
  /** By weight. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** What a probe may look at. All of it lies on the host, and belongs to the probe. */
export interface ProbeContext {
  /** Steps done. */
  readonly step: number;
  /** Rows of each split. */
  readonly sizes: Readonly<Record<Split, number>>;
  /**
   * A split's first rows, in batches of bounded size, with techniques switched off.
   * @param sites names of the model's sites; one that the model does not have is an error that names those it has.
   */
  batches(split: Split, options?: { readonly rowsMax?: number; readonly sites?: readonly string[] }): AsyncIterable<ProbedBatch>;
  /** Every weight, by name; without what responds to hyperparameters. */
  weights(): Promise<ReadonlyMap<string, ProbedWeight>>;
  /** Gradient of the mean training loss of these rows of the train split by every weight, with techniques switched off, by name. */
  gradients(rows: Int32Array): Promise<ReadonlyMap<string, Float32Array>>;
  /**
   * The same of each row alone, one after the other in the order given, so that no more than one row's gradients lie in memory. Each costs a forward and a
   * backward pass.
   * @param rows at most 4,096 of them.
   * @param weights names of those to take gradients by; absent for all.
   */
  exampleGradients(rows: Int32Array, weights?: readonly string[]): AsyncIterable<ExampleGradients>;
}

/** What a probe saw. */
export interface Probed {
  /** The names that its spec told. A value that can't be told is left out. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Pictures (PNG) and documents that describe the model as it is now, by the kind of artifact: the last ones are kept. Absent for none. */
  readonly results?: Readonly<Record<string, Uint8Array>>;
}

export interface Probe {
  measure(context: ProbeContext): Promise<Probed>;
}

/** What a probe's folder gives. */
export interface ProbeModule<Options> {
  readonly spec: ProbeSpec<Options>;
  create(options: Options): Probe;
}
