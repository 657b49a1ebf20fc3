import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, SearchOutcome } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const { END_REASON_DONE: done, END_REASON_DIVERGED: diverged, END_REASON_LOST: lost } = EndReason;
const { END_REASON_USER_ERROR: userError, END_REASON_INFEASIBLE: infeasible } = EndReason;

const settled = ({ state, timeMs }: SearchAt, idle = false) => decide(state, { kind: "settle", nowMs: timeMs, idle });
/** How the search ends once nothing runs, or undefined where it goes on. */
function endOf(at: SearchAt, idle = false): { outcome: SearchOutcome; reason: string } | undefined {
  const facts = settled(at, idle);
  at.tell(...facts);
  const over = (kinds: readonly FactKind[]) => kinds.flatMap((kind) => (kind.$case === "searchEnded" ? [kind.value] : []))[0];
  if (facts.length === 0) return undefined;
  return over(facts) ?? over(settled(at));
}
const failedAll = (at: SearchAt, count: number, message: (trial: number) => string): SearchAt => {
  for (let trial = 0; trial < count; trial += 1) at.running(trial).ended(trial, userError, { message: message(trial) });
  return at;
};
const importError = (trial: number) =>
  `the program ended with code 1; File "/tmp/regulus/s/${trial}/1/train.py", line 1, at 0x7f${trial}0: no module named x`;

