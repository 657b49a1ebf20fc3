/** Budgets that are spent: of steps, of trials, and the words for both; a trial that only has to say that it is done is not stopped. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason } from "@regulus/proto";
import { decide } from "./decide.js";
import { SearchAt } from "./testing/search-at.js";

const { END_REASON_DONE: done, END_REASON_STOPPED_EARLY: stopped, END_REASON_USER_ERROR: userError } = EndReason;
const settled = ({ state, timeMs }: SearchAt, idle = false) => decide(state, { kind: "settle", nowMs: timeMs, idle });
const kindsOf = (at: SearchAt, idle = false) => settled(at, idle).map(({ $case }) => $case);
const reasonOf = (at: SearchAt, idle = false) =>
  settled(at, idle).flatMap((fact) => ("reason" in fact.value && !("trial" in fact.value) ? [fact.value.reason] : []))[0];

describe("a budget of steps", () => {
  it("ends a search with its last step, not before, while some trial has steps to do", () => {
    const at = new SearchAt({ budget: { steps: 12 } }).running(0).running(1).measured(0, 6, 1).measured(1, 5, 1);
    assert.deepEqual(settled(at), []);
    at.measured(1, 6, 1);
    assert.deepEqual(kindsOf(at), ["searchStopRequested"]);
    assert.equal(reasonOf(at), "budget spent: 12 of 12 steps");
  });

  it("waits for trials that reached their step, and for no other", () => {
    const at = new SearchAt({ budget: { steps: 10 } }).running(0).measured(0, 10, 1);
    assert.deepEqual(settled(at), [], "it has only to say that it is done");
    assert.deepEqual(kindsOf(at.pending(1)), ["searchStopRequested", "trialEnded"], "one that waits has not begun");
    const endless = new SearchAt({ budget: { steps: 10 } }).running(0, { untilStep: 0 }).measured(0, 10, 1);
    assert.deepEqual(kindsOf(endless), ["searchStopRequested"], "one without a step of its own continues for ever");
    const over = new SearchAt({ budget: { steps: 10 } }).running(0).ended(0, done, { loss: 1 });
    assert.equal(reasonOf(over, true), "budget spent: 10 of 10 steps");
  });
});

describe("a budget of trials", () => {
  it("is reported with a message once the last one is over, and a single one in the singular", () => {
    const one = new SearchAt({ budget: { trials: 1 } }).running(0).ended(0, done, { loss: 1 });
    assert.equal(reasonOf(one, true), "budget spent: 1 of 1 trial");
    const at = new SearchAt({ budget: { trials: 3 } }).running(0).ended(0, done, { loss: 1 });
    assert.equal(reasonOf(at, true), "the strategy has nothing left to try");
    at.running(1).ended(1, done, { loss: 1 }).running(2).ended(2, done, { loss: 1 });
    assert.equal(reasonOf(at, true), "budget spent: 3 of 3 trials");
  });
});

describe("a search that measured nothing", () => {
  it("counts what failed, what stopped and what is left, and has failed only where something failed", () => {
    const at = new SearchAt({ budget: { trials: 4 } }).running(0).ended(0, userError).running(1).ended(1, stopped).paused(2);
    at.running(3).ended(3, EndReason.END_REASON_INFEASIBLE);
    const words = "no trial was measured: 1 failed, 1 diverged or infeasible, 2 stopped; budget spent: 4 of 4 trials";
    assert.equal(reasonOf(at, true), words);
    const stops = new SearchAt({ budget: { trials: 1 } }).running(0).ended(0, stopped);
    assert.equal(reasonOf(stops, true), "budget spent: 1 of 1 trial");
    const measured = new SearchAt({ budget: { trials: 2 } }).running(0).measured(0, 1, 1).ended(0, stopped);
    measured.running(1).ended(1, userError);
    assert.equal(reasonOf(measured, true), "budget spent: 2 of 2 trials", "a stopped trial has a value too");
  });
});

describe("failures at the start", () => {
  const fail = (at: SearchAt, trial: number) => at.ended(trial, userError, { message: "no file" });

  it("are of the trials that began first, as many as ever ran at once before one of them ended", () => {
    const at = new SearchAt({ budget: { trials: 16 } });
    for (const trial of [0, 1, 2, 3, 4]) at.running(trial);
    for (const trial of [0, 1, 2]) fail(at, trial);
    for (const trial of [5, 6, 7]) fail(at.running(trial), trial);
    assert.deepEqual(settled(at), [], "3 and 4 are among the first and run");
    fail(at, 3);
    assert.match(reasonOf(fail(at, 4)) ?? "", /^the first 5 trials all failed in the same way: user error$/);
  });

  it("count a trial once that was started again", () => {
    const at = new SearchAt({ budget: { trials: 16 }, retries: { max: 5 } });
    at.running(0);
    for (const attempt of [1, 2, 3]) {
      const lost = { trial: 0, attempt, reason: EndReason.END_REASON_LOST, message: "", retryAtMs: 0 };
      at.tell({ $case: "attemptEnded", value: lost }).attempt(0, attempt + 1);
    }
    assert.deepEqual(settled(fail(at, 0)), []);
    fail(at.running(1), 1);
    assert.deepEqual(settled(at), []);
    assert.deepEqual(kindsOf(fail(at.running(2), 2)), ["searchStopRequested"]);
  });
});
