/** Handles agents' messages in a round: registrations, reports, attempts named by heartbeats. Decides nothing about trials. */
import { type ConnectResponse, EndReason, type LeaseKey, type Register, type Report } from "@regulus/proto";
import { canRun, needsOf } from "../../plan/match.js";
import type { FactKind } from "../../search/commands.js";
import { decideReport } from "../../search/decide-report.js";
import { type Agents, attemptId, type KnownAgent, type OpenConnection } from "../agents/agents.js";
import type { SearchEntry } from "../searches/search-entry.js";
import type { Searches } from "../searches/searches.js";
import type { Counters } from "./counters.js";
import type { LeaseDesk } from "./lease-desk.js";
import type { Outbox } from "./outbox.js";

/** What the desk needs of the runner. */
export interface AgentDeskOptions {
  readonly agents: Agents;
  readonly searches: Searches;
  readonly leases: LeaseDesk;
  readonly counters: Counters;
  /** Time of the round, and of the clock. */
  readonly roundMs: () => number;
  readonly clockMs: () => number;
  /** Of the round that runs. */
  readonly outbox: () => Outbox;
  readonly apply: (entry: SearchEntry, facts: readonly FactKind[]) => void;
  /** Those that wait for a place may find one. */
  readonly lookAgain: () => void;
}

export class AgentDesk {
  readonly #options: AgentDeskOptions;

  constructor(options: AgentDeskOptions) {
    this.#options = options;
  }

  /** Takes an agent's registration. In a round only. */
  register(register: Register, connection: OpenConnection, answer: (revoked: LeaseKey[]) => ConnectResponse): void {
    if (!connection.open) return;
    this.#options.leases.register(register, connection, this.#options.roundMs(), answer);
    this.#options.lookAgain();
  }

  /** Takes an agent's reports. In a round only. */
  takeReports(agentId: string, connection: OpenConnection, reports: readonly Report[], throughSequence: number): void {
    const { agents, searches, leases, counters, roundMs, apply, outbox, lookAgain } = this.#options;
    for (const report of reports) {
      const agent = agents.get(agentId);
      const entry = searches.get(report.lease?.searchId ?? "");
      const held = agents.lease(report.lease?.searchId ?? "", report.lease?.trial ?? -1);
      const nowMs = roundMs();
      const answer =
        entry && decideReport(entry.state, agentId, report, { nowMs, elsewhere: this.#elsewhere(entry, agentId, report) });
      if (entry === undefined || answer === undefined || answer.refused) {
        counters.reportsRefusedTotal += 1;
        if (agent === undefined || report.lease === undefined) continue;
        if (report.event?.$case !== "finished") leases.revoke(agent, connection, report.lease);
        else if (agent.ghosts.delete(attemptId(report.lease))) lookAgain();
        continue;
      }
      if (held !== undefined) held.confirmedMs = roundMs();
      if (report.event?.$case === "finished") {
        const wasAsked = held?.stopAskedMs !== undefined;
        if (held !== undefined) held.saidOver = true;
        const givesBack = report.event.value.reason === EndReason.END_REASON_PREEMPTED && !wasAsked;
        if (agent !== undefined && givesBack) agent.resting = true;
      }
      apply(entry, answer.facts);
    }
    outbox().acknowledge(connection, throughSequence);
  }

  /** Whether a trial that ended as a user error could be tried on another agent. */
  #elsewhere({ state }: SearchEntry, agentId: string, { event }: Report): boolean {
    if (event?.$case !== "finished" || event.value.reason !== EndReason.END_REASON_USER_ERROR) return false;
    const { agents, roundMs } = this.#options;
    const needs = needsOf(state.spec);
    return agents.forPlan().some((other) => {
      return other.agentId !== agentId && canRun(other, needs) && !state.agentRecords.keepsOff(other.agentId, roundMs());
    });
  }

  /** Notes how many bytes of artifacts an agent has sent. */
  noteArtifactBytes(agent: KnownAgent, bytes: number): void {
    if (bytes > agent.artifactBytes) agent.uploadedMs = this.#options.clockMs();
    agent.artifactBytes = bytes;
  }

  /** Notes what a heartbeat names, at once. Answers whether slots came free. */
  confirm(agent: KnownAgent, connection: OpenConnection, active: readonly LeaseKey[]): boolean {
    return this.#options.leases.confirm(agent, connection, active, this.#options.clockMs());
  }
}
