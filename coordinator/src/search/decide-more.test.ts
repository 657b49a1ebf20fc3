import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, type Fact, limits, RegulusError, SearchOutcome } from "@regulus/proto";
import fc from "fast-check";
import type { FactKind, SearchCommand } from "./commands.js";
import { decide } from "./decide.js";
import { resumePoint } from "./resume-point.js";
import { SearchState } from "./search-state.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const { END_REASON_DONE: done, END_REASON_DIVERGED: diverged, END_REASON_LOST: lost } = EndReason;
const { END_REASON_USER_ERROR: userError, END_REASON_STOPPED_EARLY: stoppedEarly } = EndReason;
const nothing = { trials: 0, steps: 0, wallTimeMs: 0, failures: 0 };

const extend = (at: SearchAt, more: Partial<typeof nothing>, key = "") =>
  decide(at.state, { kind: "extendSearch", more: { ...nothing, ...more }, key, nowMs: at.timeMs });
const retry = (at: SearchAt, trials: readonly number[] = [], key = "") =>
  decide(at.state, { kind: "retryTrials", trials, key, nowMs: at.timeMs });
const kindsOf = (facts: readonly FactKind[]) => facts.map(({ $case }) => $case);
const refusedAs = (code: string, words: RegExp) => (thrown: unknown) =>
  thrown instanceof RegulusError && thrown.code === code && words.test(thrown.message);
const checkpointed = (at: SearchAt, trial: number, step: number) =>
  at.tell({ $case: "trialCheckpointed", value: { trial, attempt: 1, step, checkpoint: checkpointOf(trial, step) } });
const checkpointOf = (trial: number, step: number) => ({ sha256: `${trial}-${step}`, size: 1, kind: "checkpoint" });

