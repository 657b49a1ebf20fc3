/** What the progress fold says of searches, from facts alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "@regulus/proto";
import fc from "fast-check";
import { sampleSearch, sampleSpec } from "../testing/sample-search.js";
import { fractionDone, plannedSteps, plannedTrials, ranMs } from "./done-share.js";
import { progress } from "./progress.js";
import { type Progress, statusOf } from "./progress-state.js";
import { rate } from "./rate.js";

const options = { seed: 3, strategy: "random", trials: 6, stepsPerTrial: 2000 } as const;

test("a whole search is folded into its end", () => {
  const { facts, search } = sampleSearch({ ...options, divergesEvery: 3 });
  const state = fold(facts);
  assert.equal(statusOf(state), "completed");
  assert.equal(state.trialsProposed, 6);
  assert.equal(state.trialsDone, 4);
  assert.equal(state.trialsFailed, 2);
  assert.equal(state.steps, search.steps);
  assert.equal(state.leader?.trial, search.bestTrial);
  assert.equal(state.leader?.value, search.bestValue);
  assert.equal(state.live.size, 0);
  assert.equal(fractionDone(state), 1);
});

test("at work, each slot keeps its line and its trial, and the share and the rate follow the steps", () => {
  const { facts } = sampleSearch(options);
  const half = facts.findIndex((fact) => fact.timeMs - (facts[0]?.timeMs ?? 0) > 18_000);
  const state = fold(facts.slice(0, half));
  assert.equal(plannedSteps(state), 12_000);
  const running = [...state.live.values()].filter((trial) => trial.row >= 0);
  assert.deepEqual(running.map((trial) => trial.row).sort(), [0, 1]);
  assert.equal(fractionDone(state), state.steps / 12_000);
  const speed = rate(state);
  assert.ok(speed?.secondsLeft !== undefined);
  // Two slots at one step in 6 ms are 333 steps a second; measurements come every 50 steps and starts take 0.3 s, hence a tenth.
  assert.ok(Math.abs(speed.stepsPerSecond - 333) < 33, `${speed.stepsPerSecond} steps/s`);
  assert.ok(Math.abs(speed.secondsLeft - (12_000 - state.steps) / speed.stepsPerSecond) < 1, `${speed.secondsLeft} s left`);
});

test("facts that come twice, as after a stream was resumed, change nothing", () => {
  const { facts } = sampleSearch(options);
  const once = fold(facts);
  const twice = fold([...facts.slice(0, 40), ...facts.slice(10)]);
  assert.deepEqual(twice, once);
});

test("a lost attempt gives back the steps after its checkpoint and its line", () => {
  const spec = sampleSpec(options);
  const measurement = {
    step: 900,
    metrics: { validLoss: Number.NaN },
    learned: {},
    scales: {},
    hypergradients: {},
    vectors: {},
    seconds: 5,
  };
  const state = fold(
    numbered([
      { $case: "searchCreated", value: { spec, idempotencyKey: "" } },
      {
        $case: "trialProposed",
        value: {
          trial: 0,
          work: { procedure: "fit", parameters: {}, untilStep: 2000, final: true, options: {}, vectors: {}, arm: "", inputs: [] },
        },
      },
      { $case: "attemptStarted", value: { trial: 0, attempt: 1, agentId: "a", fromStep: 0 } },
      { $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement } },
      { $case: "attemptEnded", value: { trial: 0, attempt: 1, reason: "END_REASON_LOST", message: "", retryAtMs: 0 } },
    ]),
  );
  assert.equal(state.leader?.trial, undefined, "NaN is never the best");
  assert.equal(state.live.get(0)?.row, -1);
  assert.equal(state.steps, 900);
  const started: Fact["kind"] = { $case: "attemptStarted", value: { trial: 0, attempt: 2, agentId: "b", fromStep: 600 } };
  progress.tell(state, { searchId: "s", position: 6, timeMs: 6000, kind: started });
  assert.equal(state.steps, 600);
  assert.equal(state.live.get(0)?.row, 0);
});

test("the samples of the rate stay few however long a search runs", () => {
  const state = fold(sampleSearch({ ...options, trials: 200 }).facts);
  // 30 s at one in 0.5 s, and the one before the window.
  assert.ok(state.samples.length <= 62, `${state.samples.length} samples`);
});

test("where measurements are rarer than the rate's window, checkpoints between them don't make it nothing", () => {
  const { facts } = sampleSearch({ ...options, trials: 1 });
  const begun = facts.slice(
    0,
    facts.findIndex(({ kind }) => kind?.$case === "trialMeasured"),
  );
  const state = fold(begun);
  const from = begun.at(-1)?.timeMs ?? 0;
  let position = begun.at(-1)?.position ?? 0;
  const tell = (afterMs: number, kind: NonNullable<Fact["kind"]>) =>
    progress.tell(state, { searchId: "s", position: ++position, timeMs: from + afterMs, kind });
  const nothing = { metrics: {}, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 1 };
  for (let second = 10; second <= 3600; second += 10) {
    const step = 5 * second;
    if (second % 60 === 0) {
      tell(1000 * second, { $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement: { ...nothing, step } } });
    } else {
      tell(1000 * second, { $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step, checkpoint: undefined } });
    }
    const speed = rate(state)?.stepsPerSecond ?? 0;
    // Five steps a second, told of once a minute: up to a minute later it may be taken for half of that.
    if (second >= 120) assert.ok(speed >= 2.5 && speed <= 5.01, `${speed} steps/s after ${second} s`);
  }
  assert.ok(state.samples.length <= 62, `${state.samples.length} samples`);
});

const maximized = { ...sampleSpec(options), objectives: [{ metric: "score", direction: "DIRECTION_MAXIMIZE" as const }] };

/** The fold of trials that measured scores, in order. */
function scored(...scores: readonly (readonly [trial: number, step: number, score: number])[]): Progress {
  const measured = scores.map(([trial, step, score]): Fact["kind"] => {
    const measurement = { step, metrics: { score }, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 1 };
    return { $case: "trialMeasured", value: { trial, attempt: 1, measurement } };
  });
  const proposed = [0, 1, 2].map((trial): Fact["kind"] => ({ $case: "trialProposed", value: { trial, work: undefined } }));
  return fold(numbered([{ $case: "searchCreated", value: { spec: maximized, idempotencyKey: "" } }, ...proposed, ...measured]));
}

