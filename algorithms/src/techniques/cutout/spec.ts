/** Registration of cutout: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { wholeParameter } from "../../settings/parameters.js";

/** Greatest values, and the ones where the search moves nothing: those of the self-tuning networks' experiments on images of 32 x 32. */
const counts = {
  cutoutLength: { max: 24, fallback: 4 },
  cutoutHoles: { max: 4, fallback: 1 },
} as const;

const options = z.strictObject({
  /** Fixes the side of a hole, in pixels. */
  cutoutLength: z.int().min(0).max(4096).optional(),
  /** Fixes the number of holes. */
  cutoutHoles: z.int().min(0).max(64).optional(),
});
export type CutoutOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<CutoutOptions> = {
  name: "cutout",
  summary: "Blanks square holes of images at random places.",
  source: "DeVries and Taylor, Improved regularization of convolutional neural networks with cutout, 2017, section 3",
  options,
  inputs: "images",
  hyperparameters: (fixed) =>
    (["cutoutLength", "cutoutHoles"] as const)
      .filter((name) => fixed[name] === undefined)
      .map((name) => ({
        parameter: wholeParameter(name, { min: 0, max: counts[name].max }),
        fallback: counts[name].fallback,
        inside: true,
        sharedInBatch: false,
      })),
};
