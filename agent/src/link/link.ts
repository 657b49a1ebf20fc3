/**
 * The agent's one connection to the coordinator: opens it, registers, keeps it alive, opens it again with backoff when it is gone, and
 * sends what the report buffer holds until it is acknowledged. It knows nothing of what a lease is worked on with.
 */
import { type ClientDuplexStream, status } from "@grpc/grpc-js";
import {
  type ConnectRequest,
  type ConnectResponse,
  type ErrorCode,
  type Lease,
  type LeaseKey,
  type OutputPart,
  type OutputRequest,
  type Register,
  type Registered,
  RegulusError,
  type Report,
  type SearchSpec,
  type StopAttempt,
} from "@regulus/proto";
import { type AgentServiceClient, Backoff, spreadMs } from "@regulus/transport";
import type { Logger } from "pino";
import { ReportBuffer } from "./report-buffer.js";

/** Longest wait for the answer to a registration, in milliseconds. */
const registrationMsMax = 6000;
/** First and longest wait before the next connection, in milliseconds. */
const reconnectMs = { firstMs: 200, maxMs: 4000 };
/** Wait after a refusal that only a person can mend, in milliseconds. */
const refusedMs = 60_000;
/** Specs kept on one connection; past that the connection is opened anew, since both ends count on the other's memory. */
const specsMax = 4096;

/** Words of an error that say more than that a connection was cut: nobody is there, or who is has said so. */
const saysWhy = /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|Name resolution failed|ended the connection/;

/** Codes after which trying again soon changes nothing. */
const refusals: readonly ErrorCode[] = ["failed-precondition", "permission-denied", "unauthenticated", "invalid-argument"];

/** What the link asks of the agent and tells it. */
export interface LinkHandler {
  /** Who the agent is and what it still works on, at this moment. */
  registration(): Register;
  /** Attempts that it works on, for a heartbeat. */
  active(): readonly LeaseKey[];
  registered(answer: Registered): void;
  lease(lease: Lease, spec: SearchSpec): void;
  stop(stop: StopAttempt): void;
  /** A piece of an attempt's output; undefined where it can't be had. */
  output(request: OutputRequest): Promise<OutputPart | undefined>;
}

export interface LinkOptions {
  /** A client of its own for every connection: the link closes it. */
  readonly openClient: () => AgentServiceClient;
  readonly handler: LinkHandler;
  readonly log: Logger;
  /** Where the coordinator is, for messages. */
  readonly address: string;
  /** Bytes of artifacts that were sent so far. */
  readonly artifactBytes?: () => number;
  /** Whether connections use TLS. */
  readonly secure?: boolean;
  readonly buffer?: ReportBuffer;
  /** Longest wait for the answer to a registration, in milliseconds. */
  readonly registrationMsMax?: number;
}

type Stream = ClientDuplexStream<ConnectRequest, ConnectResponse>;

export class Link {
  readonly buffer: ReportBuffer;
  /** Connections that were lost or refused since the start. */
  reconnectsTotal = 0;
  readonly #backoff = new Backoff(reconnectMs);
  readonly #specs = new Map<string, SearchSpec>();
  #client: AgentServiceClient | undefined;
  #stream: Stream | undefined;
  #open = false;
  #closed = false;
  #drainReason: string | undefined;
  #flushScheduled = false;
  #heartbeats: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #idleWaiters: (() => void)[] = [];

