import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { EndReason, type Lease } from "@regulus/proto";
import { startTestPair, testLease, testSpec } from "../testing/test-agent.js";

const { coordinator, tested, end } = await startTestPair();
after(end);

let next = 0;
/** Gives a lease with its own trial number and answers it. */
function give(parts: Parameters<typeof testLease>[1] = {}, spec: Parameters<typeof testSpec>[0] = {}): Lease {
  const lease = testLease(next, { spec: testSpec(spec), ...parts });
  next += 1;
  coordinator.lease(lease);
  return lease;
}
const isTidy = (): boolean => readdirSync(join(tested.data, "attempts")).length === 0;
const trialOf = (lease: Lease): number => lease.key?.trial ?? -1;

test("a trial runs in its own process to its end, measures, and leaves no folder", async () => {
  const lease = give();
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.reason, EndReason.END_REASON_DONE);
  assert.equal(end.step, 100);
  const measured = coordinator.measurements(trialOf(lease));
  assert.deepEqual(
    measured.map(({ step }) => step),
    [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
  );
  assert.deepEqual(end.final, measured.at(-1));
  assert.ok(end.startedMs > lease.proposedMs - 1000 && end.startedMs <= Date.now());
  await coordinator.eventually("the folder is gone", isTidy);
});

test("what a trial leaves at its end is stored, and named with its end", async () => {
  const whole = give({ work: { parameters: { leaves: "words" } } });
  const stopped = give({ work: { parameters: { leaves: "words", stepMs: 5 }, untilStep: 100_000 } });
  await coordinator.until("a measurement", () => coordinator.measurements(trialOf(stopped)).length > 0);
  assert.ok(stopped.key);
  coordinator.stop(stopped.key, EndReason.END_REASON_STOPPED_EARLY, "enough");
  for (const lease of [whole, stopped]) {
    const end = await coordinator.finished(trialOf(lease));
    assert.deepEqual(
      end.artifacts.map(({ kind }) => kind),
      ["report"],
    );
    const bytes = coordinator.artifacts.get(end.artifacts[0]?.sha256 ?? "");
    assert.equal(bytes?.toString("utf8"), `words at ${end.step}`);
  }
});

test("preempted and resumed on another process, it gives bit-identical measurements", async () => {
  const whole = give({ work: { parameters: { stepMs: 2 } } });
  await coordinator.finished(trialOf(whole));
  const lease = give({ work: { parameters: { stepMs: 2 } } });
  const trial = trialOf(lease);
  await coordinator.until("a measurement", () => coordinator.measurements(trial).length >= 3);
  assert.ok(lease.key);
  coordinator.stop(lease.key, EndReason.END_REASON_PREEMPTED, "room for another");
  const end = await coordinator.finished(trial);
  assert.equal(end.reason, EndReason.END_REASON_PREEMPTED);
  assert.equal(end.message, "room for another");
  const saved = coordinator.checkpoints(trial).at(-1);
  assert.equal(saved?.step, end.step, "saved where it stopped");
  assert.ok(saved);
  coordinator.lease(
    testLease(trial, { ...lease, key: { ...lease.key, attempt: 2 }, resumeFrom: saved.checkpoint, resumeStep: saved.step }),
  );
  const second = await coordinator.finished(trial, 2);
  assert.equal(second.reason, EndReason.END_REASON_DONE);
  const numbers = (of: number) => coordinator.measurements(of).map(({ step, metrics }) => [step, metrics.validLoss]);
  assert.deepEqual(numbers(trial), numbers(trialOf(whole)));
  const seconds = coordinator.measurements(trial).map((measurement) => measurement.seconds);
  assert.deepEqual(
    seconds,
    seconds.toSorted((a, b) => a - b),
    "seconds continue over attempts",
  );
});

test("checkpoints come at their interval while the trial continues", async () => {
  const lease = give({ work: { parameters: { stepMs: 3 } } }, { reporting: { checkpointEveryMs: 50 } });
  await coordinator.finished(trialOf(lease));
  const steps = coordinator.checkpoints(trialOf(lease)).map(({ step }) => step);
  // 100 steps take 300 ms at least; how many checkpoints fit is the machine's affair, since each waits for the one before.
  assert.ok(steps.length >= 1 && steps.length < 100, `saved at ${steps.join(", ")}`);
  assert.deepEqual(
    steps,
    [...new Set(steps)].sort((a, b) => a - b),
  );
});

test("a crash is reported with its exit code and last words; the user's own is not to be retried", async () => {
  const parameters = { at: 15, fault: "exit" };
  const ours = await coordinator.finished(trialOf(give({ work: { parameters } })));
  assert.equal(ours.reason, EndReason.END_REASON_LOST);
  assert.match(ours.message, /exit code 3; its last lines:\nthe process says goodbye/);
  assert.equal(ours.final?.step, 10, "what it measured before is kept");
});

test("a trial that computes for ever is ended as timed out", async () => {
  const lease = give({ work: { parameters: { at: 12, fault: "loop" } } }, { resources: { stepTimeoutMs: 1500 } });
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.reason, EndReason.END_REASON_TIMED_OUT);
  assert.match(
    end.message,
    /no sign of life for \w+ after step 1\d; resources.stepTimeout allows 1s500ms; set resources: \{stepTimeout: 15s\}/,
  );
});

test("a trial that takes more memory than it is allowed is ended as out of memory", async () => {
  const lease = give({ work: { parameters: { at: 5, fault: "memory" } } }, { resources: { memoryBytes: 200 * 2 ** 20 } });
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.reason, EndReason.END_REASON_OUT_OF_MEMORY);
  assert.match(end.message, /200 MiB are allowed/);
});

test("a revoked attempt ends at once and reports nothing more", async () => {
  const lease = give({ work: { parameters: { stepMs: 5 }, untilStep: 100_000 } });
  await coordinator.until("a measurement", () => coordinator.measurements(trialOf(lease)).length > 0);
  assert.ok(lease.key);
  coordinator.stop(lease.key, EndReason.END_REASON_UNSPECIFIED);
  // The folder goes after the process.
  await coordinator.eventually("the folder is gone", isTidy);
  // What is reported later comes later: an end says that all before it has come.
  await coordinator.finished(trialOf(give()));
  const before = coordinator.measurements(trialOf(lease)).length;
  await coordinator.finished(trialOf(give()));
  assert.equal(coordinator.measurements(trialOf(lease)).length, before);
});

test("trials end once though the connection breaks again and again", async () => {
  const leases = [give({ work: { parameters: { stepMs: 3 } } }), give({ work: { parameters: { stepMs: 3 } } })];
  for (let i = 0; i < 5; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    coordinator.disconnect();
  }
  for (const lease of leases) {
    assert.equal((await coordinator.finished(trialOf(lease))).reason, EndReason.END_REASON_DONE);
    const steps = new Set(coordinator.measurements(trialOf(lease)).map(({ step }) => step));
    assert.deepEqual(
      [...steps].sort((a, b) => a - b),
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
      "nothing measured is lost",
    );
  }
});

test("draining saves every trial, gives it back and leaves", async () => {
  const lease = give({ work: { parameters: { stepMs: 3 }, untilStep: 100_000 } });
  await coordinator.until("a measurement", () => coordinator.measurements(trialOf(lease)).length > 0);
  await tested.agent.drain("maintenance");
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.reason, EndReason.END_REASON_PREEMPTED);
  assert.equal(coordinator.checkpoints(trialOf(lease)).at(-1)?.step, end.step);
  assert.deepEqual(coordinator.drains.at(-1), "maintenance");
});
