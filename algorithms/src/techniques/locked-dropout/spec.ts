/** Registration of locked-dropout: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

/** As for `dropout`: above it a layer hardly trains. */
const rateMax = 0.9;
const rate = z.number().min(0).max(rateMax).optional();
const options = z.strictObject({
  /** Fixes the rate at sites of kind input. */
  lockedInputDropout: rate,
  /** Fixes the rate at sites of kind hidden. */
  lockedHiddenDropout: rate,
  /** Fixes the rate at sites of kind output. */
  lockedOutputDropout: rate,
});
export type LockedDropoutOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<LockedDropoutOptions> = {
  name: "locked-dropout",
  summary: "Sets units of a sequence to zero at random, the same ones at all times.",
  source: "Gal and Ghahramani, NIPS 2016, section 4; Merity et al., ICLR 2018, section 4.2",
  options,
  inputs: "sequences",
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      lockedInputDropout: { range: { min: 0, max: rateMax }, fallback: 0.05 },
      lockedHiddenDropout: { range: { min: 0, max: rateMax }, fallback: 0.05 },
      lockedOutputDropout: { range: { min: 0, max: rateMax }, fallback: 0.05 },
    }),
};
