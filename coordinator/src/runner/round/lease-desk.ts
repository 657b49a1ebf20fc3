/**
 * Hands out leases, takes them back and repeats what an agent may have missed. What it says goes to the round's outbox, so an agent
 * hears of a lease only once the fact that gives it is durable. It decides nothing about trials.
 */
import { createRng, type Rng } from "@regulus/algorithms/core";
import { assert, type ConnectResponse, EndReason, type LeaseKey, limits, type Register, seedOf } from "@regulus/proto";
import { resumePoint } from "../../search/resume-point.js";
import type { SearchState } from "../../search/search-state.js";
import type { TrialState } from "../../search/trial-state.js";
import { type Agents, attemptId, type HeldLease, type KnownAgent, type OpenConnection } from "../agents/agents.js";
import { type Loss, overdue } from "../agents/overdue.js";
import { stopOf } from "../agents/stop-of.js";
import type { ArtifactLedger } from "../artifacts/artifact-ledger.js";
import type { Notify } from "./notices.js";
import type { Outbox } from "./outbox.js";

/** Stands for the process that a lease was sent to before this coordinator started; no agent may be called so. */
const unknownProcess = "\0";

/** What the desk needs of the runner. */
export interface LeaseDeskOptions {
  readonly agents: Agents;
  readonly ledger: ArtifactLedger;
  readonly leaseTimeoutMs: number;
  readonly state: (searchId: string) => SearchState | undefined;
  /** Time of the round. */
  readonly nowMs: () => number;
  /** Of the round that runs. */
  readonly outbox: () => Outbox;
  /** Beyond the grace of its program, time that an attempt may take to end. */
  readonly endGraceMs: number;
  readonly notify: Notify;
  /** Takes a lease back from its agent. */
  readonly lose: (held: HeldLease, loss: Loss) => void;
}

export class LeaseDesk {
  readonly #options: LeaseDeskOptions;
  /** Where the seeds of a search's trials fork off: hashing the words anew for each lease would cost more than the seed. */
  readonly #seeds = new WeakMap<SearchState, Rng>();
  /** When leases were last looked at. */
  #sweptMs = 0;

  constructor(options: LeaseDeskOptions) {
    this.#options = options;
  }

  /** Gives the lease of a running trial to its agent and hands it over. */
  give(state: SearchState, trialNumber: number, nowMs: number): void {
    const trial = liveTrial(state, trialNumber);
    const resumeFrom = resumePoint(trial).ref;
    this.#options.ledger.retain(resumeFrom);
    const held = heldLease(state, trial, nowMs, { resumeFrom, sent: false, sentTo: "" });
    this.#options.agents.hold(held);
    this.#offer(held);
  }

  /** Notes the lease of a trial that ran before a restart: its agent has it and may come back. */
  recall(state: SearchState, trialNumber: number, nowMs: number): void {
    const trial = liveTrial(state, trialNumber);
    this.#options.agents.hold(heldLease(state, trial, nowMs, { resumeFrom: undefined, sent: true, sentTo: unknownProcess }));
  }

  /** Ends the lease of an attempt that is over, and tells its agent where that does not know. */
  end(searchId: string, trialNumber: number): void {
    const held = this.#options.agents.release(searchId, trialNumber);
    if (held === undefined) return;
    if (held.resumeFrom !== undefined) this.#options.outbox().released.push(held.resumeFrom);
    const agent = this.#options.agents.get(held.agentId);
    if (agent?.connection !== undefined && !held.saidOver) this.revoke(agent, agent.connection, held.key);
  }

  /** Tells an agent that an attempt is not its own. Until the agent is known to have ended it, its slots are not free. */
  revoke(agent: KnownAgent, connection: OpenConnection, key: LeaseKey): void {
    this.#haunt(agent, key);
    this.#options.outbox().stop(connection, stopMessage(key, EndReason.END_REASON_UNSPECIFIED, "its lease was lost"));
  }

  /** Tells the agents of a search to stop what is to stop. */
  stopWhatStops(state: SearchState): void {
    for (const trial of state.running) {
      const held = this.#options.agents.lease(state.searchId, trial);
      if (held !== undefined) this.#repeatStop(held);
    }
  }

