/**
 * STN-4: on a small network, one self-tuning run comes near the best of a grid of fixed dropout rates, at a fraction of the grid's cost. Both
 * are judged by the loss at their last step on the rows that the self-tuning network tunes on, as the claim states it. The cost is that of its steps
 * over those of a plain run beside it, in turns: all runs have equally many, and times that lie minutes apart say more of the machine than of the runs.
 */
import { fileURLToPath } from "node:url";
import { ratiosOf, timeInTurns } from "../in-turns.js";
import type { ClaimResult, ReproduceRequest } from "./claim.js";
import { type Job, type JobResult, openJob } from "./job.js";
import { runJobs } from "./run-jobs.js";

const inputRates = [0, 0.2, 0.4, 0.6, 0.8];
const hiddenRates = [0, 0.4, 0.8];
const steps = 3000;
/** The cell in the middle of the grid, whose steps the self-tuning run's are timed beside. */
const middle = { inputDropout: 0.4, hiddenDropout: 0.4 };
/** All steps of both but those of the first tenth, in which code is compiled. */
const turns = { turns: 135, warmUpTurns: 15, stepsPerTurn: 20 };

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
  const plain = (parameters: Job["parameters"]): Job => ({ ...job, procedure: "fit", parameters, options: {} });
  const selfTuning: Job = { ...job, procedure: "self-tune", parameters: {}, options: { variant, entropyWeight: 1e-2 } };
  const results = await runJobs(id, [...grid.map(plain), selfTuning], progress);
  progress.begin(`${id}, cost`, (turns.warmUpTurns + turns.turns) * turns.stepsPerTurn);
  const cost = await costBeside(plain(middle), selfTuning, () => progress.advance(turns.stepsPerTurn));
  const [tuned, fixed] = [results.at(-1), results.slice(0, -1)];
  const losses = fixed.map(lastLoss);
  const best = Math.min(...losses);
  const loss = tuned === undefined ? Number.NaN : lastLoss(tuned);
  return {
    id,
    statement: `One ${variant === "stn" ? "self-tuning" : "Delta-STN"} run comes near the best of fifteen fixed pairs of dropout rates, at a fraction of the grid's cost.`,
    threshold: "final validation loss <= 1.10 of the grid's best, cost <= 3 plain runs",
    measured: { loss, gridBest: best, gridWorst: Math.max(...losses), lossRatio: loss / best, costInRuns: cost },
    holds: loss <= 1.1 * best && cost <= 3,
  };
}

/** Processor time of one job's steps over another's. */
async function costBeside(base: Job, job: Job, advanced: () => void): Promise<number> {
  const sessions = [await openJob(base), await openJob(job)];
  const [baseTimes, times] = await timeInTurns(sessions, turns, advanced);
  for (const session of sessions) session.close();
  return times === undefined || baseTimes === undefined ? Number.NaN : ratiosOf(times, baseTimes).processorRatio;
}

function lastLoss({ points }: JobResult): number {
  return points.at(-1)?.metrics.validLoss ?? Number.POSITIVE_INFINITY;
}
