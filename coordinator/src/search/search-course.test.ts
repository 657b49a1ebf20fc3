/** The course of a search: what clients see after each turn, what a second life does not inherit, and calls that come twice. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, limits, SearchOutcome } from "@regulus/proto";
import { decide } from "./decide.js";
import { hiddenValue } from "./shown-spec.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const settle = (at: SearchAt, idle = false) => at.tell(...decide(at.state, { kind: "settle", nowMs: at.timeMs, idle }));
const none = { trials: 0, steps: 0, wallTimeMs: 0, failures: 0 };
const extend = (at: SearchAt, key = "", more: Partial<typeof none> = { trials: 1 }) =>
  decide(at.state, { kind: "extendSearch", more: { ...none, ...more }, key, nowMs: at.timeMs });

describe("what clients see of a search", () => {
  it("follows each turn of its course", () => {
    const at = new SearchAt({ budget: { trials: 5 } });
    const now = () => {
      const { status, outcome, reason, endedMs, ranMs, runningSinceMs } = at.state.view();
      const words = [status.replace("SEARCH_STATUS_", ""), outcome.replace("SEARCH_OUTCOME_", ""), reason];
      return [...words, endedMs && endedMs - nowMs, ranMs, runningSinceMs && runningSinceMs - nowMs + 1];
    };
    assert.deepEqual(now(), ["RUNNING", "UNSPECIFIED", "", 0, 0, 1]);
    at.timeMs = nowMs + 10;
    at.tell({ $case: "searchPaused", value: { reason: "lunch" } });
    assert.deepEqual(now(), ["PAUSED", "UNSPECIFIED", "lunch", 0, 10, 0]);
    at.timeMs = nowMs + 100;
    at.tell({ $case: "searchResumed", value: {} });
    assert.deepEqual(now(), ["RUNNING", "UNSPECIFIED", "", 0, 10, 101]);
    at.timeMs = nowMs + 150;
    at.running(0).tell(...decide(at.state, { kind: "stopSearch", reason: "enough", completes: false }));
    assert.deepEqual(now(), ["STOPPING", "UNSPECIFIED", "enough", 0, 10, 101]);
    at.timeMs = nowMs + 200;
    settle(at.ended(0, EndReason.END_REASON_STOPPED_EARLY));
    assert.deepEqual(now(), ["ENDED", "STOPPED", "enough", 200, 110, 0]);
    at.timeMs = nowMs + 1000;
    at.tell(...extend(at));
    assert.deepEqual(now(), ["RUNNING", "UNSPECIFIED", "", 0, 110, 1001]);
  });

  it("never holds the values of its program's environment, also after it got more budget", () => {
    const at = new SearchAt({ command: { argv: ["train"], env: { TOKEN: "secret" } }, budget: { trials: 2 } });
    at.tell(...extend(at));
    const { spec } = at.state.view();
    assert.deepEqual([spec?.command?.env, spec?.budget?.trials], [{ TOKEN: hiddenValue }, 3]);
    assert.deepEqual(at.state.spec.command?.env, { TOKEN: "secret" }, "the program gets them");
    assert.deepEqual(at.state.createdSpec.command?.env, { TOKEN: "secret" });
  });

  it("counts steps that its strategy took and had refused", () => {
    const at = new SearchAt();
    for (const accepted of [true, true, false])
      at.tell({ $case: "strategyStepped", value: { step: 1, accepted, metrics: { psi: 1 }, vectors: {}, message: "" } });
    const { strategyStepsAccepted, strategyStepsRefused } = at.state.view();
    assert.deepEqual([strategyStepsAccepted, strategyStepsRefused], [2, 1]);
  });
});

describe("a search that is opened again", () => {
  it("after its strategy failed ends by what happens from then on", () => {
    const at = new SearchAt({ budget: { trials: 1 } });
    at.tell(...decide(at.state, { kind: "failStrategy", message: "no idea" }));
    assert.equal(settle(at).state.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
    at.tell(...extend(at));
    assert.equal(at.state.strategyFailure, "");
    settle(at.running(0).ended(0, EndReason.END_REASON_DONE, { loss: 1 }), true);
    assert.equal(at.state.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
    assert.deepEqual(decide(at.state, { kind: "failStrategy", message: "late" }), [], "the end is the last fact");
  });

  it("after a stop that completed it can be stopped by its user", () => {
    const at = new SearchAt({ budget: { trials: 9 } }).running(0).ended(0, EndReason.END_REASON_DONE, { loss: 1 });
    at.tell(...decide(at.state, { kind: "stopSearch", reason: "good enough", completes: true }));
    assert.equal(settle(at).state.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
    at.tell(...extend(at)).tell(...decide(at.state, { kind: "stopSearch", reason: "enough", completes: false }));
    assert.equal(settle(at).state.outcome, SearchOutcome.SEARCH_OUTCOME_STOPPED);
  });

  it("is no more watched for first trials that fail alike", () => {
    const fails = (at: SearchAt, trials: readonly number[]) => {
      for (const trial of trials) at.running(trial).ended(trial, EndReason.END_REASON_USER_ERROR, { message: "no file" });
      return settle(at).state.status;
    };
    const at = new SearchAt({ budget: { trials: 4 } });
    assert.equal(fails(at, [0, 1, 2]), "stopping");
    settle(at).tell(...extend(at, "", { trials: 9 }));
    assert.equal(fails(at, [3, 4, 5, 6]), "running");
  });
});

describe("a call with a key", () => {
  it("that came before makes nothing, for as many keys as are kept, and the oldest is forgotten first", () => {
    const at = new SearchAt({ budget: { trials: 1 } });
    const keys = Array.from({ length: limits.keysKeptMax + 1 }, (_, index) => `key ${index}`);
    for (const key of keys.slice(0, -1)) at.tell(...extend(at, key));
    for (const key of keys.slice(0, -1)) assert.deepEqual(extend(at, key), []);
    at.tell(...extend(at, keys.at(-1)));
    assert.equal(extend(at, keys[0]).length, 1);
    for (const key of keys.slice(1)) assert.deepEqual(extend(at, key), []);
    assert.equal(at.state.keyed.size, limits.keysKeptMax);
  });

  it("of a retry of some trials is not for others, though they are as many", () => {
    const at = new SearchAt({ budget: { trials: 9 } });
    for (const trial of [0, 1, 2]) at.running(trial).ended(trial, EndReason.END_REASON_LOST);
    const retry = (...trials: readonly number[]) => decide(at.state, { kind: "retryTrials", trials, key: "k", nowMs });
    at.tell(...retry(0, 1));
    assert.deepEqual(retry(1, 0, 1), [], "the same in another order");
    for (const others of [[1, 2], [0], [2], []])
      assert.throws(() => retry(...others), /belongs to a call that tried other trials again/);
    assert.throws(() => extend(at, "k"), /belongs to a call that tried other trials again/);
  });

  it("of a retry is kept too, and an empty key is new every time", () => {
    const at = new SearchAt({ budget: { trials: 9 } });
    const fail = (trial: number) => at.ended(trial, EndReason.END_REASON_LOST);
    fail(at.running(0) && 0);
    const retry = (key: string) => decide(at.state, { kind: "retryTrials", trials: [0], key, nowMs });
    at.tell(...retry("k")).attempt(0, 2);
    fail(0);
    assert.deepEqual(retry("k"), []);
    at.tell(...retry("")).attempt(0, 3);
    fail(0);
    assert.equal(retry("").length, 1);
    assert.deepEqual(at.state.retried, new Map([[0, 2]]));
  });
});

describe("a finding", () => {
  it("about a trial that is over, or about none, changes no trial", () => {
    const at = new SearchAt().running(0).ended(0, EndReason.END_REASON_DONE, { loss: 1 });
    const before = at.state.trial(0);
    const found = { source: "scale-watch", severity: "info", message: "drift", key: "k" };
    for (const trial of [0, undefined]) at.tell({ $case: "findingReported", value: { ...found, trial } });
    assert.deepEqual(at.state.trial(0), before);
    assert.equal(at.state.news.all().length, 2);
    assert.equal(at.state.told.size, 0, "a diagnostic's key is not the coordinator's");
  });
});
