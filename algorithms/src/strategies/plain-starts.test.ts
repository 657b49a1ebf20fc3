/** How strategies begin plain trials: with the procedure and the options that the search gives, from the sampler that it names, as many as there are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, Direction, type Parameter, Scale } from "@regulus/proto";
import { createRng, createSampler, createSpace, type StrategyContext } from "../core/index.js";
import { strategies } from "./index.js";

const budgetOf = (more: Partial<Budget>): Budget => ({ trials: 0, steps: 0, stepsPerTrial: 81, wallTimeMs: 0, ...more });
const double = (name: string): Parameter => {
  return { name, domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined };
};
const kind: Parameter = { name: "kind", domain: { $case: "boolean", value: {} }, when: undefined };
const context: StrategyContext = {
  space: createSpace([double("x"), double("y")]),
  objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
  budget: budgetOf({}),
  parallelism: 2,
  inside: [],
  plainProcedure: "command",
};

function starts(name: string, more: Partial<StrategyContext> = {}, options: object = {}, limit = 20) {
  const { spec, create } = strategies.get(name) ?? assert.fail(`${name} is registered`);
  const strategy = create({ ...context, ...more }, spec.options.parse(options));
  return strategy.ask(strategy.init(), limit, createRng(7)).flatMap((one) => (one.kind === "start" ? [one] : []));
}
const plain = ["random", "sobol", "grid", "asha"];

test("plain trials get the procedure and the options of the search, and none where it has none", () => {
  for (const name of plain) {
    const plainOptions = { warmUpSteps: 50 };
    for (const start of starts(name, { plainProcedure: "self-tune", plainOptions })) {
      assert.deepEqual([start.procedure, start.options], ["self-tune", plainOptions], name);
    }
    const own = starts(name);
    assert.equal(own.length, 20, name);
    for (const start of own) assert.deepEqual([start.procedure, "options" in start], ["command", false], name);
  }
});

test("trials end at the steps of the budget, asha's at its first rung unless that is the last", () => {
  const until = (name: string, options: object = {}, stepsPerTrial = 81) =>
    starts(name, { budget: budgetOf({ stepsPerTrial }) }, options, 1).map(({ untilStep, final }) => [untilStep, final]);
  for (const name of ["random", "sobol", "grid"]) {
    assert.deepEqual(until(name), [[81, true]], name);
    assert.deepEqual(until(name, {}, 0), [[0, true]], "without a limit of steps it ends by itself");
  }
  assert.deepEqual(until("asha"), [[3, false]]);
  assert.deepEqual(until("asha", { minSteps: 81 }), [[81, true]]);
});

test("a budget of trials, the limit that was asked for and what there is to try bound the starts", () => {
  for (const name of plain) {
    const count = (limit: number, trials: number, more: Partial<StrategyContext> = {}) =>
      starts(name, { budget: budgetOf({ trials }), ...more }, {}, limit).length;
    assert.deepEqual([count(0, 9), count(5, 9), count(12, 9), count(12, 0)], [0, 5, 9, 12], name);
    const finite = { space: createSpace([kind]) };
    assert.equal(count(12, 9, finite), 2, name);
    const repeated = name === "grid" ? 2 : 9;
    assert.equal(count(12, 9, { ...finite, plainOptions: {} }), repeated, "what is learned inside differs each time");
  }
});

test("a grid has five values of a double that its map does not name", () => {
  const points = starts("grid", {}, { steps: { x: 2 } });
  assert.deepEqual([points.length, new Set(points.map(({ parameters }) => parameters.y)).size], [10, 5]);
});

test("trials that are told of once more, or late, are counted once", () => {
  for (const name of plain) {
    const { spec, create } = strategies.get(name) ?? assert.fail(name);
    const strategy = create(context, spec.options.parse({}));
    const state = [0, 1, 2, 0].reduce(
      (told, trial, at) =>
        strategy.tell(told, {
          searchId: "s",
          position: at + 1,
          timeMs: 0,
          kind: { $case: "trialProposed", value: { trial, work: undefined } },
        }),
      strategy.init(),
    );
    const [next] = strategy.ask(state, 1, createRng(7));
    assert.deepEqual(next, { ...starts(name, {}, {}, 4)[3] }, name);
  }
});

test("a strategy says how many configurations there are where trials are plain, and no end of them otherwise", () => {
  const count = (name: string, more: Partial<StrategyContext>, options: object = {}) => {
    const { spec } = strategies.get(name) ?? assert.fail(name);
    return spec.configurations?.({ ...context, ...more }, spec.options.parse(options));
  };
  const finite = { space: createSpace([kind]) };
  for (const name of ["random", "sobol", "asha"]) {
    assert.deepEqual(
      [count(name, finite), count(name, { ...finite, plainOptions: {} }), count(name, {})],
      [2, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      name,
    );
  }
  assert.equal(count("asha", finite, { incumbents: [{ kind: true }, { kind: true }] }), 3);
  assert.equal(count("grid", {}), 25);
});

test("asha draws what its sampler draws, behind the configurations that it is given", () => {
  for (const sampler of ["random", "sobol"] as const) {
    const sample = createSampler(sampler, context.space);
    const incumbents = [{ x: 0.25, y: 1 }];
    const found = starts("asha", {}, { sampler, incumbents }, 6).map(({ parameters }) => parameters);
    assert.deepEqual(found, [...incumbents, ...[1, 2, 3, 4, 5].map((trial) => sample(trial, createRng(7)))], sampler);
    const alone = starts(sampler, {}, {}, 6).map(({ parameters }) => parameters);
    assert.deepEqual(
      starts("asha", {}, { sampler }, 6).map(({ parameters }) => parameters),
      alone,
      sampler,
    );
  }
});
