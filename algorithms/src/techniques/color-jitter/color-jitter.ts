/**
 * Brightness and contrast: each image's numbers become mean + c (x - mean) + b, with c between 1 - contrast and 1 + contrast, b between
 * -brightness and brightness, both uniform, and the mean that of the image. Inputs are normalized, so that b is in standard deviations and black
 * is no number of its own; that is why brightness is a shift here and not a factor.
 * Source: Howard, "Some improvements on deep convolutional neural network based image classification", 2013, section 2 (color manipulations).
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { atRow, imageInputs, isOff, signs } from "../../training/techniques/augmentation-inputs.js";
import { type ColorJitterOptions, spec } from "./spec.js";

export const module: TechniqueModule<ColorJitterOptions> = {
  spec,
  create: () => ({
    inputs(inputs, context) {
      const images = imageInputs(inputs, spec.name);
      const [brightness, contrast] = [context.values("brightness"), context.values("contrast")];
      const column = (key: string, strengths: Float32Array, around: number) => {
        const drawn = signs(key, context).map((sign, row) => around + sign * atRow(strengths, row));
        return tf.tensor4d(drawn, [context.batchSize, 1, 1, 1]);
      };
      let changed: tf.Tensor = images;
      if (!isOff(contrast)) {
        const mean = tf.mean(images, [1, 2, 3], true);
        changed = tf.add(mean, tf.mul(tf.sub(images, mean), column("contrast", contrast, 1)));
      }
      return isOff(brightness) ? changed : tf.add(changed, column("brightness", brightness, 0));
    },
  }),
};
