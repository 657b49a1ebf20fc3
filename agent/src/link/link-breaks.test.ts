/** The agent's link over a coordinator that is away, moved, slow or of another kind: what is tried again, how soon, and what people are told. */
import assert from "node:assert/strict";
import { promises as names } from "node:dns";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { status } from "@grpc/grpc-js";
import { AgentServiceClient } from "@regulus/transport";
import { TestAuthority } from "@regulus/transport/testing";
import { testLease, testSpec } from "../testing/test-agent.js";
import { channelCredentials, streamOptions } from "./channel.js";
import { reachable } from "./link.js";
import { closing, finding, startCoordinator, startLink, words } from "./testing/started-link.js";

/** Where a port that was closed is listened on again: on 127.0.0.1 any program's connection may have it meanwhile. */
const host = "127.0.0.3";

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

test("errors that only a person can fix are logged and retried late", async () => {
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

test("what passes is retried soon, more and more rarely while it lasts, and each time on one connection alone", async () => {
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

test("past the specs that a connection keeps, it is reopened", async () => {
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

test("a connection that was good is retried soon however often others were lost before; a refused port needs no advice", async () => {
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

test("a wait for acknowledgements fails when they do not come", async () => {
  const coordinator = await startCoordinator({ acknowledges: false });
  const { link } = startLink(coordinator.address);
  assert.equal(await link.settled(60_000), true, "nothing to wait for");
  link.report(finding("a"));
  await coordinator.until("the report", () => coordinator.reports.length === 1);
  assert.equal(await link.settled(1), false);
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

test("a plain agent that meets a coordinator with TLS names the flags it lacks", async () => {
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
