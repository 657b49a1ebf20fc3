import assert from "node:assert/strict";
import { promises as names } from "node:dns";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { status } from "@grpc/grpc-js";
import { EndReason, type LeaseKey, type Report } from "@regulus/proto";
import { AgentServiceClient } from "@regulus/transport";
import { TestAuthority } from "@regulus/transport/testing";
import { pino } from "pino";
import { testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";
import { channelCredentials, streamOptions } from "./channel.js";
import { Link, type LinkHandler, reachable } from "./link.js";

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

/** Where a port that was closed is listened on again: on 127.0.0.1 any program's connection may have it meanwhile. */
const host = "127.0.0.3";

interface Logged {
  readonly waitMs?: number;
  readonly code?: string;
  readonly msg: string;
}

function startLink(
  address: string,
  more: Partial<LinkHandler> = {},
  options: { registrationMsMax?: number; secure?: boolean } = {},
) {
  const logged: Logged[] = [];
  const clients: AgentServiceClient[] = [];
  const closed = new Set<AgentServiceClient>();
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
    artifactBytes: () => 7,
    openClient: () => {
      const client = new AgentServiceClient(address, channelCredentials({}), streamOptions);
      clients.push(client);
      const close = client.close.bind(client);
      client.close = () => {
        closed.add(client);
        close();
      };
      return client;
    },
    handler,
    log: pino({ level: "warn" }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    address,
    ...options,
  });
  closing.push(() => link.close());
  link.start();
  return { link, leases, logged, open: () => clients.filter((client) => !closed.has(client)).length };
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
  const beganMs = Date.now();
  const { link } = startLink(coordinator.address);
  await coordinator.until("heartbeat", () => coordinator.heartbeats.length > 0);
  const { active, sentMs = 0, artifactBytes } = coordinator.heartbeats[0] ?? {};
  assert.deepEqual([active, artifactBytes], [[key], 7]);
  assert.ok(sentMs >= beganMs && sentMs <= Date.now());
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

test("what only a person can mend is told in words and not tried again soon", async () => {
  const details = "this coordinator speaks protocol 2 and the agent 1: update the agent";
  const codes = {
    "failed-precondition": status.FAILED_PRECONDITION,
    "permission-denied": status.PERMISSION_DENIED,
    unauthenticated: status.UNAUTHENTICATED,
    "invalid-argument": status.INVALID_ARGUMENT,
  };
  for (const [expected, number] of Object.entries(codes)) {
    const coordinator = await startCoordinator({ refuses: { code: number, details } });
    const { link, logged } = startLink(coordinator.address);
    await coordinator.eventually("the refusal", () => logged.length > 0);
    const { msg = "", code, waitMs = 0 } = logged[0] ?? {};
    assert.match(msg, /the coordinator refused this agent: .*speaks protocol 2/);
    assert.equal(code, expected);
    assert.ok(waitMs >= 30_000 && waitMs <= 60_000, `waits ${waitMs} ms`);
    assert.deepEqual([coordinator.registrations.length, link.connected], [1, false]);
    link.close();
  }
});

test("what passes is tried again soon, more and more rarely while it lasts, and each time on one connection alone", async () => {
  const coordinator = await startCoordinator({ refuses: { code: status.UNAVAILABLE, details: "it only starts" } });
  const { logged, open } = startLink(coordinator.address);
  await coordinator.until("four tries", () => coordinator.registrations.length === 4);
  assert.equal(open(), 1, "what is lost is closed");
  assert.doesNotMatch(logged[0]?.msg ?? "", /refused this agent/);
  for (const [index, ceilingMs] of [200, 400, 800].entries()) {
    const waitMs = logged[index]?.waitMs ?? 0;
    assert.ok(waitMs >= ceilingMs / 2 && waitMs <= ceilingMs, `wait ${index} takes ${waitMs} ms`);
  }
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

test("a lease that lacks its key or its work is dropped, and costs nobody else anything", async () => {
  const coordinator = await startCoordinator();
  const { leases, logged } = startLink(coordinator.address);
  await coordinator.until("registration", () => coordinator.registrations.length === 1);
  const whole = testLease(0, { spec: testSpec({ name: "one" }) });
  coordinator.lease({ ...whole, key: undefined }, { ...whole, work: undefined }, whole);
  await coordinator.eventually("the whole lease", () => leases.length > 0);
  assert.deepEqual([leases, coordinator.registrations.length], [[[0, "one"]], 1]);
  assert.deepEqual(
    logged.map(({ msg }) => msg),
    Array.from({ length: 2 }, () => "a lease came without key or work and is dropped"),
  );
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
  const { link, logged, open } = startLink(address);
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
    assert.equal(open(), 1);
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

/** A name server of the test's own, for one name: while it has no place, there is no such name. */
function serveName(host: string, places: readonly { address: string; family: number }[]): void {
  const { lookup } = names;
  const table = async (name: string, options: object) => {
    if (name !== host) return await lookup(name, options);
    if (places.length === 0) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" });
    return [...places];
  };
  Object.assign(names, { lookup: table });
  closing.push(() => void Object.assign(names, { lookup }));
}

test("a leader that its name was moved to is found at the first try", async () => {
  const host = "leader.regulus.test";
  const places = [{ address: "127.0.0.1", family: 4 }];
  serveName(host, places);
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
  // Before there is a connection there is nobody to tell: the first registration is followed by it, once.
  const later = await startCoordinator();
  const early = startLink(later.address);
  early.link.drain("it goes at once");
  early.link.report(finding("after it"));
  await later.until("the report", () => later.reports.length === 1);
  assert.deepEqual(later.drains, ["it goes at once"]);
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
  const advised = /no connection to the coordinator: .*; a coordinator with TLS needs --tls-ca, --tls-cert and --tls-key/;
  const says = async (at: string, secure?: boolean) => {
    const { link, logged } = startLink(at, {}, secure === undefined ? {} : { secure });
    while (logged.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    link.close();
    return logged[0]?.msg ?? "";
  };
  assert.match(await says(address), advised);
  assert.doesNotMatch(await says(address, true), /needs --tls/, "it has them");
  server.close();
  serveName("nowhere.regulus.test", []);
  assert.match(await says("nowhere.regulus.test:1"), /Name resolution failed for target dns:nowhere.regulus.test:1$/);
  const leaves = await startCoordinator();
  const { logged } = startLink(leaves.address);
  await leaves.until("registration", () => leaves.registrations.length === 1);
  leaves.end();
  await leaves.eventually("its end", () => logged.length > 0);
  assert.match(logged[0]?.msg ?? "", /the coordinator ended the connection$/);
  rmSync(folder, { recursive: true });
});

test("a coordinator is reachable or not, which is known in the time that is given", async () => {
  const coordinator = await startCoordinator();
  const ask = async (address: string, maxMs: number) => {
    const client = new AgentServiceClient(address, channelCredentials({}), streamOptions);
    closing.push(() => client.close());
    return await reachable(client, maxMs);
  };
  assert.equal(await ask(coordinator.address, 60_000), undefined);
  const nobody = await startCoordinator({ host });
  nobody.close();
  const missing = await ask(nobody.address, 50);
  assert.deepEqual([missing?.code, missing?.message], ["unavailable", "no answer within 50 ms"]);
});
