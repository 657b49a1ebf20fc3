/** Ensembles of stored predictions: every number is that of an independent computation; members that do not fit together are told of by name. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { chooseBackend } from "../../kernels/index.js";
import { bytesSource, encodePredictions, type Predictions, PredictionsFile } from "../../predictions/index.js";
import { expectedCalibrationError } from "../../probes/calibration/calibration.js";
import type { Observed } from "../../training/contracts/procedure.js";

await chooseBackend("wasm");

const bins = 7;

/** What members are combined of. */
interface Ensemble {
  readonly classes: number;
  /** By member, then by place. */
  readonly logits: readonly (readonly (readonly number[])[])[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

const ensembles = fc.integer({ min: 2, max: 4 }).chain((classes) =>
  fc.integer({ min: 1, max: 6 }).chain((places) => {
    const row = fc.array(fc.float({ min: -6, max: 6, noNaN: true }), { minLength: classes, maxLength: classes });
    const member = fc.array(row, { minLength: places, maxLength: places });
    return fc.integer({ min: 1, max: 4 }).chain((members) =>
      fc.record({
        classes: fc.constant(classes),
        logits: fc.array(member, { minLength: members, maxLength: members }),
        targets: fc.array(fc.integer({ min: 0, max: classes - 1 }), { minLength: places, maxLength: places }),
        weights: fc.array(fc.double({ min: 0.1, max: 3, noNaN: true }), { minLength: members, maxLength: members }),
      }),
    );
  }),
);

function inputOf({ classes, logits, targets }: Ensemble, member: number, more: Partial<Predictions> = {}) {
  const rows = Int32Array.from(targets, (_, row) => row + 3);
  const numbers = Float32Array.from(logits[member]?.flat() ?? []);
  const whole = {
    split: "valid" as const,
    shape: [rows.length, classes],
    rows,
    targets: Int32Array.from(targets),
    logits: numbers,
  };
  return {
    kind: `predictions-${more.split ?? "valid"}`,
    bytes: encodePredictions({ ...whole, ...more }, "float32"),
    trial: member,
  };
}

function caseOf(ensemble: Ensemble, options: TrialCase["options"] = {}): TrialCase {
  const inputs = ensemble.logits.map((_, member) => inputOf(ensemble, member));
  return { procedure: "combine", workload: "ridge", inputs, options: { bins, weights: ensemble.weights, ...options } };
}

/** The ensemble of the first members, straight from the definitions. */
function expected({ logits, targets, weights }: Ensemble, count: number, mean: "probabilities" | "logits"): number[] {
  const softmax = (row: readonly number[]) => {
    const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
    return row.map((logit) => Math.exp(logit) / total);
  };
  const total = weights.slice(0, count).reduce((sum, weight) => sum + weight, 0);
  const predictions = targets.map((target, place) => {
    const members = logits.slice(0, count).map((member) => softmax(member[place] ?? []));
    const averaged = (of: (probability: number) => number) =>
      (members[0] ?? []).map((_, i) =>
        members.reduce((sum, member, k) => sum + ((weights[k] ?? 0) / total) * of(member[i] ?? 0), 0),
      );
    const probabilities = mean === "probabilities" ? averaged((p) => p) : softmax(averaged(Math.log));
    const [confidence = 0, next = 0] = [...probabilities].sort((a, b) => b - a);
    // Which of two equal ones is predicted hangs on the last bit.
    fc.pre(confidence - next > 1e-9);
    return { confidence, right: probabilities.indexOf(confidence) === target, nll: -Math.log(probabilities[target] ?? 0) };
  });
  const sum = (of: (one: (typeof predictions)[number]) => number) =>
    predictions.reduce((all, one) => all + of(one), 0) / targets.length;
  return [sum(({ nll }) => nll), sum(({ right }) => (right ? 0 : 1)), expectedCalibrationError(predictions, bins)];
}

const scores = ({ metrics }: Observed) => [metrics.validLoss, metrics.validError, metrics.validEce];

describe("combine", () => {
  for (const mean of ["probabilities", "logits"] as const) {
    it(`measures at step k the weighted mean of ${mean} of the first k members`, async () => {
      await fc.assert(
        fc.asyncProperty(ensembles, async (ensemble) => {
          const session = await openCase(caseOf(ensemble, { mean }));
          const losses = ensemble.logits.map((_, k) => {
            const alone = { ...ensemble, logits: ensemble.logits.slice(k, k + 1), weights: [1] };
            return expected(alone, 1, "probabilities")[0] ?? Number.NaN;
          });
          for (const k of ensemble.logits.keys()) {
            await stepTo(session, k + 1);
            const measured = await session.measure();
            for (const [at, value] of expected(ensemble, k + 1, mean).entries()) {
              assert.ok(
                Math.abs((scores(measured)[at] ?? Number.NaN) - value) < 1e-9,
                `${at} of ${k + 1}: ${scores(measured)[at]}, not ${value}`,
              );
            }
            const [best, own] = [measured.metrics.validBestMemberLoss, measured.metrics.validMemberLoss];
            const first = losses.slice(0, k + 1);
            assert.ok(Math.abs((best ?? Number.NaN) - Math.min(...first)) < 1e-9);
            assert.ok(Math.abs((own ?? Number.NaN) - first.reduce((sum, loss) => sum + loss, 0) / (k + 1)) < 1e-9);
            // Jensen: a mean of probabilities, and of logits, is no worse than its members on average.
            const total = ensemble.weights.slice(0, k + 1);
            const average = first.reduce((sum, loss, i) => sum + loss * (total[i] ?? 0), 0) / total.reduce((a, b) => a + b, 0);
            assert.ok((measured.metrics.validLoss ?? Number.NaN) <= average + 1e-9);
          }
          assert.equal(session.ended, true);
        }),
      );
    });
  }

  it("continues from its checkpoint with the same numbers", async () => {
    const [ensemble] = fc.sample(
      ensembles.filter(({ logits }) => logits.length > 2),
      { numRuns: 1, seed: 1 },
    );
    assert.ok(ensemble !== undefined);
    const whole = await openCase(caseOf(ensemble));
    await stepTo(whole, 2);
    const again = await openCase(caseOf(ensemble), await whole.save());
    assert.deepEqual(await again.measure(), await whole.measure());
    for (const session of [whole, again]) while (!session.ended) await session.step();
    assert.deepEqual(await again.measure(), await whole.measure());
  });

  it("reads files that are larger than its blocks, and its own result gives its loss again", async () => {
    // 3 members x 500 rows x 3,001 classes are 4.5 million logits: more than one block.
    const [rows, classes] = [500, 3001];
    const logitsOf = (member: number) =>
      Float32Array.from({ length: rows * classes }, (_, i) => 3 * Math.sin(i * (member + 1.5)));
    const whole = { split: "test" as const, shape: [rows, classes], rows: Int32Array.from({ length: rows }, (_, row) => row) };
    const targets = Int32Array.from({ length: rows }, (_, row) => (7 * row) % classes);
    const inputs = [0, 1, 2].map((member) => {
      return { kind: "predictions-test", bytes: encodePredictions({ ...whole, targets, logits: logitsOf(member) }, "float32") };
    });
    const session = await openCase({ procedure: "combine", workload: "ridge", inputs, options: { leaves: "float32" } });
    await stepTo(session, 3);
    const { metrics } = await session.measure();
    const [left] = (await session.results?.()) ?? [];
    assert.ok(left?.kind === "predictions-test");
    const file = await PredictionsFile.open(bytesSource(left.bytes));
    assert.deepEqual([file.split, file.shape, (await file.read(0, rows)).targets], ["test", [rows, classes], targets]);
    const alone = await openCase({ procedure: "combine", workload: "ridge", inputs: [left] });
    await stepTo(alone, 1);
    const again = (await alone.measure()).metrics;
    // Its logits are in float32: 24 bits of about 8.
    assert.ok(Math.abs((again.testLoss ?? 0) - (metrics.testLoss ?? 1)) < 1e-6, `${again.testLoss}, ${metrics.testLoss}`);
    assert.equal(again.testError, metrics.testError);
  });

  it("refuses what can't be combined, and says which trial and what", async () => {
    const ensemble: Ensemble = { classes: 2, logits: [[[0, 1]], [[1, 0]]], targets: [1], weights: [1, 1] };
    const first = inputOf(ensemble, 0);
    const other = (more: Partial<Predictions>) => [first, inputOf(ensemble, 1, more)];
    const open = (inputs: TrialCase["inputs"], options: object = {}) =>
      openCase({ procedure: "combine", workload: "ridge", inputs: inputs ?? [], options: { ...options } });
    const combined = async (...given: Parameters<typeof open>) => await (await open(...given)).step();
    await assert.rejects(combined([]), /saw no predictions, expected those of one trial/);
    await assert.rejects(combined(other({ rows: Int32Array.of(9) })), /row 9 of valid in trial 1 where trial 0 has row 3/);
    await assert.rejects(combined(other({ targets: Int32Array.of(0) })), /other targets of valid in trial 1 than in trial 0/);
    await assert.rejects(
      combined(other({ split: "test" })),
      /predictions of test of trial 1, expected those of valid, as of trial 0/,
    );
    const wide = { shape: [1, 3], logits: Float32Array.of(0, 1, 2) };
    await assert.rejects(combined(other(wide)), /saw \[1, 3\] for valid of trial 1, expected \[1, 2\], as of trial 0/);
    await assert.rejects(combined(other({ logits: Float32Array.of(0, Number.NaN) })), /logit of NaN in trial 1, .*leave it out/);
    await assert.rejects(combined([first, first]), /two files of valid of trial 0/);
    await assert.rejects(combined([first], { weights: [1, 2] }), /saw \[1,2\], expected 1, one for each member/);
    await assert.rejects(combined([first], { weights: [0] }), /not all zero/);
    for (const weight of [1e308, 5e-324, -1, Number.NaN]) {
      await assert.rejects(combined(other({}), { weights: [weight, weight] }), /weights/, `${weight}`);
    }
    for (const target of [99, 2, -1]) {
      const targets = Int32Array.of(target);
      const words = new RegExp(`valid of trial 1: .*saw target ${target} at place 0, expected 0 to 1`);
      await assert.rejects(combined(other({ targets })), words);
    }
    await assert.rejects(combined([{ ...first, bytes: new Uint8Array(3) }]), /^RegulusError: trial 0: /);
  });
});
