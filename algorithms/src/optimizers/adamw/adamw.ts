/**
 * AdamW: Adam, and beside it every kernel shrinks by the decay times the scheduled learning rate. Biases, gains, embeddings and what responds to
 * hyperparameters do not. Source: Loshchilov and Hutter, ICLR 2019, algorithm 2.
 */
import type { OptimizerModule } from "../../training/contracts/optimizer.js";
import { adamRule } from "../adam-rule.js";
import { type AdamWSettings, spec } from "./spec.js";

export const module: OptimizerModule<AdamWSettings> = {
  spec,
  create: ({ decoupledWeightDecay, ...adam }) => ({
    ...adamRule(adam),
    decay: ({ role, response }) => (role === "kernel" && !response ? decoupledWeightDecay : 0),
  }),
};
