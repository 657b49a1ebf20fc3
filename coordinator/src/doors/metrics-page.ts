/**
 * The HTTP listener for operators: /metrics for Prometheus, /healthz while the process lives, /readyz while it serves. Plain HTTP on
 * loopback; on any other address HTTPS that asks for a client certificate, like the gRPC door.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Logger } from "pino";
import {
  assertMayListen,
  formatAddress,
  isLoopback,
  type ListenAddress,
  listenFailure,
  type TlsMaterial,
} from "./listen-address.js";
import type { Metrics } from "./metrics.js";
import type { Readiness } from "./readiness.js";
import type { RunningServer } from "./server.js";

/** Time that a client has to send a request, and that a request may take. */
const requestWithinMs = 10_000;
/** Connections at once: a few Prometheus servers and people. */
const connectionsMax = 64;

/** What the page shows. */
export interface MetricsPageOptions {
  readonly listen: ListenAddress;
  readonly tls?: TlsMaterial | undefined;
  readonly metrics: Pick<Metrics, "registry">;
  readonly readiness: Readiness;
  readonly log: Logger;
}

/** Starts the listener. Fails with a clear error where the address is refused or taken. */
export async function startMetricsPage(options: MetricsPageOptions): Promise<RunningServer> {
  const { listen, tls } = options;
  assertMayListen("--metrics-listen", listen, tls);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    respond(options, request, response).catch((thrown: unknown) => {
      options.log.error({ err: thrown }, "the metrics page failed");
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const secure = tls !== undefined && !isLoopback(listen.host);
  const server = secure
    ? createTlsServer({ cert: tls.cert, key: tls.key, ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }, answer)
    : createServer(answer);
  server.maxConnections = connectionsMax;
  server.requestTimeout = requestWithinMs;
  server.headersTimeout = requestWithinMs;
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", (error) => reject(listenFailure("--metrics-listen", listen, error)));
    server.listen(listen.port, listen.host, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : listen.port);
    });
  });
  return {
    address: formatAddress({ host: listen.host, port }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(options: MetricsPageOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (code: number, type: string, body: string): void => {
    response.writeHead(code, { "content-type": type, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  if (request.method !== "GET" && request.method !== "HEAD") {
    send(405, "text/plain", "only GET and HEAD\n");
    return;
  }
  switch (request.url?.split("?")[0]) {
    case "/metrics":
      send(200, options.metrics.registry.contentType, await options.metrics.registry.metrics());
      return;
    case "/healthz":
      send(200, "text/plain", "alive\n");
      return;
    case "/readyz": {
      const { ready, obstacles } = options.readiness;
      send(ready ? 200 : 503, "text/plain", ready ? "ready\n" : `not ready: ${obstacles.join(", ")}\n`);
      return;
    }
    default:
      send(404, "text/plain", "here are /metrics, /healthz and /readyz\n");
  }
}
