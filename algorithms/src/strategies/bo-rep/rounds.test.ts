/** BO-REP's questions and answers one by one: what is sent to whom, what counts as an answer, and when the budget ends it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact, toVectors } from "@regulus/proto";
import { type BoRepSettings, boRepDefaults, encodeShardAnswer, startBoRep } from "../../solvers/bo-rep/index.js";
import { advance, isUsable, type Rules, stepsOfTrialMin } from "./advance.js";
import { askSearch } from "./ask.js";
import { type BoRepSearch, emptySearch, newShard, type Shard } from "./search-state.js";
import { tellSearch } from "./tell.js";

const settings: BoRepSettings = { ...boRepDefaults, steps: 9, period: 3, innerSteps: 2 };
const rulesOf = (more: Partial<Rules> = {}): Rules => {
  const none = { staleTolerance: 0, kappa: undefined, stepsPerTrial: 0, stepsMax: 0, trialsMax: 0 };
  return { settings, shards: 2, replacements: 3, ...none, ...more };
};
/** Two shards of two units each, whose trials wait at step 5. */
const idle = (trial: number, more: Partial<Shard> = {}): Shard => {
  return { ...newShard(2 * trial, 2 * trial + 2), trial, status: "idle", step: 5, ...more };
};
function inRounds(more: Partial<BoRepSearch> = {}, { owned = false, edges = [] as readonly number[] } = {}): BoRepSearch {
  const [x, y] = [
    [1, 2, 3, 4],
    [7, 8],
  ];
  const description = { upperDim: 4, lowerDim: 2, units: 4, owned, kappa: 2, x, y, edges };
  const machine = startBoRep(settings, { x, y: owned ? [] : y });
  return {
    ...emptySearch(),
    phase: "rounds",
    trials: 2,
    description,
    machine,
    shards: [idle(0), idle(1)],
    versions: [3, 4, 5],
    ...more,
  };
}
const ask = (state: BoRepSearch, rules = rulesOf(), limit = 9) => askSearch(rules, state, { limit, parameters: { rate: 1 } });
const resumed = (state: BoRepSearch, rules = rulesOf()) =>
  ask(state, rules).flatMap((one) => (one.kind === "resume" ? [one] : []));

test("a question brings the vectors that it counts on and that the trial does not hold, and says what it holds from then on", () => {
  const sent = (awaited: "lower" | "adjoint" | "direction" | "joint", held: readonly number[]) => {
    const state = inRounds({ shards: [idle(0, { held }), idle(1, { held })] });
    if (state.machine !== null) Object.assign(state.machine, { awaited, z: [5, 6], draws: 12 });
    const [first] = resumed(state);
    assert.equal(first?.options?.draw, 12);
    assert.deepEqual([first?.options?.kind, first?.options?.lo, first?.options?.hi, first?.untilStep], [awaited, 0, 2, 6]);
    return [first?.vectors, first?.options?.versions];
  };
  const [x, y, z] = [
    [1, 2, 3, 4],
    [7, 8],
    [5, 6],
  ];
  assert.deepEqual(sent("lower", [-1, -1, -1]), [{ x, y }, [3, 4, -1]]);
  assert.deepEqual(sent("lower", [3, 3, 2]), [{ y }, [3, 4, 2]]);
  assert.deepEqual(sent("adjoint", [3, 4, 5]), [{}, [3, 4, 5]]);
  assert.deepEqual(sent("direction", [2, 4, 5]), [{ x }, [3, 4, 5]]);
  assert.deepEqual(sent("joint", [3, 4, -1]), [{ z }, [3, 4, 5]]);
});

test("units that have upper variables to themselves get theirs alone, and all of them for the exact metrics", () => {
  const [first, second] = resumed(inRounds({}, { edges: [0, 1, 2, 3, 4] }));
  assert.deepEqual(
    [first?.vectors?.x, second?.vectors?.x],
    [
      [1, 2],
      [3, 4],
    ],
  );
  const held = [3, 4, 5];
  const evaluated = resumed(
    inRounds({ phase: "evaluate", shards: [idle(0, { held }), idle(1, { held })] }, { edges: [0, 1, 2, 3, 4] }),
  );
  assert.deepEqual(
    evaluated.map(({ options, vectors }) => [options?.kind, vectors]),
    [0, 1].map(() => ["evaluate", { x: [1, 2, 3, 4] }]),
  );
});

