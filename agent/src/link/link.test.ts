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

/** Where a port that was closed is listened on again: on 127.0.0.1 any program's connection may have it meanwhile. */
const host = "127.0.0.3";

interface Logged {
  readonly waitMs?: number;
  readonly code?: string;
  readonly msg: string;
}

function startLink(address: string, more: Partial<LinkHandler> = {}, options: { registrationMsMax?: number } = {}) {
  const logged: Logged[] = [];
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
    log: pino({ level: "warn" }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    address,
    ...options,
  });
  closing.push(() => link.close());
  link.start();
  return { link, leases, logged };
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
  for (let turn = 2; turn <= 3; turn += 1) {
    for (const text of ["x", "y"]) link.report(finding(text));
    assert.equal(await link.settled(60_000), true);
    assert.equal(coordinator.firstSequences.length, turn);
  }
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
  const first = await startCoordinator({ host });
  const { port, address } = first;
  first.close();
  const { link } = startLink(address);
  link.report(finding("early"));
  const second = await startCoordinator({ host, port });
  await second.until("report", () => second.reports.length === 1);
  second.close();
  const third = await startCoordinator({ host, port });
  await third.until("registration", () => third.registrations.length === 1);
  link.report(finding("late"));
  // The first report may come again: its acknowledgement can be lost with the connection.
  await third.until("report", () => words(third.reports).includes("late"));
  assert.equal(words(third.reports).filter((text) => text === "late").length, 1);
});

test("a refusal is told in words and not tried again soon", async () => {
  const details = "this coordinator speaks protocol 2 and the agent 1: update the agent";
  const coordinator = await startCoordinator({ refuses: { code: status.FAILED_PRECONDITION, details } });
  const { link, logged } = startLink(coordinator.address);
  await coordinator.eventually("the refusal", () => logged.length > 0);
  const { msg = "", code, waitMs = 0 } = logged[0] ?? {};
  assert.match(msg, /the coordinator refused this agent: .*speaks protocol 2/);
  assert.equal(code, "failed-precondition");
  assert.ok(waitMs >= 30_000 && waitMs <= 60_000, `waits ${waitMs} ms`);
  assert.deepEqual([coordinator.registrations.length, link.connected], [1, false]);
});

test("a heartbeat comes in the time that the coordinator asked for, and not much more often", async () => {
  const coordinator = await startCoordinator({ heartbeatEveryMs: 400 });
  let beats = 0;
  const beatsInTime = await new Promise<number>((resolve) => {
    startLink(coordinator.address, {
      active: () => {
        beats += 1;
        return [];
      },
      // A timer of this process, as the link's own is: the earlier one is the first to be called, however late both are.
      registered: () => void setTimeout(() => resolve(beats), 400),
    });
  });
  assert.equal(beatsInTime, 1);
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
  // Nor does the new connection know what the one before was told.
  coordinator.lease(testLease(4));
  await coordinator.until("one more connection", () => coordinator.registrations.length === 3);
  assert.equal(leases.length, 3);
});

test("past the specs that a connection keeps, it is opened anew", async () => {
  const coordinator = await startCoordinator();
  const { leases } = startLink(coordinator.address);
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  const lease = (search: number) => testLease(0, { key: { searchId: `s${search}` }, spec: testSpec() });
  coordinator.lease(...Array.from({ length: 4096 }, (_, search) => lease(search)));
  await coordinator.eventually("all leases", () => leases.length === 4096);
  assert.equal(coordinator.registrations.length, 1);
  coordinator.lease(lease(4096));
  await coordinator.until("a new connection", () => coordinator.registrations.length === 2);
  assert.equal(leases.length, 4097, "the one that was too much is worked on");
});

