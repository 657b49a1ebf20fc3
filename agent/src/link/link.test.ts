import assert from "node:assert/strict";
import { promises as names } from "node:dns";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { status } from "@grpc/grpc-js";
import { AgentServiceClient, EndReason, type LeaseKey, type Report } from "@regulus/proto";
import { TestAuthority } from "@regulus/proto/doors/testing";
import { pino } from "pino";
import { testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";
import { channelCredentials, streamOptions } from "./channel.js";
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

const none = () => undefined;

function startLink(address: string, more: Partial<LinkHandler> = {}) {
  const leases: [number, string][] = [];
  const handler: LinkHandler = {
    registration: () => ({ agent: undefined, protocol: 1, active: [key] }),
    active: () => [key],
    registered: () => undefined,
    lease: (lease, spec) => void leases.push([lease.key?.trial ?? -1, spec.name]),
    stop: () => undefined,
    output: async () => undefined,
    ...more,
  };
  const link = new Link({
    openClient: () => new AgentServiceClient(address, channelCredentials({}), streamOptions),
    handler,
    log: pino({ level: "silent" }),
    address,
  });
  closing.push(() => link.close());
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

test("a leader that its name was moved to is found at the first try", async () => {
  const host = "leader.regulus.test";
  const places = [{ address: "127.0.0.1", family: 4 }];
  const { lookup } = names;
  // A name server of the test's own, for this one name.
  const table = async (name: string, options: object) => (name === host ? [...places] : await lookup(name, options));
  Object.assign(names, { lookup: table });
  closing.push(() => void Object.assign(names, { lookup }));
  const old = await startCoordinator();
  const { link } = startLink(`${host}:${old.port}`);
  await old.until("registration", () => old.registrations.length === 1);
  const leader = await startCoordinator({ host: "127.0.0.2", port: old.port });
  places.splice(0, 1, { address: "127.0.0.2", family: 4 });
  old.close();
  await leader.until("registration", () => leader.registrations.length === 1);
  assert.equal(link.reconnectsTotal, 1);
});

test("a drain is told to every coordinator that the agent registers with afterwards", async () => {
  const coordinator = await startCoordinator();
  const { link } = startLink(coordinator.address);
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  link.drain("the machine is needed");
  await coordinator.until("the drain", () => coordinator.drains.length === 1);
  coordinator.disconnect();
  await coordinator.until("the drain again", () => coordinator.drains.length === 2);
  assert.deepEqual(coordinator.drains, ["the machine is needed", "the machine is needed"]);
});

test("what was taken away is over when the agent says so at once, not at its next heartbeat", async () => {
  const coordinator = await startCoordinator({ heartbeatEveryMs: 1_000_000 });
  coordinator.revoked = [key];
  const { link } = startLink(coordinator.address, { active: () => [] });
  await coordinator.until("a heartbeat after the registration", () => coordinator.heartbeats.length === 1);
  link.heartbeat();
  await coordinator.until("one more", () => coordinator.heartbeats.length === 2);
  assert.deepEqual(coordinator.heartbeats[0]?.active, []);
});

test("a plain agent that meets a coordinator with TLS is told which flags it lacks", async () => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-link-"));
  const authority = new TestAuthority(folder);
  const own = authority.issue("server");
  const server = createTlsServer({ cert: readFileSync(own.cert), key: readFileSync(own.key), ALPNProtocols: ["h2"] });
  // What a plain client says is no TLS.
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  const address = `127.0.0.1:${bound.port}`;
  const said = await new Promise<string>((resolve) => {
    const link = new Link({
      openClient: () => new AgentServiceClient(address, channelCredentials({}), streamOptions),
      handler: {
        registration: () => ({ agent: undefined, protocol: 1, active: [] }),
        active: () => [],
        registered: none,
        lease: none,
        stop: none,
        output: async () => undefined,
      },
      log: pino({ level: "warn" }, { write: resolve }),
      address,
    });
    closing.push(() => link.close());
    link.start();
  });
  assert.match(said, /no connection to the coordinator: .*; a coordinator with TLS needs --tls-ca, --tls-cert and --tls-key/);
  rmSync(folder, { recursive: true });
});
