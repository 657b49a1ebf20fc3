/** Registration of affine-augmentation: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

/** Greatest strengths, and the ones where the search moves nothing. */
const strengths = {
  translation: { max: 0.5, fallback: 0.05 },
  rotation: { max: 45, fallback: 5 },
  zoom: { max: 0.5, fallback: 0.05 },
} as const;

const options = z.strictObject({
  /** Fixes the greatest shift, as a share of the image's side. */
  translation: z.number().min(0).max(strengths.translation.max).optional(),
  /** Fixes the greatest angle, in degrees. */
  rotation: z.number().min(0).max(strengths.rotation.max).optional(),
  /** Fixes the greatest change of scale. */
  zoom: z.number().min(0).max(strengths.zoom.max).optional(),
});
export type AffineAugmentationOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<AffineAugmentationOptions> = {
  name: "affine-augmentation",
  summary: "Shifts, turns and scales images at random.",
  source: "Simard, Steinkraus and Platt, ICDAR 2003, section 2; ranges of Bae and Grosse, Delta-STN, NeurIPS 2020, code",
  options,
  inputs: "images",
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      translation: { range: { min: 0, max: strengths.translation.max }, fallback: strengths.translation.fallback },
      rotation: { range: { min: 0, max: strengths.rotation.max }, fallback: strengths.rotation.fallback },
      zoom: { range: { min: 0, max: strengths.zoom.max }, fallback: strengths.zoom.fallback },
    }),
};
