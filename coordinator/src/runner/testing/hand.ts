/** An agent that a test drives by hand: it keeps what it is told and reports what the test says. */
import type { ConnectResponse, EndReason, Finished, Lease, Measurement, Report, StopAttempt } from "@regulus/proto";
import type { AgentConnection, Coordinator } from "../../coordinator.js";

export interface HandOptions {
  /** Names the process of the agent; empty for none. */
  readonly instance?: string;
  readonly slots?: number;
  /** Told of each lease as it comes. */
  readonly onLease?: (lease: Lease) => void;
}

/** One connection of an agent with two slots that may run commands. */
export class Hand {
  readonly leases: Lease[] = [];
  readonly stops: StopAttempt[] = [];
  readonly messages: ConnectResponse[] = [];
  acknowledged = 0;
  closedBecause: string | undefined;
  /** Bytes of artifacts that it says it has sent. */
  artifactBytes = 0;
  readonly connection: AgentConnection;
  #sequence = 0;

  constructor(coordinator: Coordinator, agentId: string, active: readonly Lease["key"][], more: HandOptions = {}) {
    const { instance = "", slots = 2 } = more;
    const agent = { agentId, slots, backends: ["cpu"], backendReason: "", gpu: "", memoryBytes: 0, labels: {} };
    const allowed = { allowsCommands: true, allowsModules: false };
    const seen = { version: "", slotsUsed: 0, connectedMs: 0, heardMs: 0, draining: false };
    const keys = active.flatMap((key) => (key === undefined ? [] : [key]));
    this.connection = coordinator.connectAgent(
      { agent: { ...agent, ...allowed, ...seen }, protocol: 1, active: keys, instance },
      (response) => {
        this.messages.push(response);
        const { message } = response;
        if (message?.$case === "leases") {
          this.leases.push(...message.value.leases);
          for (const lease of message.value.leases) more.onLease?.(lease);
        } else if (message?.$case === "stopAttempt") this.stops.push(message.value);
        else if (message?.$case === "acknowledged") this.acknowledged = message.value.throughSequence;
      },
      (reason) => {
        this.closedBecause = reason;
      },
    );
  }

  /** Says that it lives, and works on these attempts. */
  beat(...leases: readonly (Lease | undefined)[]): void {
    const active = leases.flatMap((lease) => (lease?.key === undefined ? [] : [lease.key]));
    this.connection.heartbeat({ active, sentMs: 0, artifactBytes: this.artifactBytes });
  }

  report(lease: Lease | undefined, event: NonNullable<Report["event"]>): void {
    this.#sequence += 1;
    this.connection.reports({ firstSequence: this.#sequence, reports: [{ lease: lease?.key, event }] });
  }

  measure(lease: Lease | undefined, step: number, loss: number): void {
    this.report(lease, { $case: "measured", value: measurement(step, { loss }) });
  }

  finish(lease: Lease | undefined, reason: EndReason, more: Partial<Finished> = {}): void {
    const value = { reason, message: "", step: 10, final: undefined, artifacts: [], startedMs: 0, ...more };
    this.report(lease, { $case: "finished", value });
  }
}

/** A measurement of metrics alone. */
export function measurement(step: number, metrics: Record<string, number>): Measurement {
  return { step, metrics, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
}