describe("more budget", () => {
  it("adds to the limits that the search has, and opens one that has ended", () => {
    const at = new SearchAt({ budget: { trials: 4, wallTime: "1h", failures: 2 } });
    const budget = { ...at.state.budget, trials: 6, wallTimeMs: 3_660_000, failures: 3 };
    const facts = extend(at, { trials: 2, wallTimeMs: 60_000, failures: 1 }, "k");
    assert.deepEqual(facts, [{ $case: "searchExtended", value: { budget, idempotencyKey: "k" } }]);
    at.tell(...facts);
    assert.deepEqual(at.state.view().spec?.budget, budget);
    assert.deepEqual(at.state.createdSpec.budget?.trials, 4);
    at.over();
    assert.deepEqual(kindsOf(extend(at, { trials: 2 })), ["searchReopened", "searchExtended"]);
    at.timeMs = nowMs + 9000;
    at.tell(...extend(at, { trials: 2 }));
    const { status, outcome, reason, endedMs, ranMs, runningSinceMs } = at.state.view();
    assert.deepEqual(
      { status, outcome, reason, endedMs, ranMs, runningSinceMs },
      {
        status: "SEARCH_STATUS_RUNNING",
        outcome: "SEARCH_OUTCOME_UNSPECIFIED",
        reason: "",
        endedMs: 0,
        ranMs: 0,
        runningSinceMs: nowMs + 9000,
      },
    );
  });

  it("is given once for a key", () => {
    const at = new SearchAt({ budget: { trials: 4 } });
    at.tell(...extend(at, { trials: 2 }, "k"));
    assert.deepEqual(extend(at, { trials: 2 }, "k"), []);
    at.tell(...extend(at, { trials: 2 })).tell(...extend(at, { trials: 2 }));
    assert.equal(at.state.budget.trials, 10);
  });

  it("of a limit that the search does not have, of nothing, or beyond the bounds is refused with its field", () => {
    const at = new SearchAt({ budget: { trials: 4 } });
    const problems = (more: Partial<typeof nothing>) => {
      try {
        extend(at, more);
      } catch (thrown) {
        return RegulusError.from(thrown).problems.map(({ field }) => field);
      }
      return assert.fail("it is refused");
    };
    assert.deepEqual(problems({ steps: 10, wallTimeMs: 5, failures: 1 }), ["steps", "wallTimeMs", "failures"]);
    assert.deepEqual(problems({}), ["trials"]);
    const step = { step: 1, accepted: true, metrics: { upperLoss: 0.5 }, vectors: {}, message: "" };
    for (const [at, words] of [
      [new SearchAt({ budget: { trials: 4, wallTime: "1h" } }), "its budget is of trials and wall time"],
      [new SearchAt(), "it ends when random has nothing more to try"],
      [
        new SearchAt().tell({ $case: "strategyStepped", value: step }),
        "it ends when random has nothing more to try; the steps that random takes itself are among its options and stay as submitted",
      ],
    ] as const)
      assert.throws(
        () => extend(at, { steps: 1 }),
        (thrown: unknown) =>
          RegulusError.from(thrown).problems[0]?.expected === `0: search s has no budget of steps to add to; ${words}`,
      );
    assert.deepEqual(problems({ trials: 10_000_000 }), ["trials"]);
    const room = limits.trialsMax - 4;
    assert.throws(
      () => extend(at, { trials: room + 1 }),
      (thrown: unknown) => {
        const [problem] = RegulusError.from(thrown).problems;
        assert.equal(problem?.seen, String(room + 1));
        return problem?.expected === `at most ${room} beside the 4 that there are`;
      },
    );
    assert.equal(extend(at, { trials: room }).length, 1);
    const steps = new SearchAt({ budget: { steps: 10, wallTime: "1h", failures: 2 } });
    assert.equal(extend(steps, { steps: 2 ** 50, wallTimeMs: limits.wallTimeMsMax - 3_600_000, failures: room }).length, 1);
  });

  it("that leaves another limit spent does not open the search", () => {
    const failed = new SearchAt({ budget: { trials: 4, failures: 1 } }).running(0).ended(0, userError).over();
    assert.throws(() => extend(failed, { trials: 2 }), refusedAs("failed-precondition", /budget of failures spent: 1 of 1/));
    assert.deepEqual(kindsOf(extend(failed, { failures: 1 })), ["searchReopened", "searchExtended"]);
    const two = new SearchAt({ budget: { trials: 4, failures: 2 } }).running(0).ended(0, userError).running(1).ended(1, lost);
    assert.deepEqual(kindsOf(retry(two.over(), [1])), ["searchReopened", "trialRetried"], "one failure is left");
    assert.throws(() => extend(two, { trials: 1 }), refusedAs("failed-precondition", /budget of failures spent: 2 of 2/));
    const time = new SearchAt({ budget: { trials: 4, wallTime: "30s" } });
    time.timeMs = nowMs + 30_000;
    time.over();
    assert.throws(() => extend(time, { trials: 2 }), refusedAs("failed-precondition", /30s of wall time/));
    time.timeMs = nowMs + 900_000;
    assert.deepEqual(kindsOf(extend(time, { wallTimeMs: 1 })), ["searchReopened", "searchExtended"]);
    const steps = new SearchAt({ budget: { steps: 10 } }).running(0).ended(0, done, { loss: 1 }).over();
    assert.throws(() => retry(steps), refusedAs("failed-precondition", /no failed trials/));
    assert.deepEqual(kindsOf(extend(steps, { steps: 1 })), ["searchReopened", "searchExtended"]);
    const both = new SearchAt({ budget: { steps: 10, trials: 2 } }).running(0).ended(0, done, { loss: 1 }).over();
    assert.throws(() => extend(both, { trials: 1 }), refusedAs("failed-precondition", /10 of 10 steps/));
    const goal = new SearchAt({ budget: { trials: 4 }, objective: { metric: "loss", goal: 1 } });
    goal.running(0).ended(0, done, { loss: 1 }).over();
    assert.throws(() => extend(goal, { trials: 2 }), refusedAs("failed-precondition", /goal reached/));
  });

  it("and retries wait until a stopping search has ended", () => {
    const at = new SearchAt({ budget: { trials: 4 } }).running(0);
    at.tell(...decide(at.state, { kind: "stopSearch", reason: "enough", completes: false }));
    assert.throws(() => extend(at, { trials: 1 }), refusedAs("failed-precondition", /is stopping/));
    assert.throws(() => retry(at), refusedAs("failed-precondition", /is stopping/));
  });
});

