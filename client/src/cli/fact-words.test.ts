/** Every kind of fact in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ArtifactRef, Fact, Measurement, Work } from "@regulus/proto";
import { factWords } from "./fact-words.js";

const measurement = Measurement.fromPartial({ step: 2000, metrics: { a: 1, b: 0.5, c: 3, d: 4, e: 5, f: 6 } });
const seven = Measurement.fromPartial({ ...measurement, metrics: { ...measurement.metrics, g: 7 } });
const schedule: ArtifactRef = { kind: "schedule", sha256: "", size: 1 };
const predictions = (split: string) => ({ searchId: "", trial: 0, artifact: { ...schedule, kind: `predictions-${split}` } });
const input = { searchId: "", trial: 0, artifact: schedule };
const work = Work.fromPartial({
  procedure: "fit",
  untilStep: 4000,
  parameters: { rate: 0.01, flag: true, none: null, list: [1], name: "adam" },
});
const trial = 3;
const attempt = 2;

/** Each kind with its words; of some several, since they have parts that may be absent. */
const told: readonly (readonly [NonNullable<Fact["kind"]>["$case"], object, string])[] = [
  ["searchCreated", { spec: { name: "digits" } }, "search created: digits"],
  ["searchCreated", {}, "search created: "],
  ["searchPaused", { reason: "noon" }, "search paused: noon"],
  ["searchResumed", {}, "search continues"],
  ["searchStopRequested", { reason: "enough" }, "search is to end: enough"],
  ["searchEnded", { outcome: "SEARCH_OUTCOME_FAILED", reason: "all failed" }, "search failed: all failed"],
  ["searchReopened", { reason: "retry" }, "search is opened again: retry"],
  [
    "searchTakenUp",
    { awaySinceMs: Date.UTC(2026, 0, 5, 9, 30) },
    "search continues; there was no coordinator since 2026-01-05T09:30:00.000Z",
  ],
  ["searchExtended", {}, "search got more budget"],
  [
    "agentAvoided",
    { agentId: "a", untilMs: Date.UTC(2026, 0, 5, 9, 30), message: "no folder" },
    "keeps off agent a until 2026-01-05T09:30:00.000Z: no folder",
  ],
  ["strategyFailed", { message: "threw" }, "strategy failed: threw"],
  ["strategyStepped", { step: 1200, message: "a word" }, "strategy at step 1,200: a word"],
  ["strategyStepped", { step: 1, accepted: true, metrics: { upperLoss: 0.5 } }, "strategy's step 1 taken: upperLoss 0.5"],
  [
    "strategyStepped",
    { step: 1, metrics: { upperLoss: 0.5 }, message: "too far" },
    "strategy's step 1 refused (too far): upperLoss 0.5",
  ],
  ["trialProposed", { trial, work }, "trial 3 proposed: fit until step 4,000 rate 0.01 flag true none null list [1] name adam"],
  [
    "trialProposed",
    { trial, work: { ...work, parameters: {}, untilStep: 0, arm: "control", fromTrial: 0 } },
    "trial 3 proposed (control): fit from the checkpoint of trial 0",
  ],
  [
    "trialProposed",
    { trial, work: { ...work, parameters: {}, inputs: [input] } },
    "trial 3 proposed: fit until step 4,000 on a learned schedule",
  ],
  ["trialProposed", { trial }, "trial 3 proposed: "],
  [
    "trialResumed",
    { trial, work: { ...work, fromTrial: 1, inputs: [input] } },
    "trial 3 will continue until step 4,000 from the checkpoint of trial 1 on a learned schedule",
  ],
  [
    "trialProposed",
    { trial, work: { ...work, parameters: {}, inputs: ["valid", "test", "valid"].map(predictions) } },
    "trial 3 proposed: fit until step 4,000 with 2 predictions-valid, 1 predictions-test",
  ],
  ["trialResumed", { trial }, "trial 3 will continue"],
  ["trialRetried", { trial, work }, "trial 3 is retried until step 4,000"],
  ["trialStopRequested", { trial, reason: "slow" }, "trial 3 is to stop: slow"],
  ["trialPauseRequested", { trial, reason: "for another" }, "trial 3 is to pause: for another"],
  ["trialDeferred", { trial, reason: "no slot" }, "trial 3 waits: no slot"],
  ["attemptStarted", { trial, attempt, agentId: "a", fromStep: 1500 }, "trial 3: attempt 2 on a from step 1,500"],
  ["attemptStarted", { trial, attempt, agentId: "a" }, "trial 3: attempt 2 on a"],
  ["trialMeasured", { trial, measurement }, "trial 3 measured at step 2,000: a 1 b 0.5 c 3 d 4 e 5 f 6"],
  ["trialMeasured", { trial, measurement: seven }, "trial 3 measured at step 2,000: a 1 b 0.5 c 3 d 4 e 5 f 6 …"],
  ["trialMeasured", { trial }, "trial 3 measured"],
  ["trialCheckpointed", { trial, step: 1500 }, "trial 3 saved at step 1,500"],
  [
    "checkpointDamaged",
    { trial, step: 1500, goesOnFromStep: 1000, message: "no tar" },
    "trial 3: the checkpoint at step 1,500 can't be restored; continues from step 1,000: no tar",
  ],
  ["attemptEnded", { trial, attempt, reason: "END_REASON_LOST" }, "trial 3: attempt 2 ended: lost"],
  [
    "attemptEnded",
    { trial, attempt, reason: "END_REASON_USER_ERROR", message: "exit code 1" },
    "trial 3: attempt 2 ended: user error (exit code 1)",
  ],
  ["trialPaused", { trial, step: 1500 }, "trial 3 waits at step 1,500 for the strategy"],
  [
    "trialEnded",
    { trial, reason: "END_REASON_STOPPED_EARLY", final: measurement },
    "trial 3 ended: stopped early at step 2,000: a 1 b 0.5 c 3 d 4 e 5 f 6",
  ],
  ["trialEnded", { trial, reason: "END_REASON_DIVERGED", message: "NaN" }, "trial 3 ended: diverged (NaN)"],
  ["findingReported", { severity: "warning", source: "guard", message: "odd" }, "warning of guard: odd"],
];

test("every kind of fact has its words", () => {
  for (const [$case, value, words] of told) {
    // As it arrives: with every field, through the wire format.
    const kind = { $case, value } as unknown as NonNullable<Fact["kind"]>;
    assert.equal(factWords(Fact.fromPartial({ kind } as Parameters<typeof Fact.fromPartial>[0])), words);
  }
  assert.equal(new Set<string>(told.map(([kind]) => kind)).size, 25, "all kinds of fact.proto");
  assert.equal(factWords(Fact.fromPartial({})), "a fact that this version does not know");
});
