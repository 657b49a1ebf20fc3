/** Registration of cutout: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

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
    freeHyperparameters(fixed, {
      cutoutLength: { whole: true, range: { min: 0, max: counts.cutoutLength.max }, fallback: counts.cutoutLength.fallback },
      cutoutHoles: { whole: true, range: { min: 0, max: counts.cutoutHoles.max }, fallback: counts.cutoutHoles.fallback },
    }),
};
