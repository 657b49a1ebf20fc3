import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type LeaseKey, type Report } from "@regulus/proto";
import { ReportBuffer } from "./report-buffer.js";

const key = (trial: number): LeaseKey => ({ searchId: "s", trial, attempt: 1 });
const measured = (trial: number, step: number): Report => ({
  lease: key(trial),
  event: {
    $case: "measured",
    value: { step, metrics: { validLoss: step }, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 },
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
