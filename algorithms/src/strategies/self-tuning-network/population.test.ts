/** Populations: who copies whom, who is replaced and by what, and that no order of arrival shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, EndReason, type Fact, type Parameter, Scale, type Work } from "@regulus/proto";
import type { Drive, Driven } from "../../conformance/driven-search.js";
import { testStrategy } from "../../conformance/strategy.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createRng, createSpace, type StrategyContext } from "../../core/index.js";
import { strategies } from "../index.js";
import { module, roundEnds } from "./self-tuning-network.js";

const random = strategies.get("random") ?? assert.fail("random search is registered");
testStrategy(module, random, { name: "five members that copy", options: { population: 5, copyEverySteps: 20, replays: 2 } });

const double = (name: string): Parameter => {
  return { name, domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined };
};
const context: StrategyContext = {
  space: createSpace([double("rate"), double("inputDropout")]),
  objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
  budget: { trials: 0, steps: 0, stepsPerTrial: 120, wallTimeMs: 0 },
  parallelism: 3,
  inside: ["inputDropout"],
  plainProcedure: "fit",
};

/** Three members in rounds of 40 steps; a trial's loss is its number unless the test says otherwise. */
function drive(options: Record<string, unknown> = {}, more: Partial<Drive<object>> = {}): Driven<object> {
  const given = module.spec.options.parse({ population: 3, copyEverySteps: 40, warmUpSteps: 10, ...options });
  return driveStrategy({
    strategy: module.create(context, given),
    context,
    seed: 3,
    agents: 2,
    metrics: (_, __, { number }) => ({ validLoss: number }),
    observe: (_, trial) => ({ learned: { inputDropout: [0.1, 0.5, 0.2][trial] ?? 0.3 }, scales: { inputDropout: 0.5 } }),
    ...more,
  });
}

const worksOf = ({ facts }: Driven<object>) =>
  facts.flatMap(({ kind }): [number, Work][] => {
    const isWork = kind?.$case === "trialProposed" || kind?.$case === "trialResumed";
    return isWork && kind.value.work !== undefined ? [[kind.value.trial, kind.value.work]] : [];
  });
const stepped = ({ facts }: Driven<object>) =>
  facts.flatMap(({ kind }) => (kind?.$case === "strategyStepped" ? [kind.value] : []));

test("after each round the worst copies the best with its outer parameters, before the best continues", () => {
  const driven = drive();
  const works = worksOf(driven);
  assert.deepEqual(
    works.map(([trial, { untilStep, fromTrial, final }]) => [trial, untilStep, fromTrial, final]),
    [
      ...[0, 1, 2].map((trial) => [trial, 40, undefined, false]),
      ...[
        [2, 80, 0, false],
        [0, 80, undefined, false],
        [1, 80, undefined, false],
      ],
      ...[
        [2, 120, 0, true],
        [0, 120, undefined, true],
        [1, 120, undefined, true],
      ],
    ],
  );
  assert.deepEqual(works[3]?.[1].parameters, works[0]?.[1].parameters);
  assert.notDeepEqual(works[2]?.[1].parameters, works[0]?.[1].parameters, "it began with its own");
  assert.equal(works[3]?.[1].options?.jitter, 1, "and moves away from what it copied");
  assert.match(stepped(driven)[0]?.message ?? "", /^at step 40: trial 2 \(2\.000\) copies trial 0 \(0\.000\)$/);
  assert.equal(driven.steps, 360);
});

test("where more is better, the least copies the greatest", () => {
  const objectives = [{ metric: "validLoss", direction: Direction.DIRECTION_MAXIMIZE }];
  const options = module.spec.options.parse({ population: 3, copyEverySteps: 40, warmUpSteps: 10 });
  const strategy = module.create({ ...context, objectives }, options);
  const metrics: Drive<object>["metrics"] = (_, __, { number }) => ({ validLoss: number });
  const driven = driveStrategy({ strategy, context, seed: 3, agents: 3, metrics });
  assert.deepEqual([worksOf(driven)[3]?.[0], worksOf(driven)[3]?.[1].fromTrial], [0, 2]);
  assert.match(stepped(driven)[0]?.message ?? "", /trial 0 \(0\.000\) copies trial 2 \(2\.000\)$/);
  assert.equal(stepped(driven)[0]?.metrics.best, 2);
});

