/** What an absence stands for is written out, what was given stays, and the control arm's and the strategy's contexts are made of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSearchDocument, type SearchSpec } from "@regulus/proto";
import { configurationsToTry, controlContext, strategyContext, tunesTrialsInside } from "./strategy-context.js";
import { withDefaults } from "./with-defaults.js";

const search = (changes: Record<string, unknown> = {}): SearchSpec =>
  parseSearchDocument({
    name: "digits",
    workload: "mnist-mlp",
    objective: { metric: "validLoss" },
    strategy: "random",
    space: { learningRate: { type: "double", min: 0.001, max: 0.1 }, units: { type: "int", min: 1, max: 3 } },
    budget: { trials: 10 },
    ...changes,
  });

test("every absence has its default", () => {
  const { objectives, space, budget, parallelism, resources, retries, reporting } = withDefaults({
    ...search(),
    budget: undefined,
  });
  assert.deepEqual(objectives, [
    { metric: "validLoss", direction: "DIRECTION_MINIMIZE", value: "OBJECTIVE_VALUE_BEST", goal: undefined },
  ]);
  for (const { domain } of space)
    assert.ok((domain?.$case === "double" || domain?.$case === "int") && domain.value.scale === "SCALE_LINEAR");
  assert.deepEqual(budget, { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 });
  assert.equal(parallelism, 1);
  assert.deepEqual(resources, {
    backend: "",
    memoryBytes: 0,
    agentLabels: {},
    attemptTimeoutMs: 0,
    slots: 1,
    stepTimeoutMs: 120_000,
  });
  assert.deepEqual(retries, {
    max: 3,
    backoffMs: 1000,
    on: ["END_REASON_LOST", "END_REASON_OUT_OF_MEMORY", "END_REASON_TIMED_OUT"],
  });
  assert.deepEqual(reporting, { measureEverySteps: 0, checkpointEveryMs: 30_000, predictions: undefined });
  assert.equal(withDefaults(search()).command, undefined);
  const command = withDefaults(search({ workload: undefined, command: { argv: ["x"] } })).command;
  assert.equal(command?.stopGraceMs, 10_000);
});

test("what was given stays as it is", () => {
  const given = search({
    workload: undefined,
    command: { argv: ["x"], stopGraceMs: "3s" },
    objective: { metric: "acc", direction: "maximize", value: "last", goal: 0.5 },
    space: {
      rate: { type: "double", min: 0.1, max: 0.9, scale: "logit" },
      n: { type: "int", min: 1, max: 9, scale: "log" },
      b: { type: "boolean" },
    },
    budget: { trials: 4, steps: 5, stepsPerTrial: 6, wallTime: "7s", failures: 2 },
    parallelism: 8,
    resources: { slots: 2, stepTimeout: "1s", attemptTimeout: "2s", memory: "1GiB", backend: "cpu", agentLabels: { a: "b" } },
    retries: { max: 0, backoff: "2s", on: ["user-error"] },
    reporting: { measureEverySteps: 3, checkpointEvery: "4s", predictions: { splits: ["valid"], precision: "float16" } },
  });
  assert.deepEqual(withDefaults(given), given);
  // Defaults are written field by field: a new field has to be given here, or nobody would see it get lost.
  const { command, budget, resources, retries, reporting } = given;
  for (const part of [
    command?.stopGraceMs,
    ...[budget, resources, retries, reporting].flatMap((one) => Object.values(one ?? {})),
  ])
    assert.ok(part !== undefined && part !== "" && (part !== 0 || part === retries?.max), "every field of these parts is given");
});

const names = (spec: SearchSpec) => strategyContext(spec).space.parameters.map(({ name }) => name);

test("a control arm has its share of the budget, the whole space and plain trials", () => {
  const spec = search({ control: { share: 0.25 }, budget: { trials: 20, stepsPerTrial: 7 }, parallelism: 3 });
  assert.deepEqual(strategyContext(spec).budget.trials, 15);
  const control = controlContext(spec);
  assert.deepEqual(
    [control?.budget.trials, control?.budget.stepsPerTrial, control?.parallelism, control?.plainProcedure, control?.inside],
    [5, 7, 3, "fit", []],
  );
  assert.deepEqual(control?.space.parameters, spec.space);
  assert.equal(controlContext(search()), undefined);
  assert.equal(strategyContext({ ...search(), parallelism: 0 }).parallelism, 1);
  assert.deepEqual(strategyContext({ ...search(), budget: undefined }).budget, {
    trials: 0,
    steps: 0,
    stepsPerTrial: 0,
    wallTimeMs: 0,
  });
});

test("configurations are counted over what the strategy goes through", () => {
  const finite = { units: { type: "int", min: 1, max: 3 }, fast: { type: "boolean" } };
  assert.equal(configurationsToTry(search({ space: finite })), 6);
  assert.equal(configurationsToTry(search({ space: finite, strategy: "asha" })), 6);
  assert.equal(configurationsToTry(search()), Number.POSITIVE_INFINITY);
  assert.equal(configurationsToTry(search({ strategy: { name: "grid", options: { steps: 4 } } })), 12);
  for (const strategy of ["maid", "none", { name: "grid", options: { steps: 0 } }])
    assert.equal(configurationsToTry(search({ space: finite, strategy })), Number.POSITIVE_INFINITY);
});

test("only what a technique can learn, is a number and is not set aside is moved inside training", () => {
  const number = { type: "double", min: 0, max: 0.5 };
  const space = {
    inputDropout: { ...number, tuned: "inside" },
    hiddenDropout: number,
    learningRate: { type: "double", min: 0.001, max: 0.1 },
  };
  const marked = search({ techniques: ["dropout"], space });
  assert.equal(tunesTrialsInside(marked), true);
  assert.deepEqual([strategyContext(marked).inside, names(marked)], [["inputDropout"], ["hiddenDropout", "learningRate"]]);
  assert.equal(strategyContext(marked).plainProcedure, "self-tune");
  const own = search({ techniques: ["dropout"], space, strategy: "self-tuning-network", budget: { steps: 100 } });
  assert.equal(tunesTrialsInside(own), false, "a strategy that tunes inside does so itself");
  assert.deepEqual([strategyContext(own).inside, names(own)], [["inputDropout", "hiddenDropout"], Object.keys(space)]);
  const stepped = {
    ...space,
    inputDropout: { ...number, step: 0.1 },
    hiddenDropout: { type: "categorical", choices: [0.1, 0.2] },
  };
  assert.deepEqual(strategyContext(search({ techniques: ["dropout"], space: stepped })).inside, []);
  const wide = { ...space, inputDropout: { type: "double", min: -1.7e308, max: 1.7e308 } };
  assert.deepEqual(strategyContext(search({ techniques: ["dropout"], space: wide })).inside, ["hiddenDropout"]);
  assert.deepEqual(strategyContext(search({ space: { learningRate: space.learningRate } })).inside, []);
});