describe("a failed trial that is retried", () => {
  it("continues from its last checkpoint with its work, its attempts and new retries, and has a value once it measures again", () => {
    const at = new SearchAt({ budget: { trials: 1 }, retries: { max: 1 } }).running(0).measured(0, 5, 0.5);
    checkpointed(at, 0, 4).tell({
      $case: "attemptEnded",
      value: { trial: 0, attempt: 1, reason: lost, message: "", retryAtMs: nowMs + 5 },
    });
    at.attempt(0, 2).ended(0, lost, { message: "gone" });
    const before = at.state.trial(0);
    at.over(SearchOutcome.SEARCH_OUTCOME_FAILED);
    const facts = retry(at, [0], "k");
    assert.deepEqual(kindsOf(facts), ["searchReopened", "trialRetried"]);
    at.tell(...facts);
    const trial = at.state.live.get(0) ?? assert.fail("it is live");
    assert.deepEqual(resumePoint(trial), { ref: checkpointOf(0, 4), step: 4, missing: undefined });
    assert.deepEqual([trial.status, trial.attempt, trial.failures, trial.retryAtMs, trial.step], ["pending", 2, 0, 0, 5]);
    const after = at.state.trial(0);
    assert.deepEqual([after?.work, after?.last, after?.best], [before?.work, before?.last, before?.best]);
    assert.deepEqual([after?.reason, after?.message, after?.endedMs], [EndReason.END_REASON_UNSPECIFIED, "", 0]);
    const { counts, failureGroups, steps, bestTrial } = at.state.view();
    assert.deepEqual([counts?.pending, counts?.failed, failureGroups, steps, bestTrial], [1, 0, [], 5, undefined]);
    assert.deepEqual(retry(at, [0], "k"), [], "a repeated call makes nothing");
    at.attempt(0, 3).ended(0, done, { loss: 0.1 });
    assert.deepEqual([at.state.done, at.state.failed, at.state.steps, at.state.bestValue], [1, 0, 10, 0.1]);
  });

  it("that never saved begins from the other trial that its work names, else from its own checkpoint", () => {
    const at = new SearchAt({ budget: { trials: 9 } });
    checkpointed(at.running(0, { final: false }), 0, 7);
    const work = { ...(at.state.live.get(0)?.work ?? assert.fail()), fromTrial: 0, final: true, untilStep: 20 };
    for (const trial of [1, 2]) at.tell({ $case: "trialProposed", value: { trial, work } }).attempt(trial, 1);
    checkpointed(at, 2, 9);
    for (const trial of [1, 2]) at.ended(trial, userError);
    at.tell(...retry(at));
    const begins = (trial: number) => resumePoint(at.state.live.get(trial) ?? assert.fail()).ref;
    assert.deepEqual([begins(1), begins(2)], [checkpointOf(0, 7), checkpointOf(2, 9)]);
  });

  it("is any that failed where none is named, in order, and none that has a result", () => {
    const at = new SearchAt({ budget: { trials: 9 } });
    for (const [trial, reason] of [lost, done, userError, diverged].entries())
      at.running(trial).ended(trial, reason, { loss: 1 });
    at.running(4);
    const retried = retry(at).map((fact) => (fact.$case === "trialRetried" ? fact.value.trial : fact.$case));
    assert.deepEqual(retried, [0, 2]);
    assert.throws(() => retry(at, [3]), refusedAs("failed-precondition", /trial 3 ended as diverged, which is a result/));
    assert.throws(() => retry(at, [1]), refusedAs("failed-precondition", /trial 1 ended as done/));
    assert.throws(() => retry(at, [4]), refusedAs("failed-precondition", /trial 4 is running/));
    assert.throws(() => retry(at, [5]), refusedAs("not-found", /no trial 5/));
    assert.deepEqual(kindsOf(retry(at, [0, 0])), ["trialRetried"]);
    at.tell(...retry(at));
    assert.throws(() => retry(at), refusedAs("failed-precondition", /no failed trials; 1 diverged or were infeasible/));
  });

  /** Two failures of two, while trial 2 runs, 3 waits, 4 has measured and 5 is asked to stop. */
  const cutOff = () => {
    const at = new SearchAt({ budget: { trials: 9, failures: 2 } });
    for (const trial of [0, 1]) at.running(trial).ended(trial, userError);
    at.running(2).pending(3).running(4).measured(4, 1, 0.5).running(5);
    at.tell({ $case: "trialStopRequested", value: { trial: 5, reason: "by its user" } });
    return at;
  };
  const settle = (at: SearchAt) => at.tell(...decide(at.state, { kind: "settle", nowMs, idle: false }));
  const stoppedAll = (at: SearchAt) => {
    for (const trial of [...at.state.running]) at.ended(trial, stoppedEarly);
    return settle(at);
  };

  it("is also one that the end of a failed search stopped before it had a value, alone or with the others", () => {
    const at = stoppedAll(settle(cutOff()));
    assert.deepEqual([at.state.outcome, at.state.stopped], ["SEARCH_OUTCOME_FAILED", 4]);
    const retried = (facts: readonly FactKind[]) =>
      facts.flatMap((one) => (one.$case === "trialRetried" ? [one.value.trial] : []));
    assert.deepEqual(retried(retry(at)), [0, 1, 2, 3]);
    assert.throws(() => retry(at, [2]), refusedAs("failed-precondition", /2 of 2 trials failed/), "no failure is taken back");
    for (const trial of [4, 5])
      assert.throws(() => retry(at, [trial]), refusedAs("failed-precondition", /ended as stopped early, which is a result/));
    at.tell(...extend(at, { failures: 2 }));
    assert.deepEqual(retried(retry(at, [2])), [2]);
    at.tell(...retry(at));
    const { counts, failureGroups } = at.state.view();
    assert.deepEqual([counts?.pending, counts?.stopped, counts?.failed, failureGroups], [4, 2, 0, []]);
    at.attempt(2, 2).ended(2, done, { loss: 0.1 });
    assert.deepEqual([at.state.done, at.state.bestTrial], [1, 2]);
  });

  it("is none that its user's stop of the search ended", () => {
    const at = cutOff();
    at.tell(...decide(at.state, { kind: "stopSearch", reason: "enough", completes: false }));
    stoppedAll(at);
    assert.throws(
      () => retry(at, [2]),
      refusedAs("failed-precondition", /stopped early, which is a result; .* because its search failed/),
    );
  });

  it("is one of the first, up to a bound, where none is named", () => {
    const at = new SearchAt({ budget: { trials: 2 * limits.retriedAtOnceMax } });
    for (let trial = 0; trial < limits.retriedAtOnceMax + 2; trial += 1) at.running(trial).ended(trial, lost);
    const numbers = retry(at).map((fact) => (fact.$case === "trialRetried" ? fact.value.trial : -1));
    assert.deepEqual(numbers, [...Array(limits.retriedAtOnceMax).keys()]);
  });

  it("takes its failure out of its group, and the others of the group stay", () => {
    const at = new SearchAt({ budget: { trials: 9 } });
    for (const trial of [0, 1]) at.running(trial).ended(trial, userError, { message: "no file" });
    at.tell(...retry(at, [0]));
    const [group, ...others] = at.state.view().failureGroups;
    assert.deepEqual([group?.trials, others], [1, []]);
    at.attempt(0, 2).ended(0, lost);
    assert.deepEqual(
      at.state.view().failureGroups.map(({ reason, trials }) => [reason, trials]),
      [
        [userError, 1],
        [lost, 1],
      ],
    );
  });

  it("counts no more towards the first trials that fail alike", () => {
    const at = new SearchAt({ budget: { trials: 3 } });
    for (const trial of [0, 1, 2]) at.running(trial).ended(trial, userError, { message: "no file" });
    const settled = () => decide(at.state, { kind: "settle", nowMs, idle: false } satisfies SearchCommand);
    at.tell(...settled()).tell(...settled());
    at.tell(...retry(at));
    assert.deepEqual(settled(), []);
    for (const trial of [0, 1, 2]) at.attempt(trial, 2).ended(trial, userError, { message: "no file" });
    assert.deepEqual(settled(), []);
  });
});

