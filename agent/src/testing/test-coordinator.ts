/**
 * A coordinator's two doors for agents, in memory, over real gRPC on loopback: gives leases by hand, acknowledges what it is told to, keeps
 * artifacts. For this room's tests, which must not need the real one; what the two mean by a message is checked end to end elsewhere.
 */
import { createHash } from "node:crypto";
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type {
  ArtifactRef,
  ConnectRequest,
  ConnectResponse,
  EndReason,
  Finished,
  GetArtifactRequest,
  GetArtifactResponse,
  Heartbeat,
  Lease,
  LeaseKey,
  Measurement,
  OutputPiece,
  PutArtifactRequest,
  PutArtifactResponse,
  Register,
  Report,
} from "@regulus/proto";
import { assert } from "@regulus/proto";
import { AgentServiceService, ArtifactServiceService } from "@regulus/transport";

type Stream = ServerDuplexStream<ConnectRequest, ConnectResponse>;

export interface TestCoordinatorOptions {
  /** Whether reports are acknowledged as they come; else `acknowledge` does it. */
  readonly acknowledges?: boolean;
  readonly heartbeatEveryMs?: number;
  /** Answers every registration with this status instead. */
  readonly refuses?: { readonly code: number; readonly details: string };
  /** Whether registrations are answered. */
  readonly answersRegistrations?: boolean;
  /** Port to listen on; 0 for a free one. */
  readonly port?: number;
  /** Loopback address to listen on; 127.0.0.1 where absent. */
  readonly host?: string;
}

export class TestCoordinator {
  readonly registrations: Register[] = [];
  readonly heartbeats: Heartbeat[] = [];
  /** Reports in the order of their arrival, resent ones again. */
  readonly reports: Report[] = [];
  /** The first sequence number of every message of reports. */
  readonly firstSequences: number[] = [];
  readonly drains: string[] = [];
  /** Answers to `askOutput`. */
  readonly outputs: OutputPiece[] = [];
  readonly artifacts = new Map<string, Buffer>();
  /** Leases that a registration is told to be gone. */
  revoked: LeaseKey[] = [];
  /** Cuts what is fetched short by half. */
  cutsShort = false;
  #stream: Stream | undefined;
  #seen = 0;
  #asked = 1;
  readonly #waiting = new Set<() => void>();

  readonly #server: Server;
  readonly #options: TestCoordinatorOptions;

  private constructor(
    server: Server,
    readonly port: number,
    options: TestCoordinatorOptions,
  ) {
    this.#server = server;
    this.#options = options;
  }

