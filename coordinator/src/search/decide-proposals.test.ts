import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Proposal } from "@regulus/algorithms/core";
import { EndReason, limits } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { decideReport } from "./decide-report.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const take = ({ state }: SearchAt, ...proposals: readonly Proposal[]): readonly FactKind[] =>
  decide(state, { kind: "takeProposals", proposals, limit: 4, asked: state.position });
const kindsOf = (facts: readonly FactKind[]) => facts.map(({ $case }) => $case);
const pause = (trial: number): Proposal => ({ kind: "pause", trial, reason: "a straggler" });
const report = (more: Partial<Extract<Proposal, { kind: "report" }>> = {}): Proposal => ({
  kind: "report",
  step: 3,
  accepted: false,
  metrics: { psi: 0.5 },
  message: "no decrease",
  ...more,
});
const resume = (more: Partial<Extract<Proposal, { kind: "resume" }>> = {}): Proposal => ({
  kind: "resume",
  trial: 0,
  untilStep: 11,
  final: false,
  ...more,
});
const attemptEnd = (at: SearchAt, reason: EndReason) => {
  const value = { reason, message: "", step: 7, final: undefined, artifacts: [], startedMs: 0 };
  const lease = { searchId: "s", trial: 0, attempt: 1 };
  return decideReport(at.state, "a", { lease, event: { $case: "finished", value } }, { nowMs, elsewhere: false }).facts;
};

describe("proposals that pause", () => {
  it("asks a running trial to pause, once; its preempted attempt is then a pause and no retry", () => {
    const at = new SearchAt().running(0);
    const asked = take(at, pause(0), pause(0));
    assert.deepEqual(kindsOf(asked), ["trialPauseRequested"]);
    at.tell(...asked);
    assert.deepEqual(take(at, pause(0)), []);
    const end = attemptEnd(at, EndReason.END_REASON_PREEMPTED);
    assert.deepEqual(end.slice(0, 1), [{ $case: "trialPaused", value: { trial: 0, attempt: 1, step: 7, artifacts: [] } }]);
    at.tell(...end);
    assert.deepEqual([at.state.live.get(0)?.status, at.state.running.size], ["paused", 0]);
    at.tell(...take(at, resume({ trial: 0, untilStep: 10 })));
    assert.equal(at.state.live.get(0)?.pauseReason, undefined, "the next work is not asked to pause");
  });

  it("pauses a pending trial at once, and leaves one alone that is paused, over or about to stop", () => {
    const at = new SearchAt().pending(0).paused(1).running(2);
    const asked = take(at, pause(0), pause(1));
    assert.deepEqual(kindsOf(asked), ["trialPauseRequested", "trialPaused"]);
    at.tell(...asked, ...decide(at.state, { kind: "stopTrial", trial: 2, reason: "enough" }));
    assert.deepEqual(take(at, pause(2)), []);
    assert.deepEqual([at.state.pending.size, at.state.running.size], [0, 1]);
  });

  it("pauses a trial whose attempt is lost meanwhile, so that its strategy continues from the checkpoint", () => {
    const at = new SearchAt().running(0);
    at.tell(...take(at, pause(0)));
    const lost = decide(at.state, {
      kind: "loseAttempt",
      trial: 0,
      attempt: 1,
      reason: EndReason.END_REASON_LOST,
      message: "silent",
      nowMs,
    });
    assert.deepEqual(kindsOf(lost), ["attemptEnded", "trialPaused"]);
    at.tell(...lost);
    assert.equal(at.state.live.get(0)?.status, "paused");
  });

  it("lets a trial end that reached its step before it heard of the pause", () => {
    const at = new SearchAt().running(0, { final: false });
    at.tell(...take(at, pause(0)));
    assert.deepEqual(kindsOf(attemptEnd(at, EndReason.END_REASON_DONE)).slice(0, 1), ["trialPaused"]);
  });
});