  /** Takes an agent's registration, tells it what it no longer holds and repeats what it may have missed. */
  register(
    register: Register,
    connection: OpenConnection,
    nowMs: number,
    answer: (revoked: LeaseKey[]) => ConnectResponse,
  ): void {
    const { agents, outbox } = this.#options;
    const agent = agents.connect(register, connection, nowMs);
    const { agentId, info } = agent;
    const fields = { agentId, slots: info?.slots ?? 0, version: info?.version ?? "", leases: agent.leases.size };
    this.#options.notify({ message: "agent joined", fields });
    const revoked = register.active.filter((key) => !this.#holds(agent, key));
    agent.ghosts.clear();
    for (const key of revoked) this.#haunt(agent, key);
    outbox().register(connection, answer(revoked));
    const named = new Set(register.active.map(attemptId));
    for (const held of [...agent.leases.values()]) {
      if (held.sent && !named.has(attemptId(held.key))) {
        if (!this.#isUntouched(held, connection.instance)) {
          // Nothing to revoke: it does not know of it.
          held.saidOver = true;
          this.#options.lose(held, { reason: EndReason.END_REASON_LOST, message: `agent ${agent.agentId} came back without it` });
          continue;
        }
        held.sent = false;
      }
      if (!held.sent) this.#offer(held);
      this.#repeatStop(held);
    }
  }

  /** Notes the attempts that a heartbeat names, and disowns those that are not the agent's. Changes nothing durable. Answers whether slots came free. */
  confirm(agent: KnownAgent, connection: OpenConnection, active: readonly LeaseKey[], nowMs: number): boolean {
    agent.heardMs = nowMs;
    let freed = agent.resting;
    agent.resting = false;
    const named = new Set(active.map(attemptId));
    for (const id of agent.ghosts.keys()) {
      if (named.has(id)) continue;
      agent.ghosts.delete(id);
      freed = true;
    }
    for (const key of active) {
      const held = this.#options.agents.lease(key.searchId, key.trial);
      if (held !== undefined && this.#holds(agent, key)) held.confirmedMs = nowMs;
      else if (connection.open) connection.send(stopMessage(key, EndReason.END_REASON_UNSPECIFIED, "its lease was lost"));
    }
    return freed;
  }

  /**
   * Takes leases back and closes connections that were silent for too long; takes back attempts that do not end when they have to. `slept`:
   * it was this process that was away.
   */
  sweep(nowMs: number, slept: boolean): void {
    const { agents, leaseTimeoutMs, endGraceMs, lose } = this.#options;
    const jumpMs = this.#sweptMs > 0 && (slept || nowMs < this.#sweptMs) ? nowMs - this.#sweptMs : 0;
    this.#sweptMs = nowMs;
    for (const agent of agents.all) {
      if (agent.uploadedMs !== undefined) agent.uploadedMs = Math.min(nowMs, agent.uploadedMs + jumpMs);
    }
    for (const held of [...agents.leases]) {
      // A clock that was set back must not make a lease eternal.
      if (slept || held.confirmedMs > nowMs) held.confirmedMs = nowMs;
      held.startedMs = Math.min(nowMs, held.startedMs + jumpMs);
      if (held.stopAskedMs !== undefined) held.stopAskedMs = Math.min(nowMs, held.stopAskedMs + jumpMs);
      const silentMs = nowMs - held.confirmedMs;
      const silent = { reason: EndReason.END_REASON_LOST, message: `agent ${held.agentId} did not name it for ${silentMs} ms` };
      const state = this.#options.state(held.key.searchId);
      const loss =
        silentMs > leaseTimeoutMs
          ? silent
          : state && overdue(held, state.spec, { nowMs, endGraceMs, uploadedMs: agents.get(held.agentId)?.uploadedMs });
      if (loss !== undefined) lose(held, loss);
    }
    for (const agent of [...agents.all]) {
      if (slept || agent.heardMs > nowMs) agent.heardMs = nowMs;
      const { connection } = agent;
      if (connection === undefined || nowMs - agent.heardMs <= leaseTimeoutMs) continue;
      connection.open = false;
      agents.disconnect(agent.agentId, connection);
      const { agentId, leases } = agent;
      const message = `agent left: nothing was heard of it for ${nowMs - agent.heardMs} ms`;
      this.#options.notify({ message, fields: { agentId, leases: leases.size } });
      connection.close(`nothing was heard of the agent for ${nowMs - agent.heardMs} ms`);
    }
  }

  /** Gives every lease a fresh timeout. */
  refresh(nowMs: number): void {
    for (const held of this.#options.agents.leases) held.confirmedMs = nowMs;
  }

  /** Notes that an agent may still work on what was taken from it. */
  #haunt(agent: KnownAgent, key: LeaseKey): void {
    if (agent.ghosts.size >= limits.slotsMax) return;
    agent.ghosts.set(attemptId(key), this.#options.state(key.searchId)?.slots ?? 1);
  }

  /**
   * Whether an attempt that an agent does not name is one that never reached it: nothing came of it, and the process is the one that it
   * was sent to, or this coordinator was not there when it was sent.
   */
  #isUntouched({ key, sentTo }: HeldLease, instance: string): boolean {
    const trial = this.#options.state(key.searchId)?.live.get(key.trial);
    if (trial === undefined || trial.measuredStep >= 0 || trial.savedStep >= 0) return false;
    return sentTo === unknownProcess || (sentTo !== "" && sentTo === instance);
  }

  #holds(agent: KnownAgent, key: LeaseKey): boolean {
    const held = this.#options.agents.lease(key.searchId, key.trial);
    return held?.agentId === agent.agentId && held.key.attempt === key.attempt;
  }

  #seedsOf(state: SearchState): Rng {
    const seeds = this.#seeds.get(state) ?? createRng(seedOf(state.spec)).fork("seed of trial");
    this.#seeds.set(state, seeds);
    return seeds;
  }

