/** Registration of bo-rep: options and claims. */
import { Direction, type Problem } from "@regulus/proto";
import { z } from "zod";
import type { StrategyContext, StrategySpec } from "../../core/index.js";
import { boRepDefaults } from "../../solvers/bo-rep/settings.js";
import { stepsOfTrialMin } from "./advance.js";

const rate = z.number().positive().max(1e6);
const options = z.strictObject({
  /** Upper steps. */
  steps: z.int().min(1).max(1_000_000).default(boRepDefaults.steps),
  /** eta: length of an upper step, or its rate where steps are not normalized. The one sensitive setting. */
  eta: rate.default(boRepDefaults.eta),
  /** eta falls as eta / sqrt(1 + step / etaDecaySteps); 0 for a constant one. */
  etaDecaySteps: z.number().min(0).max(1e9).default(0),
  /** beta: share of the old momentum that is kept. */
  momentum: z.number().min(0).lt(1).default(boRepDefaults.momentum),
  /** gamma and nu: rates of lower steps and of steps on the linear system; at most 1 / curvature of the minibatch is used. */
  lowerRate: rate.default(boRepDefaults.lowerRate),
  adjointRate: rate.default(boRepDefaults.adjointRate),
  /** I: upper steps between two refreshes of y. */
  period: z.int().min(1).max(100_000).default(boRepDefaults.period),
  /** N: lower steps of a refresh. */
  innerSteps: z.int().min(1).max(100_000).default(boRepDefaults.innerSteps),
  /** R: a refresh keeps y in the ball of this radius around where it began; 0 for no ball. */
  radius: z.number().min(0).max(1e12).default(0),
  /** Whether upper steps have length eta (BO-REP); else they are eta times the momentum (MA-SOBA). */
  normalize: z.boolean().default(true),
  /** Whether directions use z after its step (the paper, two round trips a step) or before it (as SOBA, one). */
  adjoint: z.enum(["fresh", "lagged"]).default("fresh"),
  /** Epochs of initialization refinement, and lower steps of each; 0 epochs for none. */
  refinementEpochs: z.int().min(0).max(100).default(0),
  refinementSteps: z.int().min(1).max(100_000).default(boRepDefaults.refinementSteps),
  /** Ends when the mean |m| over about `stopWindow` steps is at most this; 0 for never. */
  stopMomentum: z.number().min(0).max(1e12).default(0),
  stopWindow: z.int().min(1).max(100_000).default(boRepDefaults.stopWindow),
  /** Parts that the workload's units are cut into, each a trial; absent for as many as may run at once. No result depends on it. */
  shards: z.int().min(1).max(10_000).optional(),
  /** tol_y: estimates that are s upper steps old are used while s eta kappa is at most this; 0 for synchronous rounds. */
  staleTolerance: z.number().min(0).max(1e12).default(0),
  /** How far y*(x) moves when x moves by 1; absent for the workload's own bound, which holds and may be loose. */
  kappa: z.number().positive().max(1e15).optional(),
  /** Trials that may end or give no answer before the strategy gives up. */
  replacements: z.int().min(0).max(1000).default(3),
});
export type BoRepOptions = z.output<typeof options>;

export const spec: StrategySpec<BoRepOptions> = {
  name: "bo-rep",
  summary:
    "Moves a workload's upper variables by normalized momentum on stochastic hypergradients, with periodic refreshes of the lower level.",
  source: "Hao, Gong, Liu, Bilevel optimization under unbounded smoothness, ICLR 2024 (arXiv 2401.09587), algorithm 2",
  options,
  cost: "light",
  endsByItself: true,
  accepts: { conditional: true, categorical: true, double: true },
  needsSteps: false,
  ownParameters: true,
  watchedBy: ["hypergradient-watch"],
  claims: { orderFree: false, beatsRandom: false },
  problems,
};

function problems(
  { budget, objectives, parallelism, plainProcedure }: StrategyContext,
  { shards = parallelism, staleTolerance, adjoint, normalize, innerSteps }: BoRepOptions,
): readonly Problem[] {
  const found: Problem[] = [];
  if (plainProcedure === "command") {
    const expected = "a workload: programs answer for the samples of maid and hoag, not for stochastic gradients";
    found.push({ field: "command", seen: "a program", expected });
  }
  if (budget.trials > 0 && budget.trials < shards) {
    found.push({ field: "budget.trials", seen: `${budget.trials}`, expected: `at least ${shards}: one for each shard` });
  }
  const least = stepsOfTrialMin({ innerSteps, adjoint });
  if (budget.stepsPerTrial > 0 && budget.stepsPerTrial < least) {
    const expected = `at least ${least}, or none: a trial says what the workload is, takes part in one upper step, measures and closes`;
    found.push({ field: "budget.stepsPerTrial", seen: `${budget.stepsPerTrial}`, expected });
  }
  if (budget.steps > 0 && budget.steps < least * shards) {
    const expected = `at least ${least * shards}, or none: ${least} for each of ${shards} shards`;
    found.push({ field: "budget.steps", seen: `${budget.steps}`, expected });
  }
  if (objectives[0]?.direction === Direction.DIRECTION_MAXIMIZE) {
    found.push({ field: "objectives[0].direction", seen: "maximize", expected: "minimize: the upper loss is lowered" });
  }
  if (staleTolerance > 0 && adjoint !== "lagged") {
    found.push({
      field: "strategy.options.adjoint",
      seen: adjoint,
      expected: "lagged, since estimates may be old (staleTolerance)",
    });
  }
  if (staleTolerance > 0 && !normalize) {
    const expected = "true: without normalization nothing bounds how far x moves while an estimate is under way";
    found.push({ field: "strategy.options.normalize", seen: "false", expected });
  }
  return found;
}
