/**
 * Images moved by a random affine map each: a shift of up to `translation` of each side, a turn of up to `rotation` degrees about the middle, a
 * scale between 1 - zoom and 1 + zoom, uniform and with strengths of the example's own. The three are one map, so that an image is resampled
 * once, bilinearly; what comes in from outside repeats the border. Inputs take no gradient, so neither does the map.
 * Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks", ICDAR 2003, section 2 (affine distortions).
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { atRow, imageInputs, isOff, signs } from "../../training/techniques/augmentation-inputs.js";
import { type AffineAugmentationOptions, spec } from "./spec.js";

export const module: TechniqueModule<AffineAugmentationOptions> = {
  spec,
  create: () => ({
    inputs(inputs, context) {
      const images = imageInputs(inputs, spec.name);
      const [translation, rotation, zoom] = [context.values("translation"), context.values("rotation"), context.values("zoom")];
      if (isOff(translation) && isOff(rotation) && isOff(zoom)) return inputs;
      const [, height, width] = images.shape;
      const draws = {
        right: signs("right", context),
        down: signs("down", context),
        angle: signs("angle", context),
        scale: signs("scale", context),
      };
      const maps = new Float32Array(context.batchSize * 8);
      for (let row = 0; row < context.batchSize; row++) {
        const map = inverseMap({
          right: atRow(translation, row) * (draws.right[row] ?? 0) * width,
          down: atRow(translation, row) * (draws.down[row] ?? 0) * height,
          angle: (Math.PI / 180) * atRow(rotation, row) * (draws.angle[row] ?? 0),
          scale: 1 + atRow(zoom, row) * (draws.scale[row] ?? 0),
          middle: [(width - 1) / 2, (height - 1) / 2],
        });
        maps.set(map, 8 * row);
      }
      return tf.image.transform(images, tf.tensor2d(maps, [context.batchSize, 8]), "bilinear", "nearest");
    },
  }),
};

/** One image's movement. */
export interface Movement {
  /** Pixels to the right and down. */
  readonly right: number;
  readonly down: number;
  /** Radians, from the right axis to the axis that points down. */
  readonly angle: number;
  readonly scale: number;
  /** What turns and scales leave in place, [x, y] in pixels. */
  readonly middle: readonly [number, number];
}

/** Where each pixel (x, y) of the result comes from: (m0 x + m1 y + m2, m3 x + m4 y + m5), then two zeros, as tfjs takes it. */
export function inverseMap({ right, down, angle, scale, middle: [x, y] }: Movement): readonly number[] {
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  const [fromX, fromY] = [x + right, y + down];
  return [cos, sin, x - cos * fromX - sin * fromY, -sin, cos, y + sin * fromX - cos * fromY, 0, 0];
}
