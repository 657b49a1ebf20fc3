/**
 * Places for artifacts that come in or go out at once, since each holds a file open. A caller has at most half of them; and where all are
 * taken, a transfer that hardly moves makes room for a caller that has fewer, so that those who do send always find a place.
 */
import { counted, limits, RegulusError } from "@regulus/proto";
import { bounds } from "./bounds.js";

/** A transfer that has a place. */
export interface Transfer {
  /** Counts bytes that moved. */
  moved(bytes: number): void;
  /** Gives the place back. */
  leave(): void;
}

interface Place {
  readonly caller: string;
  readonly sinceMs: number;
  /** Ends the transfer so that another one gets its place. */
  readonly evict: (error: RegulusError) => void;
  bytes: number;
}

export class ArtifactPlaces {
  readonly #way: string;
  readonly #now: () => number;
  readonly #places = new Set<Place>();

  /** @param way "coming in" or "going out", for messages. @param now milliseconds that only grow. */
  constructor(way: string, now: () => number = () => performance.now()) {
    this.#way = way;
    this.#now = now;
  }

  /** Takes a place. Fails with "exhausted" where there is none for this caller. */
  take(caller: string, evict: Place["evict"]): Transfer {
    const own = this.#countOf(caller);
    if (own >= bounds.artifactStreamsPerCallerMax) {
      throw new RegulusError(
        "exhausted",
        `this caller's limit of ${counted(own, "artifact")} ${this.#way} at once is reached; try again when one is done`,
      );
    }
    if (this.#places.size >= limits.artifactStreamsMax) this.#makeRoom(own);
    const place: Place = { caller, sinceMs: this.#now(), evict, bytes: 0 };
    this.#places.add(place);
    return {
      moved: (bytes) => {
        place.bytes += bytes;
      },
      leave: () => this.#places.delete(place),
    };
  }

  #makeRoom(own: number): void {
    const nowMs = this.#now();
    let slowest: { readonly place: Place; readonly rate: number } | undefined;
    for (const place of this.#places) {
      const seconds = (nowMs - place.sinceMs) / 1000;
      if (seconds * 1000 < bounds.artifactEvictAfterMs || this.#countOf(place.caller) <= own) continue;
      const rate = place.bytes / seconds;
      if (rate < bounds.artifactEvictBytesPerSecond && rate < (slowest?.rate ?? Number.POSITIVE_INFINITY))
        slowest = { place, rate };
    }
    if (slowest === undefined) {
      throw new RegulusError(
        "exhausted",
        `the limit of ${counted(this.#places.size, "artifact")} ${this.#way} at once is reached; try again soon`,
      );
    }
    this.#places.delete(slowest.place);
    const words = `the transfer moved ${counted(Math.round(slowest.rate), "byte")} a second and made room for another caller's; try again soon`;
    slowest.place.evict(new RegulusError("exhausted", words));
  }

  #countOf(caller: string): number {
    let count = 0;
    for (const place of this.#places) if (place.caller === caller) count += 1;
    return count;
  }
}