test("tasks that own theirs get x alone, their settings, and a refresh where its period is over", () => {
  const refreshes = (step: number, refreshedAt: number) => {
    const state = inRounds({ shards: [idle(0, { refreshedAt })] }, { owned: true });
    if (state.machine !== null) state.machine.step = step;
    const [one] = resumed(state);
    assert.deepEqual(Object.keys(one?.vectors ?? {}), ["x"]);
    const { lowerRate, adjointRate, innerSteps, radius } = one?.options ?? {};
    assert.deepEqual([lowerRate, adjointRate, innerSteps, radius], [0.05, 0.01, 2, 0]);
    return one?.options?.refresh;
  };
  assert.deepEqual([refreshes(0, -1), refreshes(1, 0), refreshes(2, 0), refreshes(3, 0)], [true, false, false, true]);
});

test("the end is told with the outcome, to everybody once", () => {
  const shards = [idle(0), idle(1, { asked: { kind: "close", draw: 3, at: 2 } })];
  const closing = resumed(inRounds({ phase: "close", outcome: [0.5, 0.25], shards }));
  assert.deepEqual(
    closing.map(({ trial, final, vectors }) => [trial, final, vectors]),
    [[0, true, { outcome: [0.5, 0.25] }]],
  );
});

test("work is bounded by the limit, by the budget of trials and by who is at work", () => {
  const proposed = (state: BoRepSearch, limit = 9, trialsMax = 0) =>
    ask(state, rulesOf({ trialsMax }), limit).map(({ kind }) => kind);
  assert.deepEqual(proposed(inRounds(), 1), ["resume"]);
  assert.deepEqual(proposed(inRounds(), 0), []);
  assert.deepEqual(proposed(inRounds({ shards: [idle(0, { status: "busy" }), idle(1, { status: "ended" })] })), []);
  const lost = inRounds({ shards: [idle(0, { trial: null, status: "none" }), idle(1, { trial: null, status: "none" })] });
  assert.deepEqual([proposed(lost, 9, 4), proposed(lost, 9, 3), proposed(lost, 9, 2)], [["start", "start"], ["start"], []]);
  const [start] = ask(lost);
  assert.ok(start?.kind === "start");
  assert.deepEqual([start.untilStep, start.parameters, start.final], [1, { rate: 1 }, false]);
  const silent = inRounds({ silent: [7] });
  assert.deepEqual(ask(silent, rulesOf(), 0), [{ kind: "stop", trial: 7, reason: "its answer cannot be read" }]);
  const over = inRounds({ phase: "over", shards: [idle(0), idle(1, { status: "ended" }), idle(2, { trial: null })] });
  assert.deepEqual(ask(over), [{ kind: "stop", trial: 0, reason: "the search is over" }]);
});

test("an estimate of the very question is used, and an old one where the tolerance admits its lag", () => {
  const usable = (at: number, more: Partial<Rules>, kind: "joint" | "direction" = "joint") => {
    const state = inRounds();
    if (state.machine !== null) Object.assign(state.machine, { awaited: kind, step: 8, draws: 20 });
    return isUsable(rulesOf(more), state, { kind, draw: 12, at, answer: { nodes: [], slice: [] }, used: true });
  };
  const stale = { settings: { ...settings, eta: 0.25 }, staleTolerance: 1 };
  // Two steps of 0.25 move y by 1 where kappa is 2.
  assert.deepEqual([usable(6, stale), usable(5, stale)], [true, false]);
  assert.deepEqual([usable(4, { ...stale, kappa: 1 }), usable(3, { ...stale, kappa: 1 })], [true, false]);
  assert.deepEqual([usable(8, { ...stale, staleTolerance: 0 }), usable(8, stale, "direction")], [false, false]);
});

