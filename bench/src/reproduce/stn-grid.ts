/**
 * STN-4: on a small network, one self-tuning run comes near the best of a grid of fixed dropout rates, at a fraction of the grid's cost. Both
 * are judged by the loss at their last step on the rows that the self-tuning network tunes on, as the claim states it.
 */
import { fileURLToPath } from "node:url";
import type { ClaimResult, ReproduceRequest } from "./claim.js";
import type { Job, JobResult } from "./job.js";
import { runJobs } from "./run-jobs.js";

const inputRates = [0, 0.2, 0.4, 0.6, 0.8];
const hiddenRates = [0, 0.4, 0.8];
const steps = 3000;

export async function runGridClaim({ seed, progress }: ReproduceRequest, variant: "stn" | "delta-stn"): Promise<ClaimResult> {
  const id = variant === "stn" ? "STN-4" : "STN-4-DELTA";
  const rate = { min: 0, max: 0.95 };
  const job: Omit<Job, "procedure" | "parameters" | "options"> = {
    workload: fileURLToPath(new URL("blobs.js", import.meta.url)),
    workloadOptions: {},
    techniques: ["dropout"],
    space: [
      { name: "inputDropout", ...rate },
      { name: "hiddenDropout", ...rate },
    ],
    steps,
    measureEverySteps: steps,
    dataSeed: seed,
    seed,
  };
  const grid = inputRates.flatMap((inputDropout) => hiddenRates.map((hiddenDropout) => ({ inputDropout, hiddenDropout })));
  // The self-tuning run comes last: the first runs of a process also pay for compiling what all of them use.
  const jobs: Job[] = [
    ...grid.map((parameters): Job => ({ ...job, procedure: "fit", parameters, options: {} })),
    { ...job, procedure: "self-tune", parameters: {}, options: { variant, entropyWeight: 1e-2 } },
  ];
  const results = await runJobs(id, jobs, progress);
  const [tuned, fixed] = [results.at(-1), results.slice(0, -1)];
  const losses = fixed.map(lastLoss);
  const best = Math.min(...losses);
  const cost =
    (tuned?.trainSeconds ?? Number.NaN) / (fixed.reduce((sum, { trainSeconds }) => sum + trainSeconds, 0) / fixed.length);
  const loss = tuned === undefined ? Number.NaN : lastLoss(tuned);
  return {
    id,
    statement: `One ${variant === "stn" ? "self-tuning" : "Delta-STN"} run comes near the best of fifteen fixed pairs of dropout rates, at a fraction of the grid's cost.`,
    threshold: "final validation loss <= 1.10 of the grid's best, cost <= 3 plain runs",
    measured: { loss, gridBest: best, gridWorst: Math.max(...losses), lossRatio: loss / best, costInRuns: cost },
    holds: loss <= 1.1 * best && cost <= 3,
  };
}

function lastLoss({ points }: JobResult): number {
  return points.at(-1)?.metrics.validLoss ?? Number.POSITIVE_INFINITY;
}
