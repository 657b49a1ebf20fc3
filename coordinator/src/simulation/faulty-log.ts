/** The twin log with a disk that takes time, fills up, and may die with an append half way: kept or not, but never told. */
import type { Rng } from "@regulus/algorithms/core";
import { RegulusError } from "@regulus/proto";
import { type MemoryLogFile, openMemoryLog } from "../log/memory-log.js";
import type { Append, EventLog } from "../ports.js";
import type { VirtualTime } from "./virtual-time.js";

/** How a disk behaves. Probabilities are those of one append. */
export interface DiskFaults {
  readonly appendMsMax: number;
  readonly fullProbability: number;
}

/** A log of one life of a coordinator. */
export interface MortalLog {
  readonly log: EventLog;
  /** The process is killed: an append under way is kept or lost, and nobody is told which. */
  kill(): Promise<void>;
}

export function openFaultyLog(file: MemoryLogFile, time: VirtualTime, rng: Rng, faults: DiskFaults): MortalLog {
  const inner = openMemoryLog(file);
  let alive = true;
  let underWay: readonly Append[] | undefined;
  const append = (batch: readonly Append[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const isFull = rng.uniform() < faults.fullProbability;
      underWay = batch;
      time.after(rng.uniform() * faults.appendMsMax, () => {
        if (!alive) return;
        underWay = undefined;
        if (isFull) reject(new RegulusError("exhausted", "the simulated disk is full"));
        else inner.append(batch).then(resolve, reject);
      });
    });
  return {
    log: {
      ...inner,
      append,
      read: inner.read.bind(inner),
      searches: inner.searches.bind(inner),
      remove: inner.remove.bind(inner),
      close: inner.close.bind(inner),
    },
    kill: async () => {
      alive = false;
      if (underWay !== undefined && rng.uniform() < 0.5) await inner.append(underWay);
      await inner.close();
    },
  };
}
