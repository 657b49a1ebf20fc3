/** An epoch shows every row once, epochs differ, and a step's rows do not depend on the steps asked before. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createRng } from "../../core/index.js";
import { DataOrder } from "./data-order.js";

it("shows every row once in an epoch, in another order in the next", () => {
  const order = new DataOrder({ rows: 12, batchSize: 4 }, createRng(3));
  const epoch = (number: number) => [0, 1, 2].flatMap((batch) => [...order.rows(3 * number + batch)]);
  const sorted = Array.from({ length: 12 }, (_, row) => row);
  assert.deepEqual(
    epoch(0).toSorted((a, b) => a - b),
    sorted,
  );
  assert.deepEqual(
    epoch(1).toSorted((a, b) => a - b),
    sorted,
  );
  assert.notDeepEqual(epoch(0), epoch(1));
});

it("gives a step the same rows whatever was asked before", () => {
  const asked = new DataOrder({ rows: 10, batchSize: 4 }, createRng(3));
  for (let step = 0; step < 9; step++) asked.rows(step);
  assert.deepEqual(asked.rows(2), new DataOrder({ rows: 10, batchSize: 4 }, createRng(3)).rows(2));
});

it("takes the whole split where a batch would be larger", () => {
  const order = new DataOrder({ rows: 3, batchSize: 64 }, createRng(3));
  assert.equal(order.batchSize, 3);
  assert.deepEqual([...order.rows(5)].sort(), [0, 1, 2]);
});
