/** What the strategy of self-tuning networks does beyond the conformance suite. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, Direction, type Parameter, Scale } from "@regulus/proto";
import { createRng, createSpace, type StrategyContext } from "../../core/index.js";
import { module } from "./self-tuning-network.js";

const double = (name: string, min: number, max: number): Parameter => {
  return { name, domain: { $case: "double", value: { min, max, scale: Scale.SCALE_LINEAR } }, when: undefined };
};

function contextOf(
  budget: Partial<Budget>,
  parameters: readonly Parameter[] = [double("rate", 0, 1), double("inputDropout", 0, 0.9)],
): StrategyContext {
  return {
    space: createSpace(parameters),
    objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...budget },
    parallelism: 1,
    inside: ["inputDropout"],
    plainProcedure: "fit",
  };
}

function starts(context: StrategyContext, options: unknown) {
  const strategy = module.create(context, module.spec.options.parse(options));
  return strategy.ask(strategy.init(), 100, createRng(1)).flatMap((one) => (one.kind === "start" ? [one] : []));
}

test("one member by default: it learns what is inside and is given the rest", () => {
  const [member, ...others] = starts(contextOf({ stepsPerTrial: 12_000 }), { entropyWeight: 0.01 });
  assert.equal(others.length, 0);
  assert.equal(member?.procedure, "self-tune");
  assert.deepEqual(Object.keys(member?.parameters ?? {}), ["rate"]);
  assert.equal(member?.untilStep, 12_000);
  assert.equal(member?.final, true);
  assert.equal(member?.options?.entropyWeight, 0.01);
  assert.equal(member?.options?.warmUpSteps, 400);
  assert.equal(member?.options?.population, undefined);
});

test("members share a budget of steps and begin at places of their own", () => {
  const members = starts(contextOf({ steps: 3000 }), { population: 3, copyShare: 0 });
  assert.deepEqual(
    members.map(({ untilStep }) => untilStep),
    [1000, 1000, 1000],
  );
  assert.deepEqual(
    members.map(({ options }) => options?.warmUpSteps),
    [100, 100, 100],
    "a tenth of a short run",
  );
  assert.equal(members[0]?.options?.initial, undefined);
  const places = members.slice(1).map(({ options }) => JSON.stringify(options?.initial));
  assert.equal(new Set(places).size, 2);
  for (const place of places) assert.match(place, /^\{"inputDropout":0\.\d+\}$/);
});

test("replays have their share of a budget of steps, and of no budget of a trial", () => {
  const until = (budget: Partial<Budget>) =>
    starts(contextOf(budget), { population: 3, replays: 2, copyShare: 0 }).map(({ untilStep }) => untilStep);
  assert.deepEqual(until({ steps: 3004 }), [600, 600, 600]);
  assert.deepEqual(until({ steps: 3004, stepsPerTrial: 900 }), [900, 900, 900]);
});

test("searches that it can do nothing with are refused", () => {
  const fields = (context: StrategyContext, options: unknown = {}) =>
    (module.spec.problems?.(context, module.spec.options.parse(options)) ?? []).map(({ field }) => field);
  assert.deepEqual(fields(contextOf({ steps: 100 })), []);
  assert.deepEqual(fields({ ...contextOf({ steps: 100 }), inside: [] }), ["techniques"]);
  assert.deepEqual(fields(contextOf({ steps: 3 }), { population: 4 }), ["budget.steps"]);
  assert.deepEqual(fields(contextOf({ stepsPerTrial: 9, trials: 2 }), { population: 4 }), ["strategy.options.population"]);
  const kind: Parameter = { name: "kind", domain: { $case: "boolean", value: {} }, when: undefined };
  const switched = { ...double("inputDropout", 0, 0.9), when: { parameter: "kind", equals: [true] } };
  assert.deepEqual(fields(contextOf({ steps: 100 }, [kind, switched])), ["space[1].when"]);
});
