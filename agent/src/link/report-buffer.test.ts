import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type LeaseKey, type Report } from "@regulus/proto";
import fc from "fast-check";
import { keyText } from "../attempts/lease-key.js";
import { ReportBuffer } from "./report-buffer.js";

const key = (trial: number): LeaseKey => ({ searchId: "s", trial, attempt: 1 });
const measured = (trial: number, step: number, validLoss = step): Report => ({
  lease: key(trial),
  event: {
    $case: "measured",
    value: { step, metrics: { validLoss }, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 },
  },
});
const finished = (trial: number): Report => ({
  lease: key(trial),
  event: {
    $case: "finished",
    value: { reason: EndReason.END_REASON_DONE, message: "", step: 1, final: undefined, artifacts: [], startedMs: 0 },
  },
});
const stepsOf = (reports: readonly Report[]) => reports.map((r) => (r.event?.$case === "measured" ? r.event.value.step : -1));

test("what is not acknowledged is sent again from number 1 on the next connection", () => {
  const buffer = new ReportBuffer();
  for (let step = 1; step <= 5; step += 1) buffer.add(measured(0, step));
  assert.equal(buffer.take()?.firstSequence, 1);
  buffer.acknowledge(2);
  buffer.add(measured(0, 6));
  const next = buffer.take();
  assert.equal(next?.firstSequence, 6, "five were numbered before");
  buffer.rewind();
  const again = buffer.take();
  assert.equal(again?.firstSequence, 1);
  assert.deepEqual(stepsOf(again?.reports ?? []), [3, 4, 5, 6]);
  buffer.acknowledge(4);
  assert.equal(buffer.size, 0);
});

test("an acknowledgement of numbers never sent removes nothing that was not sent", () => {
  const buffer = new ReportBuffer();
  buffer.add(measured(0, 1));
  buffer.acknowledge(100);
  assert.equal(buffer.size, 1);
});

test("past the bound measurements are thinned, ends stay, and memory stays bounded", () => {
  const buffer = new ReportBuffer(1000);
  for (let trial = 0; trial < 50; trial += 1) {
    for (let step = 1; step <= 200; step += 1) buffer.add(measured(trial, step));
    buffer.add(finished(trial));
  }
  assert.ok(buffer.size <= 1000, `holds ${buffer.size}`);
  assert.equal(buffer.unacknowledgedEnds().length, 50);
  assert.equal(buffer.thinnedTotal + buffer.size, 50 * 201);
  const all: Report[] = [];
  for (let batch = buffer.take(); batch !== undefined; batch = buffer.take()) all.push(...batch.reports);
  assert.equal(all.filter((r) => r.event?.$case === "finished").length, 50);
  const last = all.filter((r) => r.lease?.trial === 49 && r.event?.$case === "measured");
  assert.equal(stepsOf(last).at(-1), 200, "the newest measurement of the newest trial is still there");
});

test("one message holds a bounded number of bytes, and no more than a bounded number of reports is on its way", () => {
  const buffer = new ReportBuffer();
  const names = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`metric-${i}`, i]));
  for (let step = 0; step < 100; step += 1) {
    const report = measured(0, step);
    if (report.event?.$case === "measured") report.event.value.metrics = names;
    buffer.add(report);
  }
  // 2,000 names at 32 bytes and about 10 characters are 84 KB a report, so a quarter of 4 MiB holds 12.
  assert.equal(buffer.take()?.reports.length, 12);
  const vast = new ReportBuffer();
  const report = measured(0, 1);
  if (report.event?.$case === "measured") report.event.value.vectors = { weights: { values: new Array(200_000).fill(0) } };
  for (let i = 0; i < 2; i += 1) vast.add(report);
  assert.equal(vast.take()?.reports.length, 1, "one that is larger than a message's share travels alone");
  const many = new ReportBuffer();
  for (let step = 0; step < 20_000; step += 1) many.add(measured(0, step));
  let sent = 0;
  for (let batch = many.take(); batch !== undefined; batch = many.take()) sent += batch.reports.length;
  assert.equal(sent, 8192);
});

test("a revoked attempt leaves nothing behind", () => {
  const buffer = new ReportBuffer();
  buffer.add(measured(0, 1));
  buffer.add(finished(0));
  buffer.add(measured(1, 1));
  buffer.forget(key(0));
  assert.equal(buffer.size, 1);
  assert.deepEqual(buffer.unacknowledgedEnds(), []);
});

/** What a coordinator makes of reports: a later measurement of the newest step replaces it, one of an earlier step is known. */
class Receiver {
  readonly ended = new Set<number>();
  readonly saved = new Map<number, number>();
  readonly values = new Map<string, number>();
  readonly newest = new Map<number, number>();
  found = 0;

  take({ lease, event }: Report): void {
    const trial = lease?.trial ?? -1;
    if (event?.$case === "finished") this.ended.add(trial);
    if (event?.$case === "checkpointed") this.saved.set(trial, event.value.step);
    if (event?.$case === "found") this.found += 1;
    if (event?.$case !== "measured" || event.value.step < (this.newest.get(trial) ?? 0)) return;
    this.newest.set(trial, event.value.step);
    this.values.set(`${trial} ${event.value.step}`, event.value.metrics.validLoss ?? -1);
  }
}

