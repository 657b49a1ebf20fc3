/** The guard's statistics by hand, and a whole trial whose hypergradients have the wrong sign: seen, named, and trained on plainly. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { SearchSpec, Work } from "@regulus/proto";
import { createRng } from "../../core/index.js";
import { chooseBackend } from "../../kernels/index.js";
import type { Observed } from "../../training/contracts/procedure.js";
import { contradicts, forkDirection, guardPairs, guardScore } from "./hypergradient-guard.js";
import { module } from "./self-tune.js";

await chooseBackend("wasm");

it("moves the hyperparameter that matters most by one scale, the others in proportion", () => {
  assert.deepEqual([...(forkDirection([2, -1, 0], [0.5, 0.25, 1]) ?? [])], [0.5, -0.0625, 0]);
  assert.equal(forkDirection([0, 0], [1, 1]), undefined);
  assert.equal(forkDirection([Number.NaN], [1]), undefined);
});

it("scores by Student's t", () => {
  // mean 2, deviation 2 over root 4
  assert.ok(Math.abs(guardScore([1, 1, 1, 5]) - 2) < 1e-12);
  assert.ok(contradicts(guardScore([-1, -1.1, -0.9, -1])) && !contradicts(guardScore([-1, 1, -1, -1])));
  assert.equal(guardScore([0, 0, 0]), 0);
  assert.ok(contradicts(guardScore([-1, -1, -1])) && contradicts(guardScore([Number.NaN, 1])));
});

it("hypergradients of no effect fail a check about once in a hundred", () => {
  const rng = createRng(5);
  const checks = Array.from({ length: 20_000 }, () => guardScore(Array.from({ length: guardPairs }, () => rng.normal())));
  const share = checks.filter(contradicts).length / checks.length;
  // Four standard errors of 20,000 draws.
  assert.ok(Math.abs(share - 0.01) < 4 * Math.sqrt((0.01 * 0.99) / 20_000), `${share}`);
});

const guarded = new URL("testing/wrong-sign.js", import.meta.url).pathname;

/** A trial of the workload whose measuring pass has gradients of the right or of the wrong sign. */
async function run(sign: 1 | -1, guardEverySteps = 150): Promise<{ before: Observed; last: Observed; found: string[] }> {
  const spec = SearchSpec.fromPartial({
    workload: { module: guarded, options: { sign } },
    techniques: [{ name: "weight-decay", options: {} }],
    space: [{ name: "weightDecay", domain: { $case: "double", value: { min: 1e-4, max: 100, scale: "SCALE_LOG" } } }],
    seed: 1,
  });
  const options = {
    warmUpSteps: 100,
    guardEverySteps,
    initial: { weightDecay: 0.05 },
    hyperLearningRate: 0.003,
    trainSteps: 1,
  };
  const work = Work.fromPartial({ procedure: "self-tune", options, untilStep: 400, final: true });
  const found: string[] = [];
  const session = await module.open({ spec, work, seed: 1, found: (_, message) => found.push(message) });
  while (session.stepsDone < 320) await session.step();
  const before = await session.measure();
  while (session.stepsDone < 400) await session.step();
  const last = await session.measure();
  session.close();
  return { before, last, found };
}

it("a trial whose hypergradients point the wrong way falls back to plain training, and says so", async () => {
  const { before, last, found } = await run(-1);
  assert.equal(found.length, 1, found.join("; "));
  assert.match(found[0] ?? "", /hypergradient is contradicted.*plain training/);
  assert.ok((last.metrics.guardScore ?? 0) < -4 && last.metrics.tuningFrozen === 1);
  assert.deepEqual(last.learned, before.learned);
  assert.notEqual(last.metrics.trainLoss, before.metrics.trainLoss, "weights continue");
});

it("one whose hypergradients are right continues", async () => {
  const { before, last, found } = await run(1);
  assert.deepEqual(found, []);
  assert.ok((last.metrics.guardScore ?? 0) > 0 && last.metrics.tuningFrozen === 0);
  assert.notDeepEqual(last.learned, before.learned);
  const unwatched = (await run(1, 0)).last;
  assert.deepEqual(
    [last.learned, last.scales, last.hypergradients],
    [unwatched.learned, unwatched.scales, unwatched.hypergradients],
  );
  assert.equal(last.metrics.trainLoss, unwatched.metrics.trainLoss, "a check leaves nothing behind");
});
