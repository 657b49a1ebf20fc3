import assert from "node:assert/strict";
import { after, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { AgentServiceClient, EndReason, type LeaseKey, type Report } from "@regulus/proto";
import { pino } from "pino";
import { testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";
import { channelCredentials, channelOptions } from "./channel.js";
import { Link, type LinkHandler } from "./link.js";

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing.reverse()) close();
});

const key: LeaseKey = { searchId: "s", trial: 0, attempt: 1 };
const finding = (message: string): Report => ({
  lease: key,
  event: { $case: "found", value: { source: "t", severity: "info", message } },
});
const words = (reports: readonly Report[]) => reports.map(({ event }) => (event?.$case === "found" ? event.value.message : ""));

function startLink(address: string, more: Partial<LinkHandler> = {}) {
  const leases: [number, string][] = [];
  const client = new AgentServiceClient(address, channelCredentials({}), channelOptions);
  const handler: LinkHandler = {
    registration: () => ({ agent: undefined, protocol: 1, active: [key] }),
    active: () => [key],
    registered: () => undefined,
    lease: (lease, spec) => void leases.push([lease.key?.trial ?? -1, spec.name]),
    stop: () => undefined,
    ...more,
  };
  const link = new Link({ client, handler, log: pino({ level: "silent" }), address });
  closing.push(() => {
    link.close();
    client.close();
  });
  link.start();
  return { link, leases };
}

async function startCoordinator(options: Parameters<typeof TestCoordinator.start>[0] = {}): Promise<TestCoordinator> {
  const coordinator = await TestCoordinator.start(options);
  closing.push(() => coordinator.close());
  return coordinator;
}

test("reports of one turn travel in one message, in order, and are forgotten once acknowledged", async () => {
  const coordinator = await startCoordinator();
  const { link } = startLink(coordinator.address);
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  for (let i = 0; i < 10; i += 1) link.report(finding(`${i}`));
  assert.equal(await link.settled(5000), true);
  assert.deepEqual(
    words(coordinator.reports),
    Array.from({ length: 10 }, (_, i) => `${i}`),
  );
  assert.equal(coordinator.firstSequences.length, 1);
});

test("after a broken connection the agent registers again with its attempts and sends again what was not acknowledged", async () => {
  const coordinator = await startCoordinator({ acknowledges: false, heartbeatEveryMs: 100 });
  const { link } = startLink(coordinator.address);
  await coordinator.until("heartbeat", () => coordinator.heartbeats.length > 0);
  assert.deepEqual(coordinator.heartbeats[0]?.active, [key]);
  link.report(finding("a"));
  link.report(finding("b"));
  await coordinator.until("reports", () => coordinator.reports.length === 2);
  coordinator.acknowledge(1);
  await coordinator.eventually("the acknowledgement", () => link.buffer.size === 1);
  coordinator.disconnect();
  link.report(finding("c"));
  await coordinator.until("reports again", () => coordinator.reports.length === 4);
  assert.equal(coordinator.registrations.length, 2);
  assert.deepEqual(coordinator.registrations[1]?.active, [key]);
  assert.deepEqual(words(coordinator.reports), ["a", "b", "b", "c"]);
  assert.deepEqual(coordinator.firstSequences, [1, 1], "numbers start again on every connection");
  assert.equal(link.reconnectsTotal, 1);
});

test("an agent that started first finds its coordinator, and finds it again after a restart on the same port", async () => {
  const first = await startCoordinator();
  const { port } = first;
  first.close();
  const { link } = startLink(`127.0.0.1:${port}`);
  link.report(finding("early"));
  const second = await startCoordinator({ port });
  await second.until("report", () => second.reports.length === 1);
  second.close();
  const third = await startCoordinator({ port });
  await third.until("registration", () => third.registrations.length === 1);
  link.report(finding("late"));
  // The first report may come again: its acknowledgement can be lost with the connection.
  await third.until("report", () => words(third.reports).includes("late"));
  assert.equal(words(third.reports).filter((text) => text === "late").length, 1);
});

test("a refusal is kept in words and not tried again soon", async () => {
  const details = "this coordinator speaks protocol 2 and the agent 1: update the agent";
  const coordinator = await startCoordinator({ refuses: { code: status.FAILED_PRECONDITION, details } });
  const { link } = startLink(coordinator.address);
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await coordinator.eventually("the refusal", () => link.refusal !== undefined);
  // A connection that is merely lost is tried again about five times in this time.
  assert.equal(coordinator.registrations.length, 1);
  assert.equal(link.refusal?.code, "failed-precondition");
  assert.match(link.refusal?.message ?? "", /speaks protocol 2/);
});

test("a search's spec comes with its first lease and serves the later ones of the connection", async () => {
  const coordinator = await startCoordinator();
  const { leases } = startLink(coordinator.address);
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  coordinator.lease(testLease(0, { spec: testSpec({ name: "one" }) }), testLease(1));
  coordinator.lease(testLease(2));
  // A lease of a search that this connection has not heard of: only a new connection can mend that.
  coordinator.lease(testLease(3, { key: { searchId: "other" } }));
  await coordinator.until("a new connection", () => coordinator.registrations.length === 2);
  assert.deepEqual(leases, [
    [0, "one"],
    [1, "one"],
    [2, "one"],
  ]);
});

test("what was taken away is not reported", async () => {
  const coordinator = await startCoordinator({ acknowledges: false });
  const stops: EndReason[] = [];
  const { link } = startLink(coordinator.address, { stop: ({ reason }) => void stops.push(reason) });
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  coordinator.stop(key, EndReason.END_REASON_UNSPECIFIED);
  await coordinator.eventually("the stop", () => stops.length === 1);
  link.report(finding("a"));
  await coordinator.until("report", () => coordinator.reports.length === 1);
  assert.deepEqual(stops, [EndReason.END_REASON_UNSPECIFIED]);
  coordinator.revoked = [key];
  coordinator.disconnect();
  await coordinator.until("registration", () => coordinator.registrations.length === 2);
  await coordinator.eventually("nothing more to send", () => link.buffer.size === 0);
  assert.equal(coordinator.reports.length, 1, "the revoked attempt's report was not sent again");
});
