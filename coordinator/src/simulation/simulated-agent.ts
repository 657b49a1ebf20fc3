/**
 * An agent in virtual time: takes leases, has attempts work on them, keeps reports until they are acknowledged, and loses all of it when it is
 * killed.
 */
import type { Rng } from "@regulus/algorithms/core";
import {
  assert,
  type ConnectResponse,
  EndReason,
  type Lease,
  type LeaseKey,
  protocolVersion,
  type Report,
  type SearchSpec,
  type StopAttempt,
} from "@regulus/proto";
import type { AgentConnection, Coordinator } from "../coordinator.js";
import type { ArtifactStore } from "../ports.js";
import { keyOf, type Resident, SimulatedAttempt } from "./simulated-attempt.js";
import type { OpenSession } from "./simulated-session.js";
import type { VirtualTime } from "./virtual-time.js";

/** How the wire behaves. Probabilities are those of one message of an agent. */
export interface WireFaults {
  readonly delayMsMax: number;
  readonly dropProbability: number;
  readonly duplicateProbability: number;
  /** Probability that the checkpoint of a lease turns out to be damaged. */
  readonly damageProbability: number;
}

/** What an agent lives in. */
export interface AgentWorld {
  readonly time: VirtualTime;
  readonly rng: Rng;
  readonly artifacts: ArtifactStore;
  readonly faults: WireFaults;
  /** Opens what its trials work with. */
  readonly open: OpenSession;
  /** The coordinator that serves now; undefined while there is none. */
  readonly coordinator: () => Coordinator | undefined;
  /** Told of each report that was acknowledged. */
  readonly acknowledged: (report: Report) => void;
}

const heartbeatEveryMs = 500;
const reconnectMs = 300;

export class SimulatedAgent {
  readonly id: string;
  readonly #slots: number;
  readonly #world: AgentWorld;
  readonly #instance: string;
  #alive = true;
  #connection: AgentConnection | undefined;
  /** Counts connections: what was sent on an older one arrives nowhere. */
  #line = 0;
  #registered = false;
  readonly #attempts = new Map<string, SimulatedAttempt>();
  readonly #residents = new Map<string, Resident>();
  /** Problems of searches, which come with the first lease of each on a connection. */
  readonly #specs = new Map<string, SearchSpec>();
  /** Reports that were not acknowledged, and how many were before them on this connection. */
  #unacknowledged: Report[] = [];
  #acknowledged = 0;
  #sent = 0;
  /** When the last message of either direction arrives: a wire keeps order. */
  #arrivesMs = { up: 0, down: 0 };

  constructor(id: string, slots: number, world: AgentWorld) {
    this.id = id;
    this.#slots = slots;
    this.#world = world;
    this.#instance = `${id}-${world.rng.integer(2 ** 32)}`;
    this.#connect();
    this.#beat();
  }

  kill(): void {
    this.#alive = false;
    this.#line += 1;
    this.#connection?.closed();
    for (const attempt of this.#attempts.values()) attempt.drop();
    this.#attempts.clear();
    this.#residents.clear();
  }

  /** The wire breaks: what is under way is lost on both ways. */
  breakWire(): void {
    if (this.#connection === undefined) return;
    this.#line += 1;
    this.#connection.closed();
    this.#lost();
  }

  #connect(): void {
    if (!this.#alive) return;
    const coordinator = this.#world.coordinator();
    this.#line += 1;
    const line = this.#line;
    this.#sent = 0;
    this.#acknowledged = 0;
    this.#registered = false;
    this.#arrivesMs = { up: 0, down: 0 };
    if (coordinator === undefined) {
      this.#lost();
      return;
    }
    const agent = {
      agentId: this.id,
      slots: this.#slots,
      backends: ["cpu"],
      backendReason: "",
      gpu: "",
      memoryBytes: 0,
      labels: {},
    };
    const more = {
      allowsCommands: true,
      allowsModules: false,
      version: "",
      slotsUsed: 0,
      connectedMs: 0,
      heardMs: 0,
      draining: false,
    };
    const register = {
      agent: { ...agent, ...more },
      protocol: protocolVersion,
      active: this.#active(),
      instance: this.#instance,
    };
    try {
      this.#connection = coordinator.connectAgent(
        register,
        (message) => this.#travel("down", line, () => this.#receive(message)),
        () => {
          if (line === this.#line) this.#world.time.after(0, () => line === this.#line && this.#lost());
        },
      );
    } catch {
      this.#lost();
    }
  }

  #lost(): void {
    this.#line += 1;
    this.#connection = undefined;
    this.#registered = false;
    this.#world.time.after(reconnectMs * (0.5 + this.#world.rng.uniform()), () => {
      if (this.#connection === undefined) this.#connect();
    });
  }

