/**
 * The control arm as a translator: two strategies that write down what they are told and asked, and say what the test wants, each in numbers of its own.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, EndReason, type Fact, type Work } from "@regulus/proto";
import { createRng, type Proposal, type Strategy } from "../core/index.js";
import { sharesOf, withControlArm } from "./control-arm.js";

const budgetOf = (more: Partial<Budget>): Budget => ({ trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...more });
const workOf = (more: Partial<Work> = {}): Work => {
  const none = { parameters: {}, options: undefined, vectors: {}, inputs: [], fromTrial: undefined };
  return { procedure: "fit", untilStep: 10, final: true, arm: "", ...none, ...more };
};

interface Written {
  readonly told: Fact["kind"][];
}

/** Says what it is given, as far as the limit goes, and notes the limits. */
function scripted(says: () => readonly Proposal[], asked: [limit: number, draw: number][] = []): Strategy<Written> {
  return {
    init: () => ({ told: [] }),
    tell: (state, { kind }) => {
      state.told.push(kind);
      return state;
    },
    ask: (_, limit, rng) => {
      asked.push([limit, rng.uniform()]);
      let left = limit;
      return says().filter(({ kind }) => (kind !== "start" && kind !== "resume") || left-- > 0);
    },
  };
}

const start = (more: Partial<Extract<Proposal, { kind: "start" }>> = {}): Proposal => {
  return { kind: "start", procedure: "fit", parameters: {}, untilStep: 10, final: true, ...more };
};

/** Trials of the search: 0 own, 1 control, 2 own, 3 control, 4 own. */
const arms = ["", "control", "", "control", "replay"] as const;

function begun(own: Strategy<Written>, control: Strategy<Written>, budget: Budget = budgetOf({ trials: 30, stepsPerTrial: 10 })) {
  const strategy = withControlArm(own, control, sharesOf(budget, 0.5) ?? assert.fail("it can be shared"));
  let state = strategy.init();
  let position = 0;
  const tell = (kind: Fact["kind"]): void => {
    position += 1;
    state = strategy.tell(state, { searchId: "s", position, timeMs: 0, kind });
  };
  for (const [trial, arm] of arms.entries()) tell({ $case: "trialProposed", value: { trial, work: workOf({ arm }) } });
  const ask = (limit: number) => strategy.ask(state, limit, createRng(3));
  return { tell, ask, told: () => [state.own.told, state.control.told] as const };
}
const silent = () => scripted(() => []);

