/**
 * Disks that are really full, made without rights of an administrator. A file system in memory, in a name space of its own, answers ENOSPC; it
 * needs a kernel that lets users make name spaces. A limit on the size of files answers EFBIG to every write past a few bytes of a file; every
 * Linux has it.
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { descendants, scratch } from "./processes.js";

/** Bytes of the file system in memory. */
const diskBytes = 48 * 1024 * 1024;
/** What a file may hold while the limit is on: a lock with a process id goes through, no checkpoint and no page of a log does. */
const fullFileBytes = 16;

/** A folder for one program's data, whose disk can be filled and freed. */
export interface SmallDisk {
  readonly path: string;
  /** For `startProgram`. */
  readonly within: readonly string[];
  /** From now on nothing of the program, which has this process id, finds room. */
  fill(pid: number): void;
  /** Room again. */
  free(pid: number): void;
  remove(): void;
}

/** Each way that this machine offers, by its name. */
export function smallDisks(): ReadonlyMap<string, () => Promise<SmallDisk>> {
  const spaces = spawnSync("unshare", ["-Urm", "true"]).status === 0;
  const limited: [string, () => Promise<SmallDisk>] = ["a limit on files", async () => limitedFiles()];
  return new Map(spaces ? [["a full file system", memoryDisk], limited] : [limited]);
}

/** The name space lives as long as its holder, so that a program on the disk can be killed and started again. */
async function memoryDisk(): Promise<SmallDisk> {
  const folder = scratch("disk");
  const mount = `mount -t tmpfs -o size=${diskBytes} tmpfs "$0" && echo mounted && exec sleep infinity`;
  const holder = spawn("unshare", ["-Urm", "sh", "-c", mount, folder.path], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: holder.stdout }).once("line", () => resolve());
    holder.once("exit", (code) => reject(new Error(`no file system in memory: unshare ended with ${code}`)));
  });
  const ballast = join(`/proc/${holder.pid}/root`, folder.path, "ballast");
  return {
    path: folder.path,
    within: ["nsenter", "--target", String(holder.pid), "--user", "--mount", "--preserve-credentials", "--"],
    fill: () => fillUp(ballast),
    free: () => rmSync(ballast),
    remove: () => {
      holder.kill("SIGKILL");
      folder.remove();
    },
  };
}

/** Writes until there is no room: large pieces first, then single bytes. */
function fillUp(path: string): void {
  const file = openSync(path, "a");
  for (const size of [1 << 20, 4096, 1]) {
    const piece = Buffer.alloc(size);
    try {
      while (writeSync(file, piece) === size);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }
  closeSync(file);
}

function limitedFiles(): SmallDisk {
  const folder = scratch("disk");
  mkdirSync(folder.path, { recursive: true });
  const limit = (pid: number, bytes: string) => {
    for (const one of [pid, ...descendants(pid)]) spawnSync("prlimit", ["--pid", String(one), `--fsize=${bytes}:`]);
  };
  return {
    path: folder.path,
    within: [],
    fill: (pid) => limit(pid, String(fullFileBytes)),
    free: (pid) => limit(pid, "unlimited"),
    remove: folder.remove,
  };
}
