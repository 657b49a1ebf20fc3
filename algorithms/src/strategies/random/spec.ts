/** Registration of random search: limits and claims. */
import { z } from "zod";
import type { StrategySpec } from "../../core/index.js";
import { tryablePoints } from "../trial-count.js";

export type RandomOptions = Record<string, never>;

export const spec: StrategySpec<RandomOptions> = {
  name: "random",
  summary: "Independent random configurations; the yardstick for every other strategy.",
  source: "Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13 (2012)",
  options: z.strictObject({}),
  cost: "light",
  endsByItself: false,
  accepts: { conditional: true, categorical: true, double: true },
  needsSteps: false,
  configurations: (context) => tryablePoints(context),
  claims: { orderFree: true, beatsRandom: false },
};
