/** The state of MAID as plain data, and what is remembered of a point and of the trials of a line search. */
import type { PastPoint } from "./direction.js";
import type { MethodState } from "./method.js";
import type { MaidOptions } from "./options.js";

/** Present hyperparameters with what their gradient question was answered. */
export interface Point {
  readonly value: number;
  readonly lowerBound: number;
  readonly upperBound: number;
  /** z [p]. */
  readonly hypergradient: readonly number[];
  /** Norm of z. */
  readonly gradientNorm: number;
  /** What trials step along [p], and its inner product with z: negative. */
  readonly direction: readonly number[];
  readonly slope: number;
  /** Mean norm of the upper gradients: bounds are about 2 * upperGradientNorm * accuracy apart. */
  readonly upperGradientNorm: number;
  /** Worst reached by any sample. */
  readonly accuracy: number;
  readonly residual: number;
  /** Whether the arithmetic stopped a lower solve. */
  readonly stalled: boolean;
  /** omega, where known. */
  readonly bound?: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Steps that left the box before the first trial. */
  readonly outside?: number;
}

/** One trial of a line search. Numbers are there once it was answered with any. */
export interface Trial {
  readonly stepLength: number;
  verdict: "open" | "failed" | "passed";
  iterations?: number;
  psi?: number;
  value?: number;
  upperBound?: number;
  lowerBound?: number;
  accuracy?: number;
  metrics?: Readonly<Record<string, number>>;
  /** Why it failed without numbers. */
  unusable?: string;
}

export interface MaidState extends MethodState {
  readonly options: MaidOptions;
  readonly samples: number;
  /** Where the next line search begins (alpha). */
  stepLength: number;
  /** Asked of the next solves (eps). */
  accuracy: number;
  /** Asked of the next adjoint solves (delta). */
  residual: number;
  /** Trials of the next line search. */
  trialsMax: number;
  /** Question of the present point; its trials have the ids behind it. */
  gradientId: number;
  /** Question whose solutions the gradient question starts from. */
  startFrom: number | null;
  /** Null while the gradient question is open. */
  point: Point | null;
  trials: Trial[];
  /** The point before, for steps that have to be taken back. */
  previous: { readonly theta: readonly number[]; readonly hypergradient: readonly number[]; readonly stepLength: number } | null;
  /** Last points with their hypergradients, the oldest first: as many as the direction needs. */
  history: readonly PastPoint[];
  /** Steps taken back one after the other. */
  takenBack: number;
}
