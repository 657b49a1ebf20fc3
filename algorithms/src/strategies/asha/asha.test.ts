/** What asynchronous successive halving does beyond the conformance suite: rungs, promotions, and the same choices as a plain sort. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, Direction, EndReason, type Fact, Scale } from "@regulus/proto";
import { bestLast } from "../../conformance/driven-search.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createRng, createSpace, type Proposal, type StrategyContext } from "../../core/index.js";
import { module, rungSteps } from "./asha.js";
import { emptyRung, enterRung, leaveRung, promotable } from "./rung.js";
import type { AshaOptions } from "./spec.js";

const budget: Budget = { trials: 0, steps: 0, stepsPerTrial: 81, wallTimeMs: 0 };
const context: StrategyContext = {
  space: createSpace([
    { name: "x", domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined },
  ]),
  objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
  budget,
  parallelism: 4,
  inside: [],
  plainProcedure: "fit",
};
const options = (more: Partial<AshaOptions> = {}): AshaOptions => ({
  eta: 3,
  sampler: "random",
  incumbents: [],
  finishBest: true,
  ...more,
});

test("rungs are powers of eta apart and end at the budget", () => {
  assert.deepEqual(rungSteps(context, options()), [3, 9, 27, 81]);
  assert.deepEqual(rungSteps(context, options({ minSteps: 10 })), [10, 30, 81]);
  // 54 to 60 would be a promotion for nothing.
  assert.deepEqual(rungSteps(context, options({ minSteps: 2, maxSteps: 60 })), [2, 6, 18, 60]);
  assert.deepEqual(rungSteps(context, options({ minSteps: 81 })), [81]);
  // From 4 to 8 it is the square root of 4, the least step up: it is taken as part of the last one.
  assert.deepEqual(rungSteps(context, options({ eta: 4, minSteps: 1, maxSteps: 8 })), [1, 8]);
  assert.deepEqual(rungSteps(context, options({ eta: 4, minSteps: 1, maxSteps: 9 })), [1, 4, 9]);
  assert.deepEqual(rungSteps(context, options({ eta: 2.5, minSteps: 3, maxSteps: 60 })), [3, 8, 19, 60], "rounded one by one");
  assert.deepEqual(rungSteps(context, options({ maxSteps: 5 })), [1, 5], "a step is the least");
});

test("a trial of the best third continues from its checkpoint, the highest rung first", () => {
  const strategy = module.create(context, options());
  let state = strategy.init();
  const tell = (kind: Fact["kind"]): void => {
    state = strategy.tell(state, { searchId: "s", position: 1, timeMs: 0, kind });
  };
  const propose = (trial: number) => tell({ $case: "trialProposed", value: { trial, work: undefined } });
  const pause = (trial: number, loss: number, step: number) => {
    const measurement = {
      step,
      metrics: { validLoss: loss },
      learned: {},
      scales: {},
      hypergradients: {},
      vectors: {},
      seconds: 0,
    };
    tell({ $case: "trialMeasured", value: { trial, attempt: 1, measurement } });
    tell({ $case: "trialPaused", value: { trial, attempt: 1, step, artifacts: [] } });
  };
  const resume = (proposal: Proposal | undefined) => {
    assert.ok(proposal?.kind === "resume");
    const work = {
      procedure: "fit",
      parameters: {},
      untilStep: proposal.untilStep,
      final: proposal.final,
      options: undefined,
      vectors: {},
      arm: "",
      inputs: [],
    };
    tell({ $case: "trialResumed", value: { trial: proposal.trial, work } });
  };
  const first = () => strategy.ask(state, 1, createRng(1))[0];

  for (let trial = 0; trial < 9; trial++) propose(trial);
  pause(0, 5, 3);
  pause(1, 4, 3);
  assert.equal(first()?.kind, "start", "of two trials nobody is the best third");
  pause(2, 6, 3);
  assert.deepEqual(first(), { kind: "resume", trial: 1, untilStep: 9, final: false });
  resume(first());
  for (let trial = 3; trial < 9; trial++) pause(trial, trial === 7 ? 1 : trial === 8 ? 2 : 9, 3);
  assert.deepEqual(
    strategy.ask(state, 3, createRng(1)).map((one) => (one.kind === "resume" ? one.trial : one.kind)),
    [7, 8, "start"],
  );
  resume(first());
  resume(first());
  for (const [trial, loss] of [
    [1, 0.3],
    [7, 0.1],
    [8, 0.2],
  ] as const)
    pause(trial, loss, 9);
  assert.deepEqual(first(), { kind: "resume", trial: 7, untilStep: 27, final: false }, "the higher rung comes first");
});

test("a trial that ran past its rung ranks there by its value at the rung, and further up by its value there", () => {
  const strategy = module.create(context, options());
  let state = strategy.init();
  const tell = (kind: Fact["kind"]): void => {
    state = strategy.tell(state, { searchId: "s", position: 1, timeMs: 0, kind });
  };
  const measure = (trial: number, ...losses: readonly (readonly [step: number, validLoss: number])[]): void => {
    for (const [step, validLoss] of losses) {
      const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
      tell({ $case: "trialMeasured", value: { trial, attempt: 1, measurement: { step, metrics: { validLoss }, ...nothing } } });
    }
  };
  for (let trial = 0; trial < 6; trial++) tell({ $case: "trialProposed", value: { trial, work: undefined } });
  // Trial 0 has the best value of all at step 30, but not at the first rung; step 4 is measured twice, and counts as measured last.
  measure(0, [2, 9], [4, 1], [4, 7], [10, 6], [30, 0.1]);
  for (const [trial, loss] of [5, 4, 3, 2, 8].entries()) measure(trial + 1, [3, loss]);
  const step = (trial: number) => (trial === 0 ? 30 : 3);
  for (let trial = 0; trial < 6; trial++)
    tell({ $case: "trialPaused", value: { trial, attempt: 1, step: step(trial), artifacts: [] } });
  const resumed = () => strategy.ask(state, 9, createRng(1)).flatMap((one) => (one.kind === "resume" ? [one] : []));
  assert.deepEqual(
    resumed().map(({ trial }) => trial),
    [4, 3],
  );
  const work = {
    procedure: "fit",
    parameters: {},
    untilStep: 9,
    final: false,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  for (const trial of [4, 3, 0]) tell({ $case: "trialResumed", value: { trial, work } });
  for (const trial of [4, 3]) measure(trial, [9, trial]);
  for (const trial of [4, 3, 0]) tell({ $case: "trialPaused", value: { trial, attempt: 2, step: 30, artifacts: [] } });
  // On the second rung trial 0 has 6 of step 10, and trial 4 has 2 of step 3.
  assert.deepEqual(resumed()[0], { kind: "resume", trial: 4, untilStep: 27, final: false });
});

test("the heaps choose what a sort of the whole rung would", () => {
  const rng = createRng(3);
  for (const eta of [2, 3, 4.5]) {
    const rung = emptyRung();
    const entered: { trial: number; loss: number }[] = [];
    const gone = new Set<number>();
    for (let trial = 0; trial < 600; trial++) {
      const item = { trial, loss: rng.integer(200) }; // few losses, so that ties are met
      entered.push(item);
      enterRung(rung, item, eta);
      const sorted = [...entered].sort((a, b) => a.loss - b.loss || a.trial - b.trial);
      const expected = sorted.slice(0, Math.floor(entered.length / eta)).filter((one) => !gone.has(one.trial));
      assert.deepEqual(
        promotable(rung, 1000),
        expected.map((one) => one.trial),
      );
      const left = rng.integer(3) === 0 ? expected[rng.integer(Math.max(1, expected.length))] : undefined;
      if (left !== undefined) {
        leaveRung(rung, left.trial);
        gone.add(left.trial);
      }
    }
  }
});

test("a diverged trial counts as the worst of its rung, a lost one not at all", () => {
  const promotions = (reason: EndReason) => {
    const strategy = module.create(context, options());
    const facts: Fact["kind"][] = [];
    for (let trial = 0; trial < 3; trial++) facts.push({ $case: "trialProposed", value: { trial, work: undefined } });
    for (const trial of [0, 1]) facts.push({ $case: "trialPaused", value: { trial, attempt: 1, step: 3, artifacts: [] } });
    facts.push({
      $case: "trialEnded",
      value: { trial: 2, attempt: 1, reason, message: "", final: undefined, artifacts: [], startedMs: 0 },
    });
    const told = facts.reduce(
      (state, kind) => strategy.tell(state, { searchId: "s", position: 1, timeMs: 0, kind }),
      strategy.init(),
    );
    return strategy.ask(told, 1, createRng(1)).map(({ kind }) => kind);
  };
  assert.deepEqual(promotions(EndReason.END_REASON_DIVERGED), ["resume"]);
  assert.deepEqual(promotions(EndReason.END_REASON_LOST), ["start"]);
});

test("with few trials the best one still goes to the end, unless told otherwise", () => {
  const drive = (finishBest: boolean) => {
    const small = { ...context, budget: { ...budget, trials: 5 } };
    const metrics = ({ x }: { readonly x?: unknown }, step: number) => ({ validLoss: Number(x) + 1 / step });
    const strategy = module.create(small, options({ finishBest }));
    return driveStrategy({ strategy, context: small, seed: 4, agents: 2, metrics });
  };
  const done = drive(true).trials.filter(({ reason }) => reason === EndReason.END_REASON_DONE);
  assert.equal(done.length, 1);
  assert.equal(done[0]?.steps, 81);
  assert.equal(bestLast({ trials: done }, "validLoss"), bestLast(drive(true), "validLoss"));
  assert.equal(drive(false).trials.filter(({ status }) => status === "ended").length, 0);
});

test("a metric to maximize is maximized, and known configurations come first", () => {
  const upward = {
    ...context,
    objectives: [{ metric: "score", direction: Direction.DIRECTION_MAXIMIZE }],
    budget: { ...budget, trials: 30 },
  };
  const strategy = module.create(upward, options({ incumbents: [{ x: 0.125 }, { x: 0.999 }] }));
  const driven = driveStrategy({ strategy, context: upward, seed: 1, agents: 3, metrics: ({ x }) => ({ score: Number(x) }) });
  assert.deepEqual(
    driven.trials.slice(0, 2).map(({ configuration }) => configuration.x),
    [0.125, 0.999],
  );
  assert.equal(driven.trials[1]?.steps, 81, "the best of all went to the end");
});

test("what can't be is refused with its path", () => {
  const wrong = module.spec.problems?.(context, options({ minSteps: 100, maxSteps: 90, incumbents: [{ x: 2 }] })) ?? [];
  assert.deepEqual(
    wrong.map(({ field }) => field),
    ["strategy.options.maxSteps", "strategy.options.minSteps", "strategy.options.incumbents[0]"],
  );
  const noSteps = { ...context, budget: { ...budget, stepsPerTrial: 0, steps: 100 } };
  assert.equal(module.spec.problems?.(noSteps, options())[0]?.field, "budget.stepsPerTrial");
});
