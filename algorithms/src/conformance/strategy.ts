/**
 * Conformance suite of a strategy; `strategy.test.ts` runs it over each registered one. Searches are driven in memory, from fixed
 * seeds, so that a verdict never changes by chance.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Budget, Fact } from "@regulus/proto";
import { procedureSpecs } from "../catalog/index.js";
import {
  type Configuration,
  createRng,
  createSpace,
  type Strategy,
  type StrategyContext,
  type StrategyModule,
} from "../core/index.js";
import { bestLast, type Drive, type Driven, type Outcome } from "./driven-search.js";
import { driveStrategy } from "./strategy-driver.js";
import {
  categorical,
  common,
  curveContext,
  int,
  learnedAt,
  learningCurve,
  problemsFor,
  simpleLoss,
} from "./strategy-problems.js";

const noBudget: Budget = { trials: 0, steps: 0, stepsPerTrial: 81, wallTimeMs: 0 };

/** Options of a strategy under which the suite runs too, since much of what it does is switched off by default. */
export interface StrategyVariant {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Registers the suite for one strategy. `random` is the yardstick of the claim to beat it. */
export function testStrategy(
  registered: StrategyModule<unknown>,
  random: StrategyModule<unknown>,
  variant?: StrategyVariant,
): void {
  const module = variant === undefined ? registered : withOptions(registered, variant.options);
  const { spec } = module;
  describe(`strategy ${spec.name}${variant === undefined ? "" : `, ${variant.name}`}`, () => {
    for (const { name, context } of problemsFor(spec)) {
      const drive = (more: Partial<Drive<object>> = {}) => driveStrategy({ ...searchOf(module, context), ...more });
      describe(name, () => {
        test("asked twice, it answers the same, and its state is as before", () => asksPurely(drive, module, context));
        test("a replayed search asks the same", () => replays(drive, module, context));
        test("its state survives serialization after every fact", () => survivesSerialization(drive));
        test("it starts no more than it was asked for, and ends with the budget", () => keepsLimits(drive, module, context));
        test("its procedures understand the options that it sends", () => sendsKnownOptions(drive));
        test("failed, lost, silent and late trials are survived", () => survivesFailures(drive));
        test("failed trials that are retried are survived", () => survivesRetries(drive));
        test("more budget is taken up where it was, as if it had been there from the start", () =>
          takesMoreBudget(drive, module, context));
        test("repeated and misplaced facts are survived", () => survivesDisorder(drive, module, context));
        if (spec.claims.orderFree) {
          test("agents and arrivals change nothing of what is tried (claimed)", () => isOrderFree(drive));
        }
      });
    }
    if (spec.configurations !== undefined) test("it goes through a small space once, and ends", () => exhausts(module));
    if (spec.endsByItself) test("it ends without a budget of trials", () => endsByItself(module));
    if (spec.claims.beatsRandom) test("it beats random search at equal steps (claimed)", () => beatsRandom(module, random));
    test("it bears 20,000 trials", () => bearsMany(module));
  });
}

/** The strategy with other defaults. */
function withOptions(module: StrategyModule<unknown>, options: StrategyVariant["options"]): StrategyModule<unknown> {
  return { ...module, create: (context) => module.create(context, module.spec.options.parse(options)) };
}

type DriveWith = (more?: Partial<Drive<object>>) => Driven<object>;

function asksPurely(drive: DriveWith, module: StrategyModule<unknown>, context: StrategyContext): void {
  const strategy = create(module, context);
  drive({
    beforeAsk: (state) => {
      const before = structuredClone(state);
      const answer = strategy.ask(state, 3, createRng(7));
      assert.deepEqual(state, before, "ask changed the state");
      assert.deepEqual(strategy.ask(before, 3, createRng(7)), answer, "a second ask differed");
    },
  });
}

function replays(drive: DriveWith, module: StrategyModule<unknown>, context: StrategyContext): void {
  const driven = drive();
  const strategy = create(module, context);
  const replayed = driven.facts.reduce((state, fact) => strategy.tell(state, fact), strategy.init());
  assert.deepEqual(replayed, driven.state);
  const again = drive();
  assert.deepEqual(again.facts, driven.facts);
}

function survivesSerialization(drive: DriveWith): void {
  const plain = drive();
  const throughJson = drive({ afterTell: (state) => JSON.parse(JSON.stringify(state)) });
  assert.deepEqual(throughJson.facts, plain.facts, "a state that went through JSON asks otherwise");
  const cloned = drive({ afterTell: (state) => structuredClone(state) });
  assert.deepEqual(cloned.facts, plain.facts, "a cloned state asks otherwise");
}

function keepsLimits(drive: DriveWith, module: StrategyModule<unknown>, context: StrategyContext): void {
  // The driver stops at an answer beyond the limit or the budget.
  for (const agents of [1, 2, 5, 64]) {
    const { trials } = drive({ agents });
    assert.ok(trials.length > 0, "something was tried");
    assert.ok(
      trials.some(({ status }) => status === "ended"),
      "some trial was brought to its end",
    );
  }
  const strategy = create(module, context);
  assert.deepEqual(strategy.ask(strategy.init(), 0, createRng(1)), [], "asked for nothing, it proposes nothing");
}

function sendsKnownOptions(drive: DriveWith): void {
  const works = drive().facts.flatMap(({ kind }) => {
    return kind?.$case === "trialProposed" || kind?.$case === "trialResumed" ? [kind.value.work] : [];
  });
  for (const work of works) {
    const procedure = procedureSpecs.get(work?.procedure ?? "");
    assert.ok(procedure !== undefined, `the procedure ${work?.procedure} is registered`);
    procedure.options.parse(work?.options ?? {});
  }
}

function survivesFailures(drive: DriveWith): void {
  const outcomes: readonly Outcome[] = ["reaches", "diverges", "is-lost", "is-silent", "fails"];
  for (const seed of [1, 2, 3]) {
    const root = createRng(seed);
    const outcome = (trial: number, step: number): Outcome =>
      outcomes[root.fork(trial, step).integer(outcomes.length)] ?? "fails";
    const { trials } = drive({ outcome, orderSeed: seed, agents: 4 });
    assert.ok(trials.every(({ status }) => status !== "running"));
  }
  const { trials } = drive({ outcome: () => "diverges" });
  assert.ok(trials.length > 0, "a search whose every trial diverges ends");
}

function survivesRetries(drive: DriveWith): void {
  for (const retry of ["at-once", "after-the-end"] as const) {
    for (const seed of [1, 2, 3]) {
      const root = createRng(seed);
      const outcome = (trial: number, step: number): Outcome => {
        const bad: Outcome = step % 2 === 0 ? "is-lost" : "fails";
        return root.fork(trial, step).uniform() < 0.3 ? bad : "reaches";
      };
      const { trials, facts } = drive({ outcome, orderSeed: seed, agents: 4, retry });
      assert.ok(trials.every(({ status }) => status !== "running"));
      const ends = facts.filter(({ kind }) => kind?.$case === "trialEnded").length;
      const lives = facts.filter(({ kind }) => kind?.$case === "trialProposed" || kind?.$case === "trialRetried").length;
      assert.equal(ends + trials.filter(({ status }) => status === "paused").length, lives, "each life ends once");
    }
  }
}

function takesMoreBudget(drive: DriveWith, module: StrategyModule<unknown>, context: StrategyContext): void {
  const larger = { ...context, budget: { ...context.budget, trials: context.budget.trials + 20 } };
  const before = drive({ agents: 1 });
  const after = drive({ agents: 1, extended: { strategy: create(module, larger), context: larger } });
  assert.ok(after.trials.length >= before.trials.length);
  if (!module.spec.claims.orderFree) return;
  const whole = drive({ agents: 1, strategy: create(module, larger), context: larger });
  assert.deepEqual(configurations(after), configurations(whole));
}

function survivesDisorder(drive: DriveWith, module: StrategyModule<unknown>, context: StrategyContext): void {
  const strategy = create(module, context);
  const failing = (trial: number, step: number): Outcome => (createRng(trial).fork(step).uniform() < 0.3 ? "fails" : "reaches");
  for (const course of [drive({ outcome: failing, agents: 4, retry: "at-once" }), drive()]) {
    const twice = course.facts.reduce((told, fact) => strategy.tell(strategy.tell(told, fact), fact), strategy.init());
    assert.deepEqual(twice, course.state, "facts told twice count once");
  }
  const { facts } = drive();
  const shuffled: Fact[] = Array.from(createRng(5).permutation(facts.length), (at) => facts[at]).filter(
    (fact) => fact !== undefined,
  );
  const confused = shuffled.reduce((told, fact) => strategy.tell(told, fact), strategy.init());
  assert.ok(strategy.ask(confused, 3, createRng(1)).length <= 3);
}

function isOrderFree(drive: DriveWith): void {
  const expected = configurations(drive({ agents: 1 }));
  for (const agents of [2, 4, 7]) {
    for (const orderSeed of [1, 2]) assert.deepEqual(configurations(drive({ agents, orderSeed })), expected);
  }
}

function endsByItself(module: StrategyModule<unknown>): void {
  const [problem] = problemsFor(module.spec);
  assert.ok(problem !== undefined);
  const context = { ...problem.context, budget: noBudget };
  const { trials } = driveStrategy({ ...searchOf(module, context), agents: 3 });
  assert.ok(trials.length > 0);
}

/**
 * Of a space that holds fewer configurations than its budget would pay for, each is tried once in each arm, as many as the strategy says, whoever
 * fails on the way; then it has nothing more to say.
 */
function exhausts(module: StrategyModule<unknown>): void {
  const space = createSpace([
    categorical("kind", ["a", "b"]),
    { ...int("units", 1, 3), when: { parameter: "kind", equals: ["a"] } },
    int("b", 0, 2),
  ]);
  const failing = (trial: number, step: number): Outcome => (createRng(trial).fork(step).uniform() < 0.3 ? "fails" : "reaches");
  for (const trials of [7, 60]) {
    const context = { ...common, space, budget: { ...noBudget, trials }, inside: [] };
    const expected = module.spec.configurations?.(context, module.spec.options.parse({})) ?? Number.POSITIVE_INFINITY;
    assert.equal(expected, space.size, "it says how many there are");
    for (const [agents, orderSeed] of [
      [1, 1],
      [4, 2],
      [64, 3],
    ] as const) {
      for (const outcome of [failing, () => "reaches" as const]) {
        const driven = driveStrategy({ ...searchOf(module, context), agents, orderSeed, outcome });
        const tried = driven.trials.map(({ kept, configuration }) => JSON.stringify([kept.arm, configuration]));
        assert.equal(new Set(tried).size, tried.length, "nothing is tried twice in an arm");
        const own = driven.trials.filter(({ kept }) => kept.arm === "").length;
        if (trials > 2 * expected) assert.equal(own, expected, "everything is tried");
        else assert.equal(tried.length, trials);
        const { ask } = create(module, context);
        assert.deepEqual(ask(driven.state, 5, createRng(11)), [], "it is done");
      }
    }
  }
}

/**
 * Twenty searches at equal steps over learning curves of unlike configurations. The seeds are fixed, so that chance never fails it; a strategy
 * no better than random search would pass with probability 0.02 (at least 15 heads of 20). ASHA won 36 of 40 on other seeds.
 */
function beatsRandom(module: StrategyModule<unknown>, random: StrategyModule<unknown>): void {
  const stepsPerTrial = 243;
  const context = curveContext({ trials: 0, steps: 40 * stepsPerTrial, stepsPerTrial, wallTimeMs: 0 });
  let wins = 0;
  for (let seed = 100; seed < 120; seed++) {
    const best = (which: StrategyModule<unknown>) => {
      const metrics = (configuration: Configuration, step: number) => ({ validLoss: learningCurve(configuration, step) });
      return bestLast(driveStrategy({ strategy: create(which, context), context, seed, agents: 4, metrics }), "validLoss");
    };
    if (best(module) < best(random)) wins += 1;
  }
  assert.ok(wins >= 15, `${module.spec.name} beat random search in ${wins} of 20 seeds`);
}

/**
 * Linear telling takes less than a second here and quadratic telling many minutes, in which the runner's bound of a test file ends it. No
 * time is asserted: a busy machine must not fail a test.
 */
function bearsMany(module: StrategyModule<unknown>): void {
  const context = curveContext({ trials: 20_000, steps: 0, stepsPerTrial: 81, wallTimeMs: 0 });
  const { trials } = driveStrategy({ ...searchOf(module, context), agents: 64 });
  assert.ok(trials.length > 0);
  assert.equal(trials.filter(({ status }) => status === "running").length, 0);
}

function searchOf(module: StrategyModule<unknown>, context: StrategyContext): Drive<object> {
  return {
    strategy: create(module, context),
    context,
    seed: 11,
    agents: 3,
    metrics: (configuration, step, { weights }) => ({ validLoss: simpleLoss(configuration, step) + weights / 2 ** 40 }),
    observe: (work, trial) => (work.procedure === "self-tune" ? learnedAt(work.seedNumber ?? trial, work.untilStep) : {}),
  };
}

function create(module: StrategyModule<unknown>, context: StrategyContext): Strategy<object> {
  const options = module.spec.options.parse({});
  assert.deepEqual(module.spec.problems?.(context, options) ?? [], [], "the suite's search is one that it accepts");
  return module.create(context, options);
}

/** What was tried and what was trained into it, as a sorted list. */
function configurations({ trials }: Driven<object>): readonly string[] {
  return trials.map(({ configuration, weights, reason }) => JSON.stringify([configuration, weights, reason])).sort();
}
