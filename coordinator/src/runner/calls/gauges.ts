/** The numbers of the metrics page, read from a runner whenever they are asked for. */
import type { Agent } from "@regulus/proto";
import type { CoordinatorGauges } from "../../coordinator.js";
import type { SearchState } from "../../search/search-state.js";
import type { Runner } from "../round/runner.js";

/** What a runner counted, and what stands now. */
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
      return runner.agents.connectedCount;
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
    get agentsAvoidedTotal() {
      return counters.agentsAvoidedTotal;
    },
    get slotSecondsTotal() {
      return counters.slotSecondsTotal;
    },
    artifactsRemovedTotal: runner.removed.artifactsTotal,
    artifactBytesRemovedTotal: runner.removed.bytesTotal,
    wastedSlotSecondsTotal: counters.wastedSlotSecondsTotal,
    searchesEndedTotal: counters.searchesEndedTotal,
    trialsEndedTotal: counters.trialsEndedTotal,
    attemptsFailedTotal: counters.attemptsFailedTotal,
  };
}
