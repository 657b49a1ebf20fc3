/**
 * Cutout: in each image so many square holes are set to 0, the mean of normalized inputs, about pixels drawn uniformly; a hole's part outside
 * the image is lost. Side and number are whole numbers of the example's own; no gradient of theirs is ever asked for, since under `self-tune`
 * hypergradients pass through the weights' response alone.
 * Source: DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout", 2017, section 3.
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { atRow, imageInputs, isOff } from "../../training/techniques/augmentation-inputs.js";
import { type CutoutOptions, spec } from "./spec.js";

export const module: TechniqueModule<CutoutOptions> = {
  spec,
  create: () => ({
    inputs(inputs, context) {
      const images = imageInputs(inputs, spec.name);
      const [lengths, holes] = [context.values("cutoutLength"), context.values("cutoutHoles")];
      if (isOff(lengths) || isOff(holes)) return inputs;
      const [batch, height, width] = images.shape;
      const kept = new Float32Array(batch * height * width).fill(1);
      for (let row = 0; row < batch; row++) {
        const rng = context.rng.fork(row);
        const length = Math.floor(atRow(lengths, row));
        const count = Math.floor(atRow(holes, row));
        const image = kept.subarray(row * height * width, (row + 1) * height * width);
        for (let hole = 0; hole < count; hole++) {
          const top = rng.integer(height) - Math.floor(length / 2);
          const left = rng.integer(width) - Math.floor(length / 2);
          for (let y = Math.max(0, top); y < Math.min(height, top + length); y++) {
            image.fill(0, y * width + Math.max(0, left), y * width + Math.max(0, Math.min(width, left + length)));
          }
        }
      }
      return tf.mul(images, tf.tensor4d(kept, [batch, height, width, 1]));
    },
  }),
};
