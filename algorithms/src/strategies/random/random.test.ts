/** What random search does beyond the conformance suite. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, Scale } from "@regulus/proto";
import { createRng, createSpace, type StrategyContext } from "../../core/index.js";
import { module } from "./random.js";

const context: StrategyContext = {
  space: createSpace([
    {
      name: "x",
      domain: { $case: "double", value: { min: 1e-4, max: 1, scale: Scale.SCALE_LOG } },
      initial: 0.02,
      when: undefined,
    },
    { name: "y", domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined },
  ]),
  objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
  budget: { trials: 1000, steps: 0, stepsPerTrial: 500, wallTimeMs: 0 },
  parallelism: 1,
  inside: [],
  plainProcedure: "command",
};

test("the first trial has the initial values, the others fill the space along its scales", () => {
  const strategy = module.create(context, {});
  const starts = strategy.ask(strategy.init(), 1000, createRng(1)).flatMap((one) => (one.kind === "start" ? [one] : []));
  assert.equal(starts.length, 1000);
  assert.equal(starts[0]?.parameters.x, 0.02);
  assert.deepEqual(
    { ...starts[5], parameters: {} },
    { kind: "start", procedure: "command", parameters: {}, untilStep: 500, final: true },
  );
  // Half of the logarithms lie below the middle, 0.01: 500 with deviation 16, 4.9 of them (one seed in a million).
  const low = starts.filter(({ parameters }) => Number(parameters.x) < 0.01).length;
  assert.ok(Math.abs(low - 500) < 78, `${low} of 1000`);
});

test("trials that tune inside get the options of the search", () => {
  const plainOptions = { warmUpSteps: 50 };
  const strategy = module.create({ ...context, plainProcedure: "self-tune", plainOptions }, {});
  const [first] = strategy.ask(strategy.init(), 1, createRng(1));
  assert.ok(first?.kind === "start");
  assert.deepEqual([first.procedure, first.options], ["self-tune", plainOptions]);
});

test("another seed tries something else, the same seed the same", () => {
  const strategy = module.create(context, {});
  const ask = (seed: number) => strategy.ask(strategy.init(), 10, createRng(seed));
  assert.deepEqual(ask(5), ask(5));
  assert.notDeepEqual(ask(5).slice(1), ask(6).slice(1));
});
