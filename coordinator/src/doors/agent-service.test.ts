/** The agents' door: registration, leases, acknowledgements, who replaces whom, and what a broken agent gets. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import {
  ConnectRequest,
  type ConnectResponse,
  EndReason,
  type Lease,
  limits,
  Measurement,
  type Register,
  Report,
} from "@regulus/proto";
import { AgentServiceClient } from "@regulus/transport";
import type { Coordinator } from "../coordinator.js";
import { bounds } from "./bounds.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { openDoors, validSpec } from "./testing/open-doors.js";
import { overriding } from "./testing/overriding.js";
import { eventually } from "./testing/real-servers.js";

const parts = await coordinatorForTests();
const doors = await openDoors(parts, { heartbeatEveryMs: 200 });
const client = new AgentServiceClient(doors.server.address, credentials.createInsecure());
after(async () => {
  client.close();
  await doors.close();
  await parts.close();
});

/** An agent's stream, and what came over it. */
class AgentStream {
  readonly stream: ClientDuplexStream<ConnectRequest, ConnectResponse>;
  readonly received: ConnectResponse[] = [];
  error: ServiceError | undefined;

  constructor(from: AgentServiceClient = client) {
    this.stream = from.connect();
    this.stream.on("data", (message: ConnectResponse) => this.received.push(message));
    this.stream.on("error", (error: ServiceError) => {
      this.error = error;
    });
  }

  say(message: Parameters<typeof ConnectRequest.fromPartial>[0]["message"]): this {
    this.stream.write(ConnectRequest.fromPartial({ message }));
    return this;
  }

  register(agentId: string, more: Partial<Register> & { slots?: number } = {}): this {
    const { slots = 1, ...register } = more;
    return this.say({ $case: "register", value: { protocol: 1, agent: { agentId, slots, backends: ["cpu"] }, ...register } });
  }

  async registered(): Promise<this> {
    await eventually("a registration", () => {
      if (this.error !== undefined) throw this.error;
      return this.received.some((message) => message.message?.$case === "registered") ? true : undefined;
    });
    return this;
  }

  failure(): Promise<ServiceError> {
    return eventually("the stream's end", () => this.error);
  }

  leases(): Lease[] {
    return this.received.flatMap((message) => (message.message?.$case === "leases" ? message.message.value.leases : []));
  }

  /** The newest number that was acknowledged. */
  acknowledged(): number {
    return Math.max(0, ...this.received.map((m) => (m.message?.$case === "acknowledged" ? m.message.value.throughSequence : 0)));
  }

  report(firstSequence: number, ...reports: Parameters<typeof Report.fromPartial>[0][]): this {
    return this.say({ $case: "reports", value: { firstSequence, reports: reports.map((report) => Report.fromPartial(report)) } });
  }
}

const connected = (agentId: string): boolean =>
  parts.coordinator.listAgents({ pageSize: 1000, pageToken: "" }).agents.some((agent) => agent.agentId === agentId);

test("the first message registers, and nothing else does", async () => {
  const early = await new AgentStream().say({ $case: "heartbeat", value: {} }).failure();
  assert.equal(early.code, 3);
  assert.match(early.details, /message: saw heartbeat, expected register/);
  const twice = await (await new AgentStream().register("twice").registered()).register("twice").failure();
  assert.equal(twice.code, 3);
});

test("a stream that does not register in time is ended, and one that did is not", async () => {
  const own = await openDoors(parts, { registerWithinMs: 300 });
  const ownClient = new AgentServiceClient(own.server.address, credentials.createInsecure());
  const [silent, quick] = [new AgentStream(ownClient), new AgentStream(ownClient).register("quick")];
  await quick.registered();
  const late = await silent.failure();
  assert.equal(late.code, 4);
  assert.match(late.details, /no registration within 300 ms/);
  const later = await new AgentStream(ownClient).failure();
  assert.equal(later.code, 4);
  assert.equal(quick.error, undefined);
  ownClient.close();
  await own.close();
  assert.equal((await quick.failure()).code, 14, "a closing server tells its agents");
});

test("another protocol version is refused, and both versions are named", async () => {
  const error = await new AgentStream().register("old", { protocol: 7 }).failure();
  assert.equal(error.code, 9);
  assert.match(error.details, /speaks version 7 .* this coordinator version 1/);
});

test("an agent works a search to its end over the wire", async () => {
  const { searchId } = await parts.coordinator.createSearch({ spec: validSpec(), idempotencyKey: "", validateOnly: false });
  const agent = await new AgentStream().register("worker", { slots: 2 }).registered();
  let sequence = 1;
  const done = new Set<number>();
  await eventually("the search's end", () => {
    for (const { key } of agent.leases()) {
      if (key === undefined || done.has(key.trial)) continue;
      done.add(key.trial);
      const final = Measurement.fromPartial({ step: 10, metrics: { validLoss: 0.5 + key.trial }, seconds: 0.1 });
      agent.report(sequence, {
        lease: key,
        event: { $case: "finished", value: { reason: EndReason.END_REASON_DONE, step: 10, final } },
      });
      sequence += 1;
    }
    return parts.coordinator.getSearch(searchId).status === "SEARCH_STATUS_ENDED" ? true : undefined;
  });
  assert.equal(parts.coordinator.getSearch(searchId).counts?.done, 2);
  assert.equal(parts.coordinator.getSearch(searchId).bestValue, 0.5);
  await eventually("the acknowledgement", () => (agent.acknowledged() === 2 ? true : undefined));
  agent.stream.end();
  await eventually("the agent is gone", () => (connected("worker") ? undefined : true));
});

