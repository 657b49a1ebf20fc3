/** Facts of bilevel rounds one by one, over a method that writes down what it is told: two shards of two samples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact, limits, toVectors, type Work } from "@regulus/proto";
import type { BilevelMethod, IterationRecord, MethodState } from "../solvers/maid/method.js";
import type { ReducedAnswer, SampleAnswer } from "../solvers/respond.js";
import { encodeAnswer } from "../solvers/respond-messages.js";
import { type BilevelState, emptyState } from "./state.js";
import { type BilevelSetting, tellBilevel } from "./tell.js";

interface Written extends MethodState {
  readonly told: (readonly [id: number, answer: ReducedAnswer])[];
  readonly isPatient: boolean;
}

/** Asks question after question, each from the solutions of the one before, and says that it steps; ends after three. */
const writing: BilevelMethod<{ readonly rejectAbove?: number }, Written> = {
  init: (_, { theta }) => ({ theta, step: 0, work: 0, finished: null, told: [], isPatient: true }),
  questions: ({ told, finished, theta }, limit) =>
    finished !== null
      ? []
      : [
          {
            id: told.length,
            question: { theta, accuracy: 1 },
            startFrom: told.length === 0 ? null : told.length - 1,
            speculative: false,
          },
        ].slice(0, limit),
  undecided: () => [],
  tell: (state, id, answer) => {
    state.told.push([id, answer]);
    state.step += 1;
    const accuracy = state.step === 2 ? {} : { accuracy: 0.5 / state.step };
    const record: IterationRecord = {
      step: state.step,
      accepted: true,
      metrics: { upperLoss: answer.value, ...accuracy },
      vectors: { theta: state.theta, hypergradient: [] },
      message: "stepped",
    };
    if (state.step === 3) state.finished = { reason: "converged", message: "three steps" };
    return [record];
  },
};

const settingOf = (more: Partial<BilevelSetting<object, Written>> = {}): BilevelSetting<object, Written> => {
  const bounds = { replicas: 0, stepsPerTrial: 0, stepsMax: 0, trialsMax: 0 };
  return { method: writing, options: {}, shards: 2, replacements: 1, ...bounds, ...more };
};
const one: SampleAnswer = {
  value: 1,
  gradientNorm: 1,
  accuracy: 0.1,
  smoothness: 1,
  convex: true,
  iterations: 2,
  stalled: false,
};

function begun(setting = settingOf()) {
  const state: BilevelState<Written> = emptyState();
  let position = 0;
  const tell = (kind: Fact["kind"], again = false): void => {
    if (!again) position += 1;
    tellBilevel(setting, state, { searchId: "s", position, timeMs: 0, kind });
  };
  const workOf = (options: object): Work => ({
    procedure: "respond",
    parameters: {},
    untilStep: 1,
    final: false,
    options: { ...options },
    vectors: {},
    inputs: [],
    fromTrial: undefined,
    arm: "",
  });
  const measured = (trial: number, step: number, message: { metrics: Readonly<Record<string, number>>; vectors?: object }) => {
    const { metrics, vectors = {} } = message;
    const nothing = { learned: {}, scales: {}, hypergradients: {}, seconds: 0 };
    const measurement = { step, metrics: { ...metrics }, vectors: toVectors(vectors as Record<string, number[]>), ...nothing };
    tell({ $case: "trialMeasured", value: { trial, attempt: 1, measurement } });
  };
  const propose = (trial: number, options: object) => tell({ $case: "trialProposed", value: { trial, work: workOf(options) } });
  const resume = (trial: number, options: object) => tell({ $case: "trialResumed", value: { trial, work: workOf(options) } });
  const answer = (
    trial: number,
    question: number,
    shard: number,
    more: { value?: number; lo?: number; samples?: number } = {},
  ) => {
    const { value = 1, lo = 2 * shard, samples = 4 } = more;
    const answers = [one, { ...one, value }];
    const range = { lo, hi: lo + 2 };
    measured(trial, 3, encodeAnswer({ question, samples, range, answers, nodes: [], rejected: false }));
  };
  const pause = (trial: number, step = 3) => tell({ $case: "trialPaused", value: { trial, attempt: 1, step, artifacts: [] } });
  const end = (trial: number, reason: EndReason = EndReason.END_REASON_LOST) =>
    tell({
      $case: "trialEnded",
      value: { trial, attempt: 1, reason, message: "", final: undefined, artifacts: [], startedMs: 0 },
    });
  const describe = (samples = 4, theta: readonly number[] = [1]) => {
    propose(0, { describe: true });
    measured(0, 1, { metrics: { samples }, vectors: { theta } });
    pause(0, 1);
  };
  const ask = (question: number, startFrom?: number) => ({
    question,
    accuracy: 1,
    ...(startFrom === undefined ? {} : { startFrom }),
  });
  const says = () => state.reports.map(({ message }) => message);
  return { state, tell, measured, propose, resume, answer, pause, end, describe, ask, says };
}

