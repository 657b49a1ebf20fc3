/** Where work that starts from another trial begins: at what that trial had saved when the work was given, however late it gets a slot. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Work } from "@regulus/proto";
import { resumePoint } from "./resume-point.js";
import type { SearchState } from "./search-state.js";
import { stepsAhead } from "./steps-ahead.js";
import { SearchAt } from "./testing/search-at.js";

const ref = (name: string) => ({ sha256: name.repeat(64), size: 1, kind: "checkpoint" });
const saved = (trial: number, step: number, name: string) =>
  ({ $case: "trialCheckpointed", value: { trial, attempt: 1, step, checkpoint: ref(name) } }) as const;
const work = (fromTrial: number | undefined, untilStep: number): Work => ({
  procedure: "command",
  parameters: { rate: 0.5 },
  untilStep,
  final: false,
  options: undefined,
  fromTrial,
  vectors: {},
  arm: "",
  inputs: [],
});

function pointOf(state: SearchState, number: number) {
  const trial = state.live.get(number);
  assert.ok(trial);
  const point = resumePoint(trial);
  return [point.ref?.sha256[0], point.step, point.missing];
}

test("a copy begins at the checkpoint of its time, though its source has gone on", () => {
  const at = new SearchAt().running(0, { final: false }).running(1, { final: false });
  at.tell(saved(0, 10, "a"), saved(1, 10, "b"));
  for (const trial of [0, 1]) at.tell({ $case: "trialPaused", value: { trial, attempt: 1, step: 10, artifacts: [] } });
  assert.equal(at.state.steps, 20);
  at.tell({ $case: "trialResumed", value: { trial: 1, work: work(0, 20) } });
  at.tell({ $case: "trialResumed", value: { trial: 0, work: work(undefined, 20) } }).attempt(0, 2);
  at.tell(saved(0, 20, "c"));
  assert.deepEqual(pointOf(at.state, 1), ["a", 10, undefined]);
  at.attempt(1, 2).tell(saved(1, 15, "d"));
  assert.deepEqual(pointOf(at.state, 1), ["d", 15, undefined], "what it saved itself since goes before");
  assert.equal(at.state.steps, 35);
});

test("a new trial that begins at another's checkpoint does not count the other's steps again", () => {
  const at = new SearchAt().running(0).tell(saved(0, 10, "a"));
  const end = {
    trial: 0,
    attempt: 1,
    reason: EndReason.END_REASON_DONE,
    message: "",
    final: undefined,
    artifacts: [],
    startedMs: 0,
  };
  at.tell({ $case: "trialEnded", value: end });
  at.tell({ $case: "trialProposed", value: { trial: 1, work: work(0, 14) } });
  assert.deepEqual(pointOf(at.state, 1), ["a", 10, undefined]);
  assert.equal(stepsAhead(at.state), 4);
  at.attempt(1, 1).tell(saved(1, 14, "b"));
  assert.equal(at.state.steps, 14);
});

test("a trial that never saved has nothing to begin from", () => {
  const at = new SearchAt().pending(0).tell({ $case: "trialProposed", value: { trial: 1, work: work(0, 10) } });
  assert.deepEqual(pointOf(at.state, 1), [undefined, 0, 0]);
});
