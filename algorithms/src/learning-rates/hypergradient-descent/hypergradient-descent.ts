/**
 * rate_t = rate_{t-1} (1 + step cos(g_t, g_{t-1})): the loss after a gradient step falls with a greater rate exactly where the next gradient still points the
 * same way. Gradients of all parameters count as one vector, in float64 on the host.
 * Source: Baydin et al., "Online learning rate adaptation with hypergradient descent", ICLR 2018, the multiplicative rule, for SGD.
 */
import type { LearningRateModule, RateGradients } from "../../training/contracts/learning-rate.js";
import type { StepMemory } from "../../training/state/step-memory.js";
import { type HypergradientDescentSettings, spec } from "./spec.js";

export const module: LearningRateModule<HypergradientDescentSettings> = {
  spec,
  create: ({ hypergradientStep, rateFactorMax }) => ({
    rate({ base, memory }, { gradients }) {
      // The factor, not the rate: a trial that goes on with another base rate scales it.
      const factor = memory.numbers("factor", [1], (values) => values.fill(1));
      const moved = (factor[0] ?? 1) * (1 + hypergradientStep * cosineWithLast(gradients, memory));
      factor[0] = Math.min(rateFactorMax, Math.max(1 / rateFactorMax, moved));
      return base * (factor[0] ?? 1);
    },
  }),
};

/** Cosine of the gradient and the one before; 0 where there is none before or one of them is 0 or not finite. Remembers this one for the next step. */
function cosineWithLast(gradients: RateGradients["gradients"], memory: StepMemory): number {
  let [product, squares, lastSquares] = [0, 0, 0];
  for (const name of Object.keys(gradients).sort()) {
    const gradient = gradients[name];
    if (gradient === undefined) continue;
    const now = gradient.dataSync<"float32">();
    const last = memory.numbers(`gradient/${name}`, gradient.shape);
    for (let i = 0; i < now.length; i++) {
      const [a, b] = [now[i] ?? 0, last[i] ?? 0];
      product += a * b;
      squares += a * a;
      lastSquares += b * b;
    }
    last.set(now);
  }
  const cosine = product / Math.sqrt(squares * lastSquares);
  return Number.isFinite(cosine) ? cosine : 0;
}
