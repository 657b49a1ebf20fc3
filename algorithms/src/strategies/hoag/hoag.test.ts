import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, fromVectors } from "@regulus/proto";
import { AnsweringTrials } from "../../conformance/answering-trials.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createSpace } from "../../core/index.js";
import { driveLocally } from "../../solvers/maid/drive-locally.js";
import { hoag } from "../../solvers/maid/hoag.js";
import type { IterationRecord } from "../../solvers/maid/method.js";
import { hoagOptions } from "../../solvers/maid/options.js";
import { drawSample } from "../../workloads/quadratic-samples/quadratic-samples.js";
import { spec as workloadSpec } from "../../workloads/quadratic-samples/spec.js";
import { module } from "./hoag.js";

test("it takes the steps of the method alone, bit for bit, over three shards", () => {
  const workload = workloadSpec.options.parse({ samples: 4 });
  const samples = Array.from({ length: workload.samples }, (_, index) => drawSample(workload, 3, index));
  const start = [1, 1, 1, 1];
  const method = { steps: 20, accuracy: 1e-2 };
  const records: IterationRecord[] = [];
  const state = hoag.init(hoagOptions.parse(method), { theta: start, samples: samples.length });
  driveLocally(hoag, state, { samples, onRecord: (record) => void records.push(record) });

  const answering = new AnsweringTrials(samples, start);
  const context = {
    space: createSpace([]),
    objectives: [{ metric: "upperLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 },
    parallelism: 3,
    inside: [],
    plainProcedure: "respond",
  };
  const { facts, trials } = driveStrategy({
    strategy: module.create(context, module.spec.options.parse(method)),
    context,
    seed: 1,
    agents: 3,
    metrics: () => ({}),
    observe: (work) => answering.observe(work),
    orderSeed: 1,
  });
  const stepped = facts.flatMap(({ kind }) => (kind?.$case === "strategyStepped" ? [kind.value] : []));
  assert.deepEqual(
    stepped.slice(0, -1).map((one) => ({ ...one, vectors: fromVectors(one.vectors) })),
    records,
  );
  assert.ok(records.some(({ accepted }) => accepted));
  assert.equal(trials.length, 4, "one for each shard, and the last one");
});
