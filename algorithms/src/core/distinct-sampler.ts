/**
 * Configurations that no earlier trial had: sampling without replacement from a space that is small enough to remember what was tried. Trial n's
 * configuration still depends on the search's seed and n alone (decision 0003): it is drawn by trial n's own key, and drawn again, by further
 * keys of that trial, where an earlier trial of the same seed has it. Spaces that are larger are sampled as they are: repeats are rare there.
 */
import { assert } from "@regulus/proto";
import { type Configurations, numberedConfigurations } from "./configurations.js";
import { ownValue, valuesOf } from "./create-space.js";
import type { Rng } from "./rng.js";
import { createSampler, hasInitial, type SamplerName, sobolPoint, uniformPoint } from "./sampler.js";
import type { Configuration, Space } from "./space.js";

/** Configurations of a space whose trials are all different. What is tried is made again after a restart, at some microseconds a trial. */
export const distinctConfigurationsMax = 65_536;
/** Draws of one trial before it takes one of those that are left: with few left, a draw seldom meets them. */
const drawsMax = 16;

/** A sampler whose trials are all different. */
export interface DistinctSampler {
  /** Trials that it has: Infinity where the space is too large to count or to remember. */
  readonly trials: number;
  /** The configuration of trial n, below `trials`. */
  at(trial: number, rng: Rng): Configuration;
}

/** How many trials a space gives, which first tries `first`. */
export function distinctTrials(space: Space, first: readonly Configuration[] = []): number {
  if (space.parameters.length === 0 || space.size > distinctConfigurationsMax) return Number.POSITIVE_INFINITY;
  const known = new Set(
    first.map((configuration) => JSON.stringify(space.parameters.map(({ name }) => ownValue(configuration, name)))),
  );
  return first.length + space.size - known.size;
}

/** A sampler of a space. The first trials have the configurations `first`, in order and whether or not they repeat. */
export function createDistinctSampler(name: SamplerName, space: Space, first: readonly Configuration[] = []): DistinctSampler {
  const trials = distinctTrials(space, first);
  const sample = createSampler(name, space);
  if (trials === Number.POSITIVE_INFINITY) return { trials, at: (trial, rng) => first[trial] ?? sample(trial, rng) };
  const configurations = numberedConfigurations(space.parameters, valuesOf);
  let made: Tried | undefined;
  return {
    trials,
    at: (trial, rng) => {
      assert(trial < trials, `a space of ${space.size} configurations has no trial ${trial}`);
      // The same seed gives the same numbers, whatever object stands for it.
      const seed = rng.fork("distinct").integer(2 ** 53);
      if (made?.seed !== seed) made = new Tried(seed, configurations);
      while (made.count <= trial) {
        const next = made.count;
        const given = first[next];
        const index = given && configurations.indexOf(given);
        made.take(index ?? drawIndex({ name, space, configurations, tried: made, trial: next, rng }));
      }
      return first[trial] ?? configurations.at(made.at(trial));
    },
  };
}

interface Draw {
  readonly name: SamplerName;
  readonly space: Space;
  readonly configurations: Configurations;
  readonly tried: Tried;
  readonly trial: number;
  readonly rng: Rng;
}

/** The number of a configuration that no trial before this one has. */
function drawIndex({ name, space, configurations, tried, trial, rng }: Draw): number {
  const own = rng.fork("trial", trial);
  const dimensions = space.parameters.length;
  for (let draw = 0; draw < drawsMax; draw++) {
    // Trial 0 takes the initial values where there are any, and no point away from a sequence.
    const starts = trial === 0 && draw === 0 && hasInitial(space);
    const point =
      name === "random" || starts
        ? uniformPoint(draw === 0 ? own : own.fork("again", draw), dimensions)
        : sobolPoint(tried.pointsUsed++, dimensions, rng);
    const index = configurations.indexOf(starts ? space.startFrom(point) : space.fromUnit(point));
    assert(index !== undefined, "a point's configuration lies in the space");
    if (!tried.has(index)) return index;
  }
  return tried.untried(own.fork("untried").integer(tried.left));
}

/** Which configurations the trials of one seed have, in their order. */
class Tried {
  readonly seed: number;
  /** Points of a sequence that were looked at. */
  pointsUsed = 0;
  readonly #order: number[] = [];
  readonly #taken: Uint8Array;
  /** Untried configurations in stretches that end at each index (a Fenwick tree, from 1). */
  readonly #untried: Int32Array;
  #left: number;

  constructor(seed: number, { size }: Configurations) {
    this.seed = seed;
    this.#left = size;
    this.#taken = new Uint8Array(size);
    this.#untried = Int32Array.from({ length: size + 1 }, (_, index) => index & -index);
  }

  get count(): number {
    return this.#order.length;
  }

  /** Configurations that no trial has. */
  get left(): number {
    return this.#left;
  }

  at(trial: number): number {
    return this.#order[trial] ?? 0;
  }

  has(index: number): boolean {
    return this.#taken[index] === 1;
  }

  take(index: number): void {
    this.#order.push(index);
    if (this.has(index)) return;
    this.#taken[index] = 1;
    this.#left -= 1;
    for (let at = index + 1; at < this.#untried.length; at += at & -at) this.#untried[at] = (this.#untried[at] ?? 0) - 1;
  }

  /** The untried configuration of a rank among the untried ones. */
  untried(rank: number): number {
    let at = 0;
    let before = rank;
    for (let step = 2 ** Math.floor(Math.log2(this.#untried.length)); step >= 1; step /= 2) {
      const count = at + step < this.#untried.length ? (this.#untried[at + step] ?? 0) : Number.POSITIVE_INFINITY;
      if (count > before) continue;
      at += step;
      before -= count;
    }
    return at;
  }
}
