/** Why a running trial is to stop, from its facts: its own stop, its pause, its search's pause or end, in this order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason } from "@regulus/proto";
import type { FactKind } from "../../search/commands.js";
import { SearchAt } from "../../search/testing/search-at.js";
import { stopOf } from "./stop-of.js";

const { END_REASON_STOPPED_EARLY: stopped, END_REASON_PREEMPTED: preempted } = EndReason;
const stop: FactKind = { $case: "trialStopRequested", value: { trial: 0, reason: "too slow" } };
const pause: FactKind = { $case: "trialPauseRequested", value: { trial: 0, reason: "other work" } };
const searchPause: FactKind = { $case: "searchPaused", value: { reason: "lunch" } };
const searchStop: FactKind = { $case: "searchStopRequested", value: { reason: "enough", completed: false, failed: false } };

/** What a trial of so many steps hears after these facts, at step 10. */
function heard(untilStep: number, ...kinds: readonly FactKind[]) {
  const at = new SearchAt()
    .running(0, { untilStep })
    .measured(0, 10, 1)
    .tell(...kinds);
  return stopOf(at.state, at.state.live.get(0) ?? assert.fail("it runs"));
}

test("a trial at work stops for the nearest reason, and for none where there is none", () => {
  assert.equal(heard(20), undefined);
  assert.deepEqual(heard(20, stop), { reason: stopped, message: "too slow" });
  assert.deepEqual(heard(20, pause), { reason: preempted, message: "other work" });
  assert.deepEqual(heard(20, searchPause), { reason: preempted, message: "lunch" });
  assert.deepEqual(heard(20, searchStop), { reason: stopped, message: "enough" });
  assert.deepEqual(heard(20, pause, stop, searchPause), { reason: stopped, message: "too slow" });
  assert.deepEqual(heard(20, searchPause, pause), { reason: preempted, message: "other work" });
});

test("one that reached its step is not stopped by its search's end, since it is done; one without a last step is", () => {
  assert.equal(heard(10, searchStop), undefined);
  assert.equal(heard(9, searchStop), undefined);
  assert.deepEqual(heard(11, searchStop), { reason: stopped, message: "enough" });
  assert.deepEqual(heard(0, searchStop), { reason: stopped, message: "enough" });
  assert.deepEqual(heard(10, stop), { reason: stopped, message: "too slow" });
});
