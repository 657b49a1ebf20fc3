/**
 * A real cluster of processes on this machine for tests: one coordinator and some agents, each the program that users run, with its data in a
 * scratch folder. Any of them can be killed with -9 and started again.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The folder that holds the rooms. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** How long a program may take until it says that it is ready. */
const readyTimeoutMs = 60_000;
/** How long a program that was asked to end may take. */
const endTimeoutMs = 30_000;
/** Characters of a program's standard error that are kept to be shown when it fails. */
const logCharactersMax = 20_000;

/** What a program says when it is ready. */
export interface Ready {
  readonly ready: string;
  readonly address?: string;
  readonly metrics?: string;
  readonly agentId?: string;
}

/** A running program of ours. */
export interface Program {
  readonly pid: number;
  readonly ready: Ready;
  /** The end of its standard error. */
  log(): string;
  /** Ends it at once, as a power cut would, and waits until it is gone. */
  kill(): Promise<void>;
  /** Asks it to end and waits; kills it after 30 s. */
  end(): Promise<number | null>;
}

/**
 * Starts a program of a room (`coordinator` or `agent`) and waits for its ready line. `within`: a command that runs the program given after it
 * in surroundings of its own, in the same process.
 */
export async function startProgram(
  room: "coordinator" | "agent",
  args: readonly string[],
  within: readonly string[] = [],
): Promise<Program> {
  const [command = "", ...rest] = [
    ...within,
    process.execPath,
    "--enable-source-maps",
    join(root, room, "dist/main.js"),
    ...args,
  ];
  const child = spawn(command, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: root,
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-logCharactersMax);
  });
  const gone = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const ready = await firstLine(child, gone, () => log, room);
  return {
    pid: child.pid ?? 0,
    ready,
    log: () => log,
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
    end: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), endTimeoutMs);
      const code = await gone;
      clearTimeout(timer);
      return code;
    },
  };
}

function firstLine(child: ChildProcess, gone: Promise<number | null>, log: () => string, room: string): Promise<Ready> {
  const { stdout } = child;
  if (stdout === null) throw new Error("standard output is not a pipe");
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${room} was not ready after ${readyTimeoutMs} ms\n${log()}`)),
      readyTimeoutMs,
    );
    createInterface({ input: stdout }).once("line", (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line) as Ready);
    });
    void gone.then((code) => {
      clearTimeout(timer);
      reject(new Error(`${room} ended with ${code} before it was ready\n${log()}`));
    });
  });
}

/** A scratch folder, and how to remove it. */
export function scratch(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `regulus-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) };
}

/** Processes below one process, read from /proc; of those with one parent the oldest first. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  const all = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  for (const entry of all.map(Number).sort((a, b) => a - b)) {
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), entry]);
  }
  const below = (of: number): number[] => (children.get(of) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** Processor time of a process and of everything that it started, those that have ended included, in seconds; 0 where it can't be read. */
export function processorSeconds(pid: number): number {
  const seconds = (one: number, places: readonly number[]): number =>
    places.reduce((sum, place) => sum + Number(statOf(one)?.[place] ?? 0), 0) / ticksPerSecond;
  // User and system time, its own and that of children which it has waited for.
  return [pid, ...descendants(pid)].reduce((sum, one) => sum + seconds(one, [11, 12, 13, 14]), 0);
}

/** What Linux counts processor time in, on every machine that Node runs on. */
const ticksPerSecond = 100;

function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Fields of /proc/PID/stat from the third on; undefined where the process has ended. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined; // it ended between the listing and the reading
  }
}
