/** Registration of self-tuning networks: options, limits and claims. */

import type { Budget, Problem } from "@regulus/proto";
import { counted } from "@regulus/proto";
import { z } from "zod";
import type { StrategyContext, StrategySpec } from "../../core/index.js";
import { options as selfTune } from "../../procedures/self-tune/spec.js";

/** Members at most; each is a whole training run. */
const populationMax = 1000;
/** Replays at most: they measure a spread, not a distribution. */
const replaysMax = 100;

const options = z.strictObject({
  /** Networks that are trained, each from weights and (but for the first) starting hyperparameters of its own. */
  population: z.int().min(1).max(populationMax).default(1),
  /** Share of the members that copy the best ones at the end of a round, at least one; 0 for members that know nothing of each other. */
  copyShare: z.number().min(0).max(0.5).default(0.25),
  /** Steps of a round; absent for an eighth of a member's steps. */
  copyEverySteps: z.int().min(1).optional(),
  /** Members that failed or whose scales collapsed and that may be replaced; absent for as many as there are members. */
  restartsMax: z.int().min(0).max(populationMax).optional(),
  /** Plain trials that replay the schedule of the best member in the end, each as long as a member. They cost replays / (population + replays)
   * of all steps. */
  replays: z.int().min(0).max(replaysMax).default(0),
  /** How each member learns: the options of the procedure, but for where hyperparameters start, which the strategy settles. */
  ...selfTune.omit({ initial: true, recenter: true, warmUpSteps: true, jitter: true }).shape,
  /** A member that copies another moves each coordinate by this many scales times a normal number. */
  jitter: z.number().min(0).max(10).default(1),
  /** Training steps before hyperparameters begin to move; absent for a tenth of all steps, at most 400. */
  warmUpSteps: z.int().min(0).optional(),
});
export type SelfTuningNetworkOptions = z.output<typeof options>;

export const spec: StrategySpec<SelfTuningNetworkOptions> = {
  name: "self-tuning-network",
  summary:
    "Moves hyperparameters by hypergradients inside one training run (or a population of them) instead of trying many runs.",
  source: "MacKay et al., Self-tuning networks, ICLR 2019, algorithm 1",
  options,
  cost: "light",
  endsByItself: true,
  accepts: { conditional: true, categorical: true, double: true },
  tunesInside: true,
  needsSteps: true,
  watchedBy: ["scale-watch", "hypergradient-watch"],
  claims: { orderFree: true, beatsRandom: false },
  problems,
};

/** The parameters that each member fixes: those that are not learned inside training. */
export function outerParameters({ space, inside }: StrategyContext): StrategyContext["space"]["parameters"] {
  const learned = new Set(inside);
  return space.parameters.filter(({ name }) => !learned.has(name));
}

/** Steps of each member: the budget's of a trial, or all steps shared out evenly among members and replays. */
export function stepsOfMember(
  { steps, stepsPerTrial }: Budget,
  { population, replays }: Pick<SelfTuningNetworkOptions, "population" | "replays">,
): number {
  return stepsPerTrial || Math.floor(steps / (population + replays));
}

function problems(context: StrategyContext, options: SelfTuningNetworkOptions): readonly Problem[] {
  const { population, replays, warmUpSteps = 0 } = options;
  const found: Problem[] = [];
  const steps = stepsOfMember(context.budget, options);
  if (steps > 0 && warmUpSteps >= steps) {
    const expected = `less than the steps of a member, which are ${steps}: nothing is tuned in the warm-up`;
    found.push({ field: "strategy.options.warmUpSteps", seen: String(warmUpSteps), expected });
  }
  const { inside, space, budget, plainProcedure } = context;
  if (plainProcedure === "command") {
    const expected = "a workload: hyperparameters are learned inside our own training, and a program trains by itself";
    found.push({ field: "command", seen: "a program", expected });
  } else if (inside.length === 0) {
    const expected = "a technique that is switched on and has numbers which training can move, such as dropout or weight-decay";
    found.push({ field: "techniques", seen: "no hyperparameter that can be learned inside training", expected });
  }
  for (const [index, { name, when }] of space.parameters.entries()) {
    if (when === undefined) continue;
    const seen = `a condition on ${when.parameter}`;
    if (inside.includes(name)) {
      found.push({ field: `space[${index}].when`, seen, expected: `none, since ${name} is learned inside training` });
    } else if (inside.includes(when.parameter)) {
      found.push({ field: `space[${index}].when`, seen, expected: "a parameter that is not learned inside training" });
    }
  }
  if (budget.stepsPerTrial === 0 && budget.steps === 0) {
    found.push({
      field: "budget.stepsPerTrial",
      seen: "no limit",
      expected: "the steps of a member (or budget.steps, shared out evenly)",
    });
  } else if (budget.stepsPerTrial === 0 && budget.steps < population + replays) {
    const expected = `at least one for each of ${counted(population, "member")}${replays === 0 ? "" : ` and ${replays} replays`}`;
    found.push({ field: "budget.steps", seen: `${budget.steps}`, expected });
  }
  if (budget.trials > 0 && budget.trials < population + replays) {
    const seen = `${population}${replays === 0 ? "" : ` and ${replays} replays`}`;
    found.push({ field: "strategy.options.population", seen, expected: `at most budget.trials, ${budget.trials}` });
  }
  return found;
}
