/**
 * Ends a trial process whose agent is gone, whatever the trial is doing: a worker thread looks at the parent's id, so that even an
 * endless loop in user code does not outlive a killed agent.
 */
import { Worker } from "node:worker_threads";

/** Time between two looks, in milliseconds: the longest that a trial outlives its agent. */
const lookEveryMs = 500;

/** Starts the watch. Answers how to end it. */
export function watchParent(): () => void {
  const source = `
    const { workerData } = require("node:worker_threads");
    setInterval(() => {
      if (process.ppid !== workerData.parent) process.kill(process.pid, "SIGKILL");
    }, workerData.lookEveryMs);
  `;
  // A small heap of its own: the thread holds nothing.
  const worker = new Worker(source, {
    eval: true,
    workerData: { parent: process.ppid, lookEveryMs },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 },
  });
  worker.unref();
  return () => void worker.terminate();
}
