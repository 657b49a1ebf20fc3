/** What agents say of artifacts: only what is in the store counts, and what can't be restored gives way to what was there before. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, type Fact } from "@regulus/proto";
import { measurement } from "../testing/hand.js";
import { once, ScriptedCoordinator, start, until } from "../testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.open();
});
afterEach(() => at.close());

const findings = (facts: readonly Fact[]) =>
  facts.flatMap(({ kind }) => (kind?.$case === "findingReported" ? [kind.value.message] : []));

/** A trial at work in the hands of an agent. */
async function begun() {
  at.proposals = once(start());
  const hand = at.hand();
  const { searchId } = await at.create({ retries: { max: 1, backoff: "1ms" } });
  await until("a lease", () => hand.leases.length === 1);
  return { hand, searchId };
}

describe("artifacts that agents report", () => {
  it("are in the store with that sum and size, or count for nothing and are told of", async () => {
    const { hand, searchId } = await begun();
    const [lease] = hand.leases;
    const stored = await at.put("whole");
    const never = { ...stored, sha256: "ab".repeat(32) };
    for (const checkpoint of [never, { ...stored, size: 4 }])
      hand.report(lease, { $case: "checkpointed", value: { step: 3, checkpoint } });
    hand.report(lease, { $case: "checkpointed", value: { step: 2, checkpoint: stored } });
    hand.measure(lease, 5, 1);
    const artifacts = [
      { ...never, kind: "output" },
      { ...stored, kind: "report" },
    ];
    hand.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }), artifacts });
    await until("every acknowledgement", () => hand.acknowledged === 5);
    const { trial } = await at.coordinator.getTrial(searchId, 0);
    assert.deepEqual([trial?.checkpoint, trial?.checkpointStep], [stored, 2]);
    assert.deepEqual(
      trial?.artifacts.map(({ kind }) => kind),
      ["report"],
    );
    assert.deepEqual(findings(await at.factsOf(searchId)), [
      "the checkpoint at step 3 was not taken: the store has none, expected 5 bytes with sum abababababab",
      `the checkpoint at step 3 was not taken: the store has one of 5 bytes, expected 4 bytes with sum ${stored.sha256.slice(0, 12)}`,
      "output was not taken: the store has none, expected 5 bytes with sum abababababab",
    ]);
  });

  it("that are gone from the store when a coordinator starts are told of in a warning", async () => {
    const { hand } = await begun();
    const checkpoint = await at.put("whole");
    hand.report(hand.leases[0], { $case: "checkpointed", value: { step: 2, checkpoint } });
    await until("the acknowledgement", () => hand.acknowledged === 1);
    for (const isGone of [false, true]) {
      await at.close();
      if (isGone) await at.artifacts.remove(checkpoint.sha256);
      await at.open();
    }
    const warnings = () => at.notices.filter(({ isWarning }) => isWarning === true);
    await until("a warning", () => warnings().length > 0);
    assert.deepEqual(
      warnings().map(({ message, fields }) => [message.split(";")[0], fields]),
      [["an artifact is missing that trials refer to", { missing: 1, first: checkpoint.sha256 }]],
    );
  });

  it("that can't be restored give way to the one before, then to nothing, each said aloud and none a failure of the trial", async () => {
    const { hand, searchId } = await begun();
    for (const step of [4, 8]) {
      const checkpoint = await at.put(`${step} steps`);
      hand.report(hand.leases[0], { $case: "checkpointed", value: { step, checkpoint } });
    }
    hand.finish(hand.leases[0], EndReason.END_REASON_LOST, { step: 8 });
    for (const [attempt, step] of [8, 4].entries()) {
      await until("the next lease", () => hand.leases.length === attempt + 2);
      const lease = hand.leases[attempt + 1];
      assert.equal(lease?.resumeStep, step);
      hand.report(lease, { $case: "unrestorable", value: { checkpoint: lease?.resumeFrom, message: "TAR_BAD_ARCHIVE" } });
      hand.finish(lease, EndReason.END_REASON_LOST, { message: "no archive", step: 0 });
    }
    await until("the last lease", () => hand.leases.length === 4);
    assert.deepEqual([hand.leases[3]?.resumeFrom, hand.leases[3]?.resumeStep], [undefined, 0]);
    const facts = await at.factsOf(searchId);
    assert.deepEqual(findings(facts), [
      "the checkpoint at step 8 can't be restored: it continues from step 4 (TAR_BAD_ARCHIVE)",
      "the checkpoint at step 4 can't be restored: no other is left, so it begins again at step 0 (TAR_BAD_ARCHIVE)",
    ]);
    // The coordinator reads the same from its log.
    const before = (await at.coordinator.getTrial(searchId, 0)).trial;
    await at.close();
    await at.open();
    assert.deepEqual((await at.coordinator.getTrial(searchId, 0)).trial, before);
  });
});
