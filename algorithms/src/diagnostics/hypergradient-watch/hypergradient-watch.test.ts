/** What hypergradient-watch finds, and what it leaves alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact } from "@regulus/proto";
import { module } from "./hypergradient-watch.js";

const watch = module.create({ objectives: [] }, module.spec.options.parse({ refusedInARow: 3 }));

function findingsOf(...kinds: readonly Fact["kind"][]) {
  const facts = kinds.map((kind, index): Fact => ({ searchId: "s", position: index + 1, timeMs: 0, kind }));
  return watch.findings(facts.reduce((state, fact) => watch.tell(state, fact), watch.init()));
}
const keysOf = (...kinds: readonly Fact["kind"][]) => findingsOf(...kinds).map(({ key }) => key);

function measured(trial: number, hypergradients: Record<string, number>): Fact["kind"] {
  const measurement = { step: 5, metrics: {}, learned: {}, scales: {}, hypergradients, vectors: {}, seconds: 0 };
  return { $case: "trialMeasured", value: { trial, attempt: 1, measurement } };
}
function stepped(
  step: number,
  accepted: boolean,
  metrics: Record<string, number> = { accuracy: 1e-3 },
  message = "",
): Fact["kind"] {
  return { $case: "strategyStepped", value: { step, accepted, metrics, vectors: {}, message } };
}

test("hypergradients that are no numbers are found once a trial and name, with both in the words", () => {
  const [first, ...others] = findingsOf(measured(2, { a: 1, b: Number.NaN }), measured(2, { b: Number.POSITIVE_INFINITY }));
  assert.deepEqual([first?.key, first?.trial, first?.severity, others], ["not-finite/2/b", 2, "error", []]);
  assert.match(first?.message ?? "", /hypergradient of b is NaN at step 5 of trial 2/);
  assert.deepEqual(keysOf(measured(0, { a: -3 })), []);
  assert.deepEqual(keysOf(stepped(1, false, { gradientNorm: Number.NaN })), ["step-not-finite/gradientNorm"]);
});

test("steps refused in a row are found with the newest reason; news without numbers and steps that were taken do not count", () => {
  const refused = (words: string) => stepped(4, false, { accuracy: 1e-3 }, words);
  const found = findingsOf(
    refused("a"),
    stepped(4, false, {}, "a shard is gone"),
    refused("b"),
    refused("too coarse"),
    refused("d"),
  );
  assert.deepEqual(
    found.map(({ key }) => key),
    ["refused/4"],
  );
  assert.match(found[0]?.message ?? "", /3 steps were refused .* the newest: too coarse$/);
  assert.deepEqual(keysOf(refused(""), refused(""), stepped(5, true), refused(""), refused("")), []);
});

test("an accuracy at the end of double precision, and a shard that falls silent", () => {
  assert.deepEqual(keysOf(stepped(1, true, { accuracy: 1e-13 }), stepped(2, true, { accuracy: 1e-14 })), ["accuracy-floor"]);
  const ended = (reason: EndReason): Fact["kind"] => ({
    $case: "attemptEnded",
    value: { trial: 7, attempt: 1, reason, message: "no sign of life for 120000 ms", retryAtMs: 0 },
  });
  const [silent] = findingsOf(ended(EndReason.END_REASON_PREEMPTED), ended(EndReason.END_REASON_TIMED_OUT));
  assert.deepEqual([silent?.key, silent?.trial], ["silent/7", 7]);
  assert.match(silent?.message ?? "", /trial 7 gave no sign of life in time \(no sign of life for 120000 ms\)/);
});
