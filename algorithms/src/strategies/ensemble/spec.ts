/** Registration of ensemble: options, what it takes and when it is refused. */
import { counted, limits, type Problem } from "@regulus/proto";
import { z } from "zod";
import type { StrategyContext, StrategySpec } from "../../core/index.js";
import { predictionSplits, predictionsKinds } from "../../predictions/index.js";

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
      return inputs.length > 0 ? unlike(inputs) : [{ field: "strategy.options.members", seen, expected: "some of one of them" }];
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
    if (count <= limits.trialInputsMax) return unlike(inputs, predictions);
    return [
      {
        field: "strategy.options.members",
        seen: `${counted(count, "file")} of predictions in all`,
        expected: `at most ${limits.trialInputsMax}`,
      },
    ];
  },
};

/** Inputs of other splits than those of the members, or than each other: all that are combined predict the same. */
function unlike(inputs: NonNullable<StrategyContext["inputs"]>, splits?: readonly string[]): readonly Problem[] {
  const kindsOf = new Map<string, string[]>();
  for (const { search, trial, kind } of inputs) {
    const whose = `trial ${trial} of ${search}`;
    kindsOf.set(whose, [...(kindsOf.get(whose) ?? []), kind].sort());
  }
  const all = [...kindsOf.values()];
  const wanted =
    splits === undefined ? all[0] : predictionsKinds.filter((_, at) => splits.includes(predictionSplits[at] ?? "")).sort();
  const other = all.find((kinds) => kinds.join() !== wanted?.join());
  if (wanted === undefined || other === undefined) return [];
  const whose = splits === undefined ? "of every trial, as of the first" : "as the members leave by reporting.predictions";
  return [{ field: "inputs", seen: `a trial's ${other.join(", ")}`, expected: `${wanted.join(", ")} ${whose}` }];
}