  #seedOf(state: SearchState, { number, work }: TrialState): number {
    const arm = work.arm === "" ? this.#seedsOf(state) : this.#seedsOf(state).fork(work.arm);
    return arm.fork(work.seedNumber ?? number).integer(Number.MAX_SAFE_INTEGER);
  }

  #offer(held: HeldLease): void {
    const state = this.#options.state(held.key.searchId);
    const trial = state?.live.get(held.key.trial);
    const connection = this.#options.agents.get(held.agentId)?.connection;
    if (state === undefined || trial === undefined || connection === undefined) return;
    const { spec } = state;
    const { ref: resumeFrom, step: resumeStep } = resumePoint(trial);
    const seed = this.#seedOf(state, trial);
    const lease = { key: held.key, work: trial.work, spec: undefined, resumeFrom, resumeStep, seed, proposedMs: trial.readyMs };
    this.#options.outbox().lease({ connection, held, spec, lease });
  }

  /** Tells an agent to stop an attempt where its trial or search is to stop. */
  #repeatStop(held: HeldLease): void {
    const state = this.#options.state(held.key.searchId);
    const trial = state?.live.get(held.key.trial);
    const connection = this.#options.agents.get(held.agentId)?.connection;
    if (state === undefined || trial === undefined || connection === undefined) return;
    const stop = stopOf(state, trial);
    // One that reached its step is not stopped, but has to end as well.
    if (stop !== undefined || state.status === "stopping") held.stopAskedMs ??= this.#options.nowMs();
    if (stop !== undefined) this.#options.outbox().stop(connection, stopMessage(held.key, stop.reason, stop.message));
  }
}

function liveTrial(state: SearchState, trialNumber: number): TrialState {
  const trial = state.live.get(trialNumber);
  assert(trial, "a running trial is live");
  return trial;
}

function heldLease(
  state: SearchState,
  trial: TrialState,
  nowMs: number,
  more: Pick<HeldLease, "resumeFrom" | "sent" | "sentTo">,
): HeldLease {
  const key = { searchId: state.searchId, trial: trial.number, attempt: trial.attempt };
  const { agentId, attemptStartedMs: startedMs } = trial;
  const fresh = { stopAskedMs: undefined, saidOver: false };
  return { key, agentId, slots: state.slots, confirmedMs: nowMs, startedMs, ...fresh, ...more };
}

function stopMessage(lease: LeaseKey, reason: EndReason, message: string): ConnectResponse {
  return { message: { $case: "stopAttempt", value: { lease, reason, message } } };
}