test("a member that diverged is replaced by a copy of the best at the population's median, and costs no step twice", () => {
  const driven = drive({ copyShare: 0.1 }, { outcome: (trial, step) => (trial === 1 && step === 40 ? "diverges" : "reaches") });
  const replacement = worksOf(driven).find(([trial]) => trial === 3)?.[1];
  assert.deepEqual([replacement?.fromTrial, replacement?.untilStep], [0, 80]);
  assert.deepEqual(replacement?.options?.recenter, { inputDropout: 0.1 }, "the lower median of 0.1 and 0.2");
  assert.match(
    stepped(driven)[0]?.message ?? "",
    /member 1 failed and is replaced by a copy of trial 0 at the population's median/,
  );
  assert.equal(driven.steps, 40 + 4 * 80 - 40 + 40);
});

test("a member whose scale collapsed is stopped with the reason and replaced, as often as allowed and no oftener", () => {
  const collapsing: Partial<Drive<object>> = {
    observe: (_, trial) => ({ learned: { inputDropout: 0.2 }, scales: { inputDropout: trial === 0 || trial > 2 ? 0.001 : 0.5 } }),
  };
  const stops = ({ facts }: Driven<object>) =>
    facts.flatMap(({ kind }) => (kind?.$case === "trialStopRequested" ? [[kind.value.trial, kind.value.reason] as const] : []));
  const driven = drive({ restartsMax: 1 }, collapsing);
  assert.deepEqual(stops(driven), [[0, "has a collapsed scale of inputDropout (0.0010): it is replaced"]]);
  assert.equal(driven.trials[0]?.reason, EndReason.END_REASON_STOPPED_EARLY);
  const done = driven.trials.filter(({ reason }) => reason === EndReason.END_REASON_DONE).map(({ number }) => number);
  assert.deepEqual(done, [1, 2, 3], "its replacement collapsed too and continues, since no more are allowed");
  assert.deepEqual(stops(drive({ learnScales: false }, collapsing)), [], "scales that are held cannot collapse");
});

test("the share of members that copy is rounded down, one at least, and never more than half of those that are there", () => {
  const copied = (population: number, copyShare: number, outcome?: Drive<object>["outcome"]) => {
    const [report] = stepped(drive({ population, copyShare, restartsMax: 0 }, outcome === undefined ? {} : { outcome }));
    return report?.metrics.copied;
  };
  for (const [population, copyShare, expected] of [
    [2, 0.5, 1],
    [3, 0.5, 1],
    [5, 0.3, 1],
    [6, 0.4, 2],
    [7, 0.5, 3],
    [8, 0.01, 1],
  ] as const)
    assert.equal(copied(population, copyShare), expected, `${copyShare} of ${population}`);
  assert.equal(
    copied(6, 0.5, (trial) => (trial > 1 && trial < 5 ? "diverges" : "reaches")),
    1,
    "of three that are left",
  );
});

test("the second worst copies the second best, and replacements take turns among the best", () => {
  const [first] = stepped(drive({ population: 6, copyShare: 0.4 }));
  assert.match(
    first?.message ?? "",
    /trial 4 \(4\.000\) copies trial 1 \(1\.000\); trial 5 \(5\.000\) copies trial 0 \(0\.000\)$/,
  );
  assert.deepEqual(first?.metrics, { best: 0, copied: 2, replaced: 0 });
  const outcome: Drive<object>["outcome"] = (trial, step) =>
    step === 40 && (trial === 4 || trial === 5) ? "diverges" : "reaches";
  const driven = drive({ population: 6, copyShare: 0.4 }, { outcome });
  const sources = worksOf(driven).flatMap(([trial, { fromTrial }]) => (trial > 5 ? [[trial, fromTrial]] : []));
  assert.deepEqual(sources.slice(0, 2), [
    [6, 0],
    [7, 1],
  ]);
  assert.deepEqual(stepped(driven)[0]?.metrics, { best: 0, copied: 2, replaced: 2 });
});

