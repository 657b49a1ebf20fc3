import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason } from "@regulus/proto";
import { countingProcedure } from "../testing/counting-procedure.js";
import { startTestAgent, testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";

test("in the agent's own process trials end the same way, resume the same, by the thousand", async () => {
  const coordinator = await TestCoordinator.start();
  const tested = await startTestAgent(coordinator.address, {
    isolation: "inline",
    slots: 4096,
    procedures: async () => countingProcedure,
  });
  try {
    await tested.agent.registered;
    const spec = testSpec({ reporting: { measureEverySteps: 1000 } });
    coordinator.lease(testLease(0, { spec }));
    assert.equal((await coordinator.finished(0)).reason, EndReason.END_REASON_DONE);

    coordinator.lease(testLease(1, { work: { untilStep: 40, final: false } }));
    await coordinator.finished(1);
    const saved = coordinator.checkpoints(1)[0];
    assert.equal(saved?.step, 40);
    if (saved) coordinator.lease(testLease(2, { resumeFrom: saved.checkpoint, resumeStep: 40 }));
    assert.equal((await coordinator.finished(2)).final?.metrics.validLoss, coordinator.measurements(0)[0]?.metrics.validLoss);

    coordinator.lease(testLease(3, { work: { parameters: { stepMs: 5 }, untilStep: 100_000 } }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    coordinator.stop({ searchId: "s", trial: 3, attempt: 1 }, EndReason.END_REASON_STOPPED_EARLY, "enough");
    assert.deepEqual(
      [(await coordinator.finished(3)).reason, (await coordinator.finished(3)).message],
      [EndReason.END_REASON_STOPPED_EARLY, "enough"],
    );

    coordinator.lease(testLease(4, { work: { parameters: { leaves: "words" } } }));
    const [left] = (await coordinator.finished(4)).artifacts;
    assert.equal(left?.kind, "report");
    assert.equal(coordinator.artifacts.get(left?.sha256 ?? "")?.toString("utf8"), "words at 100");

    const before = coordinator.reports.length;
    const trials = 4000;
    for (let i = 0; i < trials; i += 1) coordinator.lease(testLease(10 + i, { work: { untilStep: 1 } }));
    await coordinator.until("all ends", () => coordinator.reports.length - before >= 2 * trials);
    const ends = coordinator.reports.filter(({ event }) => event?.$case === "finished").length;
    assert.equal(ends, trials + 5);
  } finally {
    await tested.end();
    coordinator.close();
  }
});
