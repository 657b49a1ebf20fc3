/**
 * Progressive self-knowledge distillation: in pass t of T, targets become (1 - a) target + a P, where a = strength t/T and P is what the network
 * predicted for that row while it trained on it in the pass before. A row without an earlier prediction keeps its target.
 * Source: Kim et al., "Self-knowledge distillation with progressive refinement of targets", ICCV 2021, equations 3 and 4; P from the training
 * pass itself, as in the authors' code.
 */
import * as tf from "@tensorflow/tfjs";
import type { StepContext, TechniqueModule } from "../../training/contracts/technique.js";
import { classesOf } from "../../training/techniques/class-targets.js";
import { type PsKdOptions, spec } from "./spec.js";

export const module: TechniqueModule<PsKdOptions> = {
  spec,
  create: () => ({
    targets(targets, context) {
      classesOf(targets, spec.name);
      // A trial that goes on beyond its planned passes keeps the last share.
      const share = (context.values("selfDistillation")[0] ?? 0) * Math.min(1, (context.epoch + 1) / context.plannedEpochs);
      const earlier = earlierPredictions(context, targets.shape.slice(1));
      const own = targets.dataSync<"float32">();
      const width = own.length / context.batchSize;
      const mixed = Float32Array.from(own, (target, at) => {
        const prediction = earlier[(context.rows[Math.floor(at / width)] ?? 0) * width + (at % width)] ?? Number.NaN;
        return Number.isNaN(prediction) ? target : (1 - share) * target + share * prediction;
      });
      return tf.tensor(mixed, targets.shape);
    },
    remember({ outputs }, context) {
      const kept = earlierPredictions(context, outputs.shape.slice(1));
      const predictions = tf.tidy(() => tf.softmax(outputs).dataSync<"float32">());
      const width = predictions.length / context.batchSize;
      for (const [at, row] of context.rows.entries()) kept.set(predictions.subarray(at * width, (at + 1) * width), row * width);
    },
  }),
};

/** The latest prediction for every row of the train split; NaN where there is none yet. */
function earlierPredictions(context: StepContext, shape: readonly number[]): Float32Array {
  return context.memory.numbers("predictions", [context.trainRows, ...shape], (values) => values.fill(Number.NaN));
}
