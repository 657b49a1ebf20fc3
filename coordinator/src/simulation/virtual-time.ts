/** Time that stands still until the next event: a queue of calls in order of their time, and clocks that read it. */
import type { Clock } from "../ports.js";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** Virtual time in milliseconds. Events of the same time run in the order in which they were asked for. */
export class VirtualTime {
  nowMs = 1_700_000_000_000;
  readonly #events: Event[] = [];
  readonly #held = new Set<Promise<void>>();
  #order = 0;

  /** Calls back after a while. Answers how to cancel. */
  after(ms: number, call: () => void): () => void {
    const event = { atMs: this.nowMs + Math.max(0, ms), order: this.#order, call };
    this.#order += 1;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#events[middle];
      // The queue is kept with the next event last.
      if (other !== undefined && (other.atMs > event.atMs || (other.atMs === event.atMs && other.order > event.order)))
        low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /** Work that takes real time and no virtual time: the next event waits for it. It must not fail. */
  hold(work: Promise<void>): void {
    this.#held.add(work);
    void work.finally(() => this.#held.delete(work));
  }

  /** Waits until nothing is held any more. */
  async settled(): Promise<void> {
    while (this.#held.size > 0) await Promise.all(this.#held);
  }

  /** Runs the next event. Answers false where there is none. */
  step(): boolean {
    const event = this.#events.pop();
    if (event === undefined) return false;
    this.nowMs = Math.max(this.nowMs, event.atMs);
    event.call();
    return true;
  }
}

/** A process's clock: virtual time, shifted by as much as somebody set it wrong, and dead with its process. */
export class ProcessClock implements Clock {
  shiftMs = 0;
  alive = true;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  now(): number {
    return Math.floor(this.#time.nowMs + this.shiftMs);
  }

  wake(atMs: number, call: () => void): () => void {
    return this.#time.after(atMs - this.now(), () => {
      if (!this.alive) return;
      // As Node's timers do, it measures the wait, not the clock's hands: a clock set back makes it look again.
      if (this.now() < atMs) this.wake(atMs, call);
      else call();
    });
  }

  wakeAfter(ms: number, call: () => void): () => void {
    return this.#time.after(ms, () => {
      if (this.alive) call();
    });
  }
}
