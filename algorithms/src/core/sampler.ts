/**
 * Where configurations come from when nothing has been learned yet: independent draws, or a scrambled Sobol sequence. Trial n's
 * configuration depends on the search's seed and n alone. Where the space has initial values, trial 0 takes them.
 */
import { initialOf } from "./create-space.js";
import type { Rng } from "./rng.js";
import { sobolCoordinate } from "./sobol-sequence.js";
import type { Configuration, Space } from "./space.js";

/** Ways to fill a space. */
export const samplerNames = ["random", "sobol"] as const;
export type SamplerName = (typeof samplerNames)[number];

/** The configuration of trial n; `rng` is keyed by the search's seed. */
export type Sampler = (trial: number, rng: Rng) => Configuration;

/** A sampler of a space, of at most 1,000 parameters and 2^32 trials. */
export function createSampler(name: SamplerName, space: Space): Sampler {
  const dimensions = space.parameters.length;
  // A trial that stands at the initial values takes no point away from the sequence.
  const shift = hasInitial(space) ? 1 : 0;
  return (trial, rng) => {
    if (trial < shift) return space.startFrom(uniformPoint(rng.fork("trial", trial), dimensions));
    if (name === "random") return space.fromUnit(uniformPoint(rng.fork("trial", trial), dimensions));
    return space.fromUnit(sobolPoint(trial - shift, dimensions, rng));
  };
}

/** Whether a parameter says where a search starts. */
export function hasInitial({ parameters }: Space): boolean {
  return parameters.some((parameter) => initialOf(parameter) !== undefined);
}

/** A point of the unit cube from a stream. */
export function uniformPoint(stream: Rng, dimensions: number): Float64Array {
  const point = new Float64Array(dimensions);
  stream.fillUniform(point);
  return point;
}

/** Point `index` of the Sobol sequence of a seed. */
export function sobolPoint(index: number, dimensions: number, rng: Rng): Float64Array {
  return Float64Array.from({ length: dimensions }, (_, dimension) => {
    return sobolCoordinate(index, dimension, rng.fork("sobol", dimension).integer(2 ** 32));
  });
}
