/**
 * Bounds the heap's growth between two collections. V8 lets it double or more, and then the garbage of large watches decides what the coordinator
 * takes: 1.1 instead of 0.7 GB under a thousand stalled calls. Small steps cost a fifth of the trials a second, so they begin where the heap is large.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** From this size on the heap grows in small steps. A coordinator with 100,000 finished trials stays below it. */
export const heapBytesLarge = 256 * 1024 * 1024;
/** It grows freely again below this share of that size, so that the rule does not change with every collection. */
export const heapShareFree = 0.75;
/** Per cent of what lives by which a large heap grows. */
export const growthPercentLarge = 50;
/** V8's own rule. */
export const growthPercentFree = 0;
/** How often the size is looked at. A burst of garbage takes longer than this to double a heap of that size. */
const lookEveryMs = 200;

/** The growth allowed to a heap of a size, after the one that was allowed before. */
export function growthPercentOf(heapBytes: number, before: number): number {
  if (heapBytes >= heapBytesLarge) return growthPercentLarge;
  return heapBytes < heapShareFree * heapBytesLarge ? growthPercentFree : before;
}

/** Bounds the growth of this process's heap until it ends. */
export function boundHeapGrowth(): void {
  let percent = growthPercentFree;
  const timer = setInterval(() => {
    const next = growthPercentOf(getHeapStatistics().used_heap_size, percent);
    if (next !== percent) setFlagsFromString(`--heap-growing-percent=${next}`);
    percent = next;
  }, lookEveryMs);
  timer.unref();
}
