/**
 * A coordinator or agent as a child process: started, awaited until it says that it is ready, listened to, and ended gently, then
 * firmly. It runs in a process group of its own, so that Ctrl-C reaches this process first and children end in good order; it ends by
 * itself when this process dies (`with-parent.ts`).
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { RegulusError } from "@regulus/proto";

/** Lines of a child's log that are kept for the case that it dies. */
const logLinesMax = 40;
/** Characters of one of them. */
const logCharactersMax = 2000;

/** The programs of the other rooms, as `npm run build` leaves them. */
export const mains = {
  coordinator: new URL("../../../coordinator/dist/main.js", import.meta.url),
  agent: new URL("../../../agent/dist/main.js", import.meta.url),
} as const;

export interface ChildOptions {
  /** A compiled module, one of `mains`, that writes a JSON line with `ready` to standard output. */
  readonly main: URL;
  /** For people. */
  readonly name: string;
  readonly flags: readonly string[];
  /** Wait for the ready line at most. */
  readonly readyMs?: number;
  /** Gets every line of the child's log. */
  readonly onLog?: (line: string) => void;
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child that said that it is ready. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** What it said: addresses, its id. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Settles when it is gone, however it ended; never fails. */
  readonly ended: Promise<ChildEnd>;
  /** Its newest log lines. */
  lastLines(): readonly string[];
  /** SIGTERM, again at half of the grace (which programs of ours answer at once), then SIGKILL. Resolves when it is gone. */
  stop(graceMs: number): Promise<ChildEnd>;
}

type Process = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts a child and waits until it is ready. Fails with its last log lines where it ends before. */
export async function startChild(options: ChildOptions, signal?: AbortSignal): Promise<Child> {
  const main = fileURLToPath(options.main);
  if (!existsSync(main)) throw new RegulusError("failed-precondition", `${main} is missing; build it with: npm run build`);
  const wrapper = fileURLToPath(new URL("./with-parent.js", import.meta.url));
  const process_ = spawn(process.execPath, [wrapper, main, ...options.flags], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  process_.stdin.on("error", () => undefined); // Nothing is ever written; a child that is gone closes it.
  const lines: string[] = [];
  createInterface({ input: process_.stderr }).on("line", (line) => {
    lines.push(line.slice(0, logCharactersMax));
    if (lines.length > logLinesMax) lines.shift();
    options.onLog?.(line);
  });
  const ended = endOf(process_);
  const stop = (graceMs: number) => stopProcess(process_, ended, graceMs);
  try {
    const ready = await readyLine({ process: process_, ended, options, lines, signal });
    return { name: options.name, pid: process_.pid ?? 0, ready, ended, lastLines: () => lines.map(plainLogLine), stop };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

interface ReadyRequest {
  readonly process: Process;
  readonly ended: Promise<ChildEnd>;
  readonly options: ChildOptions;
  readonly lines: readonly string[];
  readonly signal: AbortSignal | undefined;
}

async function readyLine({ process, ended, options, lines, signal }: ReadyRequest): Promise<Record<string, unknown>> {
  const readyMs = options.readyMs ?? 30_000;
  return new Promise((resolve, reject) => {
    const fail = (error: RegulusError) => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => fail(new RegulusError("deadline", words(`was not ready after ${readyMs / 1000} s`))), readyMs);
    const words = (what: string) => [`${options.name} ${what}`, ...lines.map((line) => `  ${plainLogLine(line)}`)].join("\n");
    void ended.then((end) => fail(new RegulusError("unavailable", words(`ended before it was ready (${endWords(end)})`))));
    const stopped = () => fail(new RegulusError("cancelled", `${options.name} was not started: stopped by the user`));
    if (signal?.aborted === true) stopped();
    signal?.addEventListener("abort", stopped, { once: true });
    createInterface({ input: process.stdout }).on("line", (line) => {
      const ready = readyOf(line);
      if (ready === undefined) return;
      clearTimeout(timer);
      signal?.removeEventListener("abort", stopped);
      resolve(ready);
    });
  });
}

function readyOf(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "ready" in value ? { ...value } : undefined;
  } catch {
    return undefined; // Not ours; standard output promises one JSON line and no more.
  }
}

function endOf(process: Process): Promise<ChildEnd> {
  return new Promise((resolve) => {
    process.once("error", () => resolve({ code: null, signal: null }));
    process.once("close", (code, signal) => resolve({ code, signal }));
  });
}

async function stopProcess(process: Process, ended: Promise<ChildEnd>, graceMs: number): Promise<ChildEnd> {
  const timers = [setTimeout(() => process.kill("SIGTERM"), graceMs / 2), setTimeout(() => process.kill("SIGKILL"), graceMs)];
  process.kill("SIGTERM");
  const end = await ended;
  for (const timer of timers) clearTimeout(timer);
  return end;
}

/** How a child ended, in words. */
export function endWords({ code, signal }: ChildEnd): string {
  return signal !== null ? `killed by ${signal}` : code !== null ? `exit code ${code}` : "could not be started";
}

/** A structured log line as people read it: level and message, then what else it says. Other lines stay. */
export function plainLogLine(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("msg" in value)) return line;
    const { msg, level, time, pid, hostname, part, v, ...rest } = {
      level: 30,
      time: 0,
      pid: 0,
      hostname: "",
      part: "",
      v: 0,
      ...value,
    };
    const word = Number(level) >= 60 ? "fatal" : Number(level) >= 50 ? "error" : Number(level) >= 40 ? "warning" : "info";
    const more = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
    return `${word}: ${String(msg)}${more}`;
  } catch {
    return line;
  }
}
