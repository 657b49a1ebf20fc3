/** Predictions that trials leave: losses and errors computed from the files alone are those that the trial measures. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { chooseBackend } from "../../kernels/index.js";
import { bytesSource, PredictionsFile } from "../../predictions/index.js";
import type { SessionResult } from "../contracts/procedure.js";

await chooseBackend("wasm");

const small = { trainSize: 80, tuneSize: 48, validSize: 40, batchSize: 16 };
const cases: readonly TrialCase[] = [
  { procedure: "fit", workload: "mnist-mlp", workloadOptions: { ...small, hiddenUnits: [16] } },
  { procedure: "self-tune", workload: "mnist-mlp", workloadOptions: { ...small, hiddenUnits: [16] }, techniques: ["dropout"] },
  {
    procedure: "fit",
    workload: "moby-dick-lstm",
    workloadOptions: { ...small, testSize: 40, length: 5, embeddingUnits: 6, hiddenUnits: [6] },
  },
];

/** Mean negative log-likelihood and share of wrong predictions of a file, in float64, straight from their definitions. */
async function measured({ bytes }: SessionResult): Promise<{ loss: number; error: number }> {
  const file = await PredictionsFile.open(bytesSource(bytes));
  const { logits, targets } = await file.read(0, file.rows);
  let [loss, wrong] = [0, 0];
  for (const [place, target] of targets.entries()) {
    const row = [...logits.subarray(place * file.classes, (place + 1) * file.classes)];
    loss -= Math.log(Math.exp(row[target] ?? 0) / row.reduce((sum, logit) => sum + Math.exp(logit), 0));
    wrong += row.indexOf(Math.max(...row)) === target ? 0 : 1;
  }
  return { loss: loss / targets.length, error: wrong / targets.length };
}

describe("predictions", () => {
  for (const one of cases) {
    for (const precision of ["float32", "float16"]) {
      it(`give the losses that ${one.procedure} measures of ${one.workload}, at a pause and at the end: ${precision}`, async () => {
        const session = await openCase({ ...one, predictions: { splits: ["valid", "test"], precision } });
        await stepTo(session, 3);
        const { metrics } = await session.measure();
        const before = await session.save();
        for (const results of [await session.resultsAtPause?.(), await session.results?.()]) {
          const files = (results ?? []).filter(({ kind }) => kind.startsWith("predictions-"));
          assert.deepEqual(
            files.map(({ kind }) => kind),
            ["predictions-valid", "predictions-test"],
          );
          for (const file of files) {
            const split = file.kind.replace("predictions-", "");
            const { loss, error } = await measured(file);
            // float32 sums of the trial against float64 here; float16 keeps eleven bits of a logit below 16.
            const tolerance = precision === "float32" ? 1e-5 : 4e-3;
            assert.ok(Math.abs(loss - (metrics[`${split}Loss`] ?? Number.NaN)) < tolerance, `${split} loss ${loss}`);
            if (precision === "float32") assert.ok(Math.abs(error - (metrics[`${split}Error`] ?? Number.NaN)) < 1e-6);
          }
        }
        assert.deepEqual(await session.save(), before, "leaving them changes nothing");
        session.close();
      });
    }
  }

  it("of a workload without classes are refused when the trial opens", async () => {
    const predictions = { splits: ["valid"], precision: "" };
    await assert.rejects(openCase({ procedure: "fit", workload: "ridge", predictions }), /expected \[rows, ..., classes\]/);
  });
});
