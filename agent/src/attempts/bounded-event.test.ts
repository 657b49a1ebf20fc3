/** Whatever a trial process says, what leaves the agent is within the bounds that a coordinator holds it to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, eventProblems, limits, Report, type ReportEvent } from "@regulus/proto";
import fc from "fast-check";
import { boundedEvent } from "./bounded-event.js";

const text = fc.oneof(fc.constantFrom("loss", "\u0000", "x".repeat(200), ""), fc.string({ unit: "binary" }));
const step = fc.oneof(
  fc.constantFrom(0, 3, limits.stepMax, limits.stepMax + 1, Number.MAX_SAFE_INTEGER, -1, 0.5, Number.NaN),
  fc.double(),
);
const metrics = fc.dictionary(text, fc.double(), { maxKeys: 3 });
const none = { learned: {}, scales: {}, hypergradients: {}, vectors: {} };
const measurement = fc
  .record({ step, metrics, seconds: fc.oneof(fc.constant(1), fc.double()) })
  .map((one) => ({ ...none, ...one }));
const checkpoint = { sha256: "00".repeat(32), size: 1, kind: "checkpoint" };
const event: fc.Arbitrary<ReportEvent> = fc.oneof(
  measurement.map((value) => ({ $case: "measured" as const, value })),
  step.map((at) => ({ $case: "checkpointed" as const, value: { step: at, checkpoint } })),
  fc
    .record({ source: text, severity: fc.constantFrom("warning", "fatal"), message: text })
    .map((value) => ({ $case: "found" as const, value })),
  fc.record({ step, message: text, final: fc.option(measurement, { nil: undefined }) }).map((end) => ({
    $case: "finished" as const,
    value: { ...end, reason: EndReason.END_REASON_DONE, artifacts: [checkpoint], startedMs: 1 },
  })),
);

test("an event within bounds is told as it is; of another one the rest is told with a warning, and an end stays an end", () => {
  fc.assert(
    fc.property(event, (said) => {
      const told = boundedEvent(said);
      assert.deepEqual(eventProblems(told), []);
      assert.ok(Report.encode({ lease: undefined, event: told }).finish().length > 0);
      const problems = eventProblems(said);
      if (problems.length === 0) assert.equal(told, said);
      else if (said.$case === "finished") {
        assert.ok(told.$case === "finished");
        assert.match(told.value.message, /left out of its end: /);
        assert.equal(told.value.reason, said.value.reason);
      } else {
        assert.ok(told.$case === "found");
        assert.equal(told.value.severity, "warning");
        assert.ok(told.value.message.includes(problems[0]?.expected ?? "?"), told.value.message);
      }
    }),
    { numRuns: 500 },
  );
});