  static async start(options: TestCoordinatorOptions = {}): Promise<TestCoordinator> {
    const server = new Server();
    const doors: { coordinator?: TestCoordinator } = {};
    const started = (): TestCoordinator => {
      assert(doors.coordinator !== undefined, "nobody calls before the port is known");
      return doors.coordinator;
    };
    server.addService(AgentServiceService, { connect: (stream: Stream) => started().#connected(stream) });
    server.addService(ArtifactServiceService, {
      putArtifact: (call: AsyncIterable<PutArtifactRequest>, callback: sendUnaryData<PutArtifactResponse>) =>
        void started().#put(call, callback),
      getArtifact: (call: ServerWritableStream<GetArtifactRequest, GetArtifactResponse>) => started().#get(call),
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(
        `${options.host ?? "127.0.0.1"}:${options.port ?? 0}`,
        ServerCredentials.createInsecure(),
        (error, bound) => (error ? reject(error) : resolve(bound)),
      );
    });
    doors.coordinator = new TestCoordinator(server, port, options);
    return doors.coordinator;
  }

  get address(): string {
    return `${this.#options.host ?? "127.0.0.1"}:${this.port}`;
  }

  /** Ends at once, like a killed one. */
  close(): void {
    this.#server.forceShutdown();
  }

  /** Breaks the agent's connection. */
  disconnect(): void {
    this.#stream?.emit("error", { code: status.UNAVAILABLE, details: "the test broke the connection" });
    this.#stream = undefined;
  }

  /** Ends the agent's connection in good order. */
  end(): void {
    this.#stream?.end();
  }

  lease(...leases: Lease[]): void {
    this.#send({ message: { $case: "leases", value: { leases } } });
  }

  stop(lease: LeaseKey, reason: EndReason, message = ""): void {
    this.#send({ message: { $case: "stopAttempt", value: { lease, reason, message } } });
  }

  /** Asks for a piece of an attempt's output, and waits for the answer. */
  async askOutput(lease: LeaseKey, offset = 0, bytesMax = 1024): Promise<OutputPiece> {
    const requestId = this.requestOutput(lease, offset, bytesMax);
    return await this.until("a piece of output", () => this.outputs.find((piece) => piece.requestId === requestId));
  }

  /** Asks, and does not wait. Answers the number of the question. */
  requestOutput(lease: LeaseKey, offset = 0, bytesMax = 1024): number {
    const requestId = this.#asked++;
    this.#send({ message: { $case: "outputRequest", value: { requestId, lease, offset, bytesMax } } });
    return requestId;
  }

  acknowledge(throughSequence: number): void {
    this.#send({ message: { $case: "acknowledged", value: { throughSequence } } });
  }

  /** Waits for something to hold; looked at whenever something comes in. Fails after a minute with the words: machines that run
   * everything at once are slow, and a test that waits in vain has failed anyway. */
  async until<T>(words: string, holds: () => T | undefined | false): Promise<T> {
    const now = holds();
    if (now !== undefined && now !== false) return now;
    return await new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`waited a minute for: ${words}; saw ${JSON.stringify(this.reports.slice(-5))}`));
      }, 60_000);
      const look = () => {
        const found = holds();
        if (found === undefined || found === false) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
    });
  }

  /** Waits for what happens on the agent's side, of which no message tells. */
  async eventually(words: string, holds: () => boolean): Promise<void> {
    const looking = setInterval(() => this.#look(), 10);
    await this.until(words, holds).finally(() => clearInterval(looking));
  }

  async finished(trial: number, attempt = 1): Promise<Finished> {
    return await this.until(`end of trial ${trial}, attempt ${attempt}`, () => {
      for (const { lease, event } of this.reports) {
        if (lease?.trial === trial && lease.attempt === attempt && event?.$case === "finished") return event.value;
      }
      return undefined;
    });
  }

  /** Measurements of a trial over all attempts, in order of arrival. */
  measurements(trial: number): Measurement[] {
    return this.reports.flatMap(({ lease, event }) =>
      lease?.trial === trial && event?.$case === "measured" ? [event.value] : [],
    );
  }

  checkpoints(trial: number): { step: number; checkpoint: ArtifactRef }[] {
    return this.reports.flatMap(({ lease, event }) =>
      lease?.trial === trial && event?.$case === "checkpointed" && event.value.checkpoint
        ? [{ step: event.value.step, checkpoint: event.value.checkpoint }]
        : [],
    );
  }

  #send(message: ConnectResponse): void {
    this.#stream?.write(message);
  }

  #connected(stream: Stream): void {
    stream.on("error", () => undefined);
    if (this.#options.refuses !== undefined) {
      this.registrations.push({ agent: undefined, protocol: 0, active: [] });
      stream.emit("error", this.#options.refuses);
      this.#look();
      return;
    }
    stream.on("data", (request: ConnectRequest) => this.#receive(stream, request));
  }

  #receive(stream: Stream, { message }: ConnectRequest): void {
    switch (message?.$case) {
      case "register":
        this.#stream = stream;
        this.#seen = 0;
        this.registrations.push(message.value);
        if (this.#options.answersRegistrations === false) break;
        this.#send({
          message: {
            $case: "registered",
            value: {
              version: "test",
              heartbeatEveryMs: this.#options.heartbeatEveryMs ?? 1000,
              leaseTimeoutMs: 10_000,
              revoked: this.revoked,
            },
          },
        });
        break;
      case "heartbeat":
        this.heartbeats.push(message.value);
        break;
      case "draining":
        this.drains.push(message.value.reason);
        break;
      case "reports":
        this.firstSequences.push(message.value.firstSequence);
        this.reports.push(...message.value.reports);
        this.#seen = message.value.firstSequence + message.value.reports.length - 1;
        if (this.#options.acknowledges !== false) this.acknowledge(this.#seen);
        break;
      case "output":
        this.outputs.push(message.value);
        break;
      case undefined:
        break;
      default:
        message satisfies never;
    }
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }

  async #put(call: AsyncIterable<PutArtifactRequest>, callback: sendUnaryData<PutArtifactResponse>): Promise<void> {
    let header: ArtifactRef | undefined;
    const parts: Uint8Array[] = [];
    for await (const { part } of call) {
      if (part?.$case === "header") header = part.value;
      else if (part) parts.push(part.value);
    }
    const bytes = Buffer.concat(parts);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (header?.sha256 !== sha256 || header.size !== bytes.length) {
      callback({ code: status.DATA_LOSS, details: "size or sum differ from the header" });
      return;
    }
    this.artifacts.set(sha256, bytes);
    callback(null, { artifact: header });
  }

  #get(call: ServerWritableStream<GetArtifactRequest, GetArtifactResponse>): void {
    const bytes = this.artifacts.get(call.request.sha256);
    if (bytes === undefined) {
      call.emit("error", { code: status.NOT_FOUND, details: "no such artifact" });
      return;
    }
    const sent = this.cutsShort ? bytes.subarray(0, bytes.length / 2) : bytes;
    for (let at = 0; at < sent.length; at += 64 * 1024) call.write({ data: sent.subarray(at, at + 64 * 1024) });
    call.end();
  }
}