test("a search that is maximized keeps the greatest value", () => {
  const { leader } = scored([0, 1, 0.2], [1, 1, 0.9], [2, 1, 0.5]);
  assert.deepEqual([leader?.trial, leader?.value], [1, 0.9]);
});

test("a best whose step is measured again counts as measured last", () => {
  const { leader } = scored([0, 1, 0.2], [1, 1, 0.9], [1, 1, 0.1]);
  assert.deepEqual([leader?.trial, leader?.value], [0, 0.2]);
  assert.equal(scored([0, 1, 0.2], [1, 1, 0.9], [1, 1, 0.5]).leader?.value, 0.5);
  assert.equal(scored([1, 1, 0.9], [1, 1, 0.1], [1, 2, 0.3]).leader?.value, 0.3);
});

function fold(facts: readonly Fact[]): Progress {
  return facts.reduce((state, fact) => progress.tell(state, fact), progress.init());
}

function numbered(kinds: readonly Fact["kind"][]): Fact[] {
  return kinds.map((kind, index) => ({ searchId: "s", position: index + 1, timeMs: 1000 * (index + 1), kind }));
}

test("a failed trial that is retried counts once, its steps too, and pauses and ends are not time", () => {
  const spec = { ...sampleSpec(options), budget: { trials: 2, steps: 0, stepsPerTrial: 0, wallTimeMs: 100_000 } };
  const work = {
    procedure: "fit",
    parameters: {},
    untilStep: 10,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
  const measured = (attempt: number, step: number): Kind => {
    return { $case: "trialMeasured", value: { trial: 0, attempt, measurement: { step, metrics: {}, ...nothing } } };
  };
  const ended = (attempt: number, reason: "END_REASON_USER_ERROR" | "END_REASON_DONE" | "END_REASON_STOPPED_EARLY"): Kind => {
    const value = { trial: 0, attempt, reason, message: "", final: undefined, artifacts: [], startedMs: 0 };
    return { $case: "trialEnded", value };
  };
  const at = (seconds: number, kind: Kind, position: number): Fact => ({ searchId: "s", position, timeMs: 1000 * seconds, kind });
  const kinds: readonly (readonly [number, Kind])[] = [
    [0, { $case: "searchCreated", value: { spec, idempotencyKey: "" } }],
    [0, { $case: "trialProposed", value: { trial: 0, work } }],
    [1, { $case: "attemptStarted", value: { trial: 0, attempt: 1, agentId: "a", fromStep: 0 } }],
    [5, measured(1, 6)],
    [10, { $case: "searchPaused", value: { reason: "" } }],
    [40, { $case: "searchResumed", value: {} }],
    [45, ended(1, "END_REASON_USER_ERROR")],
    [50, { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_FAILED", reason: "" } }],
    [500, { $case: "searchReopened", value: { reason: "" } }],
    [500, { $case: "searchExtended", value: { budget: { ...spec.budget, trials: 3 }, idempotencyKey: "" } }],
    [500, { $case: "trialRetried", value: { trial: 0, work, idempotencyKey: "", allFailed: false } }],
    [501, { $case: "attemptStarted", value: { trial: 0, attempt: 2, agentId: "a", fromStep: 4 } }],
    [505, measured(2, 8)],
  ];
  const facts = kinds.map(([seconds, kind], index) => at(seconds, kind, index + 1));
  const state = fold(facts);
  assert.deepEqual([state.trialsFailed, state.live.size, state.steps, statusOf(state)], [0, 1, 8, "running"]);
  assert.equal(ranMs(state, 505_000), 25_000, "20 s before the end, 5 s after it");
  const takenUp = at(900, { $case: "searchTakenUp", value: { awaySinceMs: 505_000 } }, facts.length + 1);
  assert.equal(ranMs(fold([...facts, takenUp]), 902_000), 27_000, "none while there was no coordinator");
  const open = { ...spec, budget: { ...spec.budget, trials: 0 } };
  assert.equal(
    fractionDone({ ...state, course: state.course && { ...state.course, spec: open, budget: open.budget } }, 505_000),
    0.25,
  );
  assert.equal(state.course?.budget.trials, 3);
  assert.deepEqual(fold([...facts, at(506, ended(2, "END_REASON_DONE"), facts.length + 1)]).trialsDone, 1);
  const cutOff = kinds.flatMap(([seconds, kind]): (typeof kinds)[number][] =>
    kind.$case === "trialEnded"
      ? [
          [seconds, { $case: "searchStopRequested", value: { reason: "", completed: false, failed: true } }],
          [seconds, ended(1, "END_REASON_STOPPED_EARLY")],
        ]
      : [[seconds, kind]],
  );
  const again = fold(cutOff.map(([seconds, kind], index) => at(seconds, kind, index + 1)));
  assert.deepEqual(
    [again.trialsStopped, again.trialsFailed, again.live.size, again.steps],
    [0, 0, 1, 8],
    "stopped by its failed search",
  );
});

type Kind = NonNullable<Fact["kind"]>;

test("the trials to come are those of the budget, or all configurations of a finite space where these are fewer; a control arm continues", () => {
  const planned = (trials: number, configurations: number | undefined, control?: { share: number }) => {
    const spec = { ...sampleSpec(options), budget: { trials, steps: 0, stepsPerTrial: 10, wallTimeMs: 0 }, control };
    const created: Kind = { $case: "searchCreated", value: { spec, idempotencyKey: "", configurations } };
    const state = fold(numbered([created]));
    return [plannedTrials(state), plannedSteps(state)];
  };
  assert.deepEqual(planned(0, undefined), [0, 0]);
  assert.deepEqual(planned(7, undefined), [7, 70]);
  assert.deepEqual(planned(0, 6), [6, 60]);
  assert.deepEqual(planned(100, 6), [6, 60]);
  assert.deepEqual(planned(4, 6), [4, 40]);
  assert.deepEqual(planned(100, 6, { share: 0.2 }), [100, 1000]);
  assert.deepEqual(planned(0, 6, { share: 0.2 }), [0, 0]);
});

test("however far programs go past the steps that they were asked for, the steps done are no more than the steps shown", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }), (ends) => {
      const budget = { trials: ends.length, steps: 0, stepsPerTrial: 10, wallTimeMs: 0 };
      const strategy = { name: "asha", options: { eta: 2, minSteps: 2 } };
      const created: Kind = {
        $case: "searchCreated",
        value: { spec: { ...sampleSpec(options), budget, strategy }, idempotencyKey: "" },
      };
      const work = {
        procedure: "command",
        parameters: {},
        untilStep: 2,
        final: false,
        options: undefined,
        vectors: {},
        arm: "",
        inputs: [],
      };
      const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
      const kinds = ends.flatMap((step, trial): Kind[] => [
        { $case: "trialProposed", value: { trial, work } },
        { $case: "attemptStarted", value: { trial, attempt: 1, agentId: "a", fromStep: 0 } },
        { $case: "trialMeasured", value: { trial, attempt: 1, measurement: { step, metrics: {}, ...nothing } } },
        {
          $case: "trialEnded",
          value: { trial, attempt: 1, reason: "END_REASON_DONE", message: "", final: undefined, artifacts: [], startedMs: 0 },
        },
      ]);
      let state = progress.init();
      for (const fact of numbered([created, ...kinds])) {
        state = progress.tell(state, fact);
        assert.ok(state.steps <= plannedSteps(state), `${state.steps} of ${plannedSteps(state)}`);
      }
    }),
  );
});

