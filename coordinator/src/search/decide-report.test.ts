import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, type Finished, type Report } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import { decideReport } from "./decide-report.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const metrics = (step: number, values: Record<string, number> = { loss: 0.5 }) => {
  return { step, metrics: values, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
};
const measured = (step: number): Report["event"] => ({ $case: "measured", value: metrics(step) });
const finished = (reason: EndReason, more: Partial<Finished> = {}): Report["event"] => {
  return { $case: "finished", value: { reason, message: "", step: 10, final: undefined, artifacts: [], startedMs: 0, ...more } };
};
const done = (more: Partial<Finished> = {}) => finished(EndReason.END_REASON_DONE, { final: metrics(10), ...more });
const report = (at: SearchAt, event: Report["event"], from: { agentId?: string; attempt?: number; trial?: number } = {}) => {
  const { agentId = "a", attempt = 1, trial = 0 } = from;
  return decideReport(at.state, agentId, { lease: { searchId: "s", trial, attempt }, event }, { nowMs, elsewhere: false });
};
/** What is told once of a search whose program saves nothing. */
const noCheckpoint: FactKind = {
  $case: "findingReported",
  value: { trial: undefined, source: "coordinator", severity: "warning", message: "", key: "no-checkpoint" },
};
const only = (at: SearchAt, event: Report["event"]) => {
  const { facts } = report(at, event);
  assert.equal(facts.length, 1);
  return facts[0];
};