describe("proposals that report", () => {
  it("become facts, beyond the limit of starts and resumes", () => {
    const at = new SearchAt();
    const vectors = { theta: [1, Number.NaN] };
    const facts = decide(at.state, { kind: "takeProposals", proposals: [report({ vectors })], limit: 0, asked: 1 });
    const value = { step: 3, accepted: false, metrics: { psi: 0.5 }, message: "no decrease" };
    assert.deepEqual(facts, [{ $case: "strategyStepped", value: { ...value, vectors: { theta: { values: [1, Number.NaN] } } } }]);
    assert.equal(take(at, report({ step: 0 }))[0]?.$case, "strategyStepped", "steps begin at 0");
  });
});

describe("what trials are sent", () => {
  it("travels with the work", () => {
    const at = new SearchAt().paused(0);
    const [resumed] = take(at, resume({ vectors: { theta: [1, 2] }, arm: "control" }));
    assert.ok(resumed?.$case === "trialResumed");
    assert.deepEqual([resumed.value.work?.vectors, resumed.value.work?.arm], [{ theta: { values: [1, 2] } }, "control"]);
  });

  const many = Array.from({ length: limits.vectorNumbersMax + 1 }, () => 0);
  const names = Object.fromEntries(Array.from({ length: limits.measurementNamesMax + 1 }, (_, index) => [`m${index}`, 0]));
  const refusals: readonly (readonly [string, Proposal, RegExp])[] = [
    ["a vector that is not finite", resume({ vectors: { theta: [1, Number.NaN] } }), /vector theta holds NaN at index 1/],
    ["more numbers than travel", resume({ vectors: { a: many } }), /100001 numbers, at most 100000/],
    ["more numbers than are reported", report({ vectors: { a: many } }), /100001 numbers, at most 100000/],
    ["more metrics than are reported", report({ metrics: names }), /2001 metrics, at most 2000/],
    ["a step that is none", report({ step: -1 }), /step is -1/],
    ["a pause of nobody", pause(9), /no trial 9; there are 1/],
  ];
  for (const [what, proposal, words] of refusals) {
    it(`refuses ${what}`, () => {
      const [failed] = take(new SearchAt().paused(0), proposal);
      assert.ok(failed?.$case === "strategyFailed");
      assert.match(failed.value.message, words);
    });
  }
});

describe("a start from another trial", () => {
  it("that never saved starts from nothing, and a finding says so", () => {
    const at = new SearchAt().running(0);
    at.tell(
      ...take(at, {
        kind: "start",
        procedure: "command",
        parameters: { rate: 0.5 },
        untilStep: 10,
        final: true,
        fromTrial: 0,
      }),
    );
    const [started, finding] = decide(at.state, { kind: "startAttempt", trial: 1, agentId: "a", fromStep: 0 });
    assert.ok(started?.$case === "attemptStarted" && finding?.$case === "findingReported");
    assert.equal(finding.value.trial, 1);
    assert.match(finding.value.message, /checkpoint of trial 0, which is missing; it starts from nothing/);
  });

  it("that never saved continues from its own checkpoint, where it has one", () => {
    const at = new SearchAt().pending(0).running(1, { final: false });
    const checkpoint = { sha256: "ab", size: 2, kind: "checkpoint" };
    at.tell({ $case: "trialCheckpointed", value: { trial: 1, attempt: 1, step: 4, checkpoint } });
    at.tell({ $case: "trialPaused", value: { trial: 1, attempt: 1, step: 4, artifacts: [] } });
    at.tell(...take(at, resume({ trial: 1, fromTrial: 0 })));
    const [, finding] = decide(at.state, { kind: "startAttempt", trial: 1, agentId: "a", fromStep: 4 });
    assert.ok(finding?.$case === "findingReported");
    assert.match(finding.value.message, /checkpoint of trial 0, which is missing; it continues from its own/);
  });

  it("that saved says nothing", () => {
    const at = new SearchAt().running(0);
    const checkpoint = { sha256: "ab", size: 2, kind: "checkpoint" };
    at.tell({ $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step: 4, checkpoint } });
    const work = { procedure: "command", parameters: { rate: 0.5 }, untilStep: 10, final: true, fromTrial: 0 };
    at.tell({
      $case: "trialProposed",
      value: { trial: 1, work: { ...work, options: undefined, vectors: {}, arm: "", inputs: [] } },
    });
    assert.deepEqual(kindsOf(decide(at.state, { kind: "startAttempt", trial: 1, agentId: "a", fromStep: 4 })), [
      "attemptStarted",
    ]);
  });
});
