/** Targets that are probabilities of classes, for techniques and loss heads that need them. */
import type { Tensor } from "@tensorflow/tfjs-core";
import { TrialFailure } from "../contracts/procedure.js";

/** How many classes targets [batch, ..., classes] have. Fails for numbers to regress on, naming what can't be used. */
export function classesOf(targets: Tensor, who: string): number {
  const classes = targets.shape[targets.rank - 1] ?? 1;
  if (targets.rank >= 2 && classes >= 2) return classes;
  const words = `saw targets of shape [${targets.shape.join(", ")}], expected [batch, ..., classes]: switch ${who} off for this workload`;
  throw new TrialFailure("user-error", words);
}
