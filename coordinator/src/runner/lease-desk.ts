/**
 * Hands out leases, takes them back and repeats what an agent may have missed. What it says goes to the round's outbox, so an agent
 * hears of a lease only once the fact that gives it is durable. It decides nothing about trials.
 */
import { createRng, type Rng } from "@regulus/algorithms/core";
import { assert, type ConnectResponse, EndReason, type LeaseKey, type Register } from "@regulus/proto";
import { resumePoint } from "../search/resume-point.js";
import type { SearchState } from "../search/search-state.js";
import type { TrialState } from "../search/trial-state.js";
import type { Agents, HeldLease, KnownAgent, OpenConnection } from "./agents.js";
import type { ArtifactLedger } from "./artifact-ledger.js";
import type { Outbox } from "./outbox.js";

/** What the desk needs of the runner. */
export interface LeaseDeskOptions {
  readonly agents: Agents;
  readonly ledger: ArtifactLedger;
  readonly leaseTimeoutMs: number;
  readonly state: (searchId: string) => SearchState | undefined;
  /** Of the round that runs. */
  readonly outbox: () => Outbox;
  /** Takes a lease back: its agent was not heard of. */
  readonly lose: (held: HeldLease, silentMs: number) => void;
}

export class LeaseDesk {
  readonly #options: LeaseDeskOptions;
  /** Where the seeds of a search's trials fork off: hashing the words anew for each lease would cost more than the seed. */
  readonly #seeds = new WeakMap<SearchState, Rng>();

  constructor(options: LeaseDeskOptions) {
    this.#options = options;
  }

  /** Gives the lease of a running trial to its agent and hands it over. */
  give(state: SearchState, trialNumber: number, nowMs: number): void {
    const trial = liveTrial(state, trialNumber);
    const resumeFrom = resumePoint(trial).ref;
    this.#options.ledger.retain(resumeFrom);
    const held = heldLease(state, trial, nowMs, { resumeFrom, sent: false });
    this.#options.agents.hold(held);
    this.#offer(held);
  }

  /** Notes the lease of a trial that ran before a restart: its agent has it and may come back. */
  recall(state: SearchState, trialNumber: number, nowMs: number): void {
    const trial = liveTrial(state, trialNumber);
    this.#options.agents.hold(heldLease(state, trial, nowMs, { resumeFrom: undefined, sent: true }));
  }

  /** Ends the lease of an attempt that is over; `tell` where its agent does not know. */
  end(searchId: string, trialNumber: number, tell: boolean): void {
    const held = this.#options.agents.release(searchId, trialNumber);
    if (held === undefined) return;
    if (held.resumeFrom !== undefined) this.#options.outbox().released.push(held.resumeFrom);
    const connection = this.#options.agents.get(held.agentId)?.connection;
    if (tell && connection !== undefined) this.revoke(connection, held.key);
  }

  /** Tells an agent that an attempt is not its own. */
  revoke(connection: OpenConnection, key: LeaseKey): void {
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
    outbox().register(connection, answer(register.active.filter((key) => !this.#holds(agent, key))));
    for (const held of agent.leases.values()) {
      if (!held.sent) this.#offer(held);
      this.#repeatStop(held);
    }
  }

  /** Notes the attempts that a heartbeat names, and disowns those that are not the agent's. Changes nothing durable. */
  confirm(agent: KnownAgent, connection: OpenConnection, active: readonly LeaseKey[], nowMs: number): void {
    agent.heardMs = nowMs;
    for (const key of active) {
      const held = this.#options.agents.lease(key.searchId, key.trial);
      if (held !== undefined && this.#holds(agent, key)) held.confirmedMs = nowMs;
      else if (connection.open) connection.send(stopMessage(key, EndReason.END_REASON_UNSPECIFIED, "its lease was lost"));
    }
  }

  /** Takes leases back and closes connections that were silent for too long. `slept`: it was this process that was away. */
  sweep(nowMs: number, slept: boolean): void {
    const { agents, leaseTimeoutMs, lose } = this.#options;
    for (const held of [...agents.leases]) {
      // A clock that was set back must not make a lease eternal.
      if (slept || held.confirmedMs > nowMs) held.confirmedMs = nowMs;
      if (nowMs - held.confirmedMs > leaseTimeoutMs) lose(held, nowMs - held.confirmedMs);
    }
    for (const agent of [...agents.all]) {
      if (slept || agent.heardMs > nowMs) agent.heardMs = nowMs;
      const { connection } = agent;
      if (connection === undefined || nowMs - agent.heardMs <= leaseTimeoutMs) continue;
      connection.open = false;
      agents.disconnect(agent.agentId, connection);
      connection.close(`nothing was heard of the agent for ${nowMs - agent.heardMs} ms`);
    }
  }

  /** Gives every lease a fresh timeout. */
  refresh(nowMs: number): void {
    for (const held of this.#options.agents.leases) held.confirmedMs = nowMs;
  }

  #holds(agent: KnownAgent, key: LeaseKey): boolean {
    const held = this.#options.agents.lease(key.searchId, key.trial);
    return held?.agentId === agent.agentId && held.key.attempt === key.attempt;
  }

  #seedsOf(state: SearchState): Rng {
    const seeds = this.#seeds.get(state) ?? createRng(state.spec.seed).fork("seed of trial");
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
    if (stop !== undefined) this.#options.outbox().stop(connection, stopMessage(held.key, stop.reason, stop.message));
  }
}

/** Why a running trial is to stop now; undefined where it is not. */
function stopOf(state: SearchState, trial: TrialState): { readonly reason: EndReason; readonly message: string } | undefined {
  if (trial.stopReason !== undefined) return { reason: EndReason.END_REASON_STOPPED_EARLY, message: trial.stopReason };
  if (trial.pauseReason !== undefined) return { reason: EndReason.END_REASON_PREEMPTED, message: trial.pauseReason };
  if (state.status === "paused") return { reason: EndReason.END_REASON_PREEMPTED, message: state.reason };
  // One that reached its step only has to say so: stopping it would turn a done trial into a stopped one.
  const reached = trial.work.untilStep > 0 && trial.step >= trial.work.untilStep;
  if (state.status !== "stopping" || reached) return undefined;
  return { reason: EndReason.END_REASON_STOPPED_EARLY, message: state.reason };
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
  more: Pick<HeldLease, "resumeFrom" | "sent">,
): HeldLease {
  const key = { searchId: state.searchId, trial: trial.number, attempt: trial.attempt };
  return { key, agentId: trial.agentId, slots: state.slots, confirmedMs: nowMs, ...more };
}

function stopMessage(lease: LeaseKey, reason: EndReason, message: string): ConnectResponse {
  return { message: { $case: "stopAttempt", value: { lease, reason, message } } };
}