  #beat(): void {
    if (!this.#alive) return;
    const connection = this.#connection;
    if (connection !== undefined && this.#registered) {
      const heartbeat = { active: this.#active(), sentMs: this.#world.time.nowMs, artifactBytes: 0 };
      this.#travel("up", this.#line, () => connection.heartbeat(heartbeat));
    }
    this.#world.time.after(heartbeatEveryMs, () => this.#beat());
  }

  #active(): LeaseKey[] {
    const ends = this.#unacknowledged.flatMap(({ lease, event }) => (lease && event?.$case === "finished" ? [lease] : []));
    return [...[...this.#attempts.values()].map(({ key }) => key), ...ends];
  }

  #receive({ message }: ConnectResponse): void {
    switch (message?.$case) {
      case "registered":
        this.#registered = true;
        for (const key of message.value.revoked) this.#drop(key);
        this.#flush();
        return;
      case "leases":
        for (const lease of message.value.leases) this.#begin(lease);
        return;
      case "acknowledged": {
        const count = message.value.throughSequence - this.#acknowledged;
        for (const report of this.#unacknowledged.splice(0, count)) this.#world.acknowledged(report);
        this.#acknowledged = message.value.throughSequence;
        return;
      }
      case "stopAttempt":
        this.#stop(message.value);
        return;
      default:
        return;
    }
  }

  #begin(lease: Lease): void {
    const key = keyOf(lease);
    if (lease.spec !== undefined) this.#specs.set(key.searchId, lease.spec);
    const spec = this.#specs.get(key.searchId);
    assert(spec, "the first lease of a search on a connection brings its spec");
    const { time, rng, artifacts, open } = this.#world;
    const attempt = new SimulatedAttempt(lease, spec, {
      damageProbability: this.#world.faults.damageProbability,
      time,
      rng,
      artifacts,
      open,
      residents: this.#residents,
      report: (report) => this.#report(report),
      over: (one) => void this.#attempts.delete(nameOf(one.key)),
    });
    this.#attempts.set(nameOf(key), attempt);
  }

  #stop({ lease, reason, message }: StopAttempt): void {
    const attempt = lease && this.#attempts.get(nameOf(lease));
    if (attempt === undefined || lease === undefined) return;
    if (reason === EndReason.END_REASON_UNSPECIFIED) this.#drop(lease);
    else this.#world.time.hold(attempt.stop(reason, message));
  }

  #drop(key: LeaseKey): void {
    this.#attempts.get(nameOf(key))?.drop();
    this.#attempts.delete(nameOf(key));
  }

  #report(report: Report): void {
    this.#unacknowledged.push(report);
    this.#flush();
  }

  #flush(): void {
    const connection = this.#connection;
    if (connection === undefined || !this.#registered) return;
    const reports = this.#unacknowledged.slice(this.#sent - this.#acknowledged);
    if (reports.length === 0) return;
    const firstSequence = this.#sent + 1;
    this.#sent += reports.length;
    const { rng, faults } = this.#world;
    // A lost message shows as a gap in the numbers, unless it was the last; the wire breaks after it.
    if (rng.uniform() < faults.dropProbability) {
      this.#world.time.after(faults.delayMsMax, () => this.breakWire());
      return;
    }
    this.#travel("up", this.#line, () => connection.reports({ firstSequence, reports }));
    if (rng.uniform() < faults.duplicateProbability)
      this.#travel("up", this.#line, () => connection.reports({ firstSequence, reports }));
  }

  #travel(way: "up" | "down", line: number, arrive: () => void): void {
    const { time, rng, faults } = this.#world;
    const atMs = Math.max(this.#arrivesMs[way], time.nowMs + rng.uniform() * faults.delayMsMax);
    this.#arrivesMs[way] = atMs;
    time.after(atMs - time.nowMs, () => {
      if (this.#alive && line === this.#line) arrive();
    });
  }
}

function nameOf(key: LeaseKey): string {
  return `${key.searchId}/${key.trial}/${key.attempt}`;
}
