/** A worker process of a reproduction: runs the jobs that its parent sends, one at a time, and reports steps and results. */
import { type Job, runJob } from "./job.js";
import type { FromWorker } from "./run-jobs.js";
import { runSearchJob, type SearchJob } from "./search-job.js";

process.on("disconnect", () => process.exit(0));
process.on("message", (job: Job | SearchJob) => {
  const advanced = (steps: number) => send({ kind: "advanced", steps });
  ("search" in job ? runSearchJob(job, advanced) : runJob(job, advanced)).then(
    (result) => send({ kind: "result", result }),
    (error: unknown) =>
      send({ kind: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

function send(message: FromWorker): void {
  process.send?.(message);
}
