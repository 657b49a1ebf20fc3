/** What grid search does beyond the conformance suite: its points and their order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, Direction, type Parameter, Scale } from "@regulus/proto";
import { createRng, createSpace, type StrategyContext } from "../../core/index.js";
import { module } from "./grid.js";

const double = (name: string, min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter => {
  return { name, domain: { $case: "double", value: { min, max, scale } }, when: undefined };
};
const int = (name: string, min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter => {
  return { name, domain: { $case: "int", value: { min, max, scale } }, when: undefined };
};
const choice: Parameter = { name: "kind", domain: { $case: "categorical", value: { choices: ["a", "b"] } }, when: undefined };
const unlimited: Budget = { trials: 0, steps: 0, stepsPerTrial: 10, wallTimeMs: 0 };

function contextOf(parameters: readonly Parameter[], budget = unlimited): StrategyContext {
  const objectives = [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }];
  return { space: createSpace(parameters), objectives, budget, parallelism: 1, inside: [], plainProcedure: "fit" };
}

function tried(context: StrategyContext, options: unknown) {
  const strategy = module.create(context, module.spec.options.parse(options));
  return strategy.ask(strategy.init(), 1000, createRng(1)).flatMap((one) => (one.kind === "start" ? [one.parameters] : []));
}

test("the last parameter turns fastest; both ends of a range are there", () => {
  assert.deepEqual(tried(contextOf([choice, double("x", 0, 1)]), { steps: 3 }), [
    { kind: "a", x: 0 },
    { kind: "a", x: 0.5 },
    { kind: "a", x: 1 },
    { kind: "b", x: 0 },
    { kind: "b", x: 0.5 },
    { kind: "b", x: 1 },
  ]);
});

test("values are even along the scale, by name where named; ints have all of theirs unless named", () => {
  const points = tried(
    contextOf([double("rate", 1e-4, 1e-2, Scale.SCALE_LOG), int("n", 1, 3), int("wide", 1, 1000, Scale.SCALE_LOG)]),
    {
      steps: { rate: 3, wide: 4 },
    },
  );
  assert.equal(points.length, 3 * 3 * 4);
  assert.deepEqual([...new Set(points.map(({ rate }) => rate))], [1e-4, 1e-3, 1e-2]);
  assert.deepEqual([...new Set(points.map(({ wide }) => wide))], [1, 10, 100, 1000]);
});

test("a range with a step has all of its steps, in decimals, and a list switches on what hangs on it", () => {
  const stepped: Parameter = {
    name: "rate",
    domain: { $case: "double", value: { min: 0, max: 0.35, scale: Scale.SCALE_LINEAR, step: 0.1 } },
    when: { parameter: "layers", equals: [[64, 32]] },
  };
  const layers: Parameter = {
    name: "layers",
    domain: { $case: "categorical", value: { choices: [null, [64, 32]] } },
    when: undefined,
  };
  assert.deepEqual(tried(contextOf([layers, stepped]), {}), [
    { layers: null },
    ...[0, 0.1, 0.2, 0.3].map((rate) => ({ layers: [64, 32], rate })),
  ]);
  assert.deepEqual(tried(contextOf([{ ...stepped, when: undefined }]), { steps: { rate: 2 } }), [{ rate: 0 }, { rate: 0.3 }]);
});

test("parameters that are switched off multiply nothing", () => {
  const dependent = { ...int("n", 1, 3), when: { parameter: "kind", equals: ["b"] } };
  const points = tried(contextOf([choice, dependent]), {});
  assert.deepEqual(points, [{ kind: "a" }, { kind: "b", n: 1 }, { kind: "b", n: 2 }, { kind: "b", n: 3 }]);
});

test("one step is the middle, and a budget of trials takes the first points", () => {
  assert.deepEqual(tried(contextOf([double("x", 0, 1)]), { steps: 1 }), [{ x: 0.5 }]);
  assert.deepEqual(tried(contextOf([double("x", 0, 1)], { ...unlimited, trials: 2 }), { steps: 5 }), [{ x: 0 }, { x: 0.25 }]);
});

test("grids that are too large, or name what is not there, are refused", () => {
  const problems = (parameters: readonly Parameter[], options: unknown) =>
    module.spec.problems?.(contextOf(parameters), module.spec.options.parse(options)) ?? [];
  const many = Array.from({ length: 12 }, (_, at) => double(`x${at}`, 0, 1));
  assert.match(problems(many, {})[0]?.seen ?? "", /a grid of 244140625 points/);
  assert.equal(problems([int("n", 1, 1_000_000)], {})[0]?.field, "strategy.options.steps.n");
  assert.deepEqual(problems([int("n", 1, 1_000_000)], { steps: { n: 10 } }), []);
  assert.equal(problems([choice], { steps: { x: 3 } })[0]?.expected, "one of kind");
});
