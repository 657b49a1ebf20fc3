/** What quasi-random search does beyond the conformance suite. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, type Parameter, Scale } from "@regulus/proto";
import { createRng, createSpace, type StrategyContext } from "../../core/index.js";
import { module } from "./sobol.js";

const x: Parameter = {
  name: "x",
  domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } },
  when: undefined,
};
const n: Parameter = {
  name: "n",
  domain: { $case: "int", value: { min: 0, max: 7, scale: Scale.SCALE_LINEAR } },
  when: undefined,
};

function contextOf(parameters: readonly Parameter[]): StrategyContext {
  return {
    space: createSpace(parameters),
    objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps: 0, stepsPerTrial: 10, wallTimeMs: 0 },
    parallelism: 1,
    inside: [],
    plainProcedure: "fit",
  };
}

function tried(context: StrategyContext, count: number, seed: number) {
  const strategy = module.create(context, {});
  return strategy.ask(strategy.init(), count, createRng(seed)).flatMap((one) => (one.kind === "start" ? [one.parameters] : []));
}

test("64 trials meet each eighth of one parameter with each value of another exactly once", () => {
  const pairs = tried(contextOf([x, n]), 64, 3).map((values) => `${Math.floor(Number(values.x) * 8)} ${values.n}`);
  assert.equal(new Set(pairs).size, 64);
});

test("the seed scrambles, and an initial configuration comes before the sequence", () => {
  const plain = tried(contextOf([x]), 4, 1);
  assert.notDeepEqual(tried(contextOf([x]), 4, 2), plain);
  const begun = tried(contextOf([{ ...x, initial: 0.5 }]), 5, 1);
  assert.deepEqual(begun, [{ x: 0.5 }, ...plain]);
});

test("a space wider than the table is refused", () => {
  const wide = Array.from({ length: 1001 }, (_, at) => ({ ...x, name: `x${at}` }));
  const problems = module.spec.problems?.(contextOf(wide), {}) ?? [];
  assert.deepEqual(problems, [{ field: "space", seen: "1001 parameters", expected: "at most 1000 for sobol" }]);
  assert.deepEqual(module.spec.problems?.(contextOf([x]), {}), []);
});
