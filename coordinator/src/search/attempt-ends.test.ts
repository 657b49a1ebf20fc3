/** What becomes of a trial whose attempt ends: one table of how the attempt ended and what was asked of the trial meanwhile. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaults, EndReason, limits, type Measurement, type Report } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { decideReport } from "./decide-report.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const {
  END_REASON_DONE: done,
  END_REASON_STOPPED_EARLY: stopped,
  END_REASON_LOST: lost,
  END_REASON_OUT_OF_MEMORY: outOfMemory,
  END_REASON_TIMED_OUT: timedOut,
  END_REASON_PREEMPTED: preempted,
  END_REASON_USER_ERROR: userError,
  END_REASON_DIVERGED: diverged,
  END_REASON_INFEASIBLE: infeasible,
  END_REASON_UNSPECIFIED: unspecified,
} = EndReason;

const measurement = (step: number, loss: number): Measurement => {
  return { step, metrics: { loss }, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
};
interface End {
  readonly message?: string;
  readonly final?: Measurement;
  readonly elsewhere?: boolean;
  readonly attempt?: number;
}
const finish = (at: SearchAt, reason: EndReason, more: End = {}) => {
  const { message = "why", final, elsewhere = false, attempt = 1 } = more;
  const value = { reason, message, step: 7, final, artifacts: [], startedMs: 0 };
  const report: Report = { lease: { searchId: "s", trial: 0, attempt }, event: { $case: "finished", value } };
  return decideReport(at.state, "a", report, { nowMs, elsewhere }).facts;
};
const kindsOf = (facts: readonly FactKind[]) => facts.map(({ $case }) => $case);
/** "DONE: message" of the end of the trial, else the kinds of the facts. */
const told = (facts: readonly FactKind[]) => {
  const end = facts.find((fact) => fact.$case === "trialEnded");
  if (end?.$case !== "trialEnded") return kindsOf(facts).join(" ");
  return `${end.value.reason.replace("END_REASON_", "")}: ${end.value.message}`;
};

const stopTrial = (at: SearchAt) => at.tell(...decide(at.state, { kind: "stopTrial", trial: 0, reason: "enough" }));
const stopSearch = (at: SearchAt) => at.tell(...decide(at.state, { kind: "stopSearch", reason: "enough", completes: false }));
const pause = (at: SearchAt) =>
  at.tell(
    ...decide(at.state, {
      kind: "takeProposals",
      proposals: [{ kind: "pause", trial: 0, reason: "later" }],
      limit: 9,
      asked: at.state.position,
    }),
  );
const nothing = (at: SearchAt) => at;

const otherwise = "its attempt ended otherwise: why";
const table: Record<string, readonly [ask: (at: SearchAt) => SearchAt, ends: Partial<Record<EndReason, string>>]> = {
  "where nothing was asked": [
    nothing,
    {
      [done]: "DONE: why",
      [stopped]: "STOPPED_EARLY: why",
      [lost]: "attemptEnded",
      [outOfMemory]: "attemptEnded",
      [timedOut]: "attemptEnded",
      [preempted]: "attemptEnded",
      [userError]: "USER_ERROR: why",
      [diverged]: "DIVERGED: why",
      [infeasible]: "INFEASIBLE: why",
      [unspecified]: "USER_ERROR: the agent gave no reason for the end: why",
    },
  ],
  "that is to stop": [
    stopTrial,
    {
      [done]: "DONE: why",
      [stopped]: "STOPPED_EARLY: why",
      [lost]: `STOPPED_EARLY: enough; ${otherwise}`,
      [outOfMemory]: `STOPPED_EARLY: enough; ${otherwise}`,
      [timedOut]: `STOPPED_EARLY: enough; ${otherwise}`,
      [preempted]: "STOPPED_EARLY: enough",
      [userError]: "USER_ERROR: why",
      [diverged]: "DIVERGED: why",
    },
  ],
  "of a search that stops": [
    stopSearch,
    {
      [done]: "DONE: why",
      [lost]: `STOPPED_EARLY: the search ends: enough; ${otherwise}`,
      [preempted]: "STOPPED_EARLY: the search ends: enough",
      [userError]: "USER_ERROR: why",
    },
  ],
  "that is to pause": [
    pause,
    {
      [done]: "DONE: why",
      [lost]: "attemptEnded trialPaused",
      [outOfMemory]: "attemptEnded trialPaused",
      [preempted]: "trialPaused findingReported",
      [userError]: "USER_ERROR: why",
      [infeasible]: "INFEASIBLE: why",
    },
  ],
};

for (const [what, [ask, ends]] of Object.entries(table)) {
  describe(`a trial ${what}`, () => {
    for (const [reason, expected] of Object.entries(ends)) {
      it(`whose attempt ends as ${reason}: ${expected}`, () => {
        const at = ask(new SearchAt().running(0).measured(0, 5, 1));
        assert.equal(told(finish(at, reason as EndReason)), expected);
      });
    }
  });
}

