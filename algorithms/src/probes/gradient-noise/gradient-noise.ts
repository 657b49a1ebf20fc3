/**
 * Variance of the gradients of single examples, tr(S) (all parameters as one vector), the norm |G| of their mean, and the simple noise scale tr(S) / |G|^2: batches far
 * below it waste few examples, far above it most. |G|^2 and tr(S) are estimated without bias from the rows; where noise hides the gradient, so that |G|^2 is
 * estimated at 0 or below, there is no scale. In float64.
 * Source: McCandlish et al., "An empirical model of large-batch training", arXiv:1812.06162, equation 2.9 and appendix A.1.
 */
import type { ExampleGradients, ProbeModule } from "../../training/contracts/probe.js";
import { type GradientNoiseOptions, spec } from "./spec.js";

export const module: ProbeModule<GradientNoiseOptions> = {
  spec,
  create: ({ rows }) => ({
    async measure({ sizes, exampleGradients }) {
      const chosen = Int32Array.from({ length: Math.min(rows, sizes.train) }, (_, row) => row);
      return { metrics: chosen.length < 2 ? {} : await gradientNoise(exampleGradients(chosen)) };
    },
  }),
};

/** Of at least two examples. */
export async function gradientNoise(
  examples: AsyncIterable<Pick<ExampleGradients, "gradients">>,
): Promise<Record<string, number>> {
  const sums = new Map<string, Float64Array>();
  let [count, squares] = [0, 0];
  for await (const { gradients } of examples) {
    count++;
    for (const [name, gradient] of gradients) {
      const sum = sums.get(name) ?? new Float64Array(gradient.length);
      sums.set(name, sum);
      for (const [i, value] of gradient.entries()) {
        sum[i] = (sum[i] ?? 0) + value;
        squares += value * value;
      }
    }
  }
  let squaredMean = 0;
  for (const sum of sums.values()) for (const value of sum) squaredMean += (value / count) ** 2;
  const variance = Math.max(0, (squares - count * squaredMean) / (count - 1));
  const squaredNorm = squaredMean - variance / count;
  return {
    gradientNorm: Math.sqrt(squaredMean),
    gradientVariance: variance,
    ...(squaredNorm > 0 ? { gradientNoiseScale: variance / squaredNorm } : {}),
  };
}
