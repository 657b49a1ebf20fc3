/**
 * Processes of trials that pause, kept with their sessions open for a while, so that a trial which goes back and forth between its strategy and
 * its agent starts no process for every round. They hold no slot and compute nothing; they are bounded in number, age and memory. A lease gets one
 * only where it goes on from exactly the checkpoint that the process stands at or, where the process is ahead of what it saved, where it is the
 * very next one of the trial.
 */
import type { LeaseKey } from "@regulus/proto";
import { endMarked } from "./descendants.js";
import { signalGroup } from "./process-group.js";
import { treeMemoryBytes } from "./process-memory.js";
import type { TrialProcess } from "./spares.js";

/** Processes that may wait, for each slot of the agent. */
const perSlotMax = 4;

/** How long processes wait. */
export interface ResidentsPatience {
  /** Longest wait for the trial's next lease, in milliseconds: of one that was saved, and of one that is ahead of that, whose work would be done again. */
  readonly idleMsMax: { readonly saved: number; readonly ahead: number };
  /** Time between two looks at their age and memory, in milliseconds. */
  readonly lookEveryMs: number;
}

const usualPatience: ResidentsPatience = { idleMsMax: { saved: 60_000, ahead: 600_000 }, lookEveryMs: 1000 };

/** A process that waits. */
export interface Resident {
  readonly process: TrialProcess;
  /** Content of the checkpoint that was stored last of its session; undefined where none was. */
  readonly sha256: string | undefined;
  /** The attempt that left it ahead of that checkpoint; undefined where it stands there. */
  readonly aheadOf: number | undefined;
  /** Steps that its session has done. */
  readonly step: number;
  /** Process group of a program that the session runs. */
  readonly programGroup: number | undefined;
  /** Slots that it had: its devices are theirs. */
  readonly slots: readonly number[];
}

export interface ResidentsOptions {
  readonly slots: number;
  /** Memory that all trial processes share, in bytes. */
  readonly memoryBytes: number;
  /** Resident bytes of the trials that run. */
  readonly runningBytes: () => number;
}

/** Names a trial: it has at most one process that waits. */
interface TrialName {
  readonly searchId: string;
  readonly trial: number;
}

interface Waiting extends Resident {
  readonly sinceMs: number;
  bytes: number;
  readonly onExit: () => void;
}

export class Residents {
  /** Leases since the start that found their process waiting. */
  reusedTotal = 0;
  /** By trial, the one that waits longest first. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  readonly #options: ResidentsOptions;
  readonly #patience: ResidentsPatience;

  constructor(options: ResidentsOptions, patience: ResidentsPatience = usualPatience) {
    this.#options = options;
    this.#patience = patience;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Resident bytes of all of them at the last look. */
  memoryBytes(): number {
    let bytes = 0;
    for (const waiting of this.#waiting.values()) bytes += waiting.bytes;
    return bytes;
  }

  /** Keeps a process, or ends it where there is no room. */
  keep(name: TrialName, resident: Resident): void {
    const text = textOf(name);
    this.#drop(text);
    if (this.#closed || !resident.process.child.connected) {
      end(resident);
      return;
    }
    const onExit = () => this.#drop(text);
    resident.process.child.on("exit", onExit);
    this.#waiting.set(text, { ...resident, sinceMs: performance.now(), bytes: bytesOf(resident), onExit });
    this.#timer ??= setInterval(() => this.#look(), this.#patience.lookEveryMs);
    this.#timer.unref();
    this.#look();
  }

  /** The slots that the trial's process had; undefined where none waits. */
  slotsOf(name: TrialName): readonly number[] | undefined {
    return this.#waiting.get(textOf(name))?.slots;
  }

  /** The trial's process, where this attempt goes on from where it stands; one that stands elsewhere is ended. `sha256`: what the lease goes on from. */
  take(key: LeaseKey, sha256: string | undefined): Resident | undefined {
    const text = textOf(key);
    const found = this.#waiting.get(text);
    if (found === undefined) return undefined;
    const isNext = found.aheadOf === undefined ? found.sha256 !== undefined : key.attempt === found.aheadOf + 1;
    if (found.sha256 !== sha256 || !isNext || !found.process.child.connected) {
      this.#drop(text);
      return undefined;
    }
    this.#waiting.delete(text);
    found.process.child.off("exit", found.onExit);
    this.reusedTotal += 1;
    return found;
  }

  /** Ends all of them, and every one that comes later. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const text of [...this.#waiting.keys()]) this.#drop(text);
  }

  /** Ends those that wait too long, are too many, or hold memory that the trials that run may need. */
  #look(): void {
    const nowMs = performance.now();
    const { idleMsMax } = this.#patience;
    for (const waiting of this.#waiting.values()) waiting.bytes = bytesOf(waiting);
    for (const [text, { sinceMs, aheadOf }] of this.#waiting) {
      const tooLong = nowMs - sinceMs > (aheadOf === undefined ? idleMsMax.saved : idleMsMax.ahead);
      const tooMany = this.#waiting.size > perSlotMax * this.#options.slots;
      const tooLarge = this.memoryBytes() + this.#options.runningBytes() > this.#options.memoryBytes;
      if (tooMany || tooLarge || tooLong) this.#drop(text);
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #drop(text: string): void {
    const found = this.#waiting.get(text);
    if (found === undefined) return;
    this.#waiting.delete(text);
    found.process.child.off("exit", found.onExit);
    end(found);
  }
}

function end({ process, programGroup }: Resident): void {
  process.child.kill("SIGKILL");
  signalGroup(programGroup, "SIGKILL");
  if (programGroup !== undefined) void endMarked(process.mark);
}

function bytesOf({ process }: Resident): number {
  const { pid } = process.child;
  return pid === undefined ? 0 : (treeMemoryBytes(pid, { countRoot: true }) ?? 0);
}

function textOf({ searchId, trial }: TrialName): string {
  return `${searchId}/${trial}`;
}
