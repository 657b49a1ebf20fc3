/**
 * Label smoothing: targets become (1 - share) target + share/classes, with a share for each example. It needs probabilities of two or more
 * classes as targets; a column of numbers to regress on is refused.
 * Source: Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, section 7.
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { classesOf } from "../../training/techniques/class-targets.js";
import { type LabelSmoothingOptions, spec } from "./spec.js";

export const module: TechniqueModule<LabelSmoothingOptions> = {
  spec,
  create: () => ({
    targets(targets, context) {
      const classes = classesOf(targets, spec.name);
      if (context.values("labelSmoothing").every((share) => share === 0)) return targets;
      // A share for each example, whatever stands between the batch and the classes (the times of a sequence).
      const column = context.value("labelSmoothing");
      const share = tf.reshape(column, [column.size, ...targets.shape.slice(1).map(() => 1)]);
      return tf.add(tf.mul(targets, tf.sub(1, share)), tf.div(share, classes));
    },
  }),
};
