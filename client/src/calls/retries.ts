/** How long and how often calls are tried again: named bounds, a wait that an abort ends, and the clock that both go by. */
import { setTimeout as sleep } from "node:timers/promises";
import { RegulusError } from "@regulus/proto";

/** A single call: five tries within two seconds bridge a coordinator's restart without hiding that there is none. */
export const callRetries = { triesMax: 5, firstMs: 100, maxMs: 1000 } as const;
/** A watch: it outlives a coordinator that is away for minutes, as an update of a cluster takes. */
export const watchRetries = { awayMsMax: 5 * 60_000, firstMs: 200, maxMs: 5000 } as const;

/** Time as calls see it; tests have one that jumps. */
export interface CallClock {
  /** Milliseconds since some moment. */
  nowMs(): number;
  /** Waits; an abort ends it with "cancelled". */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of this machine. */
export const callClock: CallClock = { nowMs: () => performance.now(), wait: pause };

/** Waits; an abort ends it with "cancelled". */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (thrown) {
    throw new RegulusError("cancelled", "the call was cancelled", { cause: thrown });
  }
}
