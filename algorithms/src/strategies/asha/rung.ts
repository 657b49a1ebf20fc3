/**
 * One rung of successive halving: the losses of the trials that reached it, the best 1/η of them, and which of those may be promoted. Heaps
 * instead of a sorted list, so that telling is O(log n); plain data throughout.
 *
 * The best ⌊n/η⌋ trials are in `top`, worst first, the others in `rest`, best first. `ready` holds, best first, the trials of `top` that may
 * be promoted. A trial that falls out of `top` stays in `ready` until it comes up: every trial of `top` is better than it, so it never stands
 * before one that may go.
 */
import { bestFirst, popHeap, pushHeap, type Ranked, walkHeap, worstFirst } from "./heap.js";

/** What is known of a trial in a rung. */
interface Entry {
  isTop: boolean;
  /** Whether it is in `ready`. */
  isReady: boolean;
  /** Promoted, or over: not to be promoted. */
  isGone: boolean;
}

/** Plain data. */
export interface Rung {
  /** By trial. */
  entries: Record<number, Entry>;
  count: number;
  top: Ranked[];
  rest: Ranked[];
  ready: Ranked[];
}

export function emptyRung(): Rung {
  return { entries: {}, count: 0, top: [], rest: [], ready: [] };
}

/** A trial reached the rung. A second report of the same trial changes nothing. @param eta the reduction factor η. */
export function enterRung(rung: Rung, item: Ranked, eta: number): void {
  if (Object.hasOwn(rung.entries, item.trial)) return;
  rung.entries[item.trial] = { isTop: false, isReady: false, isGone: false };
  rung.count += 1;
  const worst = rung.top[0];
  if (worst !== undefined && bestFirst(item, worst) < 0) {
    lower(rung);
    raise(rung, item);
  } else {
    pushHeap(rung.rest, bestFirst, item);
  }
  while (rung.top.length < Math.floor(rung.count / eta)) {
    const best = popHeap(rung.rest, bestFirst);
    if (best === undefined) break;
    raise(rung, best);
  }
  dropStale(rung);
}

/** A trial of the rung was promoted, or is over. */
export function leaveRung(rung: Rung, trial: number): void {
  const entry = rung.entries[trial];
  if (entry === undefined) return;
  entry.isGone = true;
  dropStale(rung);
}

/** Trials that may be promoted now, best first, at most `limit`. Changes nothing. */
export function promotable(rung: Rung, limit: number): readonly number[] {
  const found: number[] = [];
  walkHeap(rung.ready, bestFirst, ({ trial }) => {
    const entry = rung.entries[trial];
    if (entry?.isTop !== true || found.length >= limit) return false;
    if (!entry.isGone) found.push(trial);
    return true;
  });
  return found;
}

/** The best trial that is still there, whatever its rank; undefined for none. Walks past the ones that are over. Changes nothing. */
export function bestLeft(rung: Rung): number | undefined {
  let best = promotable(rung, 1)[0];
  if (best !== undefined) return best;
  walkHeap(rung.rest, bestFirst, ({ trial }) => {
    if (rung.entries[trial]?.isGone === true) return true;
    best = trial;
    return false;
  });
  return best;
}

/** The worst of the top goes back to the rest. */
function lower(rung: Rung): void {
  const worst = popHeap(rung.top, worstFirst);
  if (worst === undefined) return;
  pushHeap(rung.rest, bestFirst, worst);
  const entry = rung.entries[worst.trial];
  if (entry !== undefined) entry.isTop = false;
}

function raise(rung: Rung, item: Ranked): void {
  pushHeap(rung.top, worstFirst, item);
  const entry = rung.entries[item.trial];
  if (entry === undefined) return;
  entry.isTop = true;
  if (entry.isGone || entry.isReady) return;
  entry.isReady = true;
  pushHeap(rung.ready, bestFirst, item);
}

/** Takes from the front of `ready` what may not be promoted. */
function dropStale(rung: Rung): void {
  for (;;) {
    const first = rung.ready[0];
    const entry = first && rung.entries[first.trial];
    if (entry === undefined || (entry.isTop && !entry.isGone)) return;
    entry.isReady = false;
    popHeap(rung.ready, bestFirst);
  }
}
