/**
 * Runs a program of another room in the foreground: its output is ours, signals go to it, its exit code becomes ours. It has a process
 * group of its own, so that one Ctrl-C reaches it once.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { RegulusError } from "@regulus/proto";
import { mains } from "./child.js";

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Resolves with the exit code; 128 and the signal's number where a signal ended it. */
export async function runMain(program: keyof typeof mains, flags: readonly string[]): Promise<number> {
  const main = fileURLToPath(mains[program]);
  if (!existsSync(main)) throw new RegulusError("failed-precondition", `${main} is missing; build it with: npm run build`);
  const child = spawn(process.execPath, [main, ...flags], { stdio: "inherit", detached: true });
  const listeners = forwarded.map((signal) => [signal, () => child.kill(signal)] as const);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  const killWithUs = () => child.kill("SIGTERM");
  process.once("exit", killWithUs);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (error) => reject(RegulusError.from(error)));
      child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGKILL" ? 137 : 143)));
    });
  } finally {
    process.off("exit", killWithUs);
    for (const [signal, listener] of listeners) process.off(signal, listener);
  }
}
