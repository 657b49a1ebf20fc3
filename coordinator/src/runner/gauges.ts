/** The numbers of the metrics page: counts of what the coordinator did since it started, and what stands now. */
import type { Agent, Fact } from "@regulus/proto";
import type { CoordinatorGauges } from "../coordinator.js";
import type { SearchState } from "../search/search-state.js";
import type { Runner } from "./runner.js";

export class Counters {
  factsAppendedTotal = 0;
  appendsTotal = 0;
  reportsRefusedTotal = 0;
  attemptsStartedTotal = 0;
  readonly trialsEndedTotal: Record<string, number> = {};
  readonly attemptsFailedTotal: Record<string, number> = {};

  /** Counts facts that became durable in one append. */
  count(facts: readonly Fact[]): void {
    this.factsAppendedTotal += facts.length;
    for (const { kind } of facts) {
      if (kind?.$case === "attemptStarted") this.attemptsStartedTotal += 1;
      else if (kind?.$case === "trialEnded") increment(this.trialsEndedTotal, kind.value.reason);
      else if (kind?.$case === "attemptEnded") increment(this.attemptsFailedTotal, kind.value.reason);
    }
  }
}

/** What a runner counts, read whenever a gauge is. */
export function gaugesOf(runner: Runner): CoordinatorGauges {
  const sum = (of: (state: SearchState) => number) => {
    let total = 0;
    for (const { state } of runner.searches.all) total += of(state);
    return total;
  };
  const slots = (of: (agent: Agent) => number) => runner.agents.views().reduce((total, agent) => total + of(agent), 0);
  const { counters } = runner;
  return {
    get searchesActive() {
      return sum((state) => (state.status === "ended" ? 0 : 1));
    },
    get trialsPending() {
      return sum((state) => state.pending.size);
    },
    get trialsRunning() {
      return sum((state) => state.running.size);
    },
    get agentsConnected() {
      return runner.agents.views().length;
    },
    get slotsTotal() {
      return slots((agent) => agent.slots);
    },
    get slotsUsed() {
      return slots((agent) => agent.slotsUsed);
    },
    get factsAppendedTotal() {
      return counters.factsAppendedTotal;
    },
    get appendsTotal() {
      return counters.appendsTotal;
    },
    get reportsRefusedTotal() {
      return counters.reportsRefusedTotal;
    },
    get attemptsStartedTotal() {
      return counters.attemptsStartedTotal;
    },
    trialsEndedTotal: counters.trialsEndedTotal,
    attemptsFailedTotal: counters.attemptsFailedTotal,
  };
}

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
