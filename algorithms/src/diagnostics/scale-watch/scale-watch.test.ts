/** What scale-watch finds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "@regulus/proto";
import { module } from "./scale-watch.js";

const watch = module.create({ objectives: [] }, module.spec.options.parse({}));

function measured(
  trial: number,
  step: number,
  seen: { scales?: Record<string, number>; hypergradients?: Record<string, number>; metrics?: Record<string, number> },
): Fact {
  const measurement = { step, metrics: {}, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0, ...seen };
  return { searchId: "s", position: 1, timeMs: 0, kind: { $case: "trialMeasured", value: { trial, attempt: 1, measurement } } };
}

const keys = (facts: readonly Fact[]) =>
  watch.findings(facts.reduce((state, fact) => watch.tell(state, fact), watch.init())).map(({ key }) => key);

test("scales that stay where they should are no finding", () => {
  assert.deepEqual(keys([measured(0, 1, { scales: { inputDropout: 0.5 }, metrics: { validLoss: 2 } })]), []);
});

test("collapse, explosion and numbers that are none are found once each", () => {
  const facts = [
    measured(3, 10, { scales: { a: 0.001, b: 2.9, c: Number.NaN }, metrics: { validLoss: Number.POSITIVE_INFINITY } }),
    measured(3, 20, { scales: { a: 0.001, b: 2.9, c: Number.NaN }, metrics: { validLoss: Number.NaN } }),
    measured(4, 10, { scales: { a: 0.001 } }),
  ];
  assert.deepEqual(keys(facts), ["collapsed/3/a", "exploded/3/b", "not-finite/3/c", "metric/3/validLoss", "collapsed/4/a"]);
});

test("tuning that ended is found; hypergradients that are none are hypergradient-watch's to find", () => {
  const facts = [
    measured(1, 10, { hypergradients: { a: Number.NaN, b: 1 }, metrics: { tuningFrozen: 0 } }),
    measured(1, 20, { hypergradients: { a: Number.NaN, b: 1 }, metrics: { tuningFrozen: 1, guardScore: -6 } }),
  ];
  assert.deepEqual(keys(facts), ["frozen/1"]);
});

test("a search full of trouble keeps a bounded number of findings", () => {
  const facts = Array.from({ length: 1200 }, (_, trial) => measured(trial, 1, { metrics: { validLoss: Number.NaN } }));
  assert.equal(keys(facts).length, 1000);
});