test("a measurement past its bounds ends its trial as a user error, and the stream stays", async () => {
  const { searchId } = await parts.coordinator.createSearch({ spec: validSpec(), idempotencyKey: "", validateOnly: false });
  const agent = await new AgentStream().register("sloppy").registered();
  const key = (await eventually("a lease", () => agent.leases()[0])).key;
  const metrics = { ["x".repeat(200)]: 1 };
  const vectors = { z: { values: new Array(limits.vectorNumbersMax + 1).fill(0.5) } };
  agent.report(1, { lease: key, event: { $case: "measured", value: { step: 3, metrics, vectors, seconds: 1 } } });
  const trial = await eventually("the trial's end", async () => {
    const answer = await parts.coordinator.getTrial(searchId, key?.trial ?? 0);
    return answer.trial?.status === "TRIAL_STATUS_ENDED" ? answer.trial : undefined;
  });
  assert.equal(trial.reason, EndReason.END_REASON_USER_ERROR);
  assert.match(trial.message, /a measurement was refused: metrics\[xxx.*saw 200 characters, expected at most 128/);
  assert.match(trial.message, /vectors' numbers: saw 100001 of them, expected at most 100000/);
  assert.equal(agent.error, undefined);

  agent.report(9, { lease: key, event: { $case: "measured", value: { step: 4 } } });
  const gap = await agent.failure();
  assert.equal(gap.code, 3);
  assert.match(gap.details, /reports\.firstSequence: saw 9, expected 2/);
  await parts.coordinator.stopSearch(searchId, "the test is over");
});

test("who comes back takes its own place; a second process with the same id is refused while the first one lives", async () => {
  const first = await new AgentStream().register("twin", { instance: "process-1" }).registered();
  const second = await new AgentStream().register("twin", { instance: "process-2" }).failure();
  assert.equal(second.code, 14);
  assert.match(second.details, /another process is connected as agent twin .*\(--id\)/);
  assert.equal(first.error, undefined);

  const back = await new AgentStream().register("twin", { instance: "process-1" }).registered();
  assert.equal((await first.failure()).code, 10, "the older stream of the same process ends");
  assert.ok(connected("twin"));
  // The end of the older stream took nothing of the newer one's.
  const other = await new AgentStream().register("twin", { instance: "process-2" }).failure();
  assert.equal(other.code, 14);
  assert.equal(back.error, undefined);

  // Heartbeats are due every 200 ms here; silent for more than two of them, the first may be dead.
  await pause(200 * (bounds.heartbeatsMissedMax + 1));
  const third = await new AgentStream().register("twin", { instance: "process-3" }).registered();
  assert.equal((await back.failure()).code, 10);
  third.stream.end();
  await eventually("the agent is gone", () => (connected("twin") ? undefined : true));
});

test("an agent whose connection the coordinator closes is told why, and the coordinator that it is over, once", async () => {
  let close: ((reason: string) => void) | undefined;
  let closed = 0;
  const closing: Coordinator = overriding(parts.coordinator, {
    connectAgent: (_register, _send, closeIt) => {
      close = closeIt;
      const ignore = (): void => undefined;
      const over = (): void => {
        closed += 1;
      };
      return { heartbeat: ignore, reports: ignore, output: ignore, draining: ignore, closed: over };
    },
  });
  const own = await openDoors({ ...parts, coordinator: closing });
  const ownClient = new AgentServiceClient(own.server.address, credentials.createInsecure());
  const agent = new AgentStream(ownClient).register("told");
  const end = await eventually("connected", () => close);
  end("the log can't be written");
  end("again");
  const { code, details } = await agent.failure();
  assert.deepEqual([code, details], [14, "the coordinator closed the connection: the log can't be written"]);
  ownClient.close();
  await own.close();
  assert.equal(closed, 1);
});

test("an agent that reads nothing is disconnected, and one that is not acknowledged is not read from", async () => {
  let send: ((message: ConnectResponse) => void) | undefined;
  let reports = 0;
  const mute: Coordinator = overriding(parts.coordinator, {
    connectAgent: (_register, sendTo) => {
      send = sendTo;
      return {
        heartbeat: () => undefined,
        output: () => undefined,
        draining: () => undefined,
        closed: () => undefined,
        reports: (message) => {
          reports += message.reports.length;
        },
      };
    },
  });
  const own = await openDoors({ ...parts, coordinator: mute });
  const ownClient = new AgentServiceClient(own.server.address, credentials.createInsecure());
  const eager = new AgentStream(ownClient).register("eager");
  await eventually("connected", () => send);
  const key = { searchId: "a", trial: 0, attempt: 1 };
  const batch = Array.from({ length: 1000 }, () => ({ lease: key, event: { $case: "measured" as const, value: { step: 1 } } }));
  for (let index = 0; index < 60; index += 1) eager.report(1 + index * 1000, ...batch);
  let before = -1;
  await eventually("the server stopped reading", async () => {
    await pause(200);
    if (reports > 0 && before === reports) return true;
    before = reports;
    return undefined;
  });
  // One message past the bound makes it stop; a few more are decoded by then.
  assert.ok(reports < bounds.unacknowledgedReportsMax + 20_000, `${reports} reports were taken without an acknowledgement`);
  send?.({ message: { $case: "acknowledged", value: { throughSequence: reports } } });
  const further = reports;
  await eventually("it reads on", () => (reports > further ? true : undefined));
  const message = "x".repeat(2000);
  for (let index = 0; index <= bounds.unsentAgentMessagesMax; index += 1) {
    send?.({ message: { $case: "stopAttempt", value: { lease: key, reason: EndReason.END_REASON_PREEMPTED, message } } });
  }
  assert.match((await eager.failure()).details, /reads too slowly/);
  ownClient.close();
  await own.close();
});
