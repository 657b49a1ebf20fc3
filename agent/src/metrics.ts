/** The agent's numbers for Prometheus, served on request. Every name is documented in docs/metrics.md. */
import { type Agent as AgentFacts, EndReason } from "@regulus/proto";
import { type ListenAddress, type MutualTls, type OperatorPage, startOperatorPage } from "@regulus/transport";
import type { Logger } from "pino";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Attempts } from "./attempts/attempts.js";
import { residentBytes } from "./attempts/process-memory.js";
import type { Residents } from "./attempts/residents.js";
import type { Link } from "./link/link.js";

export interface AgentMetricsSources {
  readonly attempts: Attempts;
  readonly residents: Residents;
  readonly link: Link;
  readonly facts: AgentFacts;
}

export class AgentMetrics {
  readonly registry = new Registry();

  constructor(sources: AgentMetricsSources) {
    const { attempts, residents, link, facts } = sources;
    const registers = [this.registry];
    new Gauge({
      name: "regulus_agent_info",
      help: "1; the labels tell who the agent is.",
      labelNames: ["version", "backend", "gpu"],
      registers,
    }).set({ version: facts.version, backend: facts.backends[0] ?? "", gpu: facts.gpu }, 1);
    this.#gauge("regulus_agent_slots", "Trials that the agent runs side by side.", () => facts.slots);
    this.#gauge("regulus_agent_slots_used", "Slots in use.", () => attempts.used);
    this.#gauge("regulus_agent_connected", "1 while registered with the coordinator, else 0.", () => (link.connected ? 1 : 0));
    this.#gauge("regulus_agent_report_backlog", "Reports that the coordinator has not acknowledged.", () => link.buffer.size);
    this.#gauge(
      "regulus_agent_trial_memory_bytes",
      "Resident memory of all trial processes.",
      () => attempts.memoryBytes() + residents.memoryBytes(),
    );
    this.#gauge("regulus_agent_resident_trials", "Paused trials whose process waits for their next work.", () => residents.count);
    this.#counter(
      "regulus_agent_resident_reuses_total",
      "Leases that found their trial's process waiting.",
      () => residents.reusedTotal,
    );
    this.#gauge(
      "regulus_agent_memory_bytes",
      "Resident memory of the agent's own process.",
      () => residentBytes(process.pid) ?? 0,
    );
    this.#counter("regulus_agent_reconnects_total", "Connections that were lost or refused.", () => link.reconnectsTotal);
    this.#counter("regulus_agent_reports_thinned_total", "Reports dropped to bound the backlog.", () => link.buffer.thinnedTotal);
    this.#counter("regulus_agent_steps_total", "Training steps done.", () => attempts.stepsTotal);
    new Counter({
      name: "regulus_agent_attempts_total",
      help: "Attempts that ended, by reason.",
      labelNames: ["reason"],
      registers,
      collect() {
        this.reset();
        for (const reason of Object.values(EndReason)) {
          if (reason === EndReason.END_REASON_UNSPECIFIED || reason === EndReason.UNRECOGNIZED) continue;
          this.inc({ reason: reasonLabel(reason) }, attempts.endedTotal.get(reason) ?? 0);
        }
      },
    });
    collectDefaultMetrics({ register: this.registry });
  }

  /** Serves GET /metrics. Fails where the address is refused or can't be listened on. */
  listen(listen: ListenAddress, tls: MutualTls | undefined, log: Logger): Promise<OperatorPage> {
    const { registry } = this;
    return startOperatorPage({
      flag: "--metrics-listen",
      listen,
      tls,
      tlsFlags: "--tls-ca, --tls-cert and --tls-key",
      onFailure: (err) => log.error({ err }, "the metrics page failed"),
      paths: { "/metrics": async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }) },
    });
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }

  #counter(name: string, help: string, value: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  }
}

/** END_REASON_OUT_OF_MEMORY as out_of_memory. */
function reasonLabel(reason: EndReason): string {
  return String(reason).replace("END_REASON_", "").toLowerCase();
}
