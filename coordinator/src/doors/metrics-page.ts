/** The page for operators: /metrics for Prometheus, /healthz while the process lives, /readyz while it serves. */
import { type ListenAddress, type MutualTls, startOperatorPage } from "@regulus/transport";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.js";
import type { Readiness } from "./readiness.js";
import type { RunningServer } from "./server.js";
import { tlsFlags } from "./server-credentials.js";

/** What the page shows. */
export interface MetricsPageOptions {
  readonly listen: ListenAddress;
  readonly tls?: MutualTls | undefined;
  readonly metrics: Pick<Metrics, "registry">;
  readonly readiness: Readiness;
  readonly log: Logger;
}

const text = (status: number, body: string) => ({ status, type: "text/plain; charset=utf-8", body });

/** Starts the listener. Fails with a clear error where the address is refused or taken. */
export function startMetricsPage({ listen, tls, metrics, readiness, log }: MetricsPageOptions): Promise<RunningServer> {
  const { registry } = metrics;
  return startOperatorPage({
    flag: "--metrics-listen",
    listen,
    tls,
    tlsFlags,
    onFailure: (err) => log.error({ err }, "the metrics page failed"),
    paths: {
      "/metrics": async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
      "/healthz": () => text(200, "alive\n"),
      "/readyz": () => {
        const { ready, obstacles } = readiness;
        return ready ? text(200, "ready\n") : text(503, `not ready: ${obstacles.join(", ")}\n`);
      },
    },
  });
}
