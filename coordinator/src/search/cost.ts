/**
 * A search's cost, folded from its facts: slot-seconds in all, and those whose work came to nothing. An attempt that was lost, ran out of
 * memory, timed out or was preempted costs what it did since it last saved, which is done again, and so does a pause without a checkpoint; a trial
 * that ends as failed costs all of its time. Time is that of the facts: an attempt counts up to the newest fact about it.
 */
import { EndReason, type Fact } from "@regulus/proto";

/** Time of one trial, in milliseconds of one slot. */
export interface TrialTime {
  /** Up to when its running attempt is counted, in milliseconds since 1970; undefined while none runs. */
  countedMs: number | undefined;
  /** Since the attempt began or last saved: done again where the attempt fails, or where the trial pauses and a new process begins before it. */
  unsavedMs: number;
  /** In checkpoints and measurements that count. */
  keptMs: number;
}

/** The time of a trial on which nobody has worked. */
export function noTime(): TrialTime {
  return { countedMs: undefined, unsavedMs: 0, keptMs: 0 };
}

/** Reasons of a trial's end that make all of its time waste. */
const failures: ReadonlySet<EndReason> = new Set([
  EndReason.END_REASON_LOST,
  EndReason.END_REASON_OUT_OF_MEMORY,
  EndReason.END_REASON_TIMED_OUT,
  EndReason.END_REASON_DIVERGED,
  EndReason.END_REASON_INFEASIBLE,
  EndReason.END_REASON_USER_ERROR,
]);

export class Cost {
  slotSeconds = 0;
  wastedSlotSeconds = 0;
  readonly #slots: number;
  readonly #byReason = new Map<string, number>();
  #asked: { readonly slotSeconds: number; readonly wasted: Readonly<Record<string, number>> } = { slotSeconds: 0, wasted: {} };

  /** `slots`: what one trial takes. */
  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Wasted slot-seconds by reason: lost, out_of_memory, preempted ... */
  wastedByReason(): Record<string, number> {
    return Object.fromEntries([...this.#byReason].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** What was added since this was last asked. */
  sinceAsked(): { readonly slotSeconds: number; readonly wasted: Readonly<Record<string, number>> } {
    const before = this.#asked;
    // Counters never go back: what was taken back is made up for by the next waste.
    const most = ([reason, seconds]: [string, number]): [string, number] => [
      reason,
      Math.max(seconds, before.wasted[reason] ?? 0),
    ];
    this.#asked = { slotSeconds: this.slotSeconds, wasted: Object.fromEntries(Object.entries(this.wastedByReason()).map(most)) };
    const wasted = Object.entries(this.#asked.wasted).map(([reason, seconds]) => [
      reason,
      seconds - (before.wasted[reason] ?? 0),
    ]);
    return { slotSeconds: this.slotSeconds - before.slotSeconds, wasted: Object.fromEntries(wasted) };
  }

  /** A trial that had ended goes on: what its checkpoints hold is used after all, where it counted as waste. Answers the time that it begins with. */
  takeBack(reason: EndReason, keptMs: number): TrialTime {
    if (failures.has(reason)) this.#waste(reasonName(reason), -keptMs);
    return { ...noTime(), keptMs };
  }

  /**
   * Tells of a fact about a trial, whose time is changed in place. `repeatsFrom`: the step before this fact up to which a new attempt does work again
   * that was done since the last checkpoint; 0 where a process that waits goes on from there.
   */
  tell(time: TrialTime, { kind, timeMs }: Fact, repeatsFrom = 0): void {
    this.#count(time, timeMs);
    switch (kind?.$case) {
      case "attemptStarted":
        if (kind.value.fromStep < repeatsFrom) this.#waste("repeated", time.unsavedMs);
        else time.keptMs += time.unsavedMs;
        time.unsavedMs = 0;
        time.countedMs = timeMs;
        return;
      case "trialCheckpointed":
        this.#keep(time);
        return;
      case "trialPaused":
        time.countedMs = undefined;
        return;
      case "attemptEnded":
        this.#waste(reasonName(kind.value.reason), time.unsavedMs);
        time.unsavedMs = 0;
        time.countedMs = undefined;
        return;
      case "trialEnded":
        if (failures.has(kind.value.reason)) this.#waste(reasonName(kind.value.reason), time.unsavedMs + time.keptMs);
        time.countedMs = undefined;
        return;
      default:
        return;
    }
  }

  #count(time: TrialTime, nowMs: number): void {
    if (time.countedMs === undefined) return;
    // Clocks of machines that take over from each other may differ.
    const passedMs = Math.max(0, nowMs - time.countedMs);
    time.countedMs += passedMs;
    time.unsavedMs += passedMs;
    this.slotSeconds += (passedMs / 1000) * this.#slots;
  }

  #keep(time: TrialTime): void {
    time.keptMs += time.unsavedMs;
    time.unsavedMs = 0;
  }

  #waste(name: string, ms: number): void {
    if (ms === 0) return;
    const seconds = (ms / 1000) * this.#slots;
    this.wastedSlotSeconds = Math.max(0, this.wastedSlotSeconds + seconds);
    this.#byReason.set(name, Math.max(0, (this.#byReason.get(name) ?? 0) + seconds));
  }
}

/** `END_REASON_OUT_OF_MEMORY` as `out_of_memory`. */
function reasonName(reason: EndReason): string {
  return reason.replace(/^END_REASON_/, "").toLowerCase();
}
