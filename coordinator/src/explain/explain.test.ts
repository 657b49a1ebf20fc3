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

  it("gives no reason that has passed, and says what the first in line waits for", async () => {
    await at.close();
    at = new ScriptedCoordinator();
    await at.openVirtual();
    at.proposals = once(start(), start(), start(), start());
    const hand = at.hand("first", [], { instance: "one" });
    const { searchId } = await at.answer(at.create({ parallelism: 4, retries: { backoff: "10s" } }));
    const said = async (trial?: number) => (await at.coordinator.explainSearch(searchId, trial)).summary;
    const wait = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        if (hand.closedBecause === undefined) hand.beat(hand.leases[1]);
        await at.advance(1000);
      }
    };
    await wait(1);
    assert.match(await said(2), /^Trial 2 waits for a free slot\./);
    assert.match(await said(3), /^Trial 3 waits behind trial 2\./);
    await wait(6);
    assert.match(await said(2), /can't be placed: all 2 slots of the one agent that could run it are in use/);
    // The first trial is lost, since the agent does not name it; another one takes its slot once it is known to be free.
    await wait(10);
    assert.match(await said(0), /waits to be retried, not before 2023-.* \(in \d+ s\)/);
    await wait(20);
    assert.doesNotMatch(await said(0), /not before/, "the time has passed");
    hand.connection.closed();
    await wait(20);
    const { summary, explanations } = await at.coordinator.explainSearch(searchId, undefined);
    assert.match(summary, /can't be placed: no agent takes leases/, "nobody's slots are in use");
    assert.ok(![summary, ...explanations.map(({ text }) => text)].some((text) => text.includes("1970")));
  });

  it("tells a search's share beside others of its priority", async () => {
    at.proposals = () => Array.from({ length: 4 }, () => start());
    at.hand("one");
    const { searchId } = await at.create({ weight: 3 });
    const share = async () => (await at.coordinator.explainSearch(searchId, undefined)).explanations[0]?.text ?? "";
    await until("the first leases", () => at.coordinator.getSearch(searchId).counts?.running === 2);
    assert.match(await share(), /^it uses 2 of 2 slots; no other search of its priority has trials that run or wait$/);
    const other = await at.create();
    await until("trials of the other", () => (at.coordinator.getSearch(other.searchId).counts?.pending ?? 0) > 0);
    assert.match(
      await share(),
      /^it uses 2 of 2 slots; its fair share is 1\.5 \(weight 3 of 4\); of late it used .* of the slot-seconds of the 2 /,
    );
  });
});
