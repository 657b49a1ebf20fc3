/** Registration of embedding-dropout: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

/** As for `dropout`: above it a layer hardly trains. */
const rateMax = 0.9;
const options = z.strictObject({
  /** Fixes the rate. */
  embeddingDropout: z.number().min(0).max(rateMax).optional(),
});
export type EmbeddingDropoutOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<EmbeddingDropoutOptions> = {
  name: "embedding-dropout",
  summary: "Drops random words (rows of an embedding's table) for a whole step.",
  source: "Gal and Ghahramani, NIPS 2016, section 4.2; Merity et al., ICLR 2018, section 4.3",
  options,
  inputs: "sequences",
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      embeddingDropout: {
        range: { min: 0, max: rateMax },
        fallback: 0.05,
        // One mask over the vocabulary for a whole batch.
        sharedInBatch: true,
      },
    }),
};
