/** Stochastic gradient descent: the direction is the gradient. Source: Robbins and Monro 1951. */
import type { OptimizerModule } from "../../training/contracts/optimizer.js";
import { spec } from "./spec.js";

export const module: OptimizerModule<Record<string, never>> = {
  spec,
  create: () => ({ init: () => ({}), update: (direction) => ({ direction, state: {} }) }),
};