const fact = (position: number, kind: Fact["kind"]): Fact => ({ searchId: "s", position, timeMs: 0, kind });
const measurement = { step: 6, learned: {}, scales: {}, hypergradients: {}, seconds: 0 };
function answered(state: BoRepSearch, position: number, trial: number, round: number): void {
  const nodes = [{ lo: 2 * trial, hi: 2 * trial + 2, sum: [1, 1, 1] }];
  const vectors = toVectors(encodeShardAnswer({ nodes, slice: [] }));
  const value = { trial, attempt: 1, measurement: { ...measurement, metrics: { round }, vectors } };
  tellSearch(rulesOf(), state, fact(position, { $case: "trialMeasured", value }));
}

test("an answer counts once, for its own round, and moves the machine with the last shard's", () => {
  const asked = { kind: "lower" as const, draw: 0, at: 0 };
  const state = inRounds({ shards: [idle(0, { status: "busy", asked }), idle(1, { status: "busy", asked })] });
  answered(state, 1, 0, 7);
  assert.equal(state.shards[0]?.hasAnswered, false, "of another round");
  answered(state, 2, 0, 0);
  assert.deepEqual([state.shards[0]?.hasAnswered, state.machine?.draws], [true, 0]);
  answered(state, 2, 1, 0);
  assert.equal(state.machine?.draws, 0, "a fact that was told before");
  answered(state, 3, 1, 0);
  assert.deepEqual([state.machine?.draws, state.machine?.awaited, state.versions], [1, "lower", [3, 5, 5]]);
});

test("a shard whose trial is gone keeps its answer, and its next trial is sent everything", () => {
  const asked = { kind: "lower" as const, draw: 0, at: 0 };
  const state = inRounds({ shards: [idle(0, { status: "busy", asked, held: [3, 4, 5], refreshedAt: 3 }), idle(1)] });
  answered(state, 1, 0, 0);
  const end = (trial: number, position: number, reason = EndReason.END_REASON_LOST, rules = rulesOf({ replacements: 1 })) => {
    const value = { trial, attempt: 1, reason, message: "", final: undefined, artifacts: [], startedMs: 0 };
    tellSearch(rules, state, fact(position, { $case: "trialEnded", value }));
  };
  end(0, 2);
  const { trial, status, held, refreshedAt, answer } = state.shards[0] ?? newShard(0, 0);
  assert.deepEqual([trial, status, held, refreshedAt, answer?.draw], [null, "none", [-1, -1, -1], -1, 0]);
  assert.equal(state.reports.at(-1)?.message, "trial 0 ended: another trial takes over units 0 to 1");
  end(1, 3);
  assert.equal(state.reports.at(-1)?.message, "trial 1 ended, and so did 1 before it: the strategy gives up");
  assert.equal(state.phase, "over");
  const spent = inRounds();
  const value = {
    trial: 0,
    attempt: 1,
    reason: EndReason.END_REASON_LOST,
    message: "m",
    final: undefined,
    artifacts: [],
    startedMs: 0,
  };
  tellSearch(rulesOf({ trialsMax: 2 }), spent, fact(1, { $case: "trialEnded", value }));
  assert.equal(spent.reports.at(-1)?.message, "trial 0 ended (m), and the budget of 2 trials is spent: the strategy gives up");
  const left = inRounds();
  tellSearch(rulesOf({ trialsMax: 3 }), left, fact(1, { $case: "trialEnded", value }));
  assert.equal(left.phase, "rounds");
});

/** A search in which both shards have answered what is awaited, after `at` upper steps. */
function allAnswered(awaited: "lower" | "direction", at: number, own: BoRepSettings = settings): BoRepSearch {
  const state = inRounds();
  assert.ok(state.machine);
  Object.assign(state.machine, startBoRep(own, { x: [1, 2, 3, 4], y: [7, 8] }), { awaited, draws: 20 });
  const sum = awaited === "lower" ? [1, 1, 1] : [2, 0, 0, 0];
  state.shards = [0, 1].map((trial) => {
    const answer = { nodes: [{ lo: 2 * trial, hi: 2 * trial + 2, sum }], slice: [] };
    return idle(trial, { answer: { kind: awaited, draw: 20, at, answer, used: false } });
  });
  return state;
}