describe("the end of a search by its failures", () => {
  it("is failed once its first three trials failed in the same way, with paths and numbers of their own", () => {
    const at = failedAll(new SearchAt({ budget: { trials: 16 } }), 2, importError);
    assert.deepEqual(settled(at), []);
    const end = endOf(at.running(2).ended(2, userError, { message: importError(2) }));
    assert.equal(end?.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
    assert.match(end?.reason ?? "", /^the first 3 trials all failed in the same way: user error$/);
  });

  it("is not failed by lost trials of a strategy whose own steps are its result", () => {
    const at = failedAll(new SearchAt({ budget: { trials: 16 } }), 2, importError);
    const step = { step: 1, accepted: true, metrics: { upperLoss: 0.5 }, vectors: {}, message: "" };
    at.tell({ $case: "strategyStepped", value: step });
    assert.deepEqual(settled(at.running(2).ended(2, userError, { message: importError(2) })), []);
    assert.equal(endOf(at, true)?.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
  });

  for (const [what, command] of [
    ["has its failed trials tried again", { kind: "retryTrials", trials: [] }],
    ["extends it", { kind: "extendSearch", more: { trials: 4, steps: 0, wallTimeMs: 0, failures: 0 } }],
  ] as const) {
    for (const [when, first] of [
      ["after that end", 3],
      ["before it", 2],
    ] as const) {
      it(`continues where its user ${what} ${when}, although all fail alike again`, () => {
        const at = failedAll(new SearchAt({ budget: { trials: 16 } }), first, importError);
        at.tell(...settled(at));
        at.tell(...settled(at));
        assert.equal(at.state.status, first === 3 ? "ended" : "running");
        at.tell(...decide(at.state, { ...command, key: "k", nowMs }));
        for (const trial of at.state.pending) at.attempt(trial, 2).ended(trial, userError, { message: importError(trial) });
        for (const trial of [first, first + 1, first + 2])
          at.running(trial).ended(trial, userError, { message: importError(trial) });
        assert.deepEqual(settled(at), []);
      });
    }
  }

  it("waits for as many as ran at once", () => {
    const at = new SearchAt({ budget: { trials: 16 } });
    for (const trial of [0, 1, 2, 3]) at.running(trial);
    for (const trial of [0, 1, 2]) at.ended(trial, userError, { message: importError(trial) });
    assert.deepEqual(settled(at), []);
    assert.equal(endOf(at.ended(3, userError, { message: importError(3) }))?.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
  });

  it("waits for a first trial that still runs, however many later ones failed alike", () => {
    const at = new SearchAt({ budget: { trials: 16 } }).running(0);
    for (let trial = 1; trial < 8; trial += 1) at.running(trial).ended(trial, userError, { message: "no memory" });
    assert.deepEqual(settled(at), []);
    assert.deepEqual(settled(at.ended(0, done, { loss: 1 })), []);
  });

  for (const [what, works] of [
    ["a done trial", (at: SearchAt) => at.running(0).ended(0, done, { loss: 1 })],
    ["a diverged trial, which is a result", (at: SearchAt) => at.running(0).ended(0, diverged)],
    ["an infeasible trial, which is a result", (at: SearchAt) => at.running(0).ended(0, infeasible)],
    ["a trial that reached its step", (at: SearchAt) => at.paused(0)],
    [
      "a trial that reached its step before it failed",
      (at: SearchAt) => {
        const work = at.paused(0).state.live.get(0)?.work ?? assert.fail("it is live");
        at.tell({ $case: "trialResumed", value: { trial: 0, work } });
        return at.attempt(0, 2).ended(0, userError, { message: "same" });
      },
    ],
    ["a failure of another kind", (at: SearchAt) => at.running(0).ended(0, userError, { message: "disk full" })],
    ["another reason with the same words", (at: SearchAt) => at.running(0).ended(0, lost, { message: "same" })],
  ] as const) {
    it(`continues where ${what} stands among the first`, () => {
      const at = works(new SearchAt({ budget: { trials: 16 } }));
      for (let trial = 1; trial < 9; trial += 1) at.running(trial).ended(trial, userError, { message: "same" });
      assert.deepEqual(settled(at), []);
    });
  }

  it("is failed once budget.failures is spent, whatever failed, and diverged or infeasible trials do not count", () => {
    const at = new SearchAt({ budget: { trials: 16, failures: 2 } }).running(0).ended(0, done, { loss: 1 });
    at.running(1).ended(1, diverged).running(2).ended(2, infeasible).running(3).ended(3, lost, { message: "gone" });
    assert.deepEqual(settled(at), []);
    const end = endOf(at.running(4).ended(4, userError, { message: "other" }));
    assert.equal(end?.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
    assert.equal(end?.reason, "budget of failures spent: 2 of 2 trials failed");
    assert.equal(at.state.bestTrial, 0);
  });

  it("is failed where the budget is spent and every trial failed, also with fewer than three or in unlike ways", () => {
    const at = new SearchAt({ budget: { trials: 2 } }).running(0).ended(0, userError, { message: "a" });
    at.running(1).ended(1, lost, { message: "b" });
    const end = endOf(at, true);
    assert.equal(end?.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
    assert.equal(end?.reason, "no trial was measured: 2 failed; budget spent: 2 of 2 trials");
  });

  it("is failed where the combination of an ensemble failed and none succeeded, with its error, until it is retried well", () => {
    const ensemble = () => {
      const reporting = { predictions: { splits: ["valid"] } };
      const workload = { name: "mnist-mlp" };
      const at = new SearchAt({ command: undefined, workload, reporting, strategy: "ensemble" });
      return at.running(0).ended(0, done, { loss: 1 });
    };
    const combine = (at: SearchAt, trial: number) => {
      const work = { ...(at.pending(trial).state.live.get(trial)?.work ?? assert.fail("it is live")), arm: "combine" };
      return at
        .ended(trial, infeasible)
        .tell({ $case: "trialProposed", value: { trial: trial + 1, work } })
        .attempt(trial + 1, 1);
    };
    assert.equal(endOf(ensemble(), true)?.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED, "nothing was combined");
    const at = combine(ensemble(), 1).ended(2, userError, { message: "files of other rows" });
    const end = endOf(at, true);
    assert.equal(end?.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
    assert.match(
      end?.reason ?? "",
      /^no trial of the arm combine, .*: files of other rows; the strategy has nothing left to try/,
    );
    at.tell(...decide(at.state, { kind: "retryTrials", trials: [2], key: "k", nowMs })).attempt(2, 2);
    assert.equal(endOf(at.ended(2, done, { loss: 0.5 }), true)?.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
    const again = combine(combine(ensemble(), 1).ended(2, done, { loss: 0.5 }), 3).ended(4, userError);
    assert.equal(endOf(again, true)?.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED, "one combination succeeded");
  });

  it("is failed where every trial diverged: that is no result to use", () => {
    const at = new SearchAt({ budget: { trials: 4 } });
    for (const trial of [0, 1, 2, 3]) at.running(trial).measured(trial, 1, 5).ended(trial, diverged);
    assert.equal(endOf(at, true)?.reason, "no trial was measured: 4 diverged or infeasible; budget spent: 4 of 4 trials");
    assert.equal(at.state.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
  });

  it("is completed where one trial was measured, and stopped where its user stopped it, whatever failed", () => {
    const one = new SearchAt({ budget: { trials: 2 } }).running(0).ended(0, userError).running(1).ended(1, done, { loss: 1 });
    assert.equal(endOf(one, true)?.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
    const stopped = new SearchAt({ budget: { trials: 9 } }).running(0).ended(0, userError);
    stopped.tell(...decide(stopped.state, { kind: "stopSearch", reason: "enough", completes: false }));
    assert.equal(endOf(stopped)?.outcome, SearchOutcome.SEARCH_OUTCOME_STOPPED);
  });

  it("is completed by a trial that an older log ended as done without a finite value, whatever failed beside it", () => {
    const at = new SearchAt({ budget: { trials: 2 } }).running(0).ended(0, userError).running(1);
    assert.equal(endOf(at.ended(1, done, { loss: Number.NaN }), true)?.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
    assert.equal(at.state.bestTrial, undefined);
  });

  it("tells failures of one way once, the most frequent first", () => {
    const at = new SearchAt({ budget: { trials: 16 } }).running(0).ended(0, lost, { message: "agent 4 was silent for 9 s" });
    for (let trial = 1; trial < 4; trial += 1) at.running(trial).ended(trial, userError, { message: importError(trial) });
    assert.deepEqual(at.state.view().failureGroups, [
      { reason: userError, message: importError(1), trials: 3, firstTrial: 1 },
      { reason: lost, message: "agent 4 was silent for 9 s", trials: 1, firstTrial: 0 },
    ]);
  });
});

describe("the end of a search by its goal", () => {
  for (const [direction, worse, reached] of [
    ["minimize", 0.11, 0.1],
    ["maximize", 0.09, 0.1],
  ] as const) {
    it(`completes a search that is to ${direction} as soon as a trial is as good as the goal, and no sooner`, () => {
      const at = new SearchAt({ objective: { metric: "loss", direction, goal: 0.1 }, budget: { trials: 16 } });
      assert.deepEqual(settled(at.running(0).measured(0, 1, worse)), []);
      const end = endOf(at.measured(0, 2, reached).ended(0, done, { loss: reached }));
      assert.equal(end?.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
      assert.equal(end?.reason, "goal reached: loss 0.1 of trial 0, the goal is 0.1");
    });
  }

  it("is not where as many failures as the budget allows came with it", () => {
    const at = new SearchAt({ objective: { metric: "loss", goal: 0.1 }, budget: { trials: 16, failures: 1 } });
    at.running(0).running(1).measured(0, 1, 0).ended(1, userError).ended(0, done);
    assert.match(endOf(at)?.reason ?? "", /^budget of failures spent: 1 of 1/);
  });

  it("is not by a trial that failed, nor by a value that is not finite", () => {
    const at = new SearchAt({ objective: { metric: "loss", direction: "minimize", goal: 0.1 }, budget: { trials: 16 } });
    assert.deepEqual(settled(at.running(0).measured(0, 1, Number.NEGATIVE_INFINITY)), []);
    assert.deepEqual(settled(at.running(1).measured(1, 1, 0).ended(1, userError)), []);
  });
});

describe("the end of a search by its wall time", () => {
  const at30 = () => new SearchAt({ budget: { wallTime: "30s" } }).running(0).measured(0, 1, 1);

  it("comes after so much time, not before", () => {
    const at = at30();
    at.timeMs = nowMs + 29_999;
    assert.deepEqual(settled(at), []);
    at.timeMs = nowMs + 30_000;
    assert.equal(endOf(at.ended(0, done, { loss: 1 }))?.reason, "budget spent: 30s of wall time");
  });

  it("leaves out time in which there was no coordinator, and no more than that", () => {
    const at = at30();
    at.timeMs = nowMs + 100_000;
    at.tell(...decide(at.state, { kind: "takeUp", awaySinceMs: nowMs + 10_000 }));
    assert.deepEqual([at.state.view().ranMs, at.state.view().runningSinceMs], [10_000, nowMs + 100_000]);
    at.timeMs = nowMs + 119_999;
    assert.deepEqual(settled(at), []);
    // Times of another machine's clock, before the search ran on and after now, take nothing away and add nothing.
    at.tell(...decide(at.state, { kind: "takeUp", awaySinceMs: nowMs }));
    at.tell(...decide(at.state, { kind: "takeUp", awaySinceMs: nowMs + 1_000_000 }));
    assert.deepEqual([at.state.view().ranMs, at.state.view().runningSinceMs], [10_000, nowMs + 119_999]);
    at.timeMs = nowMs + 139_999;
    assert.notDeepEqual(settled(at), []);
  });

  it("leaves out time in which the search was paused", () => {
    const at = at30();
    at.timeMs = nowMs + 10_000;
    at.tell({ $case: "searchPaused", value: { reason: "lunch" } });
    at.timeMs = nowMs + 1_000_000;
    assert.deepEqual(settled(at), []);
    assert.deepEqual([at.state.view().ranMs, at.state.view().runningSinceMs], [10_000, 0]);
    at.tell({ $case: "searchResumed", value: {} });
    assert.equal(at.state.time.reaches(30_000), nowMs + 1_020_000);
    at.timeMs = nowMs + 1_019_999;
    assert.deepEqual(settled(at), []);
    at.timeMs = nowMs + 1_020_000;
    assert.notDeepEqual(settled(at), []);
    assert.deepEqual([at.state.view().ranMs, at.state.view().runningSinceMs], [10_000, nowMs + 1_000_000]);
  });

  it("counts no time twice where a clock goes back", () => {
    const at = at30();
    at.timeMs = nowMs - 5000;
    at.tell({ $case: "searchPaused", value: { reason: "" } });
    assert.equal(at.state.view().ranMs, 0);
  });
});

describe("the end of a search by its space", () => {
  const space = { n: { type: "int", min: 1, max: 3 }, kind: { type: "boolean" } };
  const tried = (strategy: unknown, trials: number, more: object = {}): string | undefined => {
    const at = new SearchAt({ strategy, space, budget: { trials: 10, stepsPerTrial: 10 }, ...more });
    for (let trial = 0; trial < trials; trial += 1) at.running(trial).ended(trial, done, { loss: trial });
    return endOf(at, true)?.reason;
  };

  for (const name of ["random", "sobol", "grid", "asha"]) {
    it(`is reported once ${name} tried all of it, and not before`, () => {
      assert.equal(tried(name, 6), "the space is exhausted: all 6 configurations were tried");
      assert.equal(tried(name, 5), "the strategy has nothing left to try");
    });
  }

  it("of a grid is the end of the grid, whatever lies between its points", () => {
    const between = { space: { x: { type: "double", min: 0, max: 1 } } };
    const steps = { name: "grid", options: { steps: 3 } };
    assert.equal(tried(steps, 3, between), "the space is exhausted: all 3 configurations were tried");
    assert.equal(tried("random", 3, between), "the strategy has nothing left to try");
  });
});
