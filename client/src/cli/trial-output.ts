/** Reads the output of a trial's program piece by piece: so far, or until the trial ends. */
import { RegulusError } from "@regulus/proto";
import { type CallClock, callClock } from "../calls/retries.js";
import type { RegulusClient, TrialKey } from "../connect.js";

/** Time between two looks at a running trial that has printed nothing new, in milliseconds: the shortest, doubled up to the longest. */
const lookEveryMs = { first: 250, longest: 2000 };

/** Something to show. */
export type OutputNews =
  | { readonly kind: "bytes"; readonly data: Uint8Array }
  /** Bytes that were printed and are not kept. */
  | { readonly kind: "left-out"; readonly bytes: number }
  /** What follows is the output of this attempt; that of those before it is not kept. Only before everything else. */
  | { readonly kind: "earlier-not-kept"; readonly attempt: number }
  /** What follows is another attempt's, from its beginning. */
  | { readonly kind: "attempt"; readonly attempt: number };

export interface ReadOutputOptions {
  /** Whether to wait for what a trial that goes on will print. */
  readonly follow: boolean;
  readonly signal?: AbortSignal | undefined;
  /** The machine's where absent. */
  readonly clock?: CallClock;
}

/** Pieces in order. Without `follow` it ends with what there is now. */
export async function* readOutput(
  client: RegulusClient,
  key: TrialKey,
  { follow, signal, clock = callClock }: ReadOutputOptions,
): AsyncGenerator<OutputNews> {
  let offset = 0;
  let attempt = 0;
  let waitMs = lookEveryMs.first;
  for (;;) {
    const piece = await ask(client, { ...key, offset }, { follow, signal });
    if (piece !== undefined && attempt !== 0 && piece.attempt !== attempt) {
      // Another attempt prints from its beginning; what was asked for was a place in the one before.
      attempt = piece.attempt;
      offset = 0;
      yield { kind: "attempt", attempt };
      continue;
    }
    if (piece !== undefined) {
      if (attempt === 0 && piece.attempt > 1) yield { kind: "earlier-not-kept", attempt: piece.attempt };
      attempt = piece.attempt;
      if (piece.offset > offset) yield { kind: "left-out", bytes: piece.offset - offset };
      if (piece.data.length > 0) yield { kind: "bytes", data: piece.data };
      offset = piece.nextOffset;
      if (offset < piece.totalBytes && piece.data.length > 0) continue;
      if (piece.ended || !follow) return;
    }
    waitMs = piece !== undefined && piece.data.length > 0 ? lookEveryMs.first : Math.min(2 * waitMs, lookEveryMs.longest);
    await clock.wait(waitMs, signal);
  }
}

/** A piece; undefined where it can't be had now and will be asked for again. */
async function ask(
  client: RegulusClient,
  request: TrialKey & { readonly offset: number },
  { follow, signal }: ReadOutputOptions,
): Promise<Awaited<ReturnType<RegulusClient["getTrialOutput"]>> | undefined> {
  try {
    return await client.getTrialOutput(request, { signal });
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (follow && error.code === "unavailable") return undefined;
    throw error;
  }
}
