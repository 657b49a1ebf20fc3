import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, RegulusError, SearchOutcome } from "@regulus/proto";
import type { FactKind, SearchCommand } from "./commands.js";
import { decide } from "./decide.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const kindsOf = (facts: readonly FactKind[]) => facts.map(({ $case }) => $case);
const settle = (idle = false, atMs = nowMs): SearchCommand => ({ kind: "settle", nowMs: atMs, idle });
const stopSearch: SearchCommand = { kind: "stopSearch", reason: "enough", completes: false };
const refused = (words: RegExp) => (thrown: unknown) =>
  thrown instanceof RegulusError && thrown.code === "failed-precondition" && words.test(thrown.message);

describe("decide", () => {
  it("changes nothing in the state that it is asked about", () => {
    const { state } = new SearchAt().pending(0).running(1).paused(2);
    const before = structuredClone({ view: state.view(), live: [...state.live] });
    for (const command of [stopSearch, settle(true), { kind: "pauseSearch", reason: "" }] satisfies SearchCommand[]) {
      decide(state, command);
    }
    assert.deepEqual(structuredClone({ view: state.view(), live: [...state.live] }), before);
  });

  it("pauses and resumes once, and refuses both when the search is over or stops", () => {
    const at = new SearchAt();
    const paused = decide(at.state, { kind: "pauseSearch", reason: "" });
    assert.deepEqual(paused, [{ $case: "searchPaused", value: { reason: "paused by its user" } }]);
    assert.deepEqual(decide(at.state, { kind: "resumeSearch" }), []);
    at.tell(...paused);
    assert.deepEqual(decide(at.state, { kind: "pauseSearch", reason: "again" }), []);
    assert.deepEqual(kindsOf(decide(at.state, { kind: "resumeSearch" })), ["searchResumed"]);
    at.running(0).tell(...decide(at.state, stopSearch));
    assert.throws(() => decide(at.state, { kind: "pauseSearch", reason: "" }), refused(/is stopping \(enough\)/));
    at.tell({ $case: "searchEnded", value: { outcome: SearchOutcome.SEARCH_OUTCOME_STOPPED, reason: "enough" } });
    assert.throws(
      () => decide(at.state, { kind: "resumeSearch" }),
      refused(/has ended .*; more budget, or a retried trial, reopens it$/),
    );
  });

  it("stops a search: what holds no lease ends now, what runs is waited for, and only then the search ends", () => {
    const at = new SearchAt().pending(0).running(1).paused(2);
    const stop = decide(at.state, stopSearch);
    assert.deepEqual(kindsOf(stop), ["searchStopRequested", "trialEnded", "trialEnded"]);
    const ended = stop.flatMap((fact) => (fact.$case === "trialEnded" ? [[fact.value.trial, fact.value.reason]] : []));
    assert.deepEqual(ended, [
      [0, EndReason.END_REASON_STOPPED_EARLY],
      [2, EndReason.END_REASON_STOPPED_EARLY],
    ]);
    at.tell(...stop);
    assert.deepEqual(decide(at.state, stopSearch), []);
    assert.deepEqual(decide(at.state, settle(true)), []);
    at.tell(
      ...decide(at.state, {
        kind: "loseAttempt",
        trial: 1,
        attempt: 1,
        reason: EndReason.END_REASON_LOST,
        message: "silent",
        nowMs,
      }),
    );
    assert.equal(at.state.stopped, 3);
    const outcome = SearchOutcome.SEARCH_OUTCOME_STOPPED;
    assert.deepEqual(decide(at.state, settle()), [{ $case: "searchEnded", value: { outcome, reason: "enough" } }]);
  });

  it("stops nothing that is over, and a strategy that fails while its search is stopped makes it a failure", () => {
    const over = new SearchAt().tell({
      $case: "searchEnded",
      value: { outcome: SearchOutcome.SEARCH_OUTCOME_COMPLETED, reason: "" },
    });
    assert.deepEqual([decide(over.state, stopSearch), decide(over.state, settle(true))], [[], []]);
    const at = new SearchAt().running(0);
    at.tell(...decide(at.state, stopSearch));
    const fail = decide(at.state, { kind: "failStrategy", message: "no idea" });
    assert.deepEqual(kindsOf(fail), ["strategyFailed"]);
    at.tell(...fail).ended(0, EndReason.END_REASON_STOPPED_EARLY);
    const outcome = SearchOutcome.SEARCH_OUTCOME_FAILED;
    assert.deepEqual(decide(at.state, settle()), [{ $case: "searchEnded", value: { outcome, reason: "enough" } }]);
  });

  it("stops one trial: at once where it holds no lease, by asking where it runs, and not twice", () => {
    const at = new SearchAt().pending(0).running(1);
    const stopTrial = (trial: number) => decide(at.state, { kind: "stopTrial", trial, reason: "enough" });
    assert.deepEqual(kindsOf(stopTrial(0)), ["trialStopRequested", "trialEnded"]);
    assert.deepEqual(kindsOf(stopTrial(1)), ["trialStopRequested"]);
    at.tell(...stopTrial(1));
    assert.deepEqual(stopTrial(1), []);
    assert.throws(() => stopTrial(2), /no trial 2; it has 2 so far/);
  });

  it("starts attempts of pending trials alone, each with the next number", () => {
    const at = new SearchAt().pending(0);
    const start = () => decide(at.state, { kind: "startAttempt", trial: 0, agentId: "a", fromStep: 0 });
    at.tell(...start());
    assert.deepEqual(start(), []);
    at.tell(
      ...decide(at.state, {
        kind: "loseAttempt",
        trial: 0,
        attempt: 1,
        reason: EndReason.END_REASON_LOST,
        message: "silent",
        nowMs,
      }),
    );
    const [second] = start();
    assert.ok(second?.$case === "attemptStarted");
    assert.equal(second.value.attempt, 2);
    at.tell({ $case: "searchPaused", value: { reason: "lunch" } });
    assert.deepEqual(start(), []);
  });

  it("takes back a lost attempt with a growing wait, and ends the trial after its retries", () => {
    const at = new SearchAt({ retries: { max: 2, backoff: "100ms" } }).running(0);
    const lose = (attempt: number) =>
      decide(at.state, { kind: "loseAttempt", trial: 0, attempt, reason: EndReason.END_REASON_LOST, message: "silent", nowMs });
    const waits: number[] = [];
    for (const attempt of [1, 2]) {
      const [lost] = lose(attempt);
      assert.ok(lost?.$case === "attemptEnded");
      waits.push(lost.value.retryAtMs - nowMs);
      at.tell(lost).attempt(0, attempt + 1);
      assert.deepEqual(lose(attempt), [], "an attempt is lost once");
    }
    assert.deepEqual(waits, [100, 200]);
    const [end] = lose(3);
    assert.ok(end?.$case === "trialEnded");
    assert.equal(end.value.reason, EndReason.END_REASON_LOST);
    assert.match(end.value.message, /^after 2 retries: .*silent/);
    at.tell(end);
    assert.deepEqual(lose(3), [], "it is over");
  });

  it("notes why a trial can't be placed when the reason changes", () => {
    const at = new SearchAt().pending(0);
    const defer = (reason: string) => decide(at.state, { kind: "deferTrial", trial: 0, reason });
    at.tell(...defer("no agent"));
    assert.deepEqual(defer("no agent"), []);
    assert.deepEqual(kindsOf(defer("all busy")), ["trialDeferred"]);
  });

  it("ends a search whose strategy failed, as failed and once", () => {
    const at = new SearchAt().running(0);
    const fail: SearchCommand = { kind: "failStrategy", message: "no idea" };
    at.tell(...decide(at.state, fail));
    assert.deepEqual([at.state.status, decide(at.state, fail)], ["stopping", []]);
    at.tell({
      $case: "trialEnded",
      value: {
        trial: 0,
        attempt: 1,
        reason: EndReason.END_REASON_STOPPED_EARLY,
        message: "",
        final: undefined,
        artifacts: [],
        startedMs: 0,
      },
    });
    const outcome = SearchOutcome.SEARCH_OUTCOME_FAILED;
    const reason = "its strategy failed: no idea";
    assert.deepEqual(decide(at.state, settle()), [{ $case: "searchEnded", value: { outcome, reason } }]);
  });

  it("says what the strategy said last where a search ends without a trial that is done", () => {
    const said = { step: 0, accepted: false, metrics: {}, vectors: {}, message: "saw 4, expected at least 6" };
    const reasonOf = (at: SearchAt) =>
      decide(at.state, settle(true)).flatMap((fact) => (fact.$case === "searchEnded" ? [fact.value.reason] : []));
    const at = new SearchAt().tell({ $case: "strategyStepped", value: said });
    assert.deepEqual(reasonOf(at), ["the strategy has nothing left to try: saw 4, expected at least 6"]);
    assert.deepEqual(reasonOf(new SearchAt()), ["the strategy has nothing left to try"]);
  });

  it("settles a spent wall time to the millisecond, and an idle search only when nothing waits or runs", () => {
    const at = new SearchAt({ budget: { wallTime: "1s" } }).pending(0);
    assert.deepEqual(decide(at.state, settle(false, nowMs + 999)), []);
    const spent = decide(at.state, settle(false, nowMs + 1000));
    assert.deepEqual(kindsOf(spent), ["searchStopRequested", "trialEnded"]);
    assert.ok(spent[0]?.$case === "searchStopRequested" && spent[0].value.completed);
    assert.deepEqual(decide(new SearchAt().pending(0).state, settle(true)), []);
    assert.deepEqual(decide(new SearchAt().running(0).state, settle(true)), []);
    const idle = decide(new SearchAt().paused(0).state, settle(true));
    assert.deepEqual(kindsOf(idle), ["trialEnded", "searchEnded"]);
  });

  it("notes findings while the search is not over, cut to the length of a text", () => {
    const at = new SearchAt();
    const findings = [{ key: "k", severity: "info" as const, message: "x".repeat(10_000) }];
    const [finding] = decide(at.state, { kind: "takeFindings", source: "watch", findings });
    assert.ok(finding?.$case === "findingReported");
    assert.ok(finding.value.message.length <= 4096);
    at.tell({ $case: "searchEnded", value: { outcome: SearchOutcome.SEARCH_OUTCOME_COMPLETED, reason: "" } });
    assert.deepEqual(decide(at.state, { kind: "takeFindings", source: "watch", findings }), []);
  });
});
