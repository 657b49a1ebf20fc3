/**
 * MAID-2b and MAID-4: claims on the quadratic of section 4.1, whose exact upper loss is known in closed form. MAID-2b logs it at every accepted step
 * of runs with the settings of MAID-1.
 */
import { createRng } from "@regulus/algorithms/core";
import { drawQuadratic, driveLocally, type MaidState, maid, maidOptions } from "@regulus/algorithms/solvers";
import type { ClaimResult, ReproduceRequest } from "./claim.js";
import { accuracies, law, problemOf, run, settings } from "./quadratic-runs.js";

/** Accepted steps that MAID-2b sees at least, and seeds that it draws at most for them. */
const [stepsWanted, seedsMax] = [10_000, 60];

export async function runDecreaseClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  progress.begin("MAID-2b", stepsWanted);
  let [steps, violations, leastRatio, drawn] = [0, 0, Number.POSITIVE_INFINITY, 0];
  for (; drawn < seedsMax && (drawn < seeds || steps < stepsWanted); drawn++) {
    const problem = problemOf(seed + drawn);
    for (const accuracy of accuracies) {
      const result = run(problem, accuracy);
      steps += result.steps;
      violations += result.violations;
      leastRatio = Math.min(leastRatio, result.leastRatio);
      progress.advance(result.steps);
    }
  }
  return {
    id: "MAID-2b",
    statement: "Every accepted step lowers the exact loss by at least lambda alpha |z|^2, although nothing is solved exactly.",
    measured: { "accepted steps": steps, violations, "least decrease over certified": leastRatio, problems: drawn },
    threshold: `no violation over at least ${stepsWanted} accepted steps`,
    holds: violations === 0 && steps >= stepsWanted,
  };
}

/** Samples and steps of the runs that are cut into shards. */
const [shardedSamples, shardedSteps] = [7, 60];

export async function runShardClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  progress.begin("MAID-4", seeds);
  let [equal, runs, partialSumsDiffer] = [0, 0, 0];
  for (let one = seed; one < seed + seeds; one++) {
    const rng = createRng(one).fork("MAID-4");
    const samples = Array.from({ length: shardedSamples }, (_, i) => drawQuadratic({ ...law, rows: 50, ridge: 1 }, rng.fork(i)));
    const trajectory = (shards: number, ahead: number): string => {
      const start = { theta: Array(law.thetaDim).fill(1), samples: shardedSamples };
      const state: MaidState = maid.init(maidOptions.parse({ ...settings, work: 0, steps: shardedSteps, stepLength: 1 }), start);
      const thetas: (readonly number[])[] = [];
      driveLocally(maid, state, {
        samples,
        shards,
        ahead,
        onRecord({ vectors }) {
          thetas.push(vectors.theta, vectors.hypergradient);
          return false;
        },
      });
      return JSON.stringify(thetas);
    };
    const alone = trajectory(1, 1);
    for (const [shards, ahead] of [
      [2, 1],
      [4, 1],
      [4, 3],
    ] as const) {
      runs += 1;
      if (trajectory(shards, ahead) === alone) equal += 1;
    }
    const losses = samples.map((sample) => sample.exact(new Float64Array(law.thetaDim)));
    const sum = (from: number, to: number): number => losses.slice(from, to).reduce((total, loss) => total + loss, 0);
    const whole = sum(0, shardedSamples);
    if ([2, 3, 4, 5].some((cut) => sum(0, cut) + sum(cut, shardedSamples) !== whole)) partialSumsDiffer += 1;
    progress.advance(1);
  }
  return {
    id: "MAID-4",
    statement: "However samples are cut into shards, and whatever is asked ahead, the trajectory has the same bits.",
    measured: { "runs with equal bits": equal, runs, "seeds where plain partial sums differ": partialSumsDiffer },
    threshold:
      "all runs on 2 and 4 shards, with and without speculation, equal the run on one (agents: test/src, on a real cluster)",
    holds: equal === runs,
  };
}
