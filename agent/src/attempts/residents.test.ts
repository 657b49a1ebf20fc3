/** Processes that wait for their trial's next lease: reused from exactly their checkpoint, with the same numbers as from the file. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ArtifactRef, Measurement, SearchSpec } from "@regulus/proto";
import { startTestPair, testLease, testSpec } from "../testing/test-agent.js";

const { coordinator, tested, end } = await startTestPair();
after(end);

const counting = testSpec();
let next = 0;

/** Works on a trial up to each step, one lease after another, and answers the measurement at the end of each. */
async function rounds(
  steps: readonly number[],
  parameters: Record<string, unknown> = {},
  between?: (at: Measurement) => Promise<void>,
  spec: SearchSpec = counting,
) {
  const trial = next;
  next += 1;
  const ends: Measurement[] = [];
  let resumeFrom: ArtifactRef | undefined;
  for (const [index, untilStep] of steps.entries()) {
    const work = { untilStep, final: untilStep === steps.at(-1), parameters };
    const key = { searchId: "s", trial, attempt: 1 + index };
    coordinator.lease(testLease(trial, { spec, key, work, resumeFrom, resumeStep: steps[index - 1] ?? 0 }));
    const { final } = await coordinator.finished(trial, key.attempt);
    assert.ok(final !== undefined);
    ends.push(final);
    resumeFrom = coordinator.checkpoints(trial).at(-1)?.checkpoint;
    await between?.(final);
  }
  return ends;
}

const losses = (ends: readonly Measurement[]) => ends.map(({ metrics }) => metrics.validLoss);
const processes = (ends: readonly Measurement[]) => new Set(ends.map(({ metrics }) => metrics.process)).size;

test("a trial that goes back and forth stays in one process, whether its session takes the work or is reopened", async () => {
  const steps = [20, 40, 60];
  const [whole] = await rounds([60]);
  const held = await rounds(steps, { stepMs: 2 });
  assert.deepEqual([processes(held), held.map(({ metrics }) => metrics.resumes)], [1, [0, 1, 2]]);
  const opened = await rounds(steps, { resumes: false });
  assert.deepEqual([processes(opened), opened.map(({ metrics }) => metrics.resumes)], [1, [0, 0, 0]]);
  assert.deepEqual(losses(opened), losses(held), "the same bits");
  assert.equal(held.at(-1)?.metrics.validLoss, whole?.metrics.validLoss, "and the same as without a pause");
  const seconds = held.map((end) => end.seconds);
  assert.ok(
    seconds.every((value, index) => index === 0 || value > (seconds[index - 1] ?? 0)),
    "seconds continue over leases",
  );
});

test("a waiting process that is killed is replaced from the checkpoint, with the same numbers", async () => {
  const expected = await rounds([20, 40, 60]);
  let kills = 0;
  const killed = await rounds([20, 40, 60], {}, async ({ metrics, step }) => {
    if (step !== 20) return;
    await killed9(metrics.process ?? 0);
    kills += 1;
  });
  assert.deepEqual([kills, processes(killed)], [1, 2]);
  assert.deepEqual(losses(killed), losses(expected));
});

test("a trial that may pause unsaved continues in its process with nothing stored, until a checkpoint is due", async () => {
  const [whole] = await rounds([60]);
  const light = await rounds([20, 40, 60], { unsaved: true });
  assert.deepEqual([processes(light), light.map(({ metrics }) => metrics.resumes)], [1, [0, 1, 2]]);
  assert.equal(light.at(-1)?.metrics.validLoss, whole?.metrics.validLoss, "the same bits");
  assert.deepEqual(coordinator.checkpoints(next - 1), []);
  const due = testSpec({ reporting: { checkpointEveryMs: 1 } });
  const saved = await rounds([20, 40, 60], { unsaved: true, stepMs: 1 }, undefined, due);
  assert.deepEqual(losses(saved), losses(light));
  const at = coordinator.checkpoints(next - 1).map(({ step }) => step);
  assert.ok(at.includes(20) && at.includes(40), `saved where it paused: ${at}`);
});

test("a process that was ahead of its checkpoint and is gone is replaced, and the work is done again", async () => {
  const expected = await rounds([20, 40, 60]);
  const killed = await rounds([20, 40, 60], { unsaved: true }, async ({ metrics, step }) => {
    if (step === 40) await killed9(metrics.process ?? 0);
  });
  assert.equal(processes(killed), 2);
  assert.deepEqual(losses(killed), losses(expected));
});

test("draining ends those that wait", async () => {
  const paused = testLease(next, { spec: counting, work: { untilStep: 20, final: false } });
  coordinator.lease(paused);
  const pid = (await coordinator.finished(next)).final?.metrics.process ?? 0;
  assert.ok(isAlive(pid));
  await tested.agent.drain("maintenance");
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
});

async function killed9(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Whether a process is there and no zombie: one that was killed is gone once its parent has read its end. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
