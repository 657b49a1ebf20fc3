/**
 * The door for agents: one stream each. The first message registers; after it heartbeats and reports come in, leases and
 * acknowledgements go out. Decision 0011 tells which of two streams with one agent id stays.
 */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import {
  type Agent,
  type ConnectRequest,
  type ConnectResponse,
  limits,
  protocolVersion,
  type Register,
  RegulusError,
} from "@regulus/proto";
import { AgentServiceService } from "@regulus/transport";
import type { AgentConnection, Coordinator } from "../coordinator.js";
import { AgentMail, type Mailbox } from "./agent-mail.js";
import { checkHeartbeat, checkOutput, checkRegister, checkReports } from "./agent-reports.js";
import { bounds } from "./bounds.js";
import { checkMetadata, type Incoming, type Route, received, safeDefinition } from "./calls.js";
import type { Failures } from "./failures.js";
import type { OpenStreams } from "./open-streams.js";
import { keptText } from "./request-checks.js";

/** What the door opens on. */
export interface AgentDoor {
  readonly coordinator: Pick<Coordinator, "connectAgent">;
  readonly failures: Failures;
  readonly streams: OpenStreams;
  /** How often agents are asked to send a heartbeat. */
  readonly heartbeatEveryMs: number;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Another bound than that of `bounds`, for tests. */
  readonly registerWithinMs?: number | undefined;
}

type Stream = ServerDuplexStream<Incoming<ConnectRequest>, ConnectResponse>;

/** What the streams of a server share. */
interface Shared {
  /** Streams that registered, by the agent's id. */
  readonly sessions: Map<string, AgentSession>;
  readonly mail: AgentMail;
}

/** Routes of AgentService, by the name of the method. */
export function agentRoutes(door: AgentDoor): Readonly<Record<keyof typeof AgentServiceService, Route>> {
  const shared: Shared = { sessions: new Map(), mail: new AgentMail(door.now) };
  const handler = (call: Stream): void => new AgentSession(call, door, shared).open();
  return { connect: { definition: safeDefinition(AgentServiceService.connect), handler } };
}

class AgentSession {
  readonly #call: Stream;
  readonly #door: AgentDoor;
  readonly #shared: Shared;
  #agentId = "";
  #instance = "";
  #connection: AgentConnection | undefined;
  #mailbox: Mailbox | undefined;
  #heardMs: number;
  /** Number of the newest report that came in, and of the newest that was acknowledged. */
  #newest = 0;
  #acknowledged = 0;
  #over = false;
  #uncount: () => void = () => undefined;

  constructor(call: Stream, door: AgentDoor, shared: Shared) {
    this.#call = call;
    this.#door = door;
    this.#shared = shared;
    this.#heardMs = door.now();
  }

