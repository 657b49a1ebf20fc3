/** What the strategy ensemble says of itself. */
import { counted, limits } from "@regulus/proto";
import { z } from "zod";
import type { StrategySpec } from "../../core/index.js";
import { predictionsKinds } from "../../predictions/index.js";

const options = z.strictObject({
  /** Trials that are trained as members. 0: only what other searches left is combined. */
  members: z.int().min(0).max(1000).default(4),
  /** What is averaged: probabilities, or logits. */
  mean: z.enum(["probabilities", "logits"]).default("probabilities"),
});
export type EnsembleOptions = z.infer<typeof options>;

export const spec: StrategySpec<EnsembleOptions> = {
  name: "ensemble",
  summary: "Trains members with seeds of their own, then combines the predictions that they, and trials of other searches, left.",
  source: "Hansen and Salamon, Neural network ensembles, IEEE PAMI 12 (1990)",
  options,
  cost: "light",
  endsByItself: true,
  accepts: { conditional: true, categorical: true, double: true },
  needsSteps: false,
  ownParameters: true,
  resultArm: "combine",
  takes: predictionsKinds,
  claims: { orderFree: true, beatsRandom: false },
  problems({ predictions = [], inputs = [], budget, plainProcedure }, { members }) {
    if (members === 0) {
      const seen = "no members, and no inputs from other searches";
      return inputs.length > 0 ? [] : [{ field: "strategy.options.members", seen, expected: "some of one of them" }];
    }
    if (plainProcedure !== "fit" && plainProcedure !== "self-tune") {
      return [
        { field: "strategy", seen: `trials of ${plainProcedure}`, expected: "trials of a workload that trains a classifier" },
      ];
    }
    if (predictions.length === 0) {
      return [
        { field: "reporting.predictions", seen: "none", expected: "the splits to combine, such as {splits: [valid, test]}" },
      ];
    }
    if (budget.trials === 1)
      return [{ field: "budget.trials", seen: "1", expected: "at least 2: a member and their combination" }];
    const count = members * predictions.length + inputs.length;
    if (count <= limits.trialInputsMax) return [];
    return [
      {
        field: "strategy.options.members",
        seen: `${counted(count, "file")} of predictions in all`,
        expected: `at most ${limits.trialInputsMax}`,
      },
    ];
  },
};
