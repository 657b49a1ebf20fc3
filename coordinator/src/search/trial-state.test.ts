/** An agent on which an attempt failed is avoided for as long as that work lasts, and not for the rest of a long-lived trial. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason } from "@regulus/proto";
import { SearchAt } from "./testing/search-at.js";

test("an agent that lost an attempt is avoided until the work is done, and may have the trial's next work again", () => {
  const at = new SearchAt().running(0, { final: false });
  const avoided = () => at.state.live.get(0)?.failedAgentId;
  const lost = { trial: 0, attempt: 1, reason: EndReason.END_REASON_LOST, message: "", retryAtMs: 0 };
  at.tell({ $case: "attemptEnded", value: lost });
  assert.equal(avoided(), "a");
  at.attempt(0, 2);
  assert.equal(avoided(), "a", "the next attempt may fail as well");
  at.tell({ $case: "trialPaused", value: { trial: 0, attempt: 2, step: 10, artifacts: [] } });
  const work = at.state.live.get(0)?.work;
  assert.ok(work);
  at.tell({ $case: "trialResumed", value: { trial: 0, work: { ...work, untilStep: 20 } } });
  assert.equal(avoided(), "");
  assert.equal(at.state.live.get(0)?.failures, 1, "what counts against its retries stays");
});
