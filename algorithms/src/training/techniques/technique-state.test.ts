/** What techniques remember is part of a trial: saved with it, gone on from bit for bit, and back where it was after a trial run of the weights. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { chooseBackend } from "../../kernels/index.js";
import { decodeCheckpoint } from "../state/checkpoint.js";

await chooseBackend("wasm");

const digits = { trainSize: 48, tuneSize: 32, validSize: 32, batchSize: 16, hiddenUnits: [8], steps: 40 };
const trial: TrialCase = { procedure: "fit", workload: "mnist-mlp", workloadOptions: digits, techniques: ["ps-kd", "dropout"] };
const variants: readonly TrialCase[] = [
  trial,
  { ...trial, procedure: "self-tune", options: { warmUpSteps: 2, trainSteps: 2 } },
  { ...trial, procedure: "self-tune", options: { warmUpSteps: 2, trainSteps: 2, variant: "delta-stn" } },
];

/** What is saved after 12 steps. @param stopAt where it is saved and opened again; absent for never. */
async function saved(one: TrialCase, stopAt?: number): Promise<Uint8Array> {
  let session = await openCase(one);
  if (stopAt !== undefined) {
    await stepTo(session, stopAt);
    const bytes = await session.save();
    session.close();
    session = await openCase(one, bytes);
  }
  await stepTo(session, 12);
  const bytes = await session.save();
  session.close();
  return bytes;
}

for (const one of variants) {
  const name = `${one.procedure}${one.options?.variant === undefined ? "" : ` ${one.options.variant}`}`;
  it(`${name} continues bit for bit with what its techniques remember`, async () => {
    const whole = await saved(one);
    // In the middle of the second pass and at its end: each has three steps.
    for (const stopAt of [4, 6]) assert.deepEqual(await saved(one, stopAt), whole);
  });

  it(`${name} remembers a prediction of every row, each a distribution`, async () => {
    const { tensors } = decodeCheckpoint(await saved(one), one.procedure);
    const predictions = tensors.find(({ name: tensor }) => tensor === "technique:ps-kd/predictions");
    assert.deepEqual(predictions?.shape, [48, 10]);
    for (let row = 0; row < 48; row++) {
      const sum = predictions?.values.subarray(row * 10, row * 10 + 10).reduce((all, value) => all + value, 0) ?? Number.NaN;
      // Ten float32 numbers.
      assert.ok(Math.abs(sum - 1) < 1e-5, `row ${row} sums to ${sum}`);
    }
  });
}

it("a trial run of the weights leaves no trace in what techniques remember", async () => {
  // The guard tries the weights out from the fiftieth tuning step on.
  const often = { warmUpSteps: 1, trainSteps: 1, tuneSteps: 10 };
  const after = async (guardEverySteps: number) => {
    const one: TrialCase = { ...trial, procedure: "self-tune", options: { ...often, guardEverySteps } };
    return decodeCheckpoint(await saved(one), "self-tune");
  };
  const [guarded, plain] = [await after(8), await after(0)];
  assert.ok(typeof guarded.state === "object" && guarded.state !== null && "guardScore" in guarded.state, "the guard looked");
  assert.deepEqual(guarded.tensors, plain.tensors);
});