test("a scale of twice the least one has collapsed, a greater one has not, and where all have nobody is replaced", () => {
  const replaced = (scale: number, which: (trial: number) => boolean) => {
    const observe = (_: Work, trial: number) => ({ learned: {}, scales: { inputDropout: which(trial) ? scale : 0.5 } });
    const [report] = stepped(drive({}, { observe }));
    return [report?.metrics.replaced, report?.metrics.copied];
  };
  assert.deepEqual(
    replaced(0.002, (trial) => trial === 1),
    [1, 1],
  );
  assert.deepEqual(
    replaced(0.00201, (trial) => trial === 1),
    [0, 1],
  );
  assert.deepEqual(
    replaced(0.001, () => true),
    [0, 0],
  );
});

test("a measurement without the metric leaves the loss as it was, one that is not a number makes the member unsound", () => {
  const second = (value: Record<string, number>) => {
    const metrics: Drive<object>["metrics"] = (_, step, { number }) =>
      step === 80 && number === 0 ? value : { validLoss: number };
    const { message = "" } = stepped(drive({}, { metrics }))[1] ?? {};
    return message;
  };
  assert.match(second({ other: 9 }), /copies trial 0 \(0\.000\)$/);
  assert.match(
    second({ validLoss: Number.POSITIVE_INFINITY }),
    /^at step 80: member 0 has no finite validLoss and is replaced by a copy of trial 1 at/,
  );
});

test("a budget of trials bounds replacements and replays, and the search still comes to its end", () => {
  const within = (trials: number, options: Record<string, unknown>, outcome?: Drive<object>["outcome"]) => {
    const bounded = { ...context, budget: { ...context.budget, trials } };
    const given = module.spec.options.parse({ population: 3, copyEverySteps: 40, warmUpSteps: 10, restartsMax: 9, ...options });
    const strategy = module.create(bounded, given);
    const driven = drive({}, { strategy, context: bounded, ...(outcome === undefined ? {} : { outcome }) });
    assert.ok(driven.trials.every(({ status }) => status === "ended"));
    const ran = stepped(driven).filter(({ metrics }) => metrics.replaced === 0 && metrics.copied === 0);
    assert.deepEqual(ran, [], "a round in which nothing is done is none");
    return driven.trials.map(({ kept }) => kept.arm || "own").join(" ");
  };
  assert.equal(within(4, { replays: 3 }), "own own own replay");
  assert.equal(within(3, { replays: 3 }), "own own own");
  const firstFail: Drive<object>["outcome"] = (trial) => (trial < 2 ? "diverges" : "reaches");
  assert.equal(
    within(4, { replays: 3 }, firstFail),
    "own own own own",
    "one of two is replaced, and nothing is left for replays",
  );
  assert.equal(within(5, { replays: 3 }, firstFail), "own own own own own");
  assert.equal(
    within(5, {}, () => "diverges"),
    "own own own own own",
    "until no trial is left",
  );
});

test("what a member draws inside is not a copy of what it draws outside", () => {
  for (const [, { parameters, options }] of worksOf(drive({ population: 6 })).slice(1, 6))
    assert.notEqual(options?.initial.inputDropout, parameters?.rate);
});

test("of members that are over, only those that left a schedule are replayed", () => {
  const given = module.spec.options.parse({ population: 2, copyShare: 0, replays: 1 });
  const strategy = module.create(context, given);
  const none = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
  const ended = (trial: number, reason: EndReason, hasSchedule: boolean): Fact["kind"] => ({
    $case: "trialEnded",
    value: {
      trial,
      attempt: 1,
      reason,
      message: "",
      final: { step: 120, metrics: { validLoss: trial }, ...none },
      artifacts: hasSchedule ? [{ sha256: "0", size: 1, kind: "schedule" }] : [{ sha256: "0", size: 1, kind: "checkpoint" }],
      startedMs: 0,
    },
  });
  const replayed = (first: Fact["kind"], second: Fact["kind"]) => {
    const facts: Fact["kind"][] = [0, 1].map((trial) => ({ $case: "trialProposed", value: { trial, work: undefined } }));
    const state = [...facts, first, second].reduce(
      (told, kind, index) => strategy.tell(told, { searchId: "s", position: index + 1, timeMs: 0, kind }),
      strategy.init(),
    );
    return strategy.ask(state, 9, createRng(1)).map((one) => (one.kind === "start" ? one.inputs?.[0]?.trial : one.kind));
  };
  const [done, stopped] = [EndReason.END_REASON_DONE, EndReason.END_REASON_STOPPED_EARLY];
  assert.deepEqual(replayed(ended(0, done, true), ended(1, done, true)), [0]);
  assert.deepEqual(replayed(ended(0, stopped, false), ended(1, done, true)), [1], "its user stopped the better one");
  assert.deepEqual(replayed(ended(0, stopped, false), ended(1, done, false)), []);
});

