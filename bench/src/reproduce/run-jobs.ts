/** Runs jobs side by side in worker processes and gives their results in the order of the jobs. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, JobResult } from "./job.js";
import type { Progress } from "./progress.js";
import type { SearchJob } from "./search-job.js";

/** Worker processes: one a core of the smallest machine that we measure on. */
const workersMax = 2;

/** What a worker says. */
export type FromWorker =
  | { readonly kind: "advanced"; readonly steps: number }
  | { readonly kind: "result"; readonly result: JobResult }
  | { readonly kind: "failed"; readonly message: string };

export async function runJobs(
  label: string,
  jobs: readonly (Job | SearchJob)[],
  progress: Progress,
): Promise<readonly JobResult[]> {
  progress.begin(
    label,
    jobs.reduce((sum, { steps }) => sum + steps, 0),
  );
  const results: JobResult[] = [];
  // The longest first, so that no worker is left alone with it at the end.
  const waiting = [...jobs.entries()].sort(([, a], [, b]) => b.steps - a.steps);
  const workers = Array.from({ length: Math.min(workersMax, jobs.length) }, () =>
    fork(fileURLToPath(new URL("worker.js", import.meta.url))),
  );
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const [index, job] = next;
          results[index] = await runOn(worker, job, progress);
        }
      }),
    );
  } finally {
    for (const worker of workers) worker.kill();
  }
  return results;
}

function runOn(worker: ChildProcess, job: Job | SearchJob, progress: Progress): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => {
      worker.off("message", said);
      reject(new Error(`a worker process ended with code ${code}`));
    };
    const said = (message: FromWorker) => {
      if (message.kind === "advanced") {
        progress.advance(message.steps);
        return;
      }
      worker.off("exit", ended);
      worker.off("message", said);
      if (message.kind === "result") resolve(message.result);
      else reject(new Error(message.message));
    };
    worker.on("exit", ended);
    worker.on("message", said);
    worker.send(job);
  });
}