test("a running search is never shown as done, however often it ended and was retried", () => {
  const work = {
    procedure: "fit",
    parameters: {},
    untilStep: 10,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
  const end: Kind = { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_COMPLETED", reason: "" } };
  const again: Kind[] = [
    { $case: "searchReopened", value: { reason: "" } },
    { $case: "trialRetried", value: { trial: 0, work, idempotencyKey: "", allFailed: false } },
  ];
  const life = (attempt: number, step: number): Kind[] => {
    const ended = { trial: 0, attempt, reason: "END_REASON_USER_ERROR" as const, message: "", final: undefined, artifacts: [] };
    return [
      { $case: "attemptStarted", value: { trial: 0, attempt, agentId: "a", fromStep: 0 } },
      { $case: "trialMeasured", value: { trial: 0, attempt, measurement: { step, metrics: {}, ...nothing } } },
      { $case: "trialEnded", value: { ...ended, startedMs: 0 } },
    ];
  };
  const budgets = [
    { trials: 1, steps: 0, stepsPerTrial: 10, wallTimeMs: 0 },
    { trials: 1, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 },
    { trials: 0, steps: 10, stepsPerTrial: 0, wallTimeMs: 0 },
    { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 3000 },
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...budgets),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      (budget, steps) => {
        const created: Kind = { $case: "searchCreated", value: { spec: { ...sampleSpec(options), budget }, idempotencyKey: "" } };
        const lives = steps.flatMap((step, index) => [...(index === 0 ? [] : again), ...life(index + 1, step), end]);
        let state = progress.init();
        for (const fact of numbered([created, { $case: "trialProposed", value: { trial: 0, work } }, ...lives])) {
          state = progress.tell(state, fact);
          const isEnd = fact.kind?.$case === "searchEnded";
          assert.equal(Math.floor(100 * (fractionDone(state) ?? 0)) === 100, isEnd, `after ${fact.kind?.$case} ${fact.position}`);
        }
      },
    ),
  );
});
