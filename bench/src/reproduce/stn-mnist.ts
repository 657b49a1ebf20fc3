/**
 * The claim of the demo's task: a network 784-256-256-10 on 5,000 MNIST images, five hyperparameters, 7,200 training steps for one
 * self-tuning run and for six random trials together. Both choose their best measurement on the selection split, which neither trained nor
 * tuned on, and are compared by their loss on all 10,000 test images.
 */
import { createRng } from "@regulus/algorithms/core";
import type { ClaimResult, ReproduceRequest } from "./claim.js";
import type { Job, JobResult, Point } from "./job.js";
import { runJobs } from "./run-jobs.js";

/** Training steps of either method; the demo (examples/digits-*.yaml) takes a sixth less, to stay within its three minutes. */
const steps = 7_200;
const randomTrials = 6;
/** Steps between two measurements, of either method. */
const measureEverySteps = 200;
/** How much lower the test loss has to be. */
const gainWanted = 0.15;
/** Share of the seeds in which it has to be. */
const shareWanted = 0.8;

const task: Pick<Job, "workload" | "workloadOptions" | "techniques" | "space" | "measureEverySteps"> = {
  workload: "mnist-mlp",
  workloadOptions: {},
  techniques: ["dropout", "weight-decay", "input-noise", "label-smoothing"],
  space: [
    { name: "inputDropout", min: 0, max: 0.9 },
    { name: "hiddenDropout", min: 0, max: 0.9 },
    { name: "weightDecay", min: 1e-6, max: 1e-2, log: true },
    { name: "inputNoise", min: 0, max: 1 },
    { name: "labelSmoothing", min: 0, max: 0.3 },
  ],
  measureEverySteps,
};

export async function runMnistClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  const all = Array.from({ length: seeds }, (_, index) => seed + index);
  const perSeed = 1 + randomTrials;
  const results = await runJobs("STN-MNIST", all.flatMap(jobsOf), progress);
  const gains = all.map((_, index) => {
    const [tuned, ...random] = results.slice(index * perSeed, (index + 1) * perSeed).map(bestOf);
    const rival = random.reduce((best, one) => (value(one, "validLoss") < value(best, "validLoss") ? one : best), undefined);
    return { tuned, rival, gain: 1 - value(tuned, "testLoss") / value(rival, "testLoss") };
  });
  const reached = gains.filter(({ gain }) => gain >= gainWanted).length;
  const mean = (of: (one: (typeof gains)[number]) => number) => gains.reduce((sum, one) => sum + of(one), 0) / gains.length;
  return {
    id: "STN-MNIST",
    statement:
      "At equal training steps a self-tuning network's test loss on MNIST is well below that of random search's best trial.",
    threshold: `test loss at least ${100 * gainWanted} % lower in ${Math.ceil(shareWanted * seeds)} of ${seeds} seeds`,
    measured: {
      testLoss: mean(({ tuned }) => value(tuned, "testLoss")),
      testError: mean(({ tuned }) => value(tuned, "testError")),
      randomTestLoss: mean(({ rival }) => value(rival, "testLoss")),
      randomTestError: mean(({ rival }) => value(rival, "testError")),
      gain: mean(({ gain }) => gain),
      gainLeast: Math.min(...gains.map(({ gain }) => gain)),
      seedsReached: reached,
      ...Object.fromEntries(gains.map(({ gain }, index) => [`gainSeed${all[index]}`, gain])),
      timePerStepRatio: stepRatio(results, perSeed),
    },
    holds: reached >= Math.ceil(shareWanted * seeds),
  };
}

function jobsOf(seed: number): readonly Job[] {
  const random = Array.from({ length: randomTrials }, (_, trial): Job => {
    const parameters = drawParameters(seed, trial);
    return {
      ...task,
      procedure: "fit",
      parameters,
      options: {},
      steps: steps / randomTrials,
      dataSeed: seed,
      seed: 1000 * seed + trial,
    };
  });
  return [{ ...task, procedure: "self-tune", parameters: {}, options: {}, steps, dataSeed: seed, seed }, ...random];
}

/** A random configuration: uniform, or uniform in the logarithm. */
function drawParameters(seed: number, trial: number): Record<string, number> {
  const rng = createRng(seed).fork("random-search", trial);
  return Object.fromEntries(
    task.space.map(({ name, min, max, log }) => {
      const u = rng.fork(name).uniform();
      return [name, log ? min * (max / min) ** u : min + u * (max - min)];
    }),
  );
}

/** The measurement with the least loss on the selection split. */
function bestOf({ points }: JobResult): Point | undefined {
  return points.reduce<Point | undefined>(
    (best, point) => (value(point, "validLoss") < value(best, "validLoss") ? point : best),
    undefined,
  );
}

function value(point: Point | undefined, metric: string): number {
  return point?.metrics[metric] ?? Number.POSITIVE_INFINITY;
}

/** Seconds of a self-tuning step over those of a plain one. */
function stepRatio(results: readonly JobResult[], perSeed: number): number {
  const seconds = (tuned: boolean) =>
    results.reduce((sum, { trainSeconds }, index) => sum + ((index % perSeed === 0) === tuned ? trainSeconds : 0), 0);
  return seconds(true) / seconds(false);
}
