/** About forty measurements where they are cheap, fewer where they cost more than a tenth of the training, never fewer than five. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { measureEverySteps } from "./pace.js";

it("measures forty times where measuring is cheap", () => {
  assert.equal(measureEverySteps({ steps: 4000, rows: 100, batchSize: 64 }), 100);
  assert.equal(measureEverySteps({ steps: 3, rows: 0, batchSize: 64 }), 1);
});

it("spends a tenth of the time where measuring is expensive, and measures five times at least", () => {
  // 13,500 rows forward cost as much as 13,500 / (3 * 64) = 70.3 steps: one in 704 is a tenth.
  assert.equal(measureEverySteps({ steps: 12_000, rows: 13_500, batchSize: 64 }), 704);
  assert.equal(measureEverySteps({ steps: 2000, rows: 13_500, batchSize: 64 }), 400);
});
