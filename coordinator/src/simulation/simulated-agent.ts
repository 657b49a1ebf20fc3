/**
 * An agent in virtual time: takes leases, makes steps, measures and saves now and then, keeps reports until they are acknowledged, and
 * loses all of it when it is killed. It trains nothing: a trial's loss is a function of trial and step.
 */
import { createHash } from "node:crypto";
import type { Rng } from "@regulus/algorithms/core";
import {
  type ArtifactRef,
  type ConnectResponse,
  EndReason,
  type Lease,
  type LeaseKey,
  type Measurement,
  protocolVersion,
  type Report,
  type StopAttempt,
} from "@regulus/proto";
import type { AgentConnection, Coordinator } from "../coordinator.js";
import type { ArtifactStore } from "../ports.js";
import type { VirtualTime } from "./virtual-time.js";

/** How the wire behaves. Probabilities are those of one message of an agent. */
export interface WireFaults {
  readonly delayMsMax: number;
  readonly dropProbability: number;
  readonly duplicateProbability: number;
}

/** What an agent lives in. */
export interface AgentWorld {
  readonly time: VirtualTime;
  readonly rng: Rng;
  readonly artifacts: ArtifactStore;
  readonly faults: WireFaults;
  /** The coordinator that serves now; undefined while there is none. */
  readonly coordinator: () => Coordinator | undefined;
  /** Told of each report that was acknowledged. */
  readonly acknowledged: (report: Report) => void;
}

interface Attempt {
  readonly lease: Lease;
  step: number;
  over: boolean;
}

const stepMs = 100;
const heartbeatEveryMs = 500;
const reconnectMs = 300;
/** Probability that one step of a trial kills its process. */
const crashProbability = 0.002;

export class SimulatedAgent {
  readonly id: string;
  readonly #slots: number;
  readonly #world: AgentWorld;
  #alive = true;
  #connection: AgentConnection | undefined;
  /** Counts connections: what was sent on an older one arrives nowhere. */
  #line = 0;
  #registered = false;
  #attempts = new Map<string, Attempt>();
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
    this.#connect();
    this.#beat();
  }

  kill(): void {
    this.#alive = false;
    this.#line += 1;
    this.#connection?.closed();
    this.#attempts.clear();
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
    const register = { agent: { ...agent, ...more }, protocol: protocolVersion, active: this.#active() };
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
      const heartbeat = { active: this.#active(), sentMs: this.#world.time.nowMs };
      this.#travel("up", this.#line, () => connection.heartbeat(heartbeat));
    }
    this.#world.time.after(heartbeatEveryMs, () => this.#beat());
  }

  #active(): LeaseKey[] {
    return [...this.#attempts.values()].map((attempt) => keyOf(attempt.lease));
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
        void this.#stop(message.value);
        return;
      default:
        return;
    }
  }

  #begin(lease: Lease): void {
    const attempt: Attempt = { lease, step: lease.resumeStep, over: false };
    this.#attempts.set(nameOf(keyOf(lease)), attempt);
    this.#next(attempt);
  }

  #next(attempt: Attempt): void {
    this.#world.time.after(stepMs * (0.5 + this.#world.rng.uniform()), () => void this.#step(attempt));
  }

  async #step(attempt: Attempt): Promise<void> {
    if (!this.#alive || attempt.over) return;
    attempt.step += 1;
    const until = attempt.lease.work?.untilStep ?? 0;
    if (this.#world.rng.uniform() < crashProbability) {
      this.#finish(attempt, EndReason.END_REASON_OUT_OF_MEMORY, "the simulated process was killed");
      return;
    }
    if (attempt.step % 5 === 0)
      this.#report({ lease: keyOf(attempt.lease), event: { $case: "measured", value: measure(attempt) } });
    if (attempt.step % 10 === 0 || attempt.step >= until) await this.#save(attempt);
    if (!this.#alive || attempt.over) return;
    if (attempt.step >= until) this.#finish(attempt, EndReason.END_REASON_DONE, "");
    else this.#next(attempt);
  }

  async #save(attempt: Attempt): Promise<void> {
    const { searchId, trial } = keyOf(attempt.lease);
    const bytes = Buffer.from(`${searchId} ${trial} ${attempt.step}`);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const checkpoint: ArtifactRef = { sha256, size: bytes.length, kind: "checkpoint" };
    const pieces = (async function* () {
      yield bytes;
    })();
    await this.#world.artifacts.put(checkpoint, pieces);
    const value = { step: attempt.step, checkpoint };
    if (this.#alive && !attempt.over) this.#report({ lease: keyOf(attempt.lease), event: { $case: "checkpointed", value } });
  }

  async #stop({ lease, reason, message }: StopAttempt): Promise<void> {
    const attempt = lease && this.#attempts.get(nameOf(lease));
    if (attempt === undefined || lease === undefined) return;
    if (reason === EndReason.END_REASON_UNSPECIFIED) {
      this.#drop(lease);
      return;
    }
    await this.#save(attempt);
    if (this.#alive && !attempt.over) this.#finish(attempt, reason, message);
  }

  #drop(key: LeaseKey): void {
    const attempt = this.#attempts.get(nameOf(key));
    if (attempt !== undefined) attempt.over = true;
    this.#attempts.delete(nameOf(key));
  }

  #finish(attempt: Attempt, reason: EndReason, message: string): void {
    const key = keyOf(attempt.lease);
    this.#drop(key);
    const value = { reason, message, step: attempt.step, final: measure(attempt), artifacts: [], startedMs: 0 };
    this.#report({ lease: key, event: { $case: "finished", value } });
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

function keyOf(lease: Lease): LeaseKey {
  return lease.key ?? { searchId: "", trial: 0, attempt: 0 };
}

function nameOf(key: LeaseKey): string {
  return `${key.searchId}/${key.trial}/${key.attempt}`;
}

function measure(attempt: Attempt): Measurement {
  const { trial } = keyOf(attempt.lease);
  const loss = 1 / (1 + attempt.step) + (trial % 7) / 10;
  return {
    step: attempt.step,
    metrics: { loss },
    learned: {},
    scales: {},
    hypergradients: {},
    vectors: attempt.lease.work?.vectors ?? {},
    seconds: attempt.step / 10,
  };
}
