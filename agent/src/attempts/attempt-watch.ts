/** Watches one attempt's process: last sign of life, progress, memory. Reports when it exceeds a limit. */
import type { EndReason } from "@regulus/proto";
import { type AttemptLimits, passedLimit } from "./attempt-limits.js";
import { treeMemoryBytes } from "./process-memory.js";

export class AttemptWatch {
  /** The newest step that it told of. */
  step = 0;
  /** Resident bytes at the last look. */
  memoryBytes = 0;
  #heardMs = performance.now();
  #begunMs = performance.now();
  #isPrepared = false;

  readonly #limits: AttemptLimits;
  /** Whether the process's own memory counts, and not only that of its program. */
  readonly #countsRoot: boolean;

  constructor(limits: AttemptLimits, countsRoot: boolean) {
    this.#limits = limits;
    this.#countsRoot = countsRoot;
  }

  /** Longest time between two signs of life that are sent, in milliseconds. */
  get aliveEveryMs(): number {
    return Math.min(500, this.#limits.stepTimeoutMs / 4);
  }

  /** The process gets its work. */
  begun(): void {
    this.#heardMs = performance.now();
    this.#begunMs = this.#heardMs;
  }

  heard(): void {
    this.#heardMs = performance.now();
  }

  /** It has loaded all that it needs: its silence counts. */
  prepared(): void {
    this.#isPrepared = true;
    this.heard();
  }

  /** The limit that the attempt has passed, as its end; undefined for none. */
  look(nowMs: number, pid: number | undefined): { reason: EndReason; message: string } | undefined {
    const memoryBytes = pid === undefined ? undefined : treeMemoryBytes(pid, { countRoot: this.#countsRoot });
    this.memoryBytes = memoryBytes ?? 0;
    const { step } = this;
    const heardMs = this.#heardMs;
    const begunMs = this.#begunMs;
    const prepared = this.#isPrepared;
    return passedLimit({ silentMs: nowMs - heardMs, aliveMs: nowMs - begunMs, prepared, memoryBytes, step }, this.#limits);
  }
}
