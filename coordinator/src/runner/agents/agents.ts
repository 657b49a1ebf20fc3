/**
 * The agents and the leases that they hold, as far as they are known now. Nothing here is durable: after a restart the leases are
 * those of the running trials, each with a fresh timeout, and agents come back by themselves.
 */
import type { Agent, ArtifactRef, ConnectResponse, LeaseKey, Register } from "@regulus/proto";
import type { PlanAgent } from "../../plan/match.js";

/** A lease: an attempt that an agent works on. */
export interface HeldLease {
  readonly key: LeaseKey;
  readonly agentId: string;
  readonly slots: number;
  /** Kept in the store while the attempt may need it. */
  readonly resumeFrom: ArtifactRef | undefined;
  /** When the agent last said, or was told, that it works on it. */
  confirmedMs: number;
  /** Whether it was handed to a connection. */
  sent: boolean;
  /** Process of the agent that it was handed to; empty for an unknown one. */
  sentTo: string;
  /** When the attempt began, and when its agent was first asked to stop it; time in which this process was away is added. */
  startedMs: number;
  stopAskedMs: number | undefined;
  /** Whether its agent itself said that it is over. */
  saidOver: boolean;
}

/** An open connection of an agent. */
export interface OpenConnection {
  readonly send: (message: ConnectResponse) => void;
  readonly close: (reason: string) => void;
  /** Names the agent's process; empty where it does not say. */
  readonly instance: string;
  /** Searches whose spec went over this connection. */
  readonly specs: Set<string>;
  /** Number of the newest report that came in. */
  received: number;
  open: boolean;
}

/** What is known of one agent. */
export interface KnownAgent {
  readonly agentId: string;
  info: Agent | undefined;
  connection: OpenConnection | undefined;
  connectedMs: number;
  heardMs: number;
  draining: boolean;
  slotsUsed: number;
  readonly leases: Set<HeldLease>;
  /** Slots of attempts that were taken from it and that it still works on as far as is known, by `attemptId`. */
  readonly ghosts: Map<string, number>;
  /** It gave a lease back unasked: it gets none before it is heard of again. */
  resting: boolean;
  /** Bytes of artifacts that its process has sent, and when they last became more; undefined where they never did. */
  artifactBytes: number;
  uploadedMs: number | undefined;
}

/** Names an attempt. */
export function attemptId({ searchId, trial, attempt }: LeaseKey): string {
  return `${searchId}/${trial}/${attempt}`;
}

/** Every agent that is connected or holds a lease. */
export class Agents {
  readonly #agents = new Map<string, KnownAgent>();
  /** Leases of all agents, by search and trial: there is one attempt at a trial at a time. */
  readonly #leases = new Map<string, Map<number, HeldLease>>();
  #leaseCount = 0;

  get all(): IterableIterator<KnownAgent> {
    return this.#agents.values();
  }