test("where all members diverge, they start over elsewhere, a bounded number of times", () => {
  const { trials } = drive({ restartsMax: 2 }, { outcome: () => "diverges" });
  assert.equal(trials.length, 5);
  const driven = drive({ restartsMax: 2 }, { outcome: () => "diverges" });
  const places = worksOf(driven).map(([, { options }]) => JSON.stringify(options?.initial));
  assert.equal(new Set(places).size, 5, "each at a place of its own");
});

test("the best member's schedule is replayed by plain trials of the replay arm, with seeds of their own", () => {
  const works = worksOf(drive({ replays: 2 })).slice(-2);
  for (const [index, [trial, { procedure, arm, inputs, untilStep, final, seedNumber }]] of works.entries()) {
    assert.deepEqual([trial, procedure, arm, untilStep, final, seedNumber], [3 + index, "fit", "replay", 120, true, index]);
    assert.deepEqual(
      inputs.map(({ trial: from, artifact }) => [from, artifact?.kind]),
      [[0, "schedule"]],
    );
  }
  const parameters = worksOf(drive({ replays: 2 }))[0]?.[1].parameters;
  assert.deepEqual(works[0]?.[1].parameters, parameters);
  const failing = drive({ replays: 2, restartsMax: 0 }, { outcome: () => "diverges" });
  assert.equal(failing.trials.length, 3, "nobody left a schedule");
});

test("members that know nothing of each other train in one go, and rounds never end in the warm-up", () => {
  const ends = (options: Record<string, unknown>) => roundEnds(120, module.spec.options.parse({ population: 4, ...options }));
  assert.deepEqual(ends({ copyShare: 0 }), [120]);
  assert.deepEqual(ends({ population: 1 }), [120]);
  assert.deepEqual(ends({}), [15, 30, 45, 60, 75, 90, 105, 120]);
  assert.deepEqual(ends({ copyEverySteps: 50, warmUpSteps: 60 }), [100, 120]);
  assert.deepEqual(ends({ copyEverySteps: 50, warmUpSteps: 50 }), [100, 120], "nor with it");
  assert.deepEqual(ends({ copyEverySteps: 50, warmUpSteps: 49 }), [50, 100, 120]);
  assert.deepEqual(ends({ copyEverySteps: 12 }).slice(0, 2), [24, 36], "the warm-up is a tenth of all steps");
  assert.deepEqual(ends({ copyEverySteps: 120 }), [120]);
});

test("a member that its user stops is left in peace, and its replayed facts change nothing", () => {
  const given = module.spec.options.parse({ population: 2, copyEverySteps: 40, warmUpSteps: 10 });
  const strategy = module.create(context, given);
  const driven = drive({ population: 2 });
  const until = driven.facts.findIndex(({ kind }) => kind?.$case === "trialPaused");
  const ended: Fact["kind"] = {
    $case: "trialEnded",
    value: {
      trial: 1,
      attempt: 1,
      reason: EndReason.END_REASON_STOPPED_EARLY,
      message: "",
      final: undefined,
      artifacts: [],
      startedMs: 0,
    },
  };
  const told = [...driven.facts.slice(0, until + 1).map(({ kind }) => kind), ended, ended].reduce(
    (state, kind, index) => strategy.tell(state, { searchId: "s", position: index + 1, timeMs: 0, kind }),
    strategy.init(),
  );
  const proposals = strategy.ask(told, 9, createRng(1));
  assert.deepEqual(
    proposals.map((one) => (one.kind === "resume" ? one.trial : one.kind)),
    ["report", 0],
    "nobody takes its place",
  );
});
