/** Registration of drop-connect: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

/** As for `dropout`: above it a layer hardly trains. */
const rateMax = 0.9;
const options = z.strictObject({
  /** Fixes the rate. */
  dropConnect: z.number().min(0).max(rateMax).optional(),
});
export type DropConnectOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<DropConnectOptions> = {
  name: "drop-connect",
  summary: "Sets recurrent weights to zero at random, for a whole step.",
  source: "Wan et al., ICML 2013, section 3; on recurrent weights as in Merity et al., ICLR 2018, section 2",
  options,
  inputs: "sequences",
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      dropConnect: {
        range: { min: 0, max: rateMax },
        fallback: 0.05,
        // One mask for the weights of a whole batch.
        sharedInBatch: true,
      },
    }),
};