test("a description begins the method; one that is none leaves the trial without an answer", () => {
  for (const [samples, theta, isOne] of [
    [4, [1], true],
    [1, [1], true],
    [limits.bilevelSamplesMax, [1], true],
    [limits.bilevelSamplesMax + 1, [1], false],
    [0, [1], false],
    [1.5, [1], false],
    [4, [], false],
    [4, [Number.NaN], false],
  ] as const) {
    const { state, describe } = begun();
    describe(samples, theta);
    assert.equal(state.method !== null, isOne, `${samples} and ${theta}`);
    assert.equal(state.members[0]?.status, isOne ? "paused" : "silent");
    if (isOne) assert.deepEqual([state.samples, state.ranges.at(-1)?.hi], [samples, samples]);
  }
});

test("all shards make an answer, in the order of positions, and each counts once", () => {
  const { state, describe, resume, propose, answer, ask, tell } = begun();
  describe();
  assert.equal(state.steps, 1);
  resume(0, { ...ask(0), shard: 0, shards: 2 });
  propose(1, { ...ask(0), shard: 1, shards: 2 });
  assert.equal(state.steps, 1 + 2 + 2);
  answer(1, 0, 1, { value: 5 });
  const told = () => state.method?.told.map(([id, { value }]) => [id, value]);
  assert.deepEqual(told(), []);
  answer(1, 0, 1, { value: 77 });
  answer(0, 0, 1);
  assert.deepEqual(told(), []);
  answer(0, 3, 0);
  answer(0, 0, 0, { samples: 5 });
  answer(0, 0, 0);
  assert.deepEqual(told(), [[0, (1 + 1 + 1 + 5) / 4]]);
  const before = structuredClone(state);
  tell({ $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement: undefined } }, true);
  tell({ $case: "strategyStepped", value: { step: 1, accepted: true, metrics: {}, vectors: {}, message: "" } }, true);
  assert.deepEqual(state, before, "a fact that was told before");
  tell({ $case: "strategyStepped", value: { step: 1, accepted: true, metrics: {}, vectors: {}, message: "" } });
  assert.equal(state.reports.length, before.reports.length - 1);
});

test("the accuracy is that of the newest step that says one, and the end is reported with its reason", () => {
  const { state, describe, resume, answer, pause, ask, says } = begun(settingOf({ shards: 1 }));
  describe(2);
  const accuracies = [0, 1, 2].map((question) => {
    resume(0, { ...ask(question, question === 0 ? undefined : question - 1), shard: 0, shards: 1 });
    answer(0, question, 0, { samples: 2 });
    pause(0);
    return state.accuracy;
  });
  assert.deepEqual(accuracies, [0.5, 0.5, 0.5 / 3]);
  assert.equal(says().at(-1), "it ends (converged): three steps");
  assert.equal(state.reports.at(-1)?.accepted, true);
  assert.deepEqual(
    state.chain.links.map(({ id }) => id),
    [0, 1],
    "each was started from",
  );
});

