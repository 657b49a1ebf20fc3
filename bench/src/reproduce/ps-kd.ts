/**
 * PS-KD: a network that mixes what it predicted one pass earlier into its targets makes fewer errors and trusts itself more rightly than with
 * plain cross entropy, and than with label smoothing. Means over at least five seeds of the document's task; settings are the document's, and the draw of
 * centres was settled on seeds 101 to 105.
 * Source: Kim et al., ICCV 2021, table 2; the task and the inequalities are the document's reproduction.
 */
import { fileURLToPath } from "node:url";
import type { ClaimResult, ReproduceRequest, Reproduction } from "./claim.js";
import type { Job, JobResult } from "./job.js";
import { runJobs } from "./run-jobs.js";

const seedsLeast = 5;
const steps = 2300;
const always = { weightDecay: 5e-4, inputNoise: 0.5 };
const methods = {
  plain: { techniques: [], parameters: {} },
  smoothing: { techniques: ["label-smoothing"], parameters: { labelSmoothing: 0.1 } },
  psKd: { techniques: ["ps-kd"], parameters: { selfDistillation: 0.8 } },
} as const;
type Method = keyof typeof methods;
const measures = ["testError", "testNll", "testEce", "testAurc"] as const;

export const psKd: Reproduction = { paper: "ps-kd", claims: [{ id: "PS-KD", run: runClaim }] };

async function runClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  const all = Array.from({ length: Math.max(seeds, seedsLeast) }, (_, index) => seed + index);
  const jobs = (Object.keys(methods) as Method[]).flatMap((method) => all.map((one) => ({ method, job: jobOf(method, one) })));
  const results = await runJobs(
    "PS-KD",
    jobs.map(({ job }) => job),
    progress,
  );
  const mean = (method: Method, measure: (typeof measures)[number]) =>
    jobs.reduce((sum, one, index) => sum + (one.method === method ? lastOf(results[index], measure) : 0), 0) / all.length;
  const measured = Object.fromEntries(
    (Object.keys(methods) as Method[]).flatMap((method) =>
      measures.map((measure) => [`${method}.${measure}`, mean(method, measure)] as const),
    ),
  );
  const better = (than: Method, of: readonly (typeof measures)[number][]) =>
    of.every((measure) => mean("psKd", measure) < mean(than, measure));
  return {
    id: "PS-KD",
    statement:
      "Targets mixed with the network's own earlier predictions give fewer errors and better calibration than plain targets.",
    threshold: `means of seeds ${all[0]} to ${all.at(-1)}: error, NLL, ECE and AURC below plain cross entropy's; error, NLL and AURC below label smoothing's`,
    measured,
    holds: better("plain", measures) && better("smoothing", ["testError", "testNll", "testAurc"]),
  };
}

function jobOf(method: Method, seed: number): Job {
  const { techniques, parameters } = methods[method];
  return {
    procedure: "fit",
    workload: fileURLToPath(new URL("mixtures.js", import.meta.url)),
    workloadOptions: {},
    techniques: ["weight-decay", "input-noise", ...techniques],
    probes: ["calibration"],
    space: [],
    parameters: { ...always, ...parameters },
    options: {},
    steps,
    measureEverySteps: steps,
    dataSeed: seed,
    seed,
  };
}

function lastOf(result: JobResult | undefined, measure: string): number {
  return result?.points.at(-1)?.metrics[measure] ?? Number.NaN;
}
