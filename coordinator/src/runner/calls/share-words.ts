/** A search's share of the slots, in words: what it uses, what it is entitled to, and what it used of late. */

import type { Explanation } from "@regulus/proto";
import { counted } from "@regulus/proto";
import { slotsOf } from "../../plan/plan.js";
import { shares } from "../../plan/share.js";
import type { Runner } from "../round/runner.js";
import { waitingTrials } from "../searches/waiting-trials.js";

/** The share of a search with trials that run or wait; undefined for any other. */
export function shareOf(runner: Pick<Runner, "searches" | "agents">, searchId: string, nowMs: number): Explanation | undefined {
  const searches = waitingTrials(runner.searches.all, nowMs, 1);
  const slots = slotsOf(searches, runner.agents.forPlan());
  for (const { equals, entitled } of shares(searches, slots)) {
    const index = equals.findIndex((search) => search.searchId === searchId);
    const mine = equals[index];
    if (mine === undefined) continue;
    const position = runner.searches.get(searchId)?.durable ?? 0;
    const uses = `it uses ${mine.slotsUsed} of ${counted(slots, "slot")}`;
    const others = equals.length - 1;
    if (others === 0) return { text: `${uses}; no other search of its priority has trials that run or wait`, position };
    const weights = equals.reduce((sum, { weight }) => sum + weight, 0);
    const used = equals.reduce((sum, { slotSeconds }) => sum + slotSeconds, 0);
    const part = used > 0 ? `${Math.round((100 * mine.slotSeconds) / used)} %` : "nothing";
    const share = `its fair share is ${round(entitled[index] ?? 0)} (weight ${mine.weight} of ${weights})`;
    const late = `of late it used ${part} of the slot-seconds of the ${counted(equals.length, "search", "searches")} of priority ${mine.priority}`;
    return { text: `${uses}; ${share}; ${late}`, position };
  }
  return undefined;
}

function round(slots: number): string {
  return String(Math.round(slots * 100) / 100);
}
