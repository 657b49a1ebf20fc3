/** The control arm: its share, and that both arms do exactly what they would do alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, Direction, type Parameter, Scale } from "@regulus/proto";
import type { Driven } from "../conformance/driven-search.js";
import { testStrategy } from "../conformance/strategy.js";
import { driveStrategy } from "../conformance/strategy-driver.js";
import { createRng, createSpace, type Strategy, type StrategyContext, type StrategyModule } from "../core/index.js";
import { sharesOf, withControlArm } from "./control-arm.js";
import { strategies } from "./index.js";

const random = strategies.get("random") ?? assert.fail("random search is registered");
const budgetOf = (more: Partial<Budget>): Budget => ({ trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...more });

/** A strategy with a fifth of its budget for random search, as a strategy like others. */
function controlled(name: string): StrategyModule<unknown> {
  const module = strategies.get(name) ?? assert.fail(`${name} is registered`);
  const claims = { ...module.spec.claims, beatsRandom: false };
  return {
    spec: { ...module.spec, endsByItself: false, claims },
    create: (context, options) => armed(module, context, options, 0.2),
  };
}

function armed(module: StrategyModule<unknown>, context: StrategyContext, options: unknown, share: number): Strategy<object> {
  const shares = sharesOf(context.budget, share) ?? assert.fail("the budget can be shared");
  const control = random.create({ ...context, budget: shares.control, inside: [], plainProcedure: "fit" }, {});
  return withControlArm(module.create({ ...context, budget: shares.own }, options), control, shares);
}

for (const name of ["asha", "self-tuning-network"]) {
  testStrategy(controlled(name), random, { name: "with a control arm", options: name === "asha" ? {} : { population: 4 } });
}

const double = (name: string): Parameter => {
  return { name, domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined };
};
const context: StrategyContext = {
  space: createSpace([double("rate"), double("inputDropout")]),
  objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
  budget: budgetOf({ steps: 3000, stepsPerTrial: 200 }),
  parallelism: 4,
  inside: ["inputDropout"],
  plainProcedure: "fit",
};
const drive = (strategy: Strategy<object>, agents: number, orderSeed: number): Driven<object> =>
  driveStrategy({ strategy, context, seed: 5, agents, orderSeed, metrics: (_, __, { weights }) => ({ validLoss: weights }) });
const trained = ({ facts, trials }: Driven<object>, arm: string) =>
  facts
    .flatMap(({ kind }) => (kind?.$case === "trialProposed" && kind.value.work?.arm === arm ? [kind.value.trial] : []))
    .map((trial) => JSON.stringify([trials[trial]?.configuration, trials[trial]?.weights]))
    .sort();

test("the control arm gets whole trials of its share, the strategy the rest", () => {
  assert.deepEqual(sharesOf(budgetOf({ trials: 20, stepsPerTrial: 9 }), 0.2), {
    own: budgetOf({ trials: 16, stepsPerTrial: 9 }),
    control: budgetOf({ trials: 4, stepsPerTrial: 9 }),
  });
  assert.deepEqual(sharesOf(budgetOf({ steps: 1000, stepsPerTrial: 90 }), 0.2), {
    own: budgetOf({ steps: 820, stepsPerTrial: 90 }),
    control: budgetOf({ trials: 2, stepsPerTrial: 90 }),
  });
  assert.deepEqual(sharesOf(budgetOf({ steps: 1000 }), 0.3)?.control, budgetOf({ trials: 1, stepsPerTrial: 300 }));
  assert.equal(sharesOf(budgetOf({ steps: 1000, stepsPerTrial: 300 }), 0.2), undefined, "pays for no trial");
  assert.equal(sharesOf(budgetOf({ trials: 2 }), 0.9), undefined, "leaves none");
  assert.equal(sharesOf(budgetOf({ stepsPerTrial: 300 }), 0.2), undefined, "nothing to share");
});

test("both arms train exactly what they would train alone, on any number of agents", () => {
  const stn = strategies.get("self-tuning-network") ?? assert.fail("it is registered");
  const options = stn.spec.options.parse({ population: 4, copyEverySteps: 50, replays: 1 });
  const shares = sharesOf(context.budget, 0.2) ?? assert.fail("the budget can be shared");
  const alone = drive(stn.create({ ...context, budget: shares.own }, options), 3, 1);
  for (const [agents, orderSeed] of [
    [1, 1],
    [2, 7],
    [5, 3],
  ] as const) {
    const both = drive(armed(stn, context, options, 0.2), agents, orderSeed);
    assert.deepEqual(trained(both, ""), trained(alone, ""));
    assert.deepEqual(trained(both, "replay"), trained(alone, "replay"));
    assert.equal(trained(both, "control").length, 3, "200 steps each of 600");
    assert.deepEqual(trained(both, "control"), trained(drive(armed(stn, context, options, 0.2), 4, 11), "control"));
  }
});

test("over a finite space each arm tries what there is, as alone, and the search ends where both have", () => {
  const kind: Parameter = {
    name: "kind",
    domain: { $case: "int", value: { min: 1, max: 12, scale: Scale.SCALE_LINEAR } },
    when: undefined,
  };
  const finite = { ...context, space: createSpace([kind]), inside: [] };
  const tried = ({ facts }: Driven<object>, arm: string) =>
    facts.flatMap(({ kind: fact }) => {
      const work = fact?.$case === "trialProposed" ? fact.value.work : undefined;
      return work?.arm === arm ? [Number(work.parameters?.kind)] : [];
    });
  // Of the budget one arm, the other, or both have more than the space holds.
  for (const [trials, share, own, control] of [
    [20, 0.2, 12, 4],
    [30, 0.6, 12, 12],
    [15, 0.9, 1, 12],
    [100, 0.5, 12, 12],
  ] as const) {
    for (const name of ["random", "sobol", "asha", "grid"]) {
      const module = strategies.get(name) ?? assert.fail(`${name} is registered`);
      const budget = budgetOf({ trials, stepsPerTrial: 81 });
      const strategy = armed(module, { ...finite, budget }, module.spec.options.parse({}), share);
      for (const [agents, orderSeed] of [
        [1, 1],
        [3, 2],
        [50, 3],
      ] as const) {
        const metrics = () => ({ validLoss: 1 });
        const driven = driveStrategy({ strategy, context: { ...finite, budget }, seed: 5, agents, orderSeed, metrics });
        for (const [arm, count] of [
          ["", own],
          ["control", control],
        ] as const) {
          assert.equal(tried(driven, arm).length, count, `${name}: ${count} trials of the arm "${arm}"`);
          assert.equal(new Set(tried(driven, arm)).size, count, "all of them different");
        }
        assert.deepEqual(strategy.ask(driven.state, agents, createRng(5)), [], "nothing more is wanted");
      }
    }
  }
});

test("the control arm keeps pace with the strategy, and fills slots that it leaves idle", () => {
  const starts = (limit: number) => {
    const strategy = armed(random, { ...context, budget: budgetOf({ trials: 20, stepsPerTrial: 10 }) }, {}, 0.25);
    return drive(strategy, limit, 1).facts.flatMap(({ kind }) => (kind?.$case === "trialProposed" ? [kind.value.work?.arm] : []));
  };
  const arms = starts(1);
  assert.equal(arms.length, 20);
  assert.equal(arms.filter((arm) => arm === "control").length, 5);
  const half = arms.slice(0, 10).filter((arm) => arm === "control").length;
  assert.ok(half >= 2 && half <= 3, `${half} of the first ten`);
});
