/** A solve that takes long gives way to whoever asks the trial to stop, and goes on from the checkpoint with the same bits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadProcedure, type Session } from "@regulus/algorithms/training";
import { type Measurement, SearchSpec, toVectors, Work } from "@regulus/proto";
import { type StopReason, type TrainPlan, train } from "./trainer.js";

/** One image of 4,096 pixels at a condition of 24,000: thousands of steps of the solver, far above a slice of time on any machine. */
const search = SearchSpec.fromPartial({
  name: "long",
  workload: { name: "tv-denoising", options: { images: "piecewise-constant", count: 1, size: 64 } },
  seed: 1,
});
const work = Work.fromPartial({
  procedure: "respond",
  options: { question: 0, accuracy: 1e-7, residual: 1e-7 },
  vectors: toVectors({ theta: [-1, -9] }),
  untilStep: 1,
});
const plan: TrainPlan = {
  untilStep: 1,
  final: false,
  // Were a part of a step measured, there would be many.
  measureEverySteps: 1,
  checkpointEveryMs: 1e9,
  secondsBefore: 0,
  unsavedMs: 0,
  objective: "upperLoss",
  userCode: false,
};

async function attempt(checkpoint: Uint8Array | undefined, stop: (lifeSigns: number) => StopReason | undefined) {
  const procedure = await loadProcedure("respond");
  const request = { spec: search, work, seed: 1, found: () => undefined, ...(checkpoint && { checkpoint }) };
  const measured: Measurement[] = [];
  const saved: { step: number; bytes: Uint8Array }[] = [];
  let lifeSigns = 0;
  const outcome = await train((): Promise<Session> => procedure.open(request), plan, {
    stopReason: () => stop(lifeSigns),
    alive: () => {
      lifeSigns += 1;
    },
    measured: (measurement) => void measured.push(measurement),
    mayBeSaved: () => true,
    saved: (step, _seconds, bytes) => void saved.push({ step, bytes }),
    unsaved: () => assert.fail("nothing is full here"),
  });
  return { outcome, lifeSigns, saved, measured: measured.map(({ seconds: _, ...numbers }) => numbers) };
}

test("a solve in the midst of a sample gives signs of life, is left when asked to, and continues with the same bits", async () => {
  const whole = await attempt(undefined, () => undefined);
  assert.equal(whole.outcome.reason, "done", whole.outcome.message);
  assert.ok(whole.lifeSigns > 4, `${whole.lifeSigns} signs of life`);
  assert.equal(whole.measured.length, 1);

  // Left again and again after two parts: each attempt goes on where the last one stood, or it would never end.
  let checkpoint: Uint8Array | undefined;
  let left = 0;
  for (let attempts = 0; attempts < 1000; attempts++) {
    const one = await attempt(checkpoint, (lifeSigns) => (lifeSigns > 2 ? "preempted" : undefined));
    checkpoint = one.saved.at(-1)?.bytes;
    if (one.outcome.reason === "done") {
      assert.deepEqual(one.measured, whole.measured, "every number to the last bit");
      assert.deepEqual(checkpoint, whole.saved.at(-1)?.bytes);
      break;
    }
    assert.deepEqual([one.outcome.reason, one.outcome.step, one.measured.length], ["preempted", 0, 0]);
    left += 1;
  }
  assert.ok(left >= 2, `it was left ${left} times`);

  const stopped = await attempt(undefined, (lifeSigns) => (lifeSigns > 1 ? "stopped-early" : undefined));
  assert.deepEqual([stopped.outcome.reason, stopped.outcome.step], ["stopped-early", 0]);
});
