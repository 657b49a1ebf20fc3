/**
 * Resident memory of a process and of what it started, from /proc. Where there is no /proc (macOS, Windows) it is unknown, and only the
 * heap limit of V8 holds; `doctor` says so.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Processes below one that are counted; a program that starts more is counted too low rather than looked at for ever. */
const processesMax = 1000;

/** Resident bytes of a process's tree, or undefined where they can't be read (it is gone, or there is no /proc). */
export function treeMemoryBytes(pid: number, options: { countRoot: boolean }): number | undefined {
  const root = residentBytes(pid);
  if (root === undefined) return undefined;
  let bytes = options.countRoot ? root : 0;
  const waiting = childrenOf(pid);
  for (let seen = 0; seen < processesMax; seen += 1) {
    const next = waiting.pop();
    if (next === undefined) break;
    bytes += residentBytes(next) ?? 0;
    waiting.push(...childrenOf(next));
  }
  return bytes;
}

/** Resident bytes of one process. */
export function residentBytes(pid: number): number | undefined {
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    // A process that has ended and was not waited for has no such line: it holds nothing.
    return found === null ? 0 : Number(found[1]) * 1024;
  } catch {
    return undefined;
  }
}

/** Numbers of the processes that one started itself and that live. */
export function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
