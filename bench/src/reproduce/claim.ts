/** The result of a reproduction: a paper's claims, each with measured and expected values. */
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

/** A claim about one seed as a claim about each of several: it holds where it holds for all; numbers are named by their seed. */
export async function forEverySeed(
  request: ReproduceRequest,
  run: (one: ReproduceRequest) => Promise<ClaimResult>,
): Promise<ClaimResult> {
  const results: ClaimResult[] = [];
  for (let i = 0; i < request.seeds; i++) results.push(await run({ ...request, seed: request.seed + i, seeds: 1 }));
  const [first] = results;
  if (first === undefined || results.length === 1) return first ?? run(request);
  const named = results.flatMap(({ measured }, i) =>
    Object.entries(measured).map(([name, value]) => [`seed${request.seed + i}.${name}`, value] as const),
  );
  const threshold = `for each of ${request.seeds} seeds: ${first.threshold}`;
  return { ...first, threshold, measured: Object.fromEntries(named), holds: results.every(({ holds }) => holds) };
}
