/**
 * Those who watch a search: each gets what is in the log after its position, then every new fact once durable. A slow one holds a
 * bounded number of facts; past that it reads from the log again.
 */
import { type Fact, limits, RegulusError } from "@regulus/proto";
import type { EventLog } from "../ports.js";

/** Facts for a watcher. */
export interface Watched {
  readonly facts: readonly Fact[];
  readonly live: boolean;
}

/** What is watched, and from where. */
export interface WatchOptions {
  readonly log: EventLog;
  readonly searchId: string;
  /** Position of the newest fact that the watcher has. */
  readonly after: number;
  readonly signal: AbortSignal;
  readonly endPosition: () => number | undefined;
}

/** The watchers of one search. */
export class SearchWatchers {
  readonly #watchers = new Set<Watcher>();

  get size(): number {
    return this.#watchers.size;
  }

  /** Tells of facts that are durable, in order. */
  publish(facts: readonly Fact[]): void {
    for (const watcher of this.#watchers) watcher.offer(facts);
  }

  /** Ends all: the search was removed. */
  remove(): void {
    for (const watcher of this.#watchers) watcher.remove();
  }

  /** Facts after a position; ends after the search's end. `endPosition` answers where that is, once it is durable. */
  async *watch(options: WatchOptions): AsyncGenerator<Watched> {
    const { log, searchId, after, signal } = options;
    const watcher = new Watcher(signal);
    this.#watchers.add(watcher);
    try {
      let position = after;
      let live = false;
      for (;;) {
        for await (const facts of log.read(searchId, position, { signal })) {
          yield { facts, live: false };
          position = facts.at(-1)?.position ?? position;
          if (isEnd(facts)) return;
        }
        if (!live) yield { facts: [], live: true };
        live = true;
        if (position >= (options.endPosition() ?? Number.POSITIVE_INFINITY)) return;
        while (!watcher.behind) {
          const facts = (await watcher.take(searchId)).filter((fact) => fact.position > position);
          if (facts.length === 0) continue;
          // What came between the end of the read and the first offer is in the log only.
          if (facts[0]?.position !== position + 1) break;
          yield { facts, live: true };
          position = facts.at(-1)?.position ?? position;
          if (isEnd(facts)) return;
        }
        watcher.reset();
      }
    } finally {
      this.#watchers.delete(watcher);
      watcher.leave();
    }
  }
}

class Watcher {
  /** Whether facts were dropped since the last reset. */
  behind = false;
  readonly #signal: AbortSignal;
  #facts: Fact[] = [];
  #removed = false;
  #wake: (() => void) | undefined;
  readonly #aborted = () => this.#wake?.();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#aborted);
  }

  offer(facts: readonly Fact[]): void {
    if (this.#facts.length + facts.length > limits.watchBacklogFactsMax) {
      this.#facts = [];
      this.behind = true;
    } else if (!this.behind) {
      this.#facts.push(...facts);
    }
    this.#wake?.();
  }

  remove(): void {
    this.#removed = true;
    this.#wake?.();
  }

  reset(): void {
    this.behind = false;
    this.#facts = [];
  }

  leave(): void {
    this.#signal.removeEventListener("abort", this.#aborted);
  }

  /** Waits for facts; none mean that there are too many to hold. */
  async take(searchId: string): Promise<Fact[]> {
    while (this.#facts.length === 0 && !this.behind) {
      if (this.#signal.aborted) throw new RegulusError("cancelled", "the watch was cancelled by its caller");
      if (this.#removed) throw new RegulusError("not-found", `search ${searchId} was deleted`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const facts = this.#facts;
    this.#facts = [];
    return facts;
  }
}

function isEnd(facts: readonly Fact[]): boolean {
  return facts.at(-1)?.kind?.$case === "searchEnded";
}
