/** Registration of quasi-random search: limits and claims. */
import { counted } from "@regulus/proto";
import { z } from "zod";
import type { StrategySpec } from "../../core/index.js";
import { sobolDimensionsMax } from "../../core/index.js";
import { tryablePoints } from "../trial-count.js";

export type SobolOptions = Record<string, never>;

export const spec: StrategySpec<SobolOptions> = {
  name: "sobol",
  summary: "Quasi-random configurations that fill the space evenly: a scrambled Sobol sequence.",
  source: "Joe and Kuo, SIAM J. Sci. Comput. 30 (2008); Owen scrambling by hash, Burley, JCGT 9 (2020)",
  options: z.strictObject({}),
  cost: "light",
  endsByItself: false,
  accepts: { conditional: true, categorical: true, double: true },
  needsSteps: false,
  configurations: (context) => tryablePoints(context),
  claims: { orderFree: true, beatsRandom: false },
  problems: ({ space }) =>
    space.parameters.length <= sobolDimensionsMax
      ? []
      : [
          {
            field: "space",
            seen: counted(space.parameters.length, "parameter"),
            expected: `at most ${sobolDimensionsMax} for sobol`,
          },
        ],
};
