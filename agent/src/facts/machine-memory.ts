/** Memory of the machine as this process may use it: the cgroup's limit where there is one, else the machine's. */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";

/** Files that hold a limit, in cgroup versions 2 and 1. */
const limitFiles = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
const eventFiles = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];

/** Bytes that this process and all that it starts may use together. */
export function machineMemoryBytes(): number {
  const bounds = limitFiles.map(readNumber).filter((bytes) => bytes !== undefined && bytes > 0);
  return Math.min(totalmem(), ...bounds.map(Number));
}

/** How often the kernel has ended a process of this cgroup for memory; 0 where it does not say. */
export function kernelOutOfMemoryCount(): number {
  for (const file of eventFiles) {
    const found = /^oom_kill (\d+)$/m.exec(readText(file));
    if (found !== null) return Number(found[1]);
  }
  return 0;
}

function readNumber(file: string): number | undefined {
  const text = readText(file).trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