  readonly #options: LinkOptions;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.buffer = options.buffer ?? new ReportBuffer();
  }

  /** Whether the agent is registered on a living connection. */
  get connected(): boolean {
    return this.#open;
  }

  start(): void {
    this.#connect();
  }

  /** Sends a report as soon as may be; it is kept until acknowledged. Reports of one turn travel together. */
  report(report: Report): void {
    this.buffer.add(report);
    this.#scheduleFlush();
  }

  /** Tells the coordinator that no new leases are wanted, on this connection and those after. */
  drain(reason: string): void {
    this.#drainReason = reason;
    if (this.#open) this.#write({ message: { $case: "draining", value: { reason } } });
  }

  /** Resolves once every report is acknowledged, or after `maxMs` milliseconds. Answers whether all were. */
  async settled(maxMs: number): Promise<boolean> {
    if (this.buffer.size === 0) return true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxMs);
      this.#idleWaiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.buffer.size === 0;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#heartbeats);
    this.#open = false;
    this.#stream?.end();
    this.#stream?.cancel();
    this.#stream = undefined;
    this.#client?.close();
  }

  #connect(): void {
    if (this.#closed) return;
    this.#client = this.#options.openClient();
    const stream = this.#client.connect();
    this.#stream = stream;
    this.#specs.clear();
    this.buffer.rewind();
    const late = setTimeout(() => stream.cancel(), this.#options.registrationMsMax ?? registrationMsMax);
    const lost = (error: unknown) => {
      clearTimeout(late);
      this.#lost(stream, error);
    };
    stream.on("data", (message: ConnectResponse) => {
      if (stream !== this.#stream) return;
      if (message.message?.$case === "registered") {
        clearTimeout(late);
        this.#registered(message.message.value);
      } else this.#receive(message);
    });
    stream.on("error", lost);
    stream.on("end", () => lost(new RegulusError("unavailable", "the coordinator ended the connection")));
    stream.write({ message: { $case: "register", value: this.#options.handler.registration() } });
  }

  #registered(answer: Registered): void {
    this.#open = true;
    this.#backoff.reset();
    this.#options.log.info({ coordinator: this.#options.address, version: answer.version }, "registered with the coordinator");
    for (const key of answer.revoked) this.buffer.forget(key);
    this.#options.handler.registered(answer);
    clearInterval(this.#heartbeats);
    // A quarter below what was asked for, so that a late timer is not a missed heartbeat.
    this.#heartbeats = setInterval(() => this.heartbeat(), Math.max(50, answer.heartbeatEveryMs * 0.75));
    if (this.#drainReason !== undefined) this.drain(this.#drainReason);
    this.#flush();
    // The coordinator waits to hear that what it took away is over; ends that it knows of held no slots any more.
    if (answer.revoked.length > 0) this.heartbeat();
  }

  #receive(response: ConnectResponse): void {
    const message = response.message;
    switch (message?.$case) {
      case "leases":
        for (const lease of message.value.leases) this.#lease(lease);
        return;
      case "acknowledged":
        this.buffer.acknowledge(message.value.throughSequence);
        if (this.buffer.size === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
        else this.#scheduleFlush();
        return;
      case "stopAttempt":
        if (message.value.lease && message.value.reason === "END_REASON_UNSPECIFIED") this.buffer.forget(message.value.lease);
        this.#options.handler.stop(message.value);
        return;
      case "outputRequest":
        void this.#answerOutput(message.value);
        return;
      case "registered":
      case undefined:
        // A message that this version does not know: a newer coordinator says more than we need.
        return;
      default:
        message satisfies never;
    }
  }

  #lease(lease: Lease): void {
    if (!lease.key || !lease.work) {
      this.#options.log.error({ lease }, "a lease came without key or work and is dropped");
      return;
    }
    const searchId = lease.key.searchId;
    if (lease.spec) this.#specs.set(searchId, lease.spec);
    const spec = this.#specs.get(searchId);
    if (spec === undefined) {
      // Nobody can work on it; a new connection makes the coordinator send the spec again.
      this.#options.log.error({ lease: lease.key }, "a lease came without its search's spec; the connection is reopened");
      this.#stream?.cancel();
      return;
    }
    this.#options.handler.lease(lease, spec);
    if (this.#specs.size > specsMax) this.#stream?.cancel();
  }

  /** An answer for an earlier connection is dropped: whoever asked there has been told that it is gone. */
  async #answerOutput(request: OutputRequest): Promise<void> {
    const stream = this.#stream;
    const part = await this.#options.handler.output(request);
    if (stream !== this.#stream || !this.#open) return;
    const { requestId } = request;
    const { data = new Uint8Array(), offset = 0, totalBytes = 0 } = part ?? {};
    const value = { requestId, found: part !== undefined, data: Buffer.from(data), offset, totalBytes };
    this.#write({ message: { $case: "output", value } });
  }

  /** Tells which attempts are worked on, ahead of time: one that was taken away is over, and its slots are free. */
  heartbeat(): void {
    const artifactBytes = this.#options.artifactBytes?.() ?? 0;
    if (!this.#open) return;
    const active = [...this.#options.handler.active()];
    this.#write({ message: { $case: "heartbeat", value: { active, sentMs: Date.now(), artifactBytes } } });
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled || !this.#open) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#open) return;
    for (let batch = this.buffer.take(); batch !== undefined; batch = this.buffer.take()) {
      this.#write({ message: { $case: "reports", value: batch } });
    }
  }

  #write(message: ConnectRequest): void {
    this.#stream?.write(message);
  }

  /** A plain connection to a coordinator with TLS is cut without a word: the likely reason is said for it. */
  #advice(error: RegulusError): string {
    const silent = error.code === "unavailable" && !saysWhy.test(error.message);
    return this.#options.secure === true || !silent ? "" : "; a coordinator with TLS needs --tls-ca, --tls-cert and --tls-key";
  }

  #lost(stream: Stream, cause: unknown): void {
    if (stream !== this.#stream || this.#closed) return;
    this.#stream = undefined;
    this.#open = false;
    clearInterval(this.#heartbeats);
    stream.cancel();
    this.#client?.close();
    const error = RegulusError.from(cause);
    this.reconnectsTotal += 1;
    const refused = refusals.includes(error.code);
    const waitMs = refused ? spreadMs(1, { firstMs: refusedMs, maxMs: refusedMs }) : this.#backoff.next();
    const words = { coordinator: this.#options.address, code: error.code, waitMs: Math.round(waitMs) };
    if (refused) this.#options.log.error(words, `the coordinator refused this agent: ${error.message}`);
    else this.#options.log.warn(words, `no connection to the coordinator: ${error.message}${this.#advice(error)}`);
    this.#retry = setTimeout(() => this.#connect(), waitMs);
  }
}

/** Whether an address answers and would have this agent: one registration-less connection, for `doctor`. */
export async function reachable(client: AgentServiceClient, maxMs: number): Promise<RegulusError | undefined> {
  return await new Promise((resolve) => {
    client.waitForReady(Date.now() + maxMs, (error) => {
      const words = error === undefined ? undefined : `no answer within ${maxMs} ms`;
      resolve(words === undefined ? undefined : new RegulusError("unavailable", words, { cause: status.UNAVAILABLE }));
    });
  });
}
