/** What a reproduction says: claims of a paper, each with what was measured beside what was expected. */
import type { Progress } from "./progress.js";

export interface ClaimResult {
  readonly id: string;
  /** What is claimed, in one sentence. */
  readonly statement: string;
  /** Numbers by name. Those that are not finite are printed as null. */
  readonly measured: Readonly<Record<string, number>>;
  /** The inequalities that must hold. */
  readonly threshold: string;
  readonly holds: boolean;
  /** False for what is measured and reported without a claim; absent for a claim. */
  readonly asserted?: boolean;
}

export interface ReproduceRequest {
  readonly seed: number;
  /** Seeds that claims over several seeds use: seed, seed + 1 ... */
  readonly seeds: number;
  readonly progress: Progress;
}

/** A paper's claims, each run when its turn comes. */
export interface Reproduction {
  readonly paper: string;
  readonly claims: readonly { readonly id: string; run(request: ReproduceRequest): Promise<ClaimResult> }[];
}
