/**
 * A population of two self-tuning networks on the convolutional network against random search and asynchronous successive halving, at equal
 * training steps: the same space of five hyperparameters, the same 1,000 MNIST images. Every method takes its best measurement on the selection
 * split, which nobody trained or tuned on, and is compared by its loss on all 10,000 test images with the better one of its rivals.
 *
 * The space is the techniques' own ranges, and nobody is told where in it to begin: the first member and the rivals' first trial stand in the
 * middle, all others at random points (a self-tuning network left to itself would begin at the techniques' usual values, which the rivals don't
 * know). Successive halving may take a trial as far as a member goes, and finishes the trial that it is at when the steps are used up, so that it
 * has more of them, not fewer. Steps of a tuning round are not counted as training steps; what they cost in time stands among the numbers.
 * Settings were fixed on seeds from 101 on.
 */
import type { ClaimResult, ReproduceRequest } from "./claim.js";
import type { JobResult, Point } from "./job.js";
import { runJobs } from "./run-jobs.js";
import type { SearchJob } from "./search-job.js";

/** Training steps of a search. */
const steps = 3600;
const population = 2;
/** Steps of a member, and of the longest trial of successive halving: 58 epochs. */
const memberSteps = steps / population;
/** Steps of each of random search's six trials. */
const randomTrialSteps = 600;
const minSteps = 200;
/** Steps of a round of the population: the members that are behind copy the others twice. */
const roundSteps = 600;
const measureEverySteps = 300;
/** Twice the usual pace of hyperparameters, and half the usual warm-up: the run is short, and the middle of these ranges is far from where it leads. */
const tuning = { trainSteps: 5, hyperLearningRate: 0.05, warmUpSteps: 100 };
/** Share of the seeds in which the test loss has to be lower. */
const shareWanted = 0.8;

const workload = {
  name: "mnist-cnn",
  options: { trainSize: 1000, tuneSize: 500, validSize: 1000, filters: [4, 8], hiddenUnits: 32, batchSize: 32 },
};
/** The techniques' own ranges, from their middle. */
const space = {
  inputDropout: { type: "double", min: 0, max: 0.9, initial: 0.45 },
  hiddenDropout: { type: "double", min: 0, max: 0.9, initial: 0.45 },
  inputNoise: { type: "double", min: 0, max: 1, initial: 0.5 },
  labelSmoothing: { type: "double", min: 0, max: 0.3, initial: 0.15 },
  weightDecay: { type: "double", min: 1e-6, max: 1e-2, scale: "log", initial: 1e-4 },
};

const methods = {
  population: {
    strategy: { name: "self-tuning-network", options: { population, copyEverySteps: roundSteps, ...tuning } },
    budget: { steps },
  },
  random: {
    strategy: "random",
    budget: { steps, stepsPerTrial: randomTrialSteps },
  },
  asha: {
    strategy: { name: "asha", options: { eta: 3, minSteps } },
    budget: { steps, stepsPerTrial: memberSteps },
  },
} as const;
type Method = keyof typeof methods;
const names: readonly Method[] = ["population", "random", "asha"];

function jobOf(method: Method, seed: number): SearchJob {
  const search = {
    name: `conv-${method}`,
    workload,
    space,
    objective: { metric: "validLoss" },
    techniques: ["dropout", "weight-decay", "input-noise", "label-smoothing"],
    reporting: { measureEverySteps },
    seed,
    ...methods[method],
  };
  return { search, steps };
}

export async function runPopulationClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  const all = Array.from({ length: seeds }, (_, index) => seed + index);
  const jobs = all.flatMap((one) => names.map((method) => jobOf(method, one)));
  const results = await runJobs("STN-POP", jobs, progress);
  const rows = all.map((_, index) => {
    const [own, ...rivals] = names.map((__, at) => lossOf(results[index * names.length + at]));
    const [random = Number.NaN, asha = Number.NaN] = rivals;
    return { own: own ?? Number.NaN, random, asha, gain: 1 - (own ?? Number.NaN) / Math.min(random, asha) };
  });
  const wanted = Math.ceil(shareWanted * seeds);
  const won = rows.filter(({ gain }) => gain > 0).length;
  const mean = (of: (row: (typeof rows)[number]) => number) => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  return {
    id: "STN-POP",
    statement:
      "At equal training steps the test loss of a population of two self-tuning networks is below the better of random search's and ASHA's.",
    threshold: `lower in ${wanted} of ${seeds} seeds`,
    measured: {
      testLoss: mean(({ own }) => own),
      randomTestLoss: mean(({ random }) => random),
      ashaTestLoss: mean(({ asha }) => asha),
      gain: mean(({ gain }) => gain),
      seedsWon: won,
      ...Object.fromEntries(rows.map(({ gain }, index) => [`gainSeed${all[index]}`, gain])),
      timePerStepRatio: seconds(results, "population") / seconds(results, "random"),
    },
    holds: won >= wanted,
  };
}

/** Test loss at the measurement with the least loss on the selection split. */
function lossOf(result: JobResult | undefined): number {
  const best = result?.points.reduce<Point | undefined>(
    (least, point) => (value(point, "validLoss") < value(least, "validLoss") ? point : least),
    undefined,
  );
  return value(best, "testLoss");
}

function value(point: Point | undefined, metric: string): number {
  return point?.metrics[metric] ?? Number.POSITIVE_INFINITY;
}

/** Processor seconds of a method's training over all seeds. */
function seconds(results: readonly JobResult[], method: Method): number {
  const at = names.indexOf(method);
  return results.reduce((sum, { trainSeconds }, index) => sum + (index % names.length === at ? trainSeconds : 0), 0);
}
