/** Programs that run past their steps, or end there otherwise than they should: no work is done twice for what the log has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { strategyContext } from "@regulus/algorithms/catalog";
import type { Proposal, Strategy } from "@regulus/algorithms/core";
import { createRng } from "@regulus/algorithms/core";
import { strategies } from "@regulus/algorithms/strategies";
import { EndReason, type Measurement, type Report } from "@regulus/proto";
import fc from "fast-check";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { decideReport } from "./decide-report.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const measurement = (step: number, loss: number): Measurement => {
  return { step, metrics: { loss }, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
};
const kindsOf = (facts: readonly FactKind[]) => facts.map(({ $case }) => $case);

function report(at: SearchAt, trial: number, event: Report["event"]): readonly FactKind[] {
  const lease = { searchId: "s", trial, attempt: at.state.live.get(trial)?.attempt ?? 0 };
  const { facts, refused } = decideReport(at.state, "a", { lease, event }, { nowMs, elsewhere: false });
  assert.ok(!refused);
  at.tell(...facts);
  return facts;
}

const measure = (at: SearchAt, trial: number, step: number, loss = 1) =>
  report(at, trial, { $case: "measured", value: measurement(step, loss) });
const finish = (at: SearchAt, trial: number, reason: EndReason, final?: Measurement, step = final?.step ?? 0) =>
  report(at, trial, { $case: "finished", value: { reason, message: "x", step, final, artifacts: [], startedMs: 0 } });
const take = (at: SearchAt, ...proposals: readonly Proposal[]): readonly FactKind[] => {
  const facts = decide(at.state, { kind: "takeProposals", proposals, limit: 9, asked: at.state.position });
  at.tell(...facts);
  return facts;
};
const resume = (untilStep: number, final = false): Proposal => ({ kind: "resume", trial: 0, untilStep, final });

const outside = [EndReason.END_REASON_LOST, EndReason.END_REASON_OUT_OF_MEMORY, EndReason.END_REASON_TIMED_OUT] as const;

test("an attempt that is ended from outside after it measured at its step is done, or pauses, with that measurement", () => {
  for (const reason of outside) {
    const at = new SearchAt().running(0);
    measure(at, 0, 10, 0.5);
    const [end] = finish(at, 0, reason);
    assert.ok(end?.$case === "trialEnded");
    assert.deepEqual([end.value.reason, end.value.final?.step], [EndReason.END_REASON_DONE, 10]);
    const pauses = new SearchAt().running(0, { final: false });
    assert.deepEqual(kindsOf(finish(pauses, 0, reason, measurement(12, 1))), ["trialMeasured", "trialPaused"]);
    const short = new SearchAt().running(0);
    measure(short, 0, 9);
    assert.deepEqual(kindsOf(finish(short, 0, reason)), ["attemptEnded"]);
  }
  const saved = (step: number): FactKind => {
    const checkpoint = { sha256: "ab".repeat(32), size: 1, kind: "checkpoint" };
    return { $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step, checkpoint } };
  };
  for (const [step, max, then] of [
    [10, 3, "trialEnded"],
    [6, 3, "attemptEnded"],
    [6, 0, "trialEnded"],
  ] as const) {
    const saves = new SearchAt({ retries: { max } }).running(0).tell(saved(step));
    measure(saves, 0, 10);
    const words = `saved at step ${step}, ${max} retries: what a program was about to save is worth another attempt`;
    const [end, ...others] = finish(saves, 0, EndReason.END_REASON_LOST);
    assert.deepEqual([end?.$case, others], [then, []], words);
    if (end?.$case === "trialEnded") assert.equal(end.value.reason, EndReason.END_REASON_DONE, words);
  }
  const silent = new SearchAt().running(0);
  measure(silent, 0, 10);
  const lost = decide(silent.state, {
    kind: "loseAttempt",
    trial: 0,
    attempt: 1,
    reason: EndReason.END_REASON_LOST,
    message: "silent",
    nowMs,
  });
  assert.ok(lost[0]?.$case === "trialEnded" && lost[0].value.reason === EndReason.END_REASON_DONE);
});

test("a program that fails by itself, and a procedure that is none, are not done by what they measured", () => {
  const fails = new SearchAt({ retries: { max: 2, on: ["user-error", "lost"] } }).running(0);
  measure(fails, 0, 10);
  assert.deepEqual(kindsOf(finish(fails, 0, EndReason.END_REASON_USER_ERROR)), ["attemptEnded"]);
  const endless = new SearchAt({ retries: { max: 1 } }).running(0, { untilStep: 0 });
  measure(endless, 0, 10);
  assert.deepEqual(kindsOf(finish(endless, 0, EndReason.END_REASON_LOST)), ["attemptEnded"], "it has no step to come to");
  const fits = new SearchAt({ command: undefined, workload: "ridge" });
  const work = {
    procedure: "fit",
    parameters: { rate: 0.5 },
    untilStep: 10,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  fits.tell({ $case: "trialProposed", value: { trial: 0, work } }).attempt(0, 1);
  measure(fits, 0, 10);
  assert.deepEqual(kindsOf(finish(fits, 0, EndReason.END_REASON_LOST)), ["attemptEnded"], "it leaves a model at its end");
  const pauses = new SearchAt({ command: undefined, workload: "ridge" });
  pauses.tell({ $case: "trialProposed", value: { trial: 0, work: { ...work, final: false } } }).attempt(0, 1);
  pauses.timeMs += 2000;
  measure(pauses, 0, 30);
  assert.deepEqual(
    kindsOf(finish(pauses, 0, EndReason.END_REASON_DONE, undefined, 30)),
    ["trialPaused"],
    "and no program is to save",
  );
  assert.deepEqual(kindsOf(take(pauses, resume(20))), ["trialResumed"]);
  pauses.timeMs += 1000;
  assert.deepEqual(pauses.attempt(0, 2).state.cost.wastedByReason(), {}, "it waits with what it did");
});

test("a resumed attempt that has nothing to measure, or lacks the objective at its end, is done if the log has a value", () => {
  for (const final of [undefined, { ...measurement(11, 0), metrics: { train: 3 } }]) {
    const at = new SearchAt().running(0);
    measure(at, 0, 9, 0.5);
    finish(at, 0, EndReason.END_REASON_LOST);
    at.attempt(0, 2);
    const [end] = finish(at, 0, EndReason.END_REASON_DONE, final);
    assert.ok(end?.$case === "trialEnded");
    assert.deepEqual([end.value.reason, end.value.final?.step], [EndReason.END_REASON_DONE, final?.step ?? 9]);
    assert.equal(at.state.view().bestValue, 0.5);
  }
});

test("a resume to a step that was passed makes no attempt, unless the work is another one", () => {
  const passed = () => {
    const at = new SearchAt().running(0, { final: false });
    for (const step of [10, 20, 30]) measure(at, 0, step, 1 / step);
    finish(at, 0, EndReason.END_REASON_DONE, measurement(30, 1 / 30));
    return at;
  };
  const at = passed();
  assert.deepEqual(kindsOf(take(at, resume(20))), ["trialResumed", "trialPaused"]);
  const [, end] = take(at, resume(30, true));
  assert.ok(end?.$case === "trialEnded");
  assert.deepEqual([end.value.reason, end.value.final], [EndReason.END_REASON_DONE, measurement(30, 1 / 30)]);
  for (const more of [
    { untilStep: 31 },
    { parameters: { rate: 0.25 } },
    { fromTrial: 0 },
    { vectors: { theta: [1] } },
    { untilStep: 0 },
  ]) {
    const proposal = { ...resume(20), ...more };
    assert.deepEqual(kindsOf(take(passed(), proposal)), ["trialResumed"], JSON.stringify(more));
  }
});

test("a program that pauses and has saved nothing is told of once a search, and what it repeats is wasted", () => {
  const at = new SearchAt({ strategy: { name: "asha" }, budget: { stepsPerTrial: 27 } });
  for (const trial of [0, 1]) at.running(trial, { final: false });
  assert.deepEqual(kindsOf(finish(at, 0, EndReason.END_REASON_DONE, measurement(10, 1))), [
    "trialMeasured",
    "trialPaused",
    "findingReported",
  ]);
  assert.deepEqual(kindsOf(finish(at, 1, EndReason.END_REASON_DONE, measurement(10, 2))), ["trialMeasured", "trialPaused"]);
  const found = at.facts.flatMap(({ kind }) => (kind?.$case === "findingReported" ? [kind.value] : []));
  assert.match(found[0]?.message ?? "", /trial 0 paused at step 10 and has saved no checkpoint: asha pauses trials/);
  take(at, resume(20));
  at.attempt(0, 2).timeMs += 3000;
  finish(at, 0, EndReason.END_REASON_DONE, measurement(20, 1));
  at.timeMs += 50_000;
  take(at, resume(27));
  at.attempt(0, 3);
  assert.deepEqual(at.state.cost.wastedByReason(), { repeated: 3 });
  const saves = new SearchAt().running(0, { final: false });
  const checkpoint = { sha256: "ab".repeat(32), size: 1, kind: "checkpoint" };
  report(saves, 0, { $case: "checkpointed", value: { step: 10, checkpoint } });
  assert.deepEqual(kindsOf(finish(saves, 0, EndReason.END_REASON_DONE, measurement(10, 1))), ["trialMeasured", "trialPaused"]);
});

/** ASHA over programs that measure every `every` steps, end `past` steps past their target, and save or don't. */
const program = fc.record({
  every: fc.integer({ min: 1, max: 5 }),
  past: fc.constantFrom(0, 1, 7, 30),
  saves: fc.boolean(),
  loss: fc.integer({ min: 1, max: 50 }),
});