test("each arm hears of its own trials by its own numbers, whatever the fact, and the strategy of the search as a whole", () => {
  const { tell, told } = begun(silent(), silent());
  const numbers = (kinds: readonly Fact["kind"][]) =>
    kinds.map((kind) => (kind !== undefined && "trial" in kind.value ? kind.value.trial : undefined));
  assert.deepEqual(told().map(numbers), [
    [0, 1, 2],
    [0, 1],
  ]);
  const measurement = { step: 1, metrics: {}, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
  const checkpoint = { sha256: "", size: 1, kind: "checkpoint" };
  const ended = { reason: EndReason.END_REASON_DONE, message: "", final: undefined, artifacts: [], startedMs: 0 };
  const facts = (trial: number): Fact["kind"][] => [
    { $case: "trialResumed", value: { trial, work: workOf() } },
    { $case: "trialRetried", value: { trial, work: workOf(), idempotencyKey: "", allFailed: false } },
    { $case: "trialStopRequested", value: { trial, reason: "" } },
    { $case: "trialPauseRequested", value: { trial, reason: "" } },
    { $case: "attemptStarted", value: { trial, attempt: 1, agentId: "a", fromStep: 0 } },
    { $case: "trialMeasured", value: { trial, attempt: 1, measurement } },
    { $case: "trialCheckpointed", value: { trial, attempt: 1, step: 1, checkpoint } },
    { $case: "trialPaused", value: { trial, attempt: 1, step: 1, artifacts: [] } },
    { $case: "trialEnded", value: { trial, attempt: 1, ...ended } },
  ];
  const before = told().map(({ length }) => length);
  for (const trial of arms.keys()) for (const fact of facts(trial)) tell(fact);
  const count = facts(0).length;
  const heard = told().map((kinds, arm) => numbers(kinds.slice(before[arm])));
  const each = (all: readonly number[]) => all.flatMap((trial) => new Array<number>(count).fill(trial));
  assert.deepEqual(heard, [each([0, 1, 2]), each([0, 1])]);
  const kinds = told()[0].slice(before[0], (before[0] ?? 0) + count);
  assert.deepEqual(kinds, facts(0), "nothing else of a fact changes");
  const [own, control] = told().map(({ length }) => length);
  for (const trial of [5, 77]) for (const fact of facts(trial)) tell(fact);
  assert.deepEqual(
    told().map(({ length }) => length),
    [own, control],
    "of trials that there are not nobody hears",
  );
  const stepped = { step: 4, accepted: true, metrics: {}, vectors: {}, message: "" };
  for (const kind of [
    { $case: "strategyStepped", value: stepped },
    { $case: "searchReopened", value: { reason: "" } },
  ] as const)
    tell(kind);
  assert.deepEqual([told()[0].length, told()[1].length], [(own ?? 0) + 2, control]);
});

test("a trial that work is taken over from has the arm's number too", () => {
  const { tell, told } = begun(silent(), silent());
  tell({ $case: "trialProposed", value: { trial: 5, work: workOf({ fromTrial: 4 }) } });
  tell({ $case: "trialResumed", value: { trial: 0, work: workOf({ fromTrial: 2 }) } });
  const sources = told()[0].flatMap((kind) =>
    kind?.$case === "trialProposed" || kind?.$case === "trialResumed" ? [kind.value.work?.fromTrial] : [],
  );
  assert.deepEqual(sources, [undefined, undefined, undefined, 2, 1]);
});

test("what the strategy proposes goes out with the search's numbers, and seeds that are the strategy's own", () => {
  const says: Proposal[] = [
    { kind: "report", step: 2, accepted: true, metrics: {}, message: "" },
    { kind: "stop", trial: 1, reason: "r" },
    { kind: "pause", trial: 2, reason: "r" },
    { kind: "resume", trial: 1, untilStep: 20, final: true, fromTrial: 2 },
    { kind: "resume", trial: 0, untilStep: 20, final: true },
    start({ fromTrial: 1 }),
    start({ inputs: [{ trial: 2, kind: "schedule" }], arm: "replay", seedNumber: 0 }),
    start(),
  ];
  const { ask } = begun(
    scripted(() => says),
    silent(),
  );
  assert.deepEqual(ask(9), [
    says[0],
    { kind: "stop", trial: 2, reason: "r" },
    { kind: "pause", trial: 4, reason: "r" },
    { kind: "resume", trial: 2, untilStep: 20, final: true, fromTrial: 4 },
    { kind: "resume", trial: 0, untilStep: 20, final: true },
    { ...start(), fromTrial: 2, seedNumber: 3 },
    { ...start(), inputs: [{ trial: 4, kind: "schedule" }], arm: "replay", seedNumber: 0 },
    { ...start(), seedNumber: 5 },
  ]);
});

test("the control arm gets what the strategy leaves, behind what is due to it, and numbers its seeds by itself", () => {
  const many = () => Array.from({ length: 20 }, () => start());
  const [ownAsked, controlAsked]: [[number, number][], [number, number][]] = [[], []];
  let wants = 0;
  const { ask } = begun(
    scripted(() => many().slice(0, wants), ownAsked),
    // As random search does, it starts no more than its budget allows.
    scripted(() => many().slice(0, 15 - 2), controlAsked),
  );
  const seeds = (limit: number) =>
    ask(limit).map((one) => (one.kind === "start" ? `${one.arm ?? "own"} ${one.seedNumber}` : one.kind));
  // Three of the strategy's fifteen trials are asked for: three of the control arm's are due, and two are there.
  wants = 9;
  assert.deepEqual(seeds(4), ["control 2", "own 3", "own 4", "own 5"]);
  assert.deepEqual(ownAsked.at(-1)?.[0], 3);
  assert.deepEqual(seeds(1), ["control 2"]);
  assert.deepEqual(ownAsked.at(-1)?.[0], 0);
  wants = 1;
  assert.deepEqual(seeds(4), ["control 2", "own 3", "control 3", "control 4"]);
  assert.deepEqual(seeds(0), []);
  const [[, own = 0] = [], [, control = 0] = []] = [ownAsked.at(-1), controlAsked.at(-1)];
  assert.notEqual(own, control, "they draw from streams of their own");
  assert.equal(own, createRng(3).uniform(), "the strategy as it would alone");
  wants = 0;
  assert.equal(seeds(20).length, 15 - 2);
});

test("of a budget of steps the strategy is asked nothing more once it has spent its share, whatever trials were asked twice", () => {
  const asked: [number, number][] = [];
  const says: Proposal[] = [start(), { kind: "report", step: 0, accepted: true, metrics: {}, message: "" }];
  // Half of 100 steps: five control trials of 10, and 50 steps for the strategy, which has been given 30.
  const { tell, ask } = begun(
    scripted(() => says, asked),
    silent(),
    budgetOf({ steps: 100, stepsPerTrial: 10 }),
  );
  const limitAfter = (kind?: Fact["kind"]) => {
    if (kind !== undefined) tell(kind);
    const proposals = ask(3);
    assert.ok(
      proposals.some((one) => one.kind === "report"),
      "what costs nothing it may still say",
    );
    return asked.at(-1)?.[0];
  };
  assert.equal(limitAfter(), 3);
  assert.equal(limitAfter({ $case: "trialResumed", value: { trial: 0, work: workOf({ untilStep: 5 }) } }), 3);
  assert.equal(limitAfter({ $case: "trialResumed", value: { trial: 0, work: workOf({ untilStep: 29 }) } }), 3);
  assert.equal(limitAfter({ $case: "trialResumed", value: { trial: 1, work: workOf({ untilStep: 1000 }) } }), 3, "not its trial");
  assert.equal(
    limitAfter({
      $case: "trialRetried",
      value: { trial: 0, work: workOf({ untilStep: 30 }), idempotencyKey: "", allFailed: false },
    }),
    0,
  );
});

test("shares are whole trials, rounded, and leave the strategy at least one", () => {
  const shares = (budget: Partial<Budget>, share: number) => {
    const found = sharesOf(budgetOf(budget), share);
    return found && [found.own.trials, found.own.steps, found.control.trials, found.control.stepsPerTrial];
  };
  assert.deepEqual(shares({ trials: 7 }, 0.25), [5, 0, 2, 0], "1.75 is two");
  assert.equal(shares({ trials: 7 }, 0.07), undefined, "0.49 is none");
  assert.deepEqual(shares({ trials: 2 }, 0.6), [1, 0, 1, 0]);
  assert.equal(shares({ trials: 2 }, 0.8), undefined);
  assert.deepEqual(shares({ trials: 10, steps: 100, stepsPerTrial: 10 }, 0.25), [8, 80, 2, 10], "25 steps pay for two trials");
  assert.deepEqual(shares({ trials: 4, steps: 1000, stepsPerTrial: 10 }, 0.25), [3, 990, 1, 10], "the scarcer of both counts");
  assert.deepEqual(shares({ trials: 10, steps: 100 }, 0.25), [9, 75, 1, 25]);
  assert.equal(shares({ steps: 3 }, 0.25), undefined);
});
