/**
 * Limits the duration of an upload: no piece may be long in coming, the mean rate has a lower bound after a first
 * grace, and so has the whole a deadline. Only the time spent waiting for the sender counts for the rate, not that of our own disk.
 */
import { counted, RegulusError } from "@regulus/proto";
import { bounds } from "./bounds.js";

export class UploadPace {
  readonly #now: () => number;
  readonly #beganMs: number;
  #waitedMs = 0;
  #bytes = 0;

  /** @param now milliseconds that only grow. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#beganMs = now();
  }

  /** Milliseconds that the next piece may take from now. */
  get patienceMs(): number {
    const forRate = bounds.artifactGraceMs + (this.#bytes / bounds.artifactBytesPerSecondMin) * 1000 - this.#waitedMs;
    const forWhole = bounds.artifactWithinMs - (this.#now() - this.#beganMs);
    return Math.max(0, Math.min(bounds.artifactPieceWithinMs, forRate, forWhole));
  }

  /** A piece came. */
  came(bytes: number, waitedMs: number): void {
    this.#bytes += bytes;
    this.#waitedMs += waitedMs;
  }

  /** The error for a sender that was waited for so long. */
  tooSlow(waitedMs: number): RegulusError {
    const seconds = Math.round((this.#waitedMs + waitedMs) / 1000);
    return new RegulusError(
      "deadline",
      `the artifact came too slowly: ${counted(this.#bytes, "byte")} in ${seconds} s; expected a piece every ${bounds.artifactPieceWithinMs} ms, ` +
        `${bounds.artifactBytesPerSecondMin} bytes a second after ${bounds.artifactGraceMs} ms and the whole within ` +
        `${bounds.artifactWithinMs} ms; send it again`,
    );
  }
}
