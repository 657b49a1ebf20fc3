/** What a self-tuning trial leaves: how its hyperparameters moved, step by step, over saves, copies and jumps. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { decodeSchedule, valuesAt } from "../../core/index.js";
import { chooseBackend } from "../../kernels/index.js";
import type { Session } from "../../training/contracts/procedure.js";

await chooseBackend("wasm");

const trial: TrialCase = {
  procedure: "self-tune",
  workload: "ridge",
  workloadOptions: { trainSize: 30, tuneSize: 40, testSize: 20, batchSize: 30 },
  techniques: ["weight-decay", "input-noise"],
  untilStep: 30,
  options: { warmUpSteps: 4, trainSteps: 2, hyperLearningRate: 0.1 },
};

async function scheduleOf(session: Session) {
  const [left] = (await session.results?.()) ?? [];
  assert.equal(left?.kind, "schedule");
  return decodeSchedule(left?.bytes ?? new Uint8Array());
}

it("records the values that every training step centred on, also over a save", async () => {
  let session = await openCase(trial);
  const seen: Record<string, number>[] = [];
  for (let step = 0; step < 30; step++) {
    seen.push((await session.measure()).learned);
    await session.step();
    if (step !== 13) continue;
    const checkpoint = await session.save();
    session.close();
    session = await openCase(trial, checkpoint);
  }
  const schedule = await scheduleOf(session);
  for (const [step, learned] of seen.entries()) assert.deepEqual(valuesAt(schedule, step), learned, `step ${step}`);
  assert.deepEqual(valuesAt(schedule, 30), (await session.measure()).learned);
  assert.ok(new Set(schedule.values.inputNoise?.values).size > 10, "they moved");
  session.close();
});

it("a copy has its source's schedule up to the copy, jumps there, and stands where it is told with its first scales", async () => {
  const first = await openCase(trial);
  await stepTo(first, 12);
  const [checkpoint, before] = [await first.save(), await scheduleOf(first)];
  first.close();
  const options = { ...trial.options, scale: 0.25, recenter: { inputNoise: 0.7 } };
  const copy = await openCase({ ...trial, options, seed: 2 }, checkpoint);
  const { learned, scales } = await copy.measure();
  assert.ok(Math.abs((learned.inputNoise ?? 0) / 0.7 - 1) < 1e-9, "the coordinate and back, in doubles");
  assert.ok(Math.abs((scales.inputNoise ?? 0) / 0.25 - 1) < 1e-9);
  const kept = valuesAt(before, 12).weightDecay ?? Number.NaN;
  assert.equal(learned.weightDecay, kept, "what it is not told about stays as the source's");
  await stepTo(copy, 14);
  const schedule = await scheduleOf(copy);
  for (let step = 0; step < 12; step++) assert.deepEqual(valuesAt(schedule, step), valuesAt(before, step), `step ${step}`);
  assert.deepEqual(valuesAt(schedule, 12), learned);
  copy.close();
});
