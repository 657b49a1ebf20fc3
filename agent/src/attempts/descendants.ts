/**
 * Ends what user code started and left behind, also where it left the process group: by a mark in the environment, which every process inherits
 * that does not clear it, and by the family tree as it was seen. Needs /proc; on other systems only the process group is ended. What can't be
 * ended is named.
 */

import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { counted } from "@regulus/proto";
import { childrenOf } from "./process-memory.js";

/** The variable that holds the mark of a trial process, and of all that it starts. */
export const markVariable = "REGULUS_PROCESS_MARK";
/** Looks at what is left, each after everything that was found has been killed: a process may start another one meanwhile. */
const looksMax = 20;
/** Time from a kill to the next look, in milliseconds: the kernel takes a moment to end a process. */
const lookEveryMs = 10;
/** Processes that a message names, and characters of each one's command. */
const namedMax = 5;
const commandCharactersMax = 60;

/** A process that is still there. */
export interface Left {
  readonly pid: number;
  readonly command: string;
}

/** What the marks of an agent's trial processes begin with: the same after a restart over the same data folder. */
export function agentMark(dataFolder: string): string {
  return createHash("sha256").update(realpathSync(dataFolder)).digest("hex").slice(0, 16);
}

/** A mark for one trial process. */
export function processMark(agent: string): string {
  return `${agent}:${randomBytes(8).toString("hex")}`;
}

/** Kills every process with a mark that begins so, but this one. Answers those that could not be ended. */
export async function endMarked(mark: string): Promise<Left[]> {
  const looks = killLooks(() => marked(mark));
  for (;;) {
    const { done, value } = looks.next();
    if (done) return value;
    await sleep(lookEveryMs);
  }
}

/** Kills a process and all below it at once: afterwards nobody could tell whose they were. */
export function killTree(root: number): void {
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    waiting.push(...childrenOf(pid));
    kill(pid);
  }
}

/** What one program starts, watched while it runs, so that those are known too that clear their environment. */
export class Family {
  /** Processes that were seen below the program, with their time of start: a number may be given again. */
  readonly #seen = new Map<number, string>();
  readonly #timer: NodeJS.Timeout;

  readonly #root: number;
  readonly #mark: string | undefined;

  constructor(root: number, mark: string | undefined, lookEvery = 1000) {
    this.#root = root;
    this.#mark = mark;
    this.#timer = setInterval(() => this.#look(), lookEvery);
    this.#timer.unref();
  }

  /** Kills all of them that are left. Blocks for some milliseconds, so that it can be the last thing that a process does. */
  end(): Left[] {
    clearInterval(this.#timer);
    this.#look();
    const mark = this.#mark;
    const looks = killLooks(() => [...new Set([...this.#alive(), ...(mark === undefined ? [] : marked(mark))])]);
    for (;;) {
      const { done, value } = looks.next();
      if (done) return value;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookEveryMs);
    }
  }

  #look(): void {
    const waiting = [this.#root, ...this.#alive()];
    for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
      for (const child of childrenOf(pid)) {
        const started = startedAt(child);
        if (started === undefined || this.#seen.get(child) === started) continue;
        this.#seen.set(child, started);
        waiting.push(child);
      }
    }
  }

  #alive(): number[] {
    for (const [pid, started] of this.#seen) if (startedAt(pid) !== started) this.#seen.delete(pid);
    return [...this.#seen.keys()];
  }
}

/** What is left, in words; undefined where that is nothing. */
export function leftWords(left: readonly Left[]): string | undefined {
  if (left.length === 0) return undefined;
  const named = left.slice(0, namedMax).map(({ pid, command }) => `${pid} (${command})`);
  const more = left.length > namedMax ? ` and ${left.length - namedMax} more` : "";
  const count =
    left.length === 1
      ? "a process that the program started is"
      : `${counted(left.length, "process", "processes")} that the program started are`;
  return `${count} still there and could not be ended: ${named.join(", ")}${more}`;
}

/** Kills what is found until nothing is, a pause after each look. Returns what is left. */
function* killLooks(find: () => readonly number[]): Generator<void, Left[]> {
  let found: readonly number[] = [];
  for (let look = 0; look < looksMax; look += 1) {
    found = find();
    if (found.length === 0) return [];
    for (const pid of found) kill(pid);
    yield;
  }
  return find().map((pid) => ({ pid, command: commandOf(pid) }));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already, or another user's: the next look tells which.
  }
}

/** Living processes of this user, this one left out, whose environment at their start held a mark that begins so. */
function marked(mark: string): number[] {
  const wanted = Buffer.from(`${markVariable}=${mark}`);
  const pids: number[] = [];
  for (const name of listProcesses()) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${name}/environ`);
      const at = environment.indexOf(wanted);
      if (at === 0 || (at > 0 && environment[at - 1] === 0)) pids.push(pid);
    } catch {
      // Gone, or another user's.
    }
  }
  return pids;
}

function listProcesses(): string[] {
  try {
    return readdirSync("/proc");
  } catch {
    return [];
  }
}

/** Clock ticks from the machine's start to the process's; undefined for one that is gone or a zombie. */
function startedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
    return words.slice(0, commandCharactersMax) || readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "gone since";
  }
}