  open(): void {
    const call = this.#call;
    const { registerWithinMs = bounds.registerWithinMs } = this.#door;
    const late = setTimeout(() => {
      this.#fail(new RegulusError("deadline", `no registration within ${registerWithinMs} ms of the stream's opening`));
    }, registerWithinMs);
    call.on("data", (incoming: Incoming<ConnectRequest>) => {
      if (this.#over) return;
      try {
        this.#receive(received(incoming));
        if (this.#connection !== undefined) clearTimeout(late);
      } catch (thrown) {
        this.#fail(thrown);
      }
    });
    call.on("end", () => this.#leave(() => call.end()));
    call.on("cancelled", () => this.#leave(() => undefined));
    call.on("close", () => {
      clearTimeout(late);
      this.#leave(() => undefined);
    });
    try {
      this.#uncount = this.#door.streams.enter((error) => this.#fail(error));
      checkMetadata(call);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #receive(request: ConnectRequest): void {
    this.#heardMs = this.#door.now();
    const message = request.message;
    const connection = this.#connection;
    if (connection === undefined) {
      if (message?.$case !== "register") throw unexpected(message?.$case, "register, as the first message of a stream");
      this.#register(message.value);
      return;
    }
    switch (message?.$case) {
      case "heartbeat":
        checkHeartbeat(message.value);
        connection.heartbeat(message.value);
        break;
      case "reports": {
        const reports = checkReports(message.value, this.#newest);
        this.#newest += reports.reports.length;
        // Before the connection hears of them: it may acknowledge at once.
        if (this.#newest - this.#acknowledged > bounds.unacknowledgedReportsMax) this.#call.pause();
        if (reports.reports.length > 0) connection.reports(reports);
        break;
      }
      case "output":
        checkOutput(message.value);
        connection.output(message.value);
        break;
      case "draining":
        connection.draining(keptText(message.value.reason));
        break;
      case "register":
      case undefined:
        throw unexpected(message?.$case, "heartbeat, reports, output or draining");
    }
  }

  #register(register: Register): void {
    if (register.protocol !== protocolVersion) {
      throw new RegulusError(
        "failed-precondition",
        `the agent speaks version ${register.protocol} of the agent protocol and this coordinator version ${protocolVersion}; ` +
          `install the same release on both`,
      );
    }
    checkRegister(register);
    this.#takePlace(register.agent, register.instance ?? "");
    this.#mailbox = this.#shared.mail.open(register.agent.slots, (error) => this.#fail(error));
    this.#connection = this.#door.coordinator.connectAgent(
      register,
      (message) => this.#send(message),
      (reason) => this.#fail(new RegulusError("unavailable", `the coordinator closed the connection: ${reason}`)),
    );
  }

  /** Takes the place of an earlier stream of the same agent, or fails because that one lives and is another process's. */
  #takePlace(agent: Agent, instance: string): void {
    this.#agentId = agent.agentId;
    const { sessions } = this.#shared;
    const earlier = sessions.get(agent.agentId);
    if (earlier === undefined) {
      if (sessions.size >= limits.agentsMax) {
        throw new RegulusError(
          "exhausted",
          `${limits.agentsMax} agents are connected, which is the most that one coordinator takes`,
        );
      }
    } else {
      const silentMs = this.#door.now() - earlier.#heardMs;
      const same = instance !== "" && instance === earlier.#instance;
      const silentMax = bounds.heartbeatsMissedMax * this.#door.heartbeatEveryMs;
      if (!same && silentMs <= silentMax) {
        throw new RegulusError(
          "unavailable",
          `another process is connected as agent ${agent.agentId} and was heard of ${Math.round(silentMs)} ms ago; give this one ` +
            `another id (--id), or wait: once that one is silent for ${silentMax} ms this one takes its place`,
        );
      }
      earlier.#fail(new RegulusError("conflict", `a newer stream of agent ${agent.agentId} took this one's place`));
    }
    this.#instance = instance;
    sessions.set(agent.agentId, this);
  }

  #send(message: ConnectResponse): void {
    if (this.#over) return;
    if (message.message?.$case === "acknowledged") {
      this.#acknowledged = message.message.value.throughSequence;
      if (this.#call.isPaused() && this.#newest - this.#acknowledged <= bounds.unacknowledgedReportsMax) this.#call.resume();
    }
    const sent = this.#mailbox?.add(message);
    // Counting it may have cut this agent off.
    if (!this.#over) this.#call.write(message, sent);
  }

  #fail(thrown: unknown): void {
    const status = this.#door.failures(thrown, AgentServiceService.connect.path);
    this.#leave(() => {
      if (!this.#call.cancelled && !this.#call.destroyed) this.#call.emit("error", status);
    });
  }

  /** Ends the session once; `last` ends the stream. */
  #leave(last: () => void): void {
    if (this.#over) return;
    this.#over = true;
    const { sessions } = this.#shared;
    if (sessions.get(this.#agentId) === this) sessions.delete(this.#agentId);
    this.#mailbox?.close();
    this.#uncount();
    this.#connection?.closed();
    last();
  }
}

const unexpected = (seen: string | undefined, expected: string): RegulusError =>
  RegulusError.invalid([{ field: "message", seen: seen ?? "nothing", expected }]);
