/** What searches of chaos work on, as search documents. */
import { parseSearchDocument, type SearchSpec } from "@regulus/proto";

/**
 * digits: plain trials of real training. maid: hypergradients of photographs, two shards whose solutions stay in their processes; its steps have to be
 * the same bits as an undisturbed search's. idle steps: for a quick test, steps that only take time.
 */
export const chaosTasks = ["digits", "maid", "idle steps"] as const;
export type ChaosTask = (typeof chaosTasks)[number];

/** Trials of the search, enough work that every kill meets a running search; absent where the strategy decides how many it needs. */
export const trialsOf: Readonly<Record<ChaosTask, number | undefined>> = { digits: 24, maid: undefined, "idle steps": 10 };

/** The search document of a task, but for its name. */
export function documentOf(task: ChaosTask, seed: number): Readonly<Record<string, unknown>> {
  return { ...partOf(task), parallelism: 2, retries: { max: 20, backoff: "100ms" }, seed };
}

function partOf(task: ChaosTask): Readonly<Record<string, unknown>> {
  if (task === "maid")
    return {
      workload: { name: "tv-denoising", options: { count: 24, size: 64, noise: 0.1, upper: "psnr" } },
      objective: { metric: "upperLoss", direction: "minimize" },
      strategy: {
        name: "maid",
        options: { steps: 20, shards: 2, direction: "l-bfgs", stepLength: 1, accuracy: 0.003, residual: 0.0003 },
      },
      reporting: { checkpointEvery: "2s" },
    };
  const trials = (stepsPerTrial: number, measureEverySteps: number) => ({
    objective: { metric: "validLoss", direction: "minimize" },
    strategy: "random",
    budget: { trials: trialsOf[task], stepsPerTrial },
    reporting: { measureEverySteps, checkpointEvery: "500ms" },
  });
  if (task === "digits") return { workload: "mnist-mlp", techniques: ["weight-decay", "dropout"], ...trials(300, 50) };
  return {
    workload: { name: "synthetic-function", options: { function: "sphere", curveHeight: 1, stepMs: 20 } },
    space: { x0: { type: "double", min: -5, max: 5 } },
    ...trials(60, 10),
  };
}

export function specOf(task: ChaosTask, seed: number): SearchSpec {
  return parseSearchDocument({ name: "chaos", ...documentOf(task, seed) });
}
