/** Strategies that move a workload's own variables: every trial has the space's parameters at their initial values, or in the middle of their ranges. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, type Parameter, Scale } from "@regulus/proto";
import { createRng, createSpace, type StrategyContext } from "../core/index.js";
import { strategies } from "./index.js";

const double = (name: string, min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter => {
  return { name, domain: { $case: "double", value: { min, max, scale } }, when: undefined };
};
const kind: Parameter = { name: "kind", domain: { $case: "categorical", value: { choices: ["a", "b", "c"] } }, when: undefined };
const parameters: readonly Parameter[] = [
  { ...double("given", 0, 1), initial: 0.125 },
  double("share", 2, 6),
  double("rate", 1e-4, 1, Scale.SCALE_LOG),
  kind,
  { ...double("there", 0, 2), when: { parameter: "kind", equals: ["b"] } },
  { ...double("absent", 0, 2), when: { parameter: "kind", equals: ["a"] } },
];
const context: StrategyContext = {
  space: createSpace(parameters),
  objectives: [{ metric: "upperLoss", direction: Direction.DIRECTION_MINIMIZE }],
  budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 },
  parallelism: 2,
  inside: [],
  plainProcedure: "fit",
};
const procedures = { maid: "respond", hoag: "respond", "bo-rep": "stochastic-oracle" };

for (const [name, procedure] of Object.entries(procedures)) {
  test(`${name} begins by asking what the workload is, of one trial with the space's parameters`, () => {
    const { spec, create } = strategies.get(name) ?? assert.fail(`${name} is registered`);
    const strategy = create(context, spec.options.parse({}));
    assert.deepEqual(strategy.ask(strategy.init(), 0, createRng(1)), []);
    const [first, ...others] = strategy.ask(strategy.init(), 9, createRng(1));
    assert.equal(others.length, 0);
    assert.ok(first?.kind === "start");
    const { rate, ...exact } = first.parameters;
    assert.deepEqual(exact, { given: 0.125, share: 4, kind: "b", there: 1 });
    assert.ok(Math.abs(Number(rate) / 0.01 - 1) < 1e-12);
    assert.deepEqual([first.procedure, first.untilStep, first.final], [procedure, 1, false]);
  });
}
