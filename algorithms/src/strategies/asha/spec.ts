/** Registration of ASHA: options, limits and claims. */
import type { Problem } from "@regulus/proto";
import { z } from "zod";
import { type StrategyContext, type StrategySpec, samplerNames } from "../../core/index.js";
import { tryablePoints } from "../trial-count.js";

/** Configurations that can be given to begin with. */
const incumbentsMax = 1000;

const scalar = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const options = z.strictObject({
  /** η, the reduction factor: one in so many trials of a rung goes on to the next, which has so many times the steps. */
  eta: z.number().min(2).max(64).default(3),
  /** r, the steps of the first rung; absent for a first rung three promotions below the last (maxSteps / η³). */
  minSteps: z.int().min(1).optional(),
  /** R, the steps of the last rung; absent for the budget's stepsPerTrial. */
  maxSteps: z.int().min(1).optional(),
  /** Where new configurations come from. */
  sampler: z.enum(samplerNames).default("random"),
  /** Configurations already known to be good; the first trials try them, in order. */
  incumbents: z
    .array(z.record(z.string(), z.union([scalar, z.array(scalar)])))
    .max(incumbentsMax)
    .default([]),
  /** Whether the best trial goes on to the last rung when no more can start, so that every search trains one to the end. */
  finishBest: z.boolean().default(true),
});
export type AshaOptions = z.output<typeof options>;

export const spec: StrategySpec<AshaOptions> = {
  name: "asha",
  summary:
    "Asynchronous successive halving: many short trials, the best third of them ever longer, nothing waits for stragglers.",
  source: "Li et al., A system for massively parallel hyperparameter tuning, MLSys 2020, algorithm 2",
  options,
  cost: "light",
  endsByItself: false,
  accepts: { conditional: true, categorical: true, double: true },
  needsSteps: true,
  configurations: (context, { incumbents }) => tryablePoints(context, incumbents),
  claims: { orderFree: false, beatsRandom: true },
  problems,
};

function problems({ space, budget }: StrategyContext, options: AshaOptions): readonly Problem[] {
  const found: Problem[] = [];
  const max = options.maxSteps ?? budget.stepsPerTrial;
  if (max === 0) {
    found.push({
      field: "budget.stepsPerTrial",
      seen: "no limit",
      expected: "the steps of the last rung (or strategy.options.maxSteps)",
    });
  }
  if (budget.stepsPerTrial > 0 && max > budget.stepsPerTrial) {
    found.push({
      field: "strategy.options.maxSteps",
      seen: `${max}`,
      expected: `at most budget.stepsPerTrial, ${budget.stepsPerTrial}`,
    });
  }
  if (max > 0 && options.minSteps !== undefined && options.minSteps > max) {
    found.push({ field: "strategy.options.minSteps", seen: `${options.minSteps}`, expected: `at most the last rung's ${max}` });
  }
  for (const [index, incumbent] of options.incumbents.entries()) {
    for (const wrong of space.check(incumbent)) {
      found.push({ field: `strategy.options.incumbents[${index}]`, seen: wrong, expected: "a configuration of the space" });
    }
  }
  return found;
}