describe("the fold over searches whose trials fail and are retried", () => {
  const step = fc.record({
    trial: fc.nat(3),
    act: fc.constantFrom("run", "save", "measure", "lose", "fail", "finish", "retry"),
    ms: fc.nat(5000),
  });

  it("counts every trial once, keeps waste between nothing and all, and is the same when the log is told again", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const at = new SearchAt({ budget: { trials: 4 } });
        for (const trial of [0, 1, 2, 3]) at.pending(trial);
        for (const { trial, act, ms } of steps) {
          at.timeMs += ms;
          const live = at.state.live.get(trial);
          if (act === "retry" && at.state.archive.failed(trial)) at.tell(...retry(at, [trial]));
          else if (act === "run" && live?.status === "pending") at.attempt(trial, live.attempt + 1);
          if (live?.status !== "running") continue;
          if (act === "save") checkpointed(at, trial, live.step);
          else if (act === "measure") at.measured(trial, live.step + 1, ms);
          else if (act === "finish") at.ended(trial, done, { loss: ms });
          else if (act === "fail" || act === "lose") at.ended(trial, act === "fail" ? userError : lost);
        }
        const view = at.state.view();
        const { pending = 0, running = 0, paused = 0, done: well = 0, stopped = 0, failed = 0 } = view.counts ?? {};
        assert.equal(pending + running + paused + well + stopped + failed, 4);
        assert.equal(failed, [0, 1, 2, 3].filter((trial) => at.state.archive.failed(trial)).length);
        assert.equal(
          view.failureGroups.reduce((sum, { trials }) => sum + trials, 0),
          failed,
        );
        assert.ok(view.wastedSlotSeconds >= 0 && view.wastedSlotSeconds <= view.slotSeconds + 1e-9);
        const [first, ...rest] = at.facts as [Fact, ...Fact[]];
        const again = new SearchState(first);
        for (const fact of rest) again.tell(fact);
        assert.deepEqual(again.view(), view);
        assert.deepEqual(again.trial(0), at.state.trial(0));
      }),
    );
  });
});
