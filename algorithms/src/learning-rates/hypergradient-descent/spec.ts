/** Registration: options and ranges of hypergradient descent on the learning rate. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import type { LearningRateSpec } from "../../core/index.js";
import { realParameter } from "../../settings/parameters.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({
  /** Share by which the rate moves in a step whose gradient points exactly as the last one did, from 0 to below 1. */
  hypergradientStep: z.number().min(0).lt(1).default(0.02),
  /** The rate stays between the base rate over this and the base rate times this, from 1. */
  rateFactorMax: z.number().min(1).max(1e6).default(30),
});
export type HypergradientDescentSettings = z.infer<typeof options>;

export const spec: LearningRateSpec<HypergradientDescentSettings> = {
  ...trainingPart({
    name: "hypergradient-descent",
    summary: "The learning rate grows while gradients of successive steps point the same way, and shrinks where they turn back.",
    source: "Baydin et al., Online learning rate adaptation with hypergradient descent, ICLR 2018, the multiplicative rule",
    options,
    ranges: {
      hypergradientStep: realParameter("hypergradientStep", { min: 1e-3, max: 0.1, scale: Scale.SCALE_LOG }),
      rateFactorMax: realParameter("rateFactorMax", { min: 2, max: 1000, scale: Scale.SCALE_LOG }),
    },
  }),
  controller: true,
};
