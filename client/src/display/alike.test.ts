/** What is told once of many facts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "@regulus/proto";
import fc from "fast-check";
import { alikeWords, newestAlike } from "./alike.js";

const killed = (trial: number, step: number): Fact["kind"] => {
  const message = `the program was ended by SIGKILL; its last lines:\n{"step": ${step}, "loss": 0.${step}}\n{"step": ${step + 1}}`;
  return { $case: "attemptEnded", value: { trial, attempt: 1, reason: "END_REASON_LOST", message, retryAtMs: 0 } };
};
const found = (trial: number, severity: string, message: string): Fact["kind"] => {
  return { $case: "findingReported", value: { trial, source: "command", severity, message, key: undefined } };
};
const factOf = (kind: Fact["kind"], index: number): Fact => ({ searchId: "s", position: index + 1, timeMs: index, kind });

test("attempts that ended alike but for numbers, and findings that say the same, are reported once, by the newest", () => {
  const kinds = [
    killed(0, 12),
    found(0, "info", "continued to step 3"),
    killed(1, 7),
    found(2, "warning", "continued to step 3"),
    found(1, "info", "continued to step 3"),
    found(1, "info", "continued to step 12"),
    killed(2, 99),
  ];
  assert.deepEqual(
    newestAlike(kinds.map(factOf)).map(({ fact, count }) => [fact.position, count]),
    [
      [4, 1],
      [5, 2],
      [6, 1],
      [7, 3],
    ],
  );
  assert.deepEqual([alikeWords(1), alikeWords(3)], ["", "3 alike, the newest: "]);
});

test("no fact is lost and none is counted twice", () => {
  const any = fc.oneof(
    fc.record({ trial: fc.nat(3), step: fc.nat(50) }).map(({ trial, step }) => killed(trial, step)),
    fc.constantFrom("slow", "odd").map((message) => found(0, "info", message)),
    fc.constant<Fact["kind"]>({ $case: "strategyFailed", value: { message: "it threw" } }),
  );
  fc.assert(
    fc.property(fc.array(any, { maxLength: 30 }), (kinds) => {
      const facts = kinds.map(factOf);
      const told = newestAlike(facts);
      assert.equal(
        told.reduce((sum, { count }) => sum + count, 0),
        facts.length,
      );
      const positions = told.map(({ fact }) => fact.position);
      assert.deepEqual(
        positions,
        [...positions].sort((a, b) => a - b),
      );
      assert.equal(positions.at(-1), facts.at(-1)?.position);
    }),
  );
});
