/** Evaluating follows the function and its curve over pauses, and refuses what has to be trained. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { RegulusError } from "@regulus/proto";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";

const trial: TrialCase = {
  procedure: "evaluate",
  workload: "synthetic-function",
  workloadOptions: { curveHeight: 8, curveSteps: 3, steps: 9 },
  parameters: { x0: 1, x1: 2 },
};

it("measures the function at the step, also after a pause", async () => {
  const first = await openCase(trial);
  await stepTo(first, 3);
  assert.equal((await first.measure()).metrics.value, 9);
  const resumed = await openCase(trial, await first.save());
  while (!resumed.ended) await resumed.step();
  assert.deepEqual(await resumed.measure(), {
    step: 9,
    metrics: { value: 7, validLoss: 7 },
    learned: {},
    scales: {},
    hypergradients: {},
  });
});

it("takes the middle of the box where a coordinate has no value", async () => {
  const session = await openCase({ procedure: "evaluate", workload: "synthetic-function", parameters: { x0: 3 } });
  await session.step();
  assert.equal((await session.measure()).metrics.value, 9);
});

it("refuses a workload that has to be trained, and fit refuses a function", async () => {
  const refused = (error: unknown) => error instanceof RegulusError && error.code === "failed-precondition";
  await assert.rejects(openCase({ procedure: "evaluate", workload: "ridge" }), refused);
  await assert.rejects(openCase({ ...trial, procedure: "fit" }), refused);
});
