/**
 * The attempts that an agent works on: takes leases within its slots and its owner's permissions, stops and revokes, and says which are
 * active. How an attempt is isolated is given in.
 */
import {
  counted,
  EndReason,
  type Lease,
  type LeaseKey,
  type OutputPart,
  outputPieceBytesMax,
  type Report,
  type SearchSpec,
  type StopAttempt,
} from "@regulus/proto";
import type { Logger } from "pino";
import type { StopReason } from "../trial/trainer.js";
import { boundedEvent } from "./bounded-event.js";
import { keyText } from "./lease-key.js";
import type { Permission, Permissions } from "./permissions.js";
import type { Assignment, AttemptListener, RunningAttempt } from "./running-attempt.js";
import type { Slots } from "./slots.js";

/** Time between two looks after the attempts, in milliseconds: what a time or memory limit may be exceeded by. */
const tickMs = 250;
/** A look that comes later than this, in milliseconds, judges nobody. */
const lateMsMax = 500;

export interface AttemptsOptions {
  readonly slots: Slots;
  /** Slots that a trial would best have again: its process waits with their devices. */
  readonly wantedSlots?: (key: LeaseKey) => readonly number[] | undefined;
  readonly permissions: Permissions;
  readonly report: (report: Report) => void;
  /** Told when an attempt that was taken away is over: nothing is reported of it. */
  readonly freed: () => void;
  readonly begin: (assignment: Assignment, listener: AttemptListener) => RunningAttempt;
  /** Whether attempts need looking after (time, memory). */
  readonly watched: boolean;
  readonly log: Logger;
}

interface Active {
  readonly key: LeaseKey;
  readonly attempt: RunningAttempt;
  finished: boolean;
}

export class Attempts {
  /** Attempts that ended since the start, by reason. */
  readonly endedTotal = new Map<EndReason, number>();
  /** Training steps since the start, as far as ended attempts and measurements tell. */
  stepsTotal = 0;
  readonly #byKey = new Map<string, Active>();
  readonly #timer: NodeJS.Timeout | undefined;
  #tickedMs = performance.now();
  readonly #emptyWaiters: (() => void)[] = [];
  #draining: string | undefined;

  readonly #options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    if (options.watched) this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Slots in use. */
  get used(): number {
    return this.#options.slots.used;
  }