  get leases(): HeldLease[] {
    return [...this.#leases.values()].flatMap((ofSearch) => [...ofSearch.values()]);
  }

  get connectedCount(): number {
    let count = 0;
    for (const { connection } of this.#agents.values()) if (connection !== undefined) count += 1;
    return count;
  }

  get leaseCount(): number {
    return this.#leaseCount;
  }

  /** Slots that agents which take leases have free. */
  slotsFree(): number {
    let free = 0;
    for (const agent of this.#agents.values()) {
      if (agent.connection !== undefined && !agent.draining) free += slotsFreeOf(agent);
    }
    return free;
  }

  get(agentId: string): KnownAgent | undefined {
    return this.#agents.get(agentId);
  }

  lease(searchId: string, trial: number): HeldLease | undefined {
    return this.#leases.get(searchId)?.get(trial);
  }

  /** Takes an agent's new connection; answers the agent. An older connection of it is no longer its own. */
  connect(register: Register, connection: OpenConnection, nowMs: number): KnownAgent {
    const info = register.agent;
    const agent = this.#know(info?.agentId ?? "");
    const older = agent.connection;
    if (older?.open) {
      older.open = false;
      older.close("a newer connection of the same agent took its place");
    }
    agent.info = info;
    agent.connection = connection;
    agent.connectedMs = nowMs;
    agent.heardMs = nowMs;
    agent.draining = false;
    agent.resting = false;
    agent.artifactBytes = 0;
    // Each lease gets a full timeout to be named again: the agent may have its end in a report that is on its way.
    for (const lease of agent.leases.values()) lease.confirmedMs = nowMs;
    return agent;
  }

  disconnect(agentId: string, connection: OpenConnection): void {
    const agent = this.#agents.get(agentId);
    if (agent?.connection === connection) agent.connection = undefined;
    if (agent !== undefined) this.#forgetIdle(agent);
  }

  hold(lease: HeldLease): void {
    const { searchId, trial } = lease.key;
    const agent = this.#know(lease.agentId);
    agent.leases.add(lease);
    agent.slotsUsed += lease.slots;
    const ofSearch = this.#leases.get(searchId);
    if (ofSearch === undefined) this.#leases.set(searchId, new Map([[trial, lease]]));
    else ofSearch.set(trial, lease);
    this.#leaseCount += 1;
  }

  release(searchId: string, trial: number): HeldLease | undefined {
    const ofSearch = this.#leases.get(searchId);
    const lease = ofSearch?.get(trial);
    if (ofSearch === undefined || lease === undefined) return undefined;
    ofSearch.delete(trial);
    if (ofSearch.size === 0) this.#leases.delete(searchId);
    this.#leaseCount -= 1;
    const agent = this.#agents.get(lease.agentId);
    if (agent !== undefined) {
      agent.leases.delete(lease);
      agent.slotsUsed -= lease.slots;
      this.#forgetIdle(agent);
    }
    return lease;
  }

  /** Agents that take leases, as the planner sees them. */
  forPlan(): PlanAgent[] {
    const agents: PlanAgent[] = [];
    for (const agent of this.#agents.values()) {
      if (agent.connection === undefined || agent.draining || agent.info === undefined) continue;
      const { agentId, slots, backends, labels, memoryBytes, allowsCommands, allowsModules } = agent.info;
      const slotsFree = slotsFreeOf(agent);
      agents.push({ agentId, slots, slotsFree, backends, labels, memoryBytes, allowsCommands, allowsModules });
    }
    return agents;
  }

  /** The connected agents as clients see them. */
  views(): Agent[] {
    const views: Agent[] = [];
    for (const agent of this.#agents.values()) {
      const { info, connection, connectedMs, heardMs, draining } = agent;
      if (info === undefined || connection === undefined) continue;
      views.push({ ...info, slotsUsed: agent.slotsUsed + ghostSlots(agent), connectedMs, heardMs, draining });
    }
    return views;
  }

  /** Closes every connection and forgets all. */
  clear(reason: string): void {
    for (const agent of this.#agents.values()) {
      const connection = agent.connection;
      if (connection === undefined) continue;
      connection.open = false;
      connection.close(reason);
    }
    this.#agents.clear();
    this.#leases.clear();
    this.#leaseCount = 0;
  }

  #know(agentId: string): KnownAgent {
    const known = this.#agents.get(agentId);
    if (known !== undefined) return known;
    const agent: KnownAgent = {
      agentId,
      info: undefined,
      connection: undefined,
      connectedMs: 0,
      heardMs: 0,
      draining: false,
      slotsUsed: 0,
      leases: new Set(),
      ghosts: new Map(),
      resting: false,
      artifactBytes: 0,
      uploadedMs: undefined,
    };
    this.#agents.set(agentId, agent);
    return agent;
  }

  #forgetIdle(agent: KnownAgent): void {
    if (agent.connection === undefined && agent.leases.size === 0) this.#agents.delete(agent.agentId);
  }
}

function slotsFreeOf(agent: KnownAgent): number {
  return agent.resting ? 0 : Math.max(0, (agent.info?.slots ?? 0) - agent.slotsUsed - ghostSlots(agent));
}

function ghostSlots(agent: KnownAgent): number {
  let slots = 0;
  for (const more of agent.ghosts.values()) slots += more;
  return slots;
}
