/** Registration of color-jitter: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

const strength = z.number().min(0).max(1).optional();
const options = z.strictObject({
  /** Fixes the greatest shift, in units of the inputs. */
  brightness: strength,
  /** Fixes the greatest change of contrast. */
  contrast: strength,
});
export type ColorJitterOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<ColorJitterOptions> = {
  name: "color-jitter",
  summary: "Changes the brightness and contrast of images at random.",
  source: "Howard, Some improvements on deep convolutional neural network based image classification, 2013, section 2",
  options,
  inputs: "images",
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      brightness: { range: { min: 0, max: 1 }, fallback: 0.05 },
      contrast: { range: { min: 0, max: 1 }, fallback: 0.05 },
    }),
};