test("a report tells the greatest lag since the last one, and what lag may come to", () => {
  const reported = (step: number, at: number, lagBefore: number, more: Partial<Rules> = {}) => {
    const state = allAnswered("direction", at);
    Object.assign(state.machine ?? {}, { step });
    state.lag = lagBefore;
    advance(rulesOf(more), state);
    assert.equal(state.machine?.step, step + 1);
    return [state.reports.at(-1)?.metrics.lag, state.reports.at(-1)?.metrics.lagBound, state.lag];
  };
  // Every third step is reported: period 3, eta 0.05 and the workload's kappa of 2.
  const bound = 3 * 0.05 * 2;
  assert.deepEqual(reported(2, 1, 0), [1, bound, 0]);
  assert.deepEqual(reported(2, 1, 5), [5, bound, 0]);
  assert.deepEqual(reported(2, 2, 0), [0, bound, 0]);
  assert.deepEqual(reported(1, 0, 0), [undefined, undefined, 1]);
  assert.deepEqual(reported(1, 1, 4), [undefined, undefined, 4]);
  assert.deepEqual(reported(2, 2, 0, { kappa: 7 })[1], 3 * 0.05 * 7);
});

test("what changed by an answer has a new version, and every shard's answer is spent", () => {
  const versions = (awaited: "lower" | "direction") => {
    const state = allAnswered(awaited, 0);
    advance(rulesOf(), state);
    assert.ok(state.shards.every(({ answer }) => answer?.used));
    return state.versions;
  };
  assert.deepEqual(versions("lower"), [3, 5, 5]);
  assert.deepEqual(versions("direction"), [4, 4, 5]);
});

test("the last round is the one after which a trial still has a whole step and two rounds to close", () => {
  const ended = (awaited: "lower" | "direction", own: BoRepSettings, more: Partial<Rules>) => {
    const state = allAnswered(awaited, 0, own);
    advance(rulesOf({ settings: own, ...more }), state);
    return [state.machine?.ended, state.phase];
  };
  // The round that was just answered is not in the shards' five steps; a step takes two rounds to refresh and two more.
  assert.deepEqual(ended("direction", settings, { stepsPerTrial: 5 + 1 + 4 + 2 }), ["no", "rounds"]);
  assert.deepEqual(ended("direction", settings, { stepsPerTrial: 5 + 1 + 4 + 2 - 1 }), ["steps", "evaluate"]);
  // Twenty-one rounds and seven more, of two shards each.
  assert.deepEqual(ended("direction", settings, { stepsMax: 2 * (21 + 7) }), ["no", "rounds"]);
  assert.deepEqual(ended("direction", settings, { stepsMax: 2 * (21 + 7) - 1 }), ["steps", "evaluate"]);
  // Within a refresh nothing ends it; in refinement it is asked after the next round only.
  assert.deepEqual(ended("lower", settings, { stepsPerTrial: 6 }), ["no", "rounds"]);
  const refining = { ...settings, refinementEpochs: 1, refinementSteps: 5 };
  assert.deepEqual(ended("lower", refining, { stepsPerTrial: 5 + 2 + 4 + 2 }), ["no", "rounds"]);
  assert.deepEqual(ended("lower", refining, { stepsPerTrial: 5 + 2 + 4 + 2 - 1 }), ["steps", "evaluate"]);
});

test("a trial has to take part in one upper step beside what it says first and last", () => {
  // To describe, the refresh, one or two rounds of the step, exact metrics and the end.
  assert.equal(stepsOfTrialMin({ innerSteps: 3, adjoint: "fresh" }), 1 + 3 + 2 + 2);
  assert.equal(stepsOfTrialMin({ innerSteps: 1, adjoint: "lagged" }), 1 + 1 + 1 + 2);
});
