/**
 * Several regularized least squares problems that share their hyperparameters. What bilevel methods approximate is known in closed form here, so
 * that clusters, shards and recovery are tested against the truth.
 */
import { createRng } from "../../core/index.js";
import { drawQuadratic, type QuadraticProblem } from "../../solvers/problems/quadratic.js";
import type { RespondModule } from "../../training/contracts/workload.js";
import { type QuadraticSamplesOptions, spec } from "./spec.js";

export const module: RespondModule<QuadraticSamplesOptions> = {
  spec,
  respond({ options, seed }) {
    return {
      samples: options.samples,
      theta: new Float64Array(options.hyperparameters).fill(options.start),
      sample: (index) => drawSample(options, seed, index),
    };
  },
};

/** Sample i of a search's seed, with its closed form. */
export function drawSample(options: QuadraticSamplesOptions, seed: number, index: number): QuadraticProblem {
  const { rows, dim, noise, ridge } = options;
  return drawQuadratic({ rows, dim, thetaDim: options.hyperparameters, noise, ridge }, createRng(seed).fork("sample", index));
}
