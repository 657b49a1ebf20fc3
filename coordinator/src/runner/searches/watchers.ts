/**
 * Watchers of a search: each gets what is in the log after its position, then every new fact once durable. A slow one holds a
 * bounded number of facts and bytes, as far as there is room; past that it reads from the log again.
 */
import { Fact, limits, RegulusError } from "@regulus/proto";
import type { Reader } from "../../coordinator.js";
import type { EventLog, Room } from "../../ports.js";
import { readPieces } from "./log-pieces.js";

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
  readonly reader: Reader;
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
    if (this.#watchers.size === 0) return;
    const bytes = facts.reduce((sum, fact) => sum + Fact.encode(fact).finish().byteLength, 0);
    for (const watcher of this.#watchers) watcher.offer(facts, bytes);
  }

  /** Ends all: the search was removed. */
  remove(): void {
    for (const watcher of this.#watchers) watcher.remove();
  }

  /** Facts after a position; ends after the search's end. `endPosition` answers where that is, once it is durable. */
  async *watch(options: WatchOptions): AsyncGenerator<Watched> {
    const { log, searchId, after, reader } = options;
    const watcher = new Watcher(reader);
    this.#watchers.add(watcher);
    try {
      let position = after;
      let live = false;
      for (;;) {
        let ended = false;
        for await (const { facts } of readPieces(log, { searchId, after: position }, reader)) {
          yield { facts, live: false };
          // An end that stands here may be followed by more, where the search was opened again.
          position = facts.at(-1)?.position ?? position;
          ended = isEnd(facts);
        }
        if (!live) yield { facts: [], live: true };
        live = true;
        if (ended || position >= (options.endPosition() ?? Number.POSITIVE_INFINITY)) return;
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
  readonly #signal: AbortSignal | undefined;
  readonly #room: Room | undefined;
  #facts: Fact[] = [];
  /** Encoded bytes of those facts. */
  #bytes = 0;
  #removed = false;
  #wake: (() => void) | undefined;
  readonly #aborted = () => this.#wake?.();

  constructor({ signal, room }: Reader) {
    this.#signal = signal;
    this.#room = room;
    signal?.addEventListener("abort", this.#aborted);
  }

  offer(facts: readonly Fact[], bytes: number): void {
    if (this.behind) return;
    const fits =
      this.#facts.length + facts.length <= limits.watchBacklogFactsMax &&
      this.#bytes + bytes <= limits.watchBacklogBytesMax &&
      (this.#room?.hold(bytes) ?? true);
    if (fits) {
      this.#facts.push(...facts);
      this.#bytes += bytes;
    } else {
      this.#forget();
      this.behind = true;
    }
    this.#wake?.();
  }

  remove(): void {
    this.#removed = true;
    this.#wake?.();
  }

  reset(): void {
    this.#forget();
    this.behind = false;
  }

  leave(): void {
    this.#forget();
    this.#signal?.removeEventListener("abort", this.#aborted);
  }

  /** Waits for facts; none mean that there are too many to hold. */
  async take(searchId: string): Promise<Fact[]> {
    while (this.#facts.length === 0 && !this.behind) {
      if (this.#signal?.aborted) throw new RegulusError("cancelled", "the watch was cancelled by its caller");
      if (this.#removed) throw new RegulusError("not-found", `search ${searchId} was deleted`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const facts = this.#facts;
    this.#room?.handOn(this.#bytes);
    this.#facts = [];
    this.#bytes = 0;
    return facts;
  }

  #forget(): void {
    this.#room?.drop(this.#bytes);
    this.#facts = [];
    this.#bytes = 0;
  }
}

function isEnd(facts: readonly Fact[]): boolean {
  return facts.at(-1)?.kind?.$case === "searchEnded";
}