describe("the end of an attempt", () => {
  it("that says no word gets one: why it was to stop, or that its procedure stopped", () => {
    const end = (ask: (at: SearchAt) => SearchAt) => told(finish(ask(new SearchAt().running(0)), stopped, { message: "" }));
    assert.equal(end(nothing), "STOPPED_EARLY: its procedure stopped early");
    assert.equal(end(stopTrial), "STOPPED_EARLY: enough");
    assert.equal(end(stopSearch), "STOPPED_EARLY: the search ends: enough");
  });

  it("of work that is not final is a pause, unless the trial or its search is to stop", () => {
    const end = (ask: (at: SearchAt) => SearchAt) => told(finish(ask(new SearchAt().running(0, { final: false })), done));
    assert.equal(end(nothing), "trialPaused findingReported");
    assert.equal(end(stopTrial), "STOPPED_EARLY: enough");
    assert.equal(end(stopSearch), "STOPPED_EARLY: the search ends: enough");
  });

  it("pauses at the step that it says, and a lost one at the step that the log has", () => {
    const stepOf = (reason: EndReason) => {
      const facts = finish(pause(new SearchAt().running(0).measured(0, 5, 1)), reason);
      return facts.flatMap((fact) => (fact.$case === "trialPaused" ? [fact.value.step] : []));
    };
    assert.deepEqual([stepOf(preempted), stepOf(lost)], [[7], [5]]);
  });

  it("tells its newest measurement first, where its trial continues and the log lacks it", () => {
    for (const reason of [lost, preempted, outOfMemory]) {
      const at = new SearchAt({ retries: { max: 2 } }).running(0).measured(0, 5, 1);
      assert.deepEqual(kindsOf(finish(at, reason, { final: measurement(7, 2) })), ["trialMeasured", "attemptEnded"]);
      assert.deepEqual(kindsOf(finish(at, reason, { final: measurement(5, 1) })), ["attemptEnded"]);
      assert.deepEqual(kindsOf(finish(at, reason, { final: measurement(4, 3) })), ["attemptEnded"]);
    }
    const paused = finish(pause(new SearchAt().running(0)), preempted, { final: measurement(7, 2) });
    assert.deepEqual(kindsOf(paused), ["trialMeasured", "trialPaused", "findingReported"]);
    const judged = finish(new SearchAt().running(0), userError, { final: measurement(7, 2), elsewhere: true });
    assert.deepEqual(kindsOf(judged), ["trialMeasured", "attemptEnded"]);
  });

  it("keeps the final measurement of a trial that ends, else its last one only where that is a good end", () => {
    const finalOf = (reason: EndReason, final?: Measurement) => {
      const [end] = finish(new SearchAt({ retries: { max: 0 } }).running(0).measured(0, 5, 1), reason, {
        ...(final && { final }),
      });
      return end?.$case === "trialEnded" ? end.value.final?.step : assert.fail("it ends");
    };
    assert.deepEqual(
      [done, stopped, lost, userError, diverged].map((reason) => finalOf(reason)),
      [5, 5, ...Array(3)],
    );
    for (const reason of [done, stopped, lost, userError, diverged]) assert.equal(finalOf(reason, measurement(9, 1)), 9);
  });

  it("is cut where an agent says too much", () => {
    const [end] = finish(new SearchAt().running(0), lost, { message: "x".repeat(10_000) });
    assert.equal(end?.$case === "attemptEnded" && end.value.message.length, limits.textCharactersMax);
  });
});

describe("the wait before another attempt", () => {
  const waits = (retries: object, reason: EndReason, attempts: number) => {
    const at = new SearchAt({ retries }).running(0);
    const list: number[] = [];
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const [end] = finish(at, reason, { attempt });
      assert.ok(end?.$case === "attemptEnded");
      list.push(end.value.retryAtMs === 0 ? 0 : end.value.retryAtMs - nowMs);
      at.tell(end).attempt(0, attempt + 1);
    }
    return list;
  };

  it("begins at the default, doubles with each failure, and has a longest", () => {
    const { retryBackoffMs: first, retryBackoffMsMax: most } = defaults;
    assert.deepEqual(waits({ max: 4 }, lost, 4), [first, 2 * first, 4 * first, 8 * first]);
    assert.equal(waits({ max: 40 }, lost, 40).at(-1), most);
    assert.deepEqual(waits({ max: 3, backoff: "7s" }, timedOut, 2), [7000, 14_000]);
  });

  it("is none where an attempt gave its slot back, which is no failure and has no limit", () => {
    assert.deepEqual(waits({ max: 1 }, preempted, 5), Array(5).fill(0));
  });

  it("is as often as the default says where the search does not", () => {
    const at = new SearchAt().running(0);
    for (let attempt = 1; attempt <= defaults.retriesMax; attempt += 1)
      at.tell(...finish(at, lost, { attempt })).attempt(0, attempt + 1);
    const words = `LOST: after ${defaults.retriesMax} retries: why`;
    assert.equal(told(finish(at, lost, { attempt: defaults.retriesMax + 1 })), words);
    assert.equal(told(finish(new SearchAt({ retries: { max: 0 } }).running(0), lost)), "LOST: why");
  });
});

describe("a user error where another agent could run the trial", () => {
  const end = (at: SearchAt) => finish(at, userError, { elsewhere: true });

  it("is tried there once, at once, before it counts", () => {
    const at = new SearchAt().running(0);
    const [ended] = end(at);
    assert.ok(ended?.$case === "attemptEnded");
    assert.deepEqual([ended.value.reason, ended.value.retryAtMs], [userError, nowMs]);
    at.tell(ended).attempt(0, 2);
    assert.equal(told(finish(at, userError, { elsewhere: true, attempt: 2 })), "USER_ERROR: why");
  });

  it("counts at once where there is no other agent, the trial is to stop or to pause, or nothing is retried", () => {
    assert.equal(told(finish(new SearchAt().running(0), userError)), "USER_ERROR: why");
    for (const ask of [stopTrial, stopSearch, pause]) assert.equal(told(end(ask(new SearchAt().running(0)))), "USER_ERROR: why");
    assert.equal(told(end(new SearchAt({ retries: { max: 0 } }).running(0))), "USER_ERROR: why");
  });

  it("counts at once where the search has worked on that agent", () => {
    assert.equal(told(end(new SearchAt().running(1).measured(1, 1, 1).running(0))), "USER_ERROR: why");
  });
});
