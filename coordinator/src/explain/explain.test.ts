/** What is said of searches, against facts that a coordinator made. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { SearchStatus } from "@regulus/proto";
import { once, ScriptedCoordinator, start, until } from "../runner/testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.open();
});
afterEach(() => at.close());

describe("explain", () => {
  it("says why nothing runs, from the log alone", async () => {
    at.proposals = once(start());
    const { searchId } = await at.create();
    await until("the reason", () => at.coordinator.getSearch(searchId).position === 3);
    const { summary, explanations } = await at.coordinator.explainSearch(searchId, undefined);
    assert.match(summary, /waits: trial 0 can't be placed: no agent takes leases/);
    assert.ok(explanations.some(({ position }) => position === 3));
    assert.equal(at.coordinator.getSearch(searchId).position, 3);
  });

  it("says why a step of the strategy was refused, however many were taken since", async () => {
    at.proposals = (asked) => {
      if (asked > 9) return [];
      const message = asked === 2 ? "none of 4 steps passed" : "a step";
      return [{ kind: "report", step: asked, accepted: asked !== 2, metrics: { upperLoss: 1 / asked }, message }];
    };
    const { searchId } = await at.create();
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const { explanations } = await at.coordinator.explainSearch(searchId, undefined);
    const steps = explanations.map(({ text }) => text).filter((text) => /step \d/.test(text));
    assert.equal(steps.length, 4);
    assert.match(steps[0] ?? "", /refused its step 2: none of 4 steps passed/);
    assert.match(steps[3] ?? "", /took its step 9/);
  });
});
