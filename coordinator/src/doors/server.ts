/**
 * The gRPC server: every service of the contract over one coordinator, with standard health and reflection, on one address. Bounds of
 * connections are set here; those of single calls stand with their services.
 */
import { Server as NetServer } from "node:net";
import { Server, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { limits } from "@regulus/proto";
import {
  AgentServiceService,
  ArtifactServiceService,
  assertMayListen,
  formatAddress,
  type ListenAddress,
  listenFailure,
  type MutualTls,
  SearchServiceService,
} from "@regulus/transport";
import { HealthImplementation } from "grpc-health-check";
import type { Logger } from "pino";
import type { Coordinator } from "../coordinator.js";
import type { ArtifactStore } from "../ports.js";
import { agentRoutes } from "./agent-service.js";
import { artifactRoutes } from "./artifact-service.js";
import { bounds } from "./bounds.js";
import { CallGuards } from "./call-guards.js";
import type { Route } from "./calls.js";
import { failuresTo } from "./failures.js";
import { type Metrics, rpcTimer } from "./metrics.js";
import { OpenStreams } from "./open-streams.js";
import type { Readiness } from "./readiness.js";
import { addReflection } from "./reflection.js";
import { logRefusedHandshakes } from "./refused-handshakes.js";
import { searchRoutes } from "./search-service.js";
import { expiredCertificates, serverCredentials, tlsFlags } from "./server-credentials.js";
import type { Watchers } from "./watchers.js";

/** What a server needs. */
export interface ServerOptions {
  readonly coordinator: Coordinator;
  readonly artifacts: ArtifactStore;
  readonly listen: ListenAddress;
  /** Mutual TLS; absent for none, which only loopback allows. */
  readonly tls?: MutualTls | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly watchers: Watchers;
  readonly readiness: Readiness;
  /** Guards with other bounds, for tests. */
  readonly guards?: CallGuards;
  /** Connections at once. */
  readonly connectionsMax?: number;
  /** How long an agent's stream may take to register. */
  readonly registerWithinMs?: number;
  /** How often agents are asked to send a heartbeat. */
  readonly heartbeatEveryMs: number;
}

/** A server that listens. */
export interface RunningServer {
  /** `host:port`, with the port that was taken. */
  readonly address: string;
  /** Takes no new calls, ends streams with UNAVAILABLE, lets other calls end for a moment, then ends them too. */
  close(): Promise<void>;
}

/** Starts the server. Fails with a clear error where the address is refused or taken. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  assertMayListen("--listen", options.listen, options.tls !== undefined, tlsFlags);
  const failures = failuresTo(options.log);
  const guards =
    options.guards ?? new CallGuards({ log: options.log, dropped: (reason) => options.metrics.callsDropped.inc({ reason }) });
  const server = new Server({
    "grpc.max_receive_message_length": limits.messageBytesMax,
    "grpc.max_concurrent_streams": bounds.streamsPerConnectionMax,
    "grpc.keepalive_time_ms": bounds.keepaliveEveryMs,
    "grpc.keepalive_timeout_ms": bounds.keepaliveTimeoutMs,
    "grpc-node.max_session_memory": bounds.connectionMemoryMbMax,
    // The guard stands next to the wire.
    interceptors: [guards.interceptor, rpcTimer(options.metrics), expiredCertificates(Date.now)],
  });
  const { coordinator, artifacts, watchers, heartbeatEveryMs } = options;
  const streams = new OpenStreams();
  addRoutes(server, searchRoutes({ coordinator, failures, streams, guards, watchers }));
  const { registerWithinMs } = options;
  addRoutes(
    server,
    agentRoutes({ coordinator, failures, streams, heartbeatEveryMs, registerWithinMs, now: () => performance.now() }),
  );
  addRoutes(server, artifactRoutes({ coordinator, artifacts, failures, streams, guards }));
  const services = [SearchServiceService.getSearch, AgentServiceService.connect, ArtifactServiceService.putArtifact].map(
    (method) => method.path.split("/")[1] ?? "",
  );
  const health = new HealthImplementation();
  const stopFollowing = options.readiness.follow((ready) => {
    for (const service of ["", ...services]) health.setStatus(service, ready ? "SERVING" : "NOT_SERVING");
  });
  health.addToServer(server);
  addReflection(server);

  const port = await bind(server, options);
  for (const listener of listenersOf(server)) {
    listener.maxConnections = options.connectionsMax ?? bounds.connectionsMax;
    logRefusedHandshakes(listener, options.log);
  }
  return {
    address: formatAddress({ host: options.listen.host, port }),
    close: async () => {
      streams.closeAll();
      const forced = setTimeout(() => server.forceShutdown(), bounds.closeWithinMs);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(forced);
      guards.close();
      stopFollowing();
    },
  };
}

/** What the server listens on, whose connections grpc-js has no options for; tests hold it to that. */
function listenersOf(server: Server): NetServer[] {
  const listeners: unknown = Reflect.get(server, "http2Servers");
  if (!(listeners instanceof Map)) throw new Error("bug: grpc-js keeps its listeners elsewhere");
  return [...listeners.keys()].filter((listener) => listener instanceof NetServer);
}

function addRoutes(server: Server, routes: Readonly<Record<string, Route>>): void {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, route] of Object.entries(routes)) {
    definition[name] = route.definition;
    implementation[name] = route.handler;
  }
  server.addService(definition, implementation);
}

async function bind(server: Server, { listen, tls }: ServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(listen), serverCredentials(tls), (error, port) => {
      if (error === null) resolve(port);
      else reject(listenFailure("--listen", listen, error));
    });
  });
}
