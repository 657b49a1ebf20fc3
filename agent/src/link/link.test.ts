import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type LeaseKey } from "@regulus/proto";
import { testLease, testSpec } from "../testing/test-agent.js";
import { finding, key, startCoordinator, startLink, words } from "./testing/started-link.js";

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

test("more reports than may be on their way at once arrive in order as they are acknowledged", async () => {
  const coordinator = await startCoordinator();
  const { link } = startLink(coordinator.address);
  const texts = Array.from({ length: 10_000 }, (_, i) => String(i));
  for (const text of texts) link.report(finding(text));
  assert.equal(await link.settled(60_000), true);
  assert.deepEqual(words(coordinator.reports), texts);
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
