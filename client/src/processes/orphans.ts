/**
 * Agents that an earlier `regulus up` left behind when it was killed. Each ends by itself within seconds (`with-parent.ts`), but holds its data
 * folder until then, so a next start waits for it.
 */
import { join } from "node:path";
import { type Holder, livingHolder } from "@regulus/transport";
import { type CallClock, callClock } from "../calls/retries.js";

/** Wait for an orphan at most; after it the agent that starts says who holds the folder. */
export const orphanWaitMs = 15_000;
const lookEveryMs = 200;

export interface OrphanWait {
  /** The agent's data folder; `lock` in it names the process that holds it. */
  readonly folder: string;
  /** Gets one line for people, where there is something to wait for. */
  readonly onWait: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly clock?: CallClock;
}

/** Waits until no orphan holds a folder, or the bound is over; an abort ends it with "cancelled". */
export async function waitForOrphan({ folder, onWait, signal, clock = callClock }: OrphanWait): Promise<void> {
  const until = clock.nowMs() + orphanWaitMs;
  for (let told = false; clock.nowMs() < until; told = true) {
    const holder = livingHolder(join(folder, "lock"));
    if (holder === undefined || !isOrphan(holder)) return;
    if (!told) {
      const who = `the agent with process id ${holder.pid}, left by an earlier regulus up that was killed`;
      onWait(`${folder} is still in use by ${who}; waiting up to ${orphanWaitMs / 1000} s for it to end`);
    }
    await clock.wait(lookEveryMs, signal);
  }
}

/** Whether a process was started by an `up`. An agent that somebody started by hand does not end by itself. */
function isOrphan({ command }: Holder): boolean {
  // Where the system does not tell, the wait is short.
  return command === undefined || command.includes("with-parent.js");
}
