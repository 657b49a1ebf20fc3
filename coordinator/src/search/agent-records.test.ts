/** When a user error is blamed on the agent, when the agent is kept off, and when it is proven wrong (decision 0027). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, type Fact } from "@regulus/proto";
import { AgentRecords, type RecordedTrial } from "./agent-records.js";
import type { FactKind } from "./commands.js";

const nowMs = 1_700_000_000_000;
const minuteMs = 60_000;
const { END_REASON_USER_ERROR: userError, END_REASON_DONE: done, END_REASON_LOST: lost } = EndReason;

const fact = (kind: FactKind): Fact => ({ searchId: "s", position: 1, timeMs: nowMs, kind });
const attempt = (reason: EndReason) =>
  fact({ $case: "attemptEnded", value: { trial: 0, attempt: 1, reason, message: "", retryAtMs: 0 } });
const end = (reason: EndReason) => {
  const rest = { message: "", final: undefined, artifacts: [], startedMs: 0 };
  return fact({ $case: "trialEnded", value: { trial: 0, attempt: 1, reason, ...rest } });
};
const measured = fact({ $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement: undefined } });
const on = (agentId: string, blamedAgentId = ""): RecordedTrial => ({ agentId, blamedAgentId });

/** Records of an agent "x" on which so many user errors in a row are blamed. */
function blamed(times: number): AgentRecords {
  const records = new AgentRecords();
  for (let count = 0; count < times; count += 1) records.tell(on("x"), attempt(userError));
  return records;
}

describe("an agent on which the search has not worked", () => {
  it("is blamed, and kept off after two user errors in a row", () => {
    assert.ok(blamed(0).mayBlame("x"));
    assert.deepEqual([blamed(1).keptOff(nowMs), blamed(2).keptOff(nowMs)], [[], ["x"]]);
    assert.ok(!blamed(2).keepsOff("y", nowMs), "another agent is not");
  });

  it("is blamed for its own user errors, also of a trial that is blamed on another agent before it ends", () => {
    const records = blamed(2);
    for (let count = 0; count < 2; count += 1) records.tell(on("y", "x"), attempt(userError));
    assert.deepEqual(records.keptOff(nowMs), ["x", "y"]);
  });

  it("is not blamed for what ended otherwise", () => {
    const records = new AgentRecords();
    for (let count = 0; count < 5; count += 1) records.tell(on("x"), attempt(lost));
    for (let count = 0; count < 5; count += 1) records.tell(on("x"), end(lost));
    assert.deepEqual(records.keptOff(nowMs), []);
    records.tell(on("x"), end(userError));
    assert.deepEqual(records.keptOff(nowMs), []);
    records.tell(on("x", "x"), end(userError));
    assert.deepEqual(records.keptOff(nowMs), ["x"], "a trial that failed twice on the only agent counts there");
  });
});

describe("an agent on which the search works", () => {
  for (const [how, works] of [
    ["a measurement", measured],
    ["a checkpoint", fact({ $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step: 1, checkpoint: undefined } })],
    ["a pause", fact({ $case: "trialPaused", value: { trial: 0, attempt: 1, step: 1, artifacts: [] } })],
    ["a done trial", end(done)],
  ] as const) {
    it(`as ${how} shows, is trusted again, until three user errors in a row`, () => {
      const records = blamed(2);
      records.tell(on("x"), works);
      assert.deepEqual([records.keptOff(nowMs), records.mayBlame("x")], [[], false]);
      for (const doubted of [false, false, true]) {
        records.tell(on("x"), attempt(userError));
        assert.equal(records.mayBlame("x"), doubted);
        assert.equal(records.keepsOff("x", nowMs), doubted);
      }
    });
  }

  it("is not known by a trial that was paused before any agent had it, nor by one that was stopped", () => {
    const records = blamed(2);
    records.tell(on(""), fact({ $case: "trialPaused", value: { trial: 0, attempt: 0, step: 0, artifacts: [] } }));
    records.tell(on(""), end(EndReason.END_REASON_STOPPED_EARLY));
    records.tell(on("x"), end(EndReason.END_REASON_STOPPED_EARLY));
    assert.deepEqual([records.keptOff(nowMs), records.mayBlame("")], [["x"], true]);
  });
});

