/** The settings that Adam and its variants share. Pure. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import { realParameter } from "./parameters.js";

export const adamOptions = {
  /** Decay of the mean of gradients, from 0 to below 1. */
  beta1: z.number().min(0).lt(1).default(0.9),
  /** Decay of the mean of squared gradients, from 0 to below 1. */
  beta2: z.number().min(0).lt(1).default(0.999),
  /** Added to the root of the mean square. A float32 needs at least 1e-12. */
  epsilon: z.number().min(1e-12).max(1).default(1e-8),
};

export const adamRanges = {
  beta1: realParameter("beta1", { min: 0.5, max: 0.99 }),
  beta2: realParameter("beta2", { min: 0.9, max: 0.9999, scale: Scale.SCALE_LOGIT }),
  epsilon: realParameter("epsilon", { min: 1e-10, max: 1e-3, scale: Scale.SCALE_LOG }),
};
