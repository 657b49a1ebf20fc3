/** Name of the machine's GPU as its driver's own tool says it; empty where there is none. */
import { execFile } from "node:child_process";

/** Longest wait for the tool, in milliseconds: a driver in trouble hangs. */
const toolMsMax = 5000;

export async function gpuName(): Promise<string> {
  return await new Promise((resolve) => {
    execFile("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader"], { timeout: toolMsMax }, (error, stdout) => {
      resolve(error === null ? (stdout.split("\n")[0] ?? "").trim() : "");
    });
  });
}
