/** What a strategy needs of its budget, at the least that is enough and one below: the latter is refused at its path before anything starts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, Direction, type Parameter, Scale } from "@regulus/proto";
import { createSpace, type StrategyContext } from "../core/index.js";
import { strategies } from "./index.js";

const double = (name: string): Parameter => {
  return { name, domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined };
};

interface Case {
  readonly strategy: string;
  readonly options?: object;
  readonly budget?: Partial<Budget>;
  readonly context?: Partial<StrategyContext>;
}

function refusals({ strategy, options = {}, budget, context }: Case): readonly string[] {
  const { spec } = strategies.get(strategy) ?? assert.fail(`${strategy} is registered`);
  const whole: StrategyContext = {
    space: createSpace([double("rate"), double("inputDropout")]),
    objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...budget },
    parallelism: 3,
    inside: ["inputDropout"],
    plainProcedure: "fit",
    ...context,
  };
  return (spec.problems?.(whole, spec.options.parse(options)) ?? []).map(({ field }) => field);
}

test("asha's rungs lie within a trial's steps", () => {
  const asha = (options: object, stepsPerTrial: number) => refusals({ strategy: "asha", options, budget: { stepsPerTrial } });
  assert.deepEqual(asha({ maxSteps: 81 }, 81), []);
  assert.deepEqual(asha({ maxSteps: 82 }, 81), ["strategy.options.maxSteps"]);
  assert.deepEqual(asha({ maxSteps: 82 }, 0), [], "without a limit of steps any number will do");
  assert.deepEqual(asha({ minSteps: 81 }, 81), []);
  assert.deepEqual(asha({ minSteps: 82 }, 81), ["strategy.options.minSteps"]);
  assert.deepEqual(asha({ minSteps: 10, maxSteps: 9 }, 0), ["strategy.options.minSteps"]);
  assert.deepEqual(asha({ minSteps: 10 }, 0), ["budget.stepsPerTrial"]);
  const incumbents = [{ rate: 0.5, inputDropout: 1 }, { rate: 0.5 }, { rate: 2, inputDropout: 0, more: 1 }];
  assert.deepEqual(asha({ incumbents }, 81), [
    "strategy.options.incumbents[1]",
    "strategy.options.incumbents[2]",
    "strategy.options.incumbents[2]",
  ]);
});

test("a population has a trial and a step for each member and replay", () => {
  const stn = (budget: Partial<Budget>, options: object, context: Partial<StrategyContext> = {}) =>
    refusals({ strategy: "self-tuning-network", options, budget, context });
  assert.deepEqual(stn({ stepsPerTrial: 9, trials: 6 }, { population: 4, replays: 2 }), []);
  assert.deepEqual(stn({ stepsPerTrial: 9, trials: 5 }, { population: 4, replays: 2 }), ["strategy.options.population"]);
  assert.deepEqual(stn({ steps: 6 }, { population: 4, replays: 2 }), []);
  assert.deepEqual(stn({ steps: 5 }, { population: 4, replays: 2 }), ["budget.steps"]);
  assert.deepEqual(stn({ steps: 1, stepsPerTrial: 1 }, { population: 4 }), [], "steps of a trial are not shared out");
  assert.deepEqual(stn({}, {}), ["budget.stepsPerTrial"]);
  assert.deepEqual(stn({ steps: 9 }, {}, { plainProcedure: "command", inside: [] }), ["command"]);
  assert.deepEqual(stn({ steps: 9 }, {}, { inside: [] }), ["techniques"]);
  const kind: Parameter = { name: "kind", domain: { $case: "boolean", value: {} }, when: undefined };
  const when = (name: string, parameter: string) => ({
    space: createSpace([kind, double("inputDropout"), { ...double(name), when: { parameter, equals: [true] } }]),
  });
  assert.deepEqual(stn({ steps: 9 }, {}, when("rate", "kind")), []);
  assert.deepEqual(stn({ steps: 9 }, {}, when("rate", "inputDropout")), ["space[2].when"]);
  assert.deepEqual(stn({ steps: 9 }, {}, { ...when("other", "kind"), inside: ["other"] }), ["space[2].when"]);
});

test("bilevel rounds have a trial for each shard and one for the end, and lower a loss", () => {
  for (const strategy of ["maid", "hoag"]) {
    const rounds = (trials: number, options: object, context: Partial<StrategyContext> = {}) =>
      refusals({ strategy, options, budget: { trials }, context });
    assert.deepEqual(rounds(4, {}), [], "three at once make three shards");
    assert.deepEqual(rounds(3, {}), ["budget.trials"]);
    assert.deepEqual(rounds(6, { shards: 5 }), []);
    assert.deepEqual(rounds(5, { shards: 5 }), ["budget.trials"]);
    assert.deepEqual(rounds(0, { shards: 5 }), []);
    const objectives = [{ metric: "x", direction: Direction.DIRECTION_MAXIMIZE }];
    assert.deepEqual(rounds(0, {}, { objectives }), ["objectives[0].direction"]);
  }
});

test("a grid has at most as many points as a search may have trials, unless the budget takes the first ones", () => {
  const axes = (count: number) => ({ space: createSpace(Array.from({ length: count }, (_, at) => double(`x${at}`))) });
  const grid = (count: number, options: object, budget: Partial<Budget> = {}) =>
    refusals({ strategy: "grid", options, budget, context: axes(count) });
  // 10^7 trials are the most that a search may have.
  assert.deepEqual(grid(7, { steps: 10 }), []);
  assert.deepEqual(grid(7, { steps: { x0: 11, x1: 10, x2: 10, x3: 10, x4: 10, x5: 10, x6: 10 } }), ["strategy.options.steps"]);
  assert.deepEqual(grid(8, { steps: 10 }, { trials: 5 }), []);
  const wide = (max: number) =>
    ({ name: "n", domain: { $case: "int", value: { min: 1, max, scale: Scale.SCALE_LINEAR } }, when: undefined }) as const;
  const ints = (max: number) => refusals({ strategy: "grid", context: { space: createSpace([wide(max)]) } });
  assert.deepEqual([ints(10_000), ints(10_001)], [[], ["strategy.options.steps.n"]]);
});