  /** Resident bytes of all trial processes at the last look. */
  memoryBytes(): number {
    let bytes = 0;
    for (const active of this.#byKey.values()) bytes += active.attempt.memoryBytes;
    return bytes;
  }

  /** Keys of attempts that are not over. */
  active(): LeaseKey[] {
    const keys: LeaseKey[] = [];
    for (const active of this.#byKey.values()) if (!active.finished) keys.push(active.key);
    return keys;
  }

  start(lease: Lease, spec: SearchSpec): void {
    const { key, work, seed, resumeFrom } = lease;
    if (!key || !work || this.#byKey.has(keyText(key))) return;
    const slots = Math.max(1, spec.resources?.slots ?? 1);
    const admission = this.#admit(spec, work.procedure, slots);
    if (admission.kind === "refused") this.#refuse(key, admission.reason, admission.message);
    else {
      const numbers = this.#options.slots.take(slots, this.#options.wantedSlots?.(key));
      this.#begin({ key, work, spec: admission.spec, seed, resumeFrom, slots: numbers }, lease.resumeStep);
    }
  }

  /** A stop that the coordinator asked for. An unspecified reason revokes. */
  stop(request: StopAttempt): void {
    const active = request.lease === undefined ? undefined : this.#byKey.get(keyText(request.lease));
    if (active === undefined) return;
    const reason = stopReasonOf(request.reason);
    if (reason === undefined) active.attempt.revoke();
    else active.attempt.stop(reason, request.message);
  }

  /** A piece of what an attempt's program has printed; undefined where it is not one of ours, or can't tell now. */
  async output(key: LeaseKey | undefined, offset: number, bytesMax: number): Promise<OutputPart | undefined> {
    const active = key === undefined ? undefined : this.#byKey.get(keyText(key));
    return await active?.attempt.output(offset, Math.min(bytesMax, outputPieceBytesMax));
  }

  /** The attempt is no longer ours: ends it and reports nothing. */
  revoke(key: LeaseKey): void {
    this.#byKey.get(keyText(key))?.attempt.revoke();
  }

  /** Takes no more, preempts everything. Resolves when nothing runs, or after `maxMs` milliseconds; then what still runs is ended. */
  async drain(reason: string, maxMs: number): Promise<void> {
    this.#draining = reason;
    for (const active of this.#byKey.values()) active.attempt.stop("preempted", reason);
    if (this.#byKey.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxMs);
        this.#emptyWaiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const active of this.#byKey.values()) active.attempt.revoke();
  }

  #admit(spec: SearchSpec, procedure: string, slots: number): Permission {
    const { free } = this.#options.slots;
    const full = slots > free ? `${counted(slots, "slot")} asked for, ${free} free` : undefined;
    const message = this.#draining ?? full;
    if (message !== undefined) return { kind: "refused", reason: EndReason.END_REASON_PREEMPTED, message };
    return this.#options.permissions.check(spec, procedure);
  }

  #begin(assignment: Assignment, fromStep: number): void {
    const { key } = assignment;
    const text = keyText(key);
    let counted = fromStep;
    const count = (step: number) => {
      this.stepsTotal += Math.max(0, step - counted);
      counted = Math.max(counted, step);
    };
    const free = (active: Active | undefined) => {
      if (active === undefined || active.finished) return;
      active.finished = true;
      this.#options.slots.give(assignment.slots);
    };
    const listener: AttemptListener = {
      event: (said) => {
        const event = boundedEvent(said);
        if (event.$case === "measured") count(event.value.step);
        if (event.$case === "finished") {
          count(event.value.step);
          this.endedTotal.set(event.value.reason, (this.endedTotal.get(event.value.reason) ?? 0) + 1);
          free(this.#byKey.get(text));
          this.#logEnd(key, event.value.reason, event.value.message);
        }
        this.#options.report({ lease: key, event });
      },
      standsAt: (step) => {
        counted = Math.max(counted, step);
      },
      closed: () => {
        const active = this.#byKey.get(text);
        const untold = active?.finished === false;
        free(active);
        this.#byKey.delete(text);
        if (untold) this.#options.freed();
        if (this.#byKey.size === 0) for (const resolve of this.#emptyWaiters.splice(0)) resolve();
      },
    };
    this.#byKey.set(text, { key, attempt: this.#options.begin(assignment, listener), finished: false });
  }

  #logEnd(key: LeaseKey, reason: EndReason, message: string): void {
    const quiet = reason === EndReason.END_REASON_DONE || reason === EndReason.END_REASON_STOPPED_EARLY;
    const words = { search: key.searchId, trial: key.trial, attempt: key.attempt, reason };
    if (quiet) this.#options.log.debug(words, "attempt over");
    else this.#options.log.warn(words, `attempt over: ${message}`);
  }

  #refuse(key: LeaseKey, reason: EndReason, message: string): void {
    this.#options.log.warn({ search: key.searchId, trial: key.trial, attempt: key.attempt, reason }, `lease refused: ${message}`);
    const value = { reason, message, step: 0, final: undefined, artifacts: [], startedMs: Date.now() };
    this.#options.report({ lease: key, event: { $case: "finished", value } });
  }

  #tick(): void {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#tickedMs - tickMs;
    this.#tickedMs = nowMs;
    // This process was held up; what the trials said meanwhile is still to be read, and their silence may be ours.
    if (lateMs > lateMsMax) return;
    for (const active of this.#byKey.values()) active.attempt.tick(nowMs);
  }
}

function stopReasonOf(reason: EndReason): StopReason | undefined {
  if (reason === EndReason.END_REASON_UNSPECIFIED) return undefined;
  return reason === EndReason.END_REASON_PREEMPTED ? "preempted" : "stopped-early";
}