describe("decideReport", () => {
  it("refuses whoever does not hold the lease: another agent, an older or newer attempt, a trial that is over", () => {
    const at = new SearchAt().running(0);
    const nothing = { facts: [], refused: true };
    assert.deepEqual(report(at, done(), { agentId: "b" }), nothing);
    assert.deepEqual(report(at, done(), { attempt: 0 }), nothing);
    assert.deepEqual(report(at, done(), { attempt: 2 }), nothing);
    assert.deepEqual(report(at, done(), { trial: 1 }), nothing);
    at.tell(...report(at, done()).facts);
    assert.deepEqual(report(at, done()), nothing);
  });

  it("makes nothing of what an attempt says a second time", () => {
    const at = new SearchAt().running(0);
    const checkpoint = { sha256: "ab".repeat(32), size: 1, kind: "checkpoint" };
    const found = { source: "fit", severity: "info", message: "slow" };
    for (const event of [
      measured(5),
      { $case: "checkpointed", value: { step: 5, checkpoint } },
      { $case: "found", value: found },
    ] satisfies Report["event"][]) {
      const first = report(at, event);
      assert.equal(first.facts.length, 1);
      at.tell(...first.facts);
      assert.deepEqual(report(at, event), { facts: [], refused: false });
    }
    assert.deepEqual(report(at, measured(4)).facts, [], "an older step is known");
    // A new attempt goes on from the checkpoint and measures the same steps anew.
    at.tell(...report(at, finished(EndReason.END_REASON_PREEMPTED)).facts).attempt(0, 2);
    assert.equal(report(at, measured(4), { attempt: 2 }).facts.length, 1);
  });

  it("ends a trial as diverged whose final objective is not finite, whatever it measured before, and takes any other metric", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const before of [[], [measured(5)]]) {
        const at = new SearchAt().running(0);
        for (const event of before) at.tell(...report(at, event).facts);
        const [fact] = report(at, done({ final: metrics(10, { loss: value, other: 1 }) })).facts;
        assert.equal(fact?.$case === "trialEnded" && fact.value.reason, EndReason.END_REASON_DIVERGED);
        assert.equal(fact?.$case === "trialEnded" && fact.value.message, `its final loss is ${value}`);
        const other = done({ final: metrics(10, { loss: 1, other: value }) });
        const [well] = report(new SearchAt().running(0), other).facts;
        assert.equal(well?.$case === "trialEnded" && well.value.reason, EndReason.END_REASON_DONE);
      }
    }
  });

  it("tries again after the reasons that the search names, as often as it says, and after no other", () => {
    const reasons = ["lost", "out-of-memory", "timed-out", "user-error"];
    for (const on of [undefined, ...reasons.map((word) => [word]), reasons]) {
      for (const word of reasons) {
        const at = new SearchAt({ retries: { max: 1, ...(on && { on }) } }).running(0);
        const reason = `END_REASON_${word.replaceAll("-", "_").toUpperCase()}` as EndReason;
        const again = (on ?? reasons.slice(0, 3)).includes(word);
        const first = only(at, finished(reason));
        assert.equal(first?.$case, again ? "attemptEnded" : "trialEnded", `${word} with ${on}`);
        if (!again || first === undefined) continue;
        at.tell(first).attempt(0, 2);
        const [second] = report(at, finished(reason), { attempt: 2 }).facts;
        assert.equal(second?.$case === "trialEnded" && second.value.reason, reason);
      }
    }
  });

  it("ends a trial whose program fails while it is to stop as its user's error, also where those are retried", () => {
    const at = new SearchAt({ retries: { on: ["user-error"] } }).running(0);
    at.tell({ $case: "trialStopRequested", value: { trial: 0, reason: "enough" } });
    const end = only(at, finished(EndReason.END_REASON_USER_ERROR));
    assert.equal(end?.$case === "trialEnded" && end.value.reason, EndReason.END_REASON_USER_ERROR);
  });

  it("has an agent avoided on which trials failed once one of them works, or comes to its end, elsewhere", () => {
    const ways: Record<string, readonly [boolean, Report["event"]]> = {
      measures: [true, measured(3)],
      "is done": [true, done()],
      pauses: [false, done()],
    };
    for (const [way, [final, event]] of Object.entries(ways)) {
      const at = new SearchAt();
      for (const trial of [0, 1]) {
        const value = { trial, attempt: 1, reason: EndReason.END_REASON_USER_ERROR, message: "", retryAtMs: nowMs };
        at.running(trial, { final }).tell({ $case: "attemptEnded", value });
      }
      at.tell({ $case: "attemptStarted", value: { trial: 0, attempt: 2, agentId: "b", fromStep: 0 } });
      const avoided = report(at, event, { agentId: "b", attempt: 2 }).facts.flatMap((fact) =>
        fact.$case === "agentAvoided" ? [fact.value.agentId, fact.value.message] : [],
      );
      const words = "2 trials in a row ended there as user errors, and trial 0, which was one of them, works on agent b";
      assert.deepEqual(avoided, ["a", words], way);
    }
  });

  it("counts no failure of an attempt that met a damaged checkpoint, and counts those before and after it", () => {
    const at = new SearchAt().running(0);
    const checkpoint = { sha256: "ab".repeat(32), size: 1, kind: "checkpoint" };
    at.tell(...report(at, { $case: "checkpointed", value: { step: 5, checkpoint } }).facts);
    const damaged: Report["event"] = { $case: "unrestorable", value: { checkpoint, message: "no tar" } };
    const reasons: EndReason[] = [];
    for (const attempt of [1, 2, 3]) {
      if (attempt > 1) at.attempt(0, attempt);
      if (attempt === 2) at.tell(...report(at, damaged, { attempt }).facts);
      const [end] = report(at, finished(EndReason.END_REASON_LOST), { attempt }).facts;
      assert.ok(end?.$case === "attemptEnded");
      reasons.push(end.value.reason);
      at.tell(end);
    }
    const { END_REASON_LOST: lost, END_REASON_PREEMPTED: preempted } = EndReason;
    assert.deepEqual([reasons, at.state.live.get(0)?.failures], [[lost, preempted, lost], 2]);
  });

  it("keeps a hundred findings of an attempt", () => {
    const at = new SearchAt().running(0);
    for (let index = 0; index < 150; index += 1) {
      at.tell(...report(at, { $case: "found", value: { source: "fit", severity: "info", message: `${index}` } }).facts);
    }
    // Creation, proposal, attempt, and the findings.
    assert.equal(at.state.position, 3 + 100);
  });

  it("ends a done trial with its final measurement, and calls an end without one the user's error", () => {
    const end = only(new SearchAt().running(0), done());
    assert.ok(end?.$case === "trialEnded");
    assert.deepEqual([end.value.reason, end.value.final?.step], [EndReason.END_REASON_DONE, 10]);
    for (const [final, words] of [
      [undefined, /nothing was measured/],
      [metrics(10, { cost: 1 }), /no metric loss.*it has: cost/],
    ] as const) {
      const wrong = only(new SearchAt().running(0), done({ final }));
      assert.ok(wrong?.$case === "trialEnded");
      assert.equal(wrong.value.reason, EndReason.END_REASON_USER_ERROR);
      assert.match(wrong.value.message, words);
    }
  });

  it("pauses a trial whose work is not final, with its newest measurement", () => {
    const at = new SearchAt().running(0, { final: false });
    const kinds = () => report(at, done()).facts.map(({ $case }) => $case);
    assert.deepEqual(kinds(), ["trialMeasured", "trialPaused", "findingReported"], "and it has saved nothing");
    at.tell(...report(at, measured(10)).facts);
    at.tell(noCheckpoint);
    assert.deepEqual(kinds(), ["trialPaused"]);
  });

  it("tries again what was nobody's fault, and never what was the trial's own", () => {
    const { END_REASON_LOST, END_REASON_OUT_OF_MEMORY, END_REASON_TIMED_OUT, END_REASON_PREEMPTED } = EndReason;
    for (const reason of [END_REASON_LOST, END_REASON_OUT_OF_MEMORY, END_REASON_TIMED_OUT, END_REASON_PREEMPTED]) {
      const again = only(new SearchAt().running(0), finished(reason));
      assert.ok(again?.$case === "attemptEnded", reason);
      // Giving a slot back is no failure: it may start again at once.
      assert.equal(again.value.retryAtMs > nowMs, reason !== END_REASON_PREEMPTED);
    }
    const { END_REASON_DIVERGED, END_REASON_INFEASIBLE, END_REASON_USER_ERROR } = EndReason;
    for (const reason of [END_REASON_DIVERGED, END_REASON_INFEASIBLE, END_REASON_USER_ERROR]) {
      const end = only(new SearchAt().running(0), finished(reason));
      assert.ok(end?.$case === "trialEnded" && end.value.reason === reason, reason);
    }
  });

  it("ends what was to stop as stopped early, however its attempt ended, with its last measurement", () => {
    for (const reason of [EndReason.END_REASON_LOST, EndReason.END_REASON_PREEMPTED, EndReason.END_REASON_STOPPED_EARLY]) {
      const at = new SearchAt().running(0);
      at.tell(...report(at, measured(5)).facts);
      at.tell({ $case: "trialStopRequested", value: { trial: 0, reason: "enough" } });
      const end = only(at, finished(reason));
      assert.ok(end?.$case === "trialEnded");
      assert.deepEqual([end.value.reason, end.value.final?.step], [EndReason.END_REASON_STOPPED_EARLY, 5]);
      assert.match(end.value.message, /^enough/);
    }
  });

  it("takes a checkpoint of a later step, or of the same step with other contents, and no other", () => {
    const save = (at: SearchAt, step: number, name: string) => {
      const checkpoint = name === "" ? undefined : { sha256: name.repeat(64), size: 1, kind: "checkpoint" };
      const { facts } = report(at, { $case: "checkpointed", value: { step, checkpoint } });
      at.tell(...facts);
      return facts.length;
    };
    const at = new SearchAt().running(0);
    assert.deepEqual([save(at, 5, ""), save(at, 5, "a"), save(at, 4, "b"), save(at, 5, "a")], [0, 1, 0, 0]);
    assert.deepEqual([save(at, 5, "b"), save(at, 6, "b"), save(at, 6, "")], [1, 1, 0], "a later step may have the same contents");
    assert.deepEqual(report(at, undefined), { facts: [], refused: false });
  });

  it("names eight of the metrics where the final measurement lacks the objective", () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`m${index}`, index]));
    const end = only(new SearchAt().running(0), done({ final: metrics(10, many) }));
    assert.match(end?.$case === "trialEnded" ? end.value.message : "", /it has: m0, .*, m7$/);
  });

  it("asks no trial to stop that has a step of its own, nor where the budget says nothing of a trial's steps", () => {
    const kinds = (at: SearchAt) => report(at, measured(9)).facts.map(({ $case }) => $case);
    const budget = { stepsPerTrial: 9 };
    assert.deepEqual(kinds(new SearchAt({ budget }).running(0, { untilStep: 9 })), ["trialMeasured"]);
    assert.deepEqual(kinds(new SearchAt().running(0, { untilStep: 0 })), ["trialMeasured"]);
  });

  it("asks a trial without a step of its own to stop when the budget of steps a trial is spent, once", () => {
    const at = new SearchAt({ budget: { stepsPerTrial: 6 } }).running(0, { untilStep: 0 });
    const kinds = (step: number) => {
      const { facts } = report(at, measured(step));
      at.tell(...facts);
      return facts.map(({ $case }) => $case);
    };
    assert.deepEqual(
      [kinds(5), kinds(6), kinds(7)],
      [["trialMeasured"], ["trialMeasured", "trialStopRequested"], ["trialMeasured"]],
    );
  });
});
