/** Counts of what the coordinator did since it started. */
import type { Fact } from "@regulus/proto";

export class Counters {
  factsAppendedTotal = 0;
  appendsTotal = 0;
  reportsRefusedTotal = 0;
  attemptsStartedTotal = 0;
  agentsAvoidedTotal = 0;
  readonly searchesEndedTotal: Record<string, number> = {};
  readonly trialsEndedTotal: Record<string, number> = {};
  readonly attemptsFailedTotal: Record<string, number> = {};
  slotSecondsTotal = 0;
  readonly wastedSlotSecondsTotal: Record<string, number> = {};

  /** Counts facts that became durable in one append. */
  count(facts: readonly Fact[]): void {
    this.factsAppendedTotal += facts.length;
    for (const { kind } of facts) {
      if (kind?.$case === "attemptStarted") this.attemptsStartedTotal += 1;
      else if (kind?.$case === "agentAvoided") this.agentsAvoidedTotal += 1;
      else if (kind?.$case === "searchEnded") increment(this.searchesEndedTotal, kind.value.outcome);
      else if (kind?.$case === "trialEnded") increment(this.trialsEndedTotal, kind.value.reason);
      else if (kind?.$case === "attemptEnded") increment(this.attemptsFailedTotal, kind.value.reason);
    }
  }

  /** Counts what the facts of an append cost. */
  spend({ slotSeconds, wasted }: { readonly slotSeconds: number; readonly wasted: Readonly<Record<string, number>> }): void {
    this.slotSecondsTotal += slotSeconds;
    for (const [reason, seconds] of Object.entries(wasted)) increment(this.wastedSlotSecondsTotal, reason, seconds);
  }
}

function increment(counts: Record<string, number>, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}