describe("a trial that works elsewhere", () => {
  it("proves the agent wrong that failed at least twice, and no other", () => {
    assert.equal(blamed(1).provenWrong(on("y", "x"), nowMs), undefined, "once may be bad luck");
    assert.deepEqual(blamed(2).provenWrong(on("y", "x"), nowMs), { untilMs: nowMs + 10 * minuteMs, failures: 2 });
    assert.equal(blamed(2).provenWrong(on("x", "x"), nowMs), undefined);
    assert.equal(blamed(2).provenWrong(on("y"), nowMs), undefined);
    assert.equal(blamed(2).provenWrong(on("y", "z"), nowMs), undefined);
  });

  it("has the agent avoided for ten minutes, then twice as long each time, and at most for a day", () => {
    const records = new AgentRecords();
    const minutes: number[] = [];
    let timeMs = nowMs;
    for (let times = 0; times < 10; times += 1) {
      for (let count = 0; count < 2; count += 1) records.tell(on("x"), attempt(userError));
      const { untilMs } = records.provenWrong(on("y", "x"), timeMs) ?? assert.fail("it is proven wrong");
      records.tellAvoided("x", untilMs);
      assert.equal(records.provenWrong(on("y", "x"), timeMs), undefined, "once");
      minutes.push((untilMs - timeMs) / minuteMs);
      assert.ok(records.keepsOff("x", untilMs - 1));
      assert.ok(!records.keepsOff("x", untilMs), "and may have it again then");
      assert.ok(records.mayBlame("x"), "without trust");
      timeMs = untilMs;
    }
    assert.deepEqual(minutes, [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
  });

  it("proves nothing more of an agent that is avoided already", () => {
    const records = blamed(2);
    records.tellAvoided("x", nowMs + 5);
    for (let count = 0; count < 2; count += 1) records.tell(on("x"), attempt(userError));
    assert.equal(records.provenWrong(on("y", "x"), nowMs + 4), undefined);
    assert.ok(records.provenWrong(on("y", "x"), nowMs + 5));
  });
});

describe("a trial that fails elsewhere too", () => {
  it("takes its blame back, and after three such trials no agent is blamed any more", () => {
    const records = blamed(3);
    records.tell(on("y", "x"), end(userError));
    assert.ok(records.keepsOff("x", nowMs), "two are left");
    records.tell(on("y", "x"), end(userError));
    assert.deepEqual([records.keptOff(nowMs), records.mayBlame("x")], [[], true]);
    records.tell(on("y", "x"), end(userError));
    assert.deepEqual([records.mayBlame("x"), records.mayBlame("y")], [false, false], "the program is wrong");
    for (let count = 0; count < 5; count += 1) records.tell(on("x"), attempt(userError));
    assert.deepEqual(records.keptOff(nowMs), []);
    records.tellAvoided("x", nowMs);
    assert.ok(records.mayBlame("y"), "until an agent is proven wrong");
  });

  it("or is never judged, takes its blame back without a word on the program", () => {
    const records = blamed(2);
    for (let count = 0; count < 5; count += 1) records.tell(on("y", "x"), end(lost));
    assert.deepEqual([records.keptOff(nowMs), records.mayBlame("x")], [[], true]);
    records.tell(on("x"), attempt(userError));
    records.tell(on("x"), attempt(userError));
    assert.deepEqual(records.keptOff(nowMs), ["x"], "it owes nothing from before");
  });

  it("leaves the blame where it came to its end there", () => {
    const records = blamed(2);
    records.tell(on("y", "x"), end(done));
    assert.deepEqual(records.keptOff(nowMs), ["x"]);
  });
});