test("an end is a step that was taken where the method converged or had what it was given, and else a refusal", () => {
  const accepted = (["converged", "budget", "box", "not-finite", "attainable-accuracy", "not-strongly-convex"] as const).filter(
    (reason) => {
      const ending: typeof writing = {
        ...writing,
        tell: (state) => {
          state.finished = { reason, message: "" };
          return [];
        },
      };
      const { state, describe, resume, answer, ask } = begun(settingOf({ shards: 1, method: ending }));
      describe(2);
      resume(0, { ...ask(0), shard: 0, shards: 1 });
      answer(0, 0, 0, { samples: 2 });
      return state.reports.at(-1)?.accepted;
    },
  );
  assert.deepEqual(accepted, ["converged", "budget"]);
});

test("a trial that pauses without an answer is silent, one that was asked to pause is not, and both free it", () => {
  const { state, tell, describe, resume, pause, ask } = begun(settingOf({ shards: 1 }));
  describe(2);
  resume(0, { ...ask(0), shard: 0, shards: 1 });
  tell({ $case: "trialPauseRequested", value: { trial: 0, reason: "" } });
  pause(0);
  assert.deepEqual([state.members[0]?.status, state.members[0]?.asked, state.failures[0]], ["paused", null, undefined]);
  resume(0, { ...ask(0), shard: 0, shards: 1 });
  pause(0);
  assert.deepEqual([state.members[0]?.status, state.failures[0]], ["silent", 1]);
});

test("failures are counted in a row, and one more than may be replaced gives up", () => {
  const { state, describe, resume, propose, answer, pause, end, ask, says } = begun(settingOf({ shards: 1 }));
  describe(2);
  resume(0, { ...ask(0), shard: 0, shards: 1 });
  end(0);
  assert.match(
    says().at(-1) ?? "",
    /^trial 0, which answered for shard 1 of 1, ended \(lost\): another trial replaces it from the start/,
  );
  propose(1, { ...ask(0), shard: 0, shards: 1 });
  answer(1, 0, 0, { samples: 2 });
  pause(1);
  resume(1, { ...ask(1, 0), shard: 0, shards: 1 });
  end(1, EndReason.END_REASON_DIVERGED);
  assert.equal(state.gaveUp, "", "it answered in between");
  propose(2, { ...ask(1, 0), shard: 0, shards: 1 });
  end(2);
  assert.match(state.gaveUp, /^trial 2, .* ended \(lost\), and so did 1 before it: the strategy gives up$/);
});

test("a trial that owes no answer may end, and the budget's last trial is not given away", () => {
  const owing = (trialsMax: number) => {
    const { state, describe, resume, propose, answer, pause, end, ask } = begun(settingOf({ trialsMax, replacements: 9 }));
    describe();
    resume(0, { ...ask(0), shard: 0, shards: 2 });
    propose(1, { ...ask(0), shard: 1, shards: 2 });
    answer(0, 0, 0);
    pause(0);
    end(0);
    assert.deepEqual([state.failures[0], state.method?.finished], [0, null]);
    end(1);
    return state.method?.finished?.message ?? "";
  };
  assert.equal(owing(0), "");
  assert.equal(owing(4), "");
  assert.match(owing(3), /of the 3 trials that budget\.trials allows one is kept for the end$/);
});

test("an answer that no budget of steps has room for ends the method, the last trial's among them", () => {
  const after = (stepsMax: number) => {
    const { state, describe } = begun(settingOf({ stepsMax }));
    describe();
    return [state.gaveUp === "", state.method?.finished?.reason];
  };
  // One step to describe, four a question, four for the last trial.
  assert.deepEqual(
    [after(9), after(8)],
    [
      [true, undefined],
      [false, undefined],
    ],
  );
  const { state, describe, resume, propose, answer, ask, says } = begun(settingOf({ stepsMax: 12 }));
  describe();
  resume(0, { ...ask(0), shard: 0, shards: 2 });
  propose(1, { ...ask(0), shard: 1, shards: 2 });
  answer(0, 0, 0);
  const reason = () => state.method?.finished?.reason;
  assert.equal(reason(), undefined);
  answer(1, 0, 1);
  assert.equal(reason(), "budget");
  assert.match(
    says().at(-1) ?? "",
    /the next question and the last trial would take 8 steps after 5, and budget\.steps is 12; accepted steps: 1$/,
  );
});