const checkpointed = (trial: number, step: number): Report => ({
  lease: key(trial),
  event: { $case: "checkpointed", value: { step, checkpoint: undefined } },
});

const deed = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("measure" as const), trial: fc.nat(2), ahead: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("save" as const), trial: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("find" as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("send" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("receive" as const), count: fc.nat(6), isHeard: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("break" as const) }) },
);

test("whatever is thinned and sent again, no replaced value counts, and ends, newest measurements and checkpoints arrive", () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 100, size: "max" }), fc.integer({ min: 1, max: 12 }), (deeds, max) => {
      const buffer = new ReportBuffer(max);
      const coordinator = new Receiver();
      const newest = new Map<number, number>();
      const final = new Map<string, number>();
      const saved = new Map<number, number>();
      const way: Report[] = [];
      const sent = new Set<Report>();
      let received = 0;
      const send = () => {
        for (let batch = buffer.take(); batch !== undefined; batch = buffer.take()) {
          assert.equal(batch.firstSequence, received + way.length + 1);
          for (const report of batch.reports) assert.ok(!sent.has(report), "a report travels once on a connection");
          for (const report of batch.reports) sent.add(report);
          way.push(...batch.reports);
        }
      };
      const receive = (count: number, isHeard: boolean) => {
        const come = way.splice(0, count);
        for (const report of come) coordinator.take(report);
        received += come.length;
        if (isHeard) buffer.acknowledge(received);
      };
      const breakOff = () => {
        way.length = 0;
        sent.clear();
        received = 0;
        buffer.rewind();
      };
      for (const [value, { kind, ...what }] of deeds.entries()) {
        if (kind === "measure" && "ahead" in what) {
          const step = Math.max(1, (newest.get(what.trial) ?? 0) + what.ahead);
          newest.set(what.trial, step);
          final.set(`${what.trial} ${step}`, value);
          buffer.add(measured(what.trial, step, value));
        } else if (kind === "save" && "trial" in what) {
          saved.set(what.trial, value);
          buffer.add(checkpointed(what.trial, value));
        } else if (kind === "find")
          buffer.add({ lease: key(0), event: { $case: "found", value: { source: "", severity: "", message: "" } } });
        else if (kind === "send") send();
        else if (kind === "receive" && "count" in what) receive(what.count, what.isHeard);
        else breakOff();
      }
      for (const trial of [0, 1, 2]) buffer.add(finished(trial));
      assert.deepEqual(
        buffer.unacknowledgedEnds().map(keyText),
        [0, 1, 2].map((trial) => keyText(key(trial))),
      );
      breakOff();
      send();
      receive(way.length, true);
      assert.deepEqual([...coordinator.ended], [0, 1, 2]);
      assert.deepEqual(buffer.unacknowledgedEnds(), []);
      assert.equal(buffer.size, 0);
      assert.deepEqual(coordinator.newest, newest);
      assert.deepEqual(coordinator.saved, saved);
      for (const [at, value] of coordinator.values) assert.equal(value, final.get(at), `the value of trial and step ${at}`);
    }),
    { numRuns: 1000 },
  );
});

test("a full buffer holds few replaceable reports beside what it must keep", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2), { maxLength: 60, size: "max" }), fc.boolean(), (aheads, isSent) => {
      const buffer = new ReportBuffer(8);
      let step = 1;
      for (const ahead of aheads) {
        step += ahead;
        buffer.add(measured(0, step));
      }
      if (isSent) buffer.take();
      assert.ok(buffer.size <= 8, `holds ${buffer.size}`);
      assert.equal(buffer.size + buffer.thinnedTotal, aheads.length);
    }),
  );
});

test("past the bound measurements go before checkpoints that a newer one follows, and those before findings", () => {
  const buffer = new ReportBuffer(5);
  const kinds = () => {
    buffer.rewind();
    return buffer.take()?.reports.map(({ event }) => (event?.$case === "measured" ? event.value.step : event?.$case));
  };
  const found: Report = { lease: key(0), event: { $case: "found", value: { source: "", severity: "", message: "" } } };
  buffer.add(found);
  for (const step of [1, 2]) buffer.add(checkpointed(0, step));
  for (const step of [1, 2, 3]) buffer.add(measured(0, step));
  assert.deepEqual(kinds(), ["found", "checkpointed", "checkpointed", 2, 3]);
  buffer.rewind();
  for (const step of [4, 5]) buffer.add(measured(0, step));
  buffer.add(checkpointed(1, 1));
  buffer.add(checkpointed(2, 1));
  assert.deepEqual(kinds(), ["found", "checkpointed", 5, "checkpointed", "checkpointed"]);
  buffer.rewind();
  buffer.add(checkpointed(3, 1));
  assert.deepEqual(kinds(), ["checkpointed", 5, "checkpointed", "checkpointed", "checkpointed"]);
});