test("asha never starts a program for a rung that it has passed, and every search comes to its end", () => {
  fc.assert(
    fc.property(fc.array(program, { minLength: 3, maxLength: 12 }), (programs) => {
      const { at, attempts } = climb(programs);
      for (const { passed, untilStep } of attempts)
        assert.ok(passed < untilStep, `measured ${passed}, started until ${untilStep}`);
      assert.equal(at.state.pending.size + at.state.running.size, 0);
      assert.ok(at.state.done >= 1, "the best goes to the end");
    }),
    { numRuns: 60 },
  );
});

interface Program {
  readonly every: number;
  readonly past: number;
  readonly saves: boolean;
  readonly loss: number;
}

function climb(programs: readonly Program[]) {
  const budget = { trials: programs.length, stepsPerTrial: 27 };
  const at = new SearchAt({ strategy: { name: "asha", options: { eta: 3, minSteps: 3 } }, budget });
  const asha: Strategy<object> = at.state.spec.strategy === undefined ? assert.fail("a strategy") : made(at);
  let state = asha.init();
  let told = 0;
  const attempts: { passed: number; untilStep: number }[] = [];
  for (let rounds = 0; rounds < 1000; rounds += 1) {
    for (; told < at.facts.length; told += 1) state = asha.tell(state, at.facts[told] ?? assert.fail("a fact"));
    const proposals = asha.ask(state, 2, createRng(1));
    if (proposals.length === 0) return { at, attempts };
    take(at, ...proposals);
    for (const trial of [...at.state.pending]) {
      const { work, last, attempt, checkpoints } = at.state.live.get(trial) ?? assert.fail("it is live");
      const { every, past, saves, loss } = programs[trial] ?? assert.fail("a program");
      attempts.push({ passed: last?.step ?? -1, untilStep: work.untilStep });
      at.attempt(trial, attempt + 1);
      const end = Math.min(27 + every, Math.ceil((work.untilStep + past) / every) * every);
      let final: Measurement | undefined;
      for (let step = (checkpoints.newest?.step ?? 0) + every; step <= end; step += every) {
        final = measurement(step, loss + 1 / step);
        measure(at, trial, step, final.metrics.loss);
      }
      if (saves) report(at, trial, { $case: "checkpointed", value: { step: end, checkpoint: saved } });
      finish(at, trial, EndReason.END_REASON_DONE, final, end);
    }
  }
  assert.fail("the search comes to no end");
}

const saved = { sha256: "ab".repeat(32), size: 1, kind: "checkpoint" };

function made({ state: { spec } }: SearchAt): Strategy<object> {
  const module = strategies.get("asha") ?? assert.fail("asha is registered");
  return module.create(strategyContext(spec), module.spec.options.parse({ eta: 3, minSteps: 3 }));
}
