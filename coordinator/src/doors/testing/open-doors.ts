/** The whole server in this process over a coordinator, and calls to it as a stranger makes them: raw bytes in, status and trailers out. */
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { type Problem, Problems, problemsTrailer, SearchSpec } from "@regulus/proto";
import { type Logger, pino } from "pino";
import type { Coordinator } from "../../coordinator.js";
import type { ArtifactStore } from "../../ports.js";
import { createMetrics, type Metrics } from "../metrics.js";
import { Readiness } from "../readiness.js";
import { type RunningServer, type ServerOptions, startServer } from "../server.js";
import { Watchers } from "../watchers.js";

/** An open server and what belongs to it. */
export interface OpenDoors {
  readonly server: RunningServer;
  readonly client: Client;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  /** Lines that were logged. */
  readonly logged: readonly string[];
  close(): Promise<void>;
}

export async function openDoors(
  parts: { readonly coordinator: Coordinator; readonly artifacts: ArtifactStore },
  more: Partial<ServerOptions> = {},
): Promise<OpenDoors> {
  const readiness = new Readiness();
  readiness.set("recovering", false);
  const watchers = new Watchers();
  const metrics = createMetrics({
    gauges: () => parts.coordinator.gauges,
    readiness,
    watchers: () => ({
      count: watchers.count,
      backlogFacts: watchers.backlog((searchId) => parts.coordinator.getSearch(searchId).position),
    }),
    feed: () => undefined,
    version: "test",
  });
  const logged: string[] = [];
  const log: Logger = pino({ level: "debug" }, { write: (line: string) => logged.push(line) });
  const listen = { host: "127.0.0.1", port: 0 };
  const server = await startServer({ ...parts, listen, log, metrics, watchers, readiness, heartbeatEveryMs: 2000, ...more });
  const client = new Client(server.address, credentials.createInsecure());
  return {
    server,
    client,
    readiness,
    metrics,
    logged,
    close: async () => {
      client.close();
      await server.close();
    },
  };
}

/** How a call ended. */
export interface Outcome {
  readonly code: keyof typeof status;
  readonly details: string;
  readonly problems: readonly Problem[];
  /** Messages that came back. */
  readonly answers: readonly Buffer[];
}

const raw = (bytes: Buffer): Buffer => bytes;

/** Makes a call of any kind with raw messages, half-closes, and waits for its end. */
export function callRaw(
  client: Client,
  method: { readonly path: string; readonly requestStream: boolean; readonly responseStream: boolean },
  messages: readonly Uint8Array[],
): Promise<Outcome> {
  return new Promise((resolve) => {
    const answers: Buffer[] = [];
    const end = (error: ServiceError | null): void => {
      if (error === null) {
        resolve({ code: "OK", details: "", problems: [], answers });
        return;
      }
      const trailer = error.metadata.get(problemsTrailer)[0];
      const problems = Buffer.isBuffer(trailer) ? Problems.decode(trailer).problems : [];
      resolve({ code: codeName(error.code), details: error.details, problems, answers });
    };
    const answered = (error: ServiceError | null, answer?: Buffer): void => {
      if (answer !== undefined) answers.push(answer);
      end(error);
    };
    const options = { deadline: Date.now() + 20_000 };
    const first = Buffer.from(messages[0] ?? []);
    if (!method.requestStream && !method.responseStream) {
      client.makeUnaryRequest(method.path, raw, raw, first, options, answered);
      return;
    }
    const call = method.requestStream
      ? method.responseStream
        ? client.makeBidiStreamRequest(method.path, raw, raw, options)
        : client.makeClientStreamRequest(method.path, raw, raw, options, answered)
      : client.makeServerStreamRequest(method.path, raw, raw, first, options);
    if ("write" in call) {
      for (const message of messages) call.write(Buffer.from(message));
      call.end();
    }
    if (method.responseStream) {
      call.on("data", (bytes: Buffer) => answers.push(bytes));
      call.on("error", (error: ServiceError) => end(error));
      call.on("end", () => undefined);
      call.on("status", (answer: { code: status }) => {
        if (answer.code === status.OK) end(null);
      });
    }
  });
}

/** A spec that every check takes. */
export const validSpec = (): SearchSpec =>
  SearchSpec.fromPartial({
    name: "doors",
    workload: { name: "ridge" },
    objectives: [{ metric: "validLoss", direction: "DIRECTION_MINIMIZE" }],
    strategy: { name: "random" },
    techniques: [{ name: "weight-decay" }],
    space: [{ name: "weightDecay", domain: { $case: "double", value: { min: 1e-5, max: 1, scale: "SCALE_LOG" } } }],
    budget: { trials: 2, stepsPerTrial: 10 },
    parallelism: 2,
    seed: 1,
  });

const codeName = (code: status): keyof typeof status => {
  for (const [name, value] of Object.entries(status)) if (value === code && name in status) return name as keyof typeof status;
  return "UNKNOWN";
};
