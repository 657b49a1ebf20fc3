/** Adam, without weight decay of its own. Source: Kingma and Ba, ICLR 2015, algorithm 1. */
import type { OptimizerModule } from "../../training/contracts/optimizer.js";
import { adamRule } from "../adam-rule.js";
import { type AdamSettings, spec } from "./spec.js";

export const module: OptimizerModule<AdamSettings> = { spec, create: adamRule };