test("a connection that was good is tried again soon however often others were lost before; a refused port needs no advice", async () => {
  const first = await startCoordinator({ host });
  const { port, address } = first;
  first.close();
  const { link, logged } = startLink(address);
  await first.eventually("two lost connections", () => logged.length >= 2);
  const coordinator = await startCoordinator({ host, port });
  await coordinator.eventually("a connection", () => link.connected);
  for (const { msg } of logged) assert.doesNotMatch(msg, /TLS/);
  for (let i = 2; i <= 5; i += 1) {
    const before = logged.length;
    coordinator.disconnect();
    await coordinator.eventually("a connection again", () => logged.length > before && link.connected);
    const { waitMs = -1 } = logged[before] ?? {};
    // Rounded.
    assert.ok(waitMs >= 100 && waitMs <= 200, `waited ${waitMs} ms`);
  }
});

test("a coordinator that does not answer a registration is given up, and one that does is kept", async () => {
  const silent = await startCoordinator({ host, answersRegistrations: false });
  const { port, address } = silent;
  const answers: unknown[] = [];
  const { link } = startLink(address, { registered: (answer) => void answers.push(answer) }, { registrationMsMax: 300 });
  await silent.until("another registration", () => silent.registrations.length === 2);
  assert.equal(link.connected, false);
  silent.close();
  const coordinator = await startCoordinator({ host, port, heartbeatEveryMs: 100 });
  await coordinator.eventually("a registration", () => answers.length === 1);
  const { length } = coordinator.registrations;
  // Five of them take longer than a registration may.
  await coordinator.until("heartbeats", () => coordinator.heartbeats.length >= 5);
  assert.deepEqual([coordinator.registrations.length, link.connected], [length, true]);
});

test("more reports than may be on their way at once arrive in order as they are acknowledged", async () => {
  const coordinator = await startCoordinator();
  const { link } = startLink(coordinator.address);
  const texts = Array.from({ length: 10_000 }, (_, i) => String(i));
  for (const text of texts) link.report(finding(text));
  assert.equal(await link.settled(60_000), true);
  assert.deepEqual(words(coordinator.reports), texts);
});

test("whoever waits for acknowledgements is told when they do not come", async () => {
  const coordinator = await startCoordinator({ acknowledges: false });
  const { link } = startLink(coordinator.address);
  assert.equal(await link.settled(60_000), true, "nothing to wait for");
  link.report(finding("a"));
  await coordinator.until("the report", () => coordinator.reports.length === 1);
  assert.equal(await link.settled(1), false);
});

test("an answer to a question of an earlier connection is not given on a later one", async () => {
  const coordinator = await startCoordinator();
  const answers: (() => void)[] = [];
  const part = { data: Buffer.from("x"), offset: 0, nextOffset: 1, totalBytes: 1 };
  startLink(coordinator.address, { output: () => new Promise((resolve) => void answers.push(() => resolve(part))) });
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  coordinator.requestOutput(key);
  await coordinator.eventually("the question", () => answers.length === 1);
  coordinator.disconnect();
  await coordinator.until("registration", () => coordinator.registrations.length === 2);
  answers[0]?.();
  const second = coordinator.askOutput(key);
  await coordinator.eventually("the second question", () => answers.length === 2);
  answers[1]?.();
  assert.equal((await second).requestId, 2);
  assert.deepEqual(
    coordinator.outputs.map(({ requestId }) => requestId),
    [2],
  );
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

test("an end whose attempt was taken away is no longer the agent's; one that was only stopped is", async () => {
  const coordinator = await startCoordinator({ acknowledges: false });
  const stops: LeaseKey[] = [];
  const { link } = startLink(coordinator.address, { stop: ({ lease }) => void (lease && stops.push(lease)) });
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  const other = { ...key, trial: 1 };
  for (const lease of [key, other]) {
    const value = { reason: EndReason.END_REASON_DONE, message: "", step: 1, final: undefined, artifacts: [], startedMs: 0 };
    link.report({ lease, event: { $case: "finished", value } });
  }
  coordinator.stop(key, EndReason.END_REASON_UNSPECIFIED);
  coordinator.stop(other, EndReason.END_REASON_PREEMPTED);
  await coordinator.eventually("both stops", () => stops.length === 2);
  assert.deepEqual(link.buffer.unacknowledgedEnds(), [other]);
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
