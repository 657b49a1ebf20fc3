/**
 * Watching a search: its facts in order, each once, over any number of connections. Where the connection breaks, the watch goes on from
 * the last position that its reader has seen.
 */
import type { ClientReadableStream } from "@grpc/grpc-js";
import { type Fact, RegulusError, type WatchSearchRequest, type WatchSearchResponse } from "@regulus/proto";
import { spreadMs } from "@regulus/transport";
import { type CallClock, callClock, watchRetries } from "./retries.js";
import { readStream } from "./stream.js";

export interface WatchOptions {
  /** Only facts after this position; 0, the default, for all. */
  readonly after?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told when the coordinator went away, and how long the watch waits before it tries again. */
  readonly onAway?: (error: RegulusError, waitMs: number) => void;
  /** Told when facts come again after that. */
  readonly onBack?: () => void;
  /** Longest time without the coordinator, in milliseconds; five minutes where absent. Past it the watch fails with "unavailable". */
  readonly awayMsMax?: number;
}

/** Facts that came together. */
export interface WatchedFacts {
  readonly facts: readonly Fact[];
  /** Whether everything that was in the log when the watch began (again) has been seen. */
  readonly live: boolean;
}

/** What a watch needs of its client. */
export interface WatchSource {
  open(request: WatchSearchRequest): ClientReadableStream<WatchSearchResponse>;
  /** Whether the search is over; asked where a stream ended without the fact that says so. */
  isEnded(signal: AbortSignal | undefined): Promise<boolean>;
  /** The machine's where absent. */
  readonly clock?: CallClock;
}

/** Codes after which the same watch may be opened again: the coordinator is away, restarts, or this reader was too slow for it. */
const reopened = new Set(["unavailable", "exhausted", "deadline"]);

/** Facts until the search is over. */
export async function* watchFacts(
  source: WatchSource,
  searchId: string,
  options: WatchOptions,
): AsyncGenerator<WatchedFacts, void, undefined> {
  const { signal, awayMsMax = watchRetries.awayMsMax } = options;
  const { clock = callClock } = source;
  let position = options.after ?? 0;
  let failures = 0;
  let awaySince = 0;
  for (;;) {
    try {
      for await (const response of readStream(() => source.open({ searchId, after: position }), signal)) {
        if (failures > 0) options.onBack?.();
        failures = 0;
        const known = position;
        const facts = response.facts.filter((fact) => fact.position > known);
        position = facts.at(-1)?.position ?? position;
        yield { facts, live: response.live };
        // A search that was opened again has earlier ends among its facts.
        if (response.live && facts.at(-1)?.kind?.$case === "searchEnded") return;
      }
      if (await source.isEnded(signal)) return;
      throw new RegulusError("unavailable", "the coordinator ended the watch before the search was over");
    } catch (thrown) {
      const error = RegulusError.from(thrown);
      if (!reopened.has(error.code) || signal?.aborted) throw error;
      failures += 1;
      if (failures === 1) awaySince = clock.nowMs();
      else if (clock.nowMs() - awaySince > awayMsMax) throw error;
      const waitMs = spreadMs(failures, watchRetries);
      options.onAway?.(error, waitMs);
      await clock.wait(waitMs, signal);
    }
  }
}
