/** Registration of self-tune: options. */
import { z } from "zod";
import type { ProcedureSpec } from "../../core/index.js";
import { scaleMax, scaleMin } from "../../solvers/self-tuning/learned-hyperparameters.js";

/** Its options, also for strategies that pass them on. */
export const options = z.strictObject({
  /**
   * How responses are learned. stn: weights and responses together, on the losses of perturbed hyperparameters. delta-stn: weights on the
   * losses at the hyperparameters themselves, responses on the losses of predictions linearised around them.
   */
  variant: z.enum(["stn", "delta-stn"]).default("stn"),
  /** Values that learned hyperparameters start from; else the parameter's initial value, else the technique's own. */
  initial: z.record(z.string(), z.number()).default({}),
  /** Scale of the perturbations at the start, in the unconstrained coordinate. */
  scale: z.number().min(scaleMin).max(scaleMax).default(0.5),
  /** Whether scales are learned too; else they stay. */
  learnScales: z.boolean().default(true),
  /** Weight of the entropy of the perturbations, which keeps scales from vanishing. */
  entropyWeight: z.number().min(0).max(1).default(1e-3),
  /** Training steps before the first tuning step. */
  warmUpSteps: z.int().min(0).max(1_000_000_000).default(400),
  /** Training steps between two rounds of tuning steps; absent for 20, or 5 under delta-stn, whose responses learn on fewer rows. */
  trainSteps: z.int().min(1).max(1_000_000).optional(),
  /** Tuning steps of a round. */
  tuneSteps: z.int().min(1).max(1_000_000).default(1),
  /** Learning rate of Adam for hyperparameters and scales; absent for 0.005 a training step of those between two rounds. */
  hyperLearningRate: z.number().positive().max(10).optional(),
  /** Share of a training batch's rows on which delta-stn learns responses, weights learn on all; absent for half, and at least 32 rows. */
  responseShare: z.number().positive().max(1).optional(),
  /** Layers whose weights react to hyperparameters; absent for all. The others have ordinary weights. */
  layers: z.array(z.string()).optional(),
  /** Standard deviation of the response's first multipliers; absent for 0.01, or 0 under delta-stn. */
  responseDeviation: z.number().min(0).max(10).optional(),
  /**
   * Training steps between two checks of the hypergradient by short forks; 0 for none. Two checks in a row that contradict it end tuning: the trial
   * goes on as plain training.
   */
  guardEverySteps: z.int().min(0).max(1_000_000_000).default(2000),
  /** A trial that starts from another one's checkpoint moves each coordinate by this many scales times a normal number. */
  jitter: z.number().min(0).max(10).default(0),
  /** A trial that starts from another one's checkpoint stands at these values in place of the other's, with its first scales; absent names
   * keep the other's. */
  recenter: z.record(z.string(), z.number()).default({}),
});
export type SelfTuneOptions = z.infer<typeof options>;

/** How far Adam moves a coordinate by each training step at most, so that hyperparameters keep their pace however seldom they are tuned. */
const hyperPace = 0.005;

/** Options that have other defaults in each variant; deviations are those of its released code. */
const variantDefaults = {
  stn: { trainSteps: 20, responseDeviation: 0.01 },
  "delta-stn": { trainSteps: 5, responseDeviation: 0 },
} as const;

/** The options with what depends on others filled in. */
export function settingsOf(given: SelfTuneOptions): SelfTuneSettings {
  const own = variantDefaults[given.variant];
  const { trainSteps = own.trainSteps, responseDeviation = own.responseDeviation } = given;
  const { hyperLearningRate = hyperPace * trainSteps } = given;
  return { ...given, trainSteps, hyperLearningRate, responseDeviation };
}
export type SelfTuneSettings = SelfTuneOptions & {
  readonly trainSteps: number;
  readonly hyperLearningRate: number;
  readonly responseDeviation: number;
};

export const spec: ProcedureSpec<SelfTuneOptions> = {
  name: "self-tune",
  summary:
    "Trains a network whose weights respond to its hyperparameters, and moves these by gradients of the tune split's loss.",
  source: "MacKay et al., Self-Tuning Networks, ICLR 2019, algorithm 1; Bae and Grosse, Delta-STN, NeurIPS 2020",
  options,
  learnsInside: true,
};
