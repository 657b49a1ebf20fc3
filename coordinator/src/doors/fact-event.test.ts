/** Events of bilevel facts, and the list of kinds in docs/events.md, which readers subscribe by. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Fact } from "@regulus/proto";
import { eventOf, subjectOf } from "./fact-event.js";

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");

test("docs/events.md names exactly the kinds that the contract has", () => {
  const [, oneof = ""] = /message Fact \{[\s\S]*?oneof kind \{([\s\S]*?)\n {2}\}/.exec(read("proto/regulus/v1/fact.proto")) ?? [];
  const fields = [...oneof.matchAll(/^ {4}\w+ (\w+) = \d+;/gm)].map(([, field = ""]) => field.replaceAll("_", "-"));
  assert.ok(fields.length > 15);
  const [, list = ""] = /^The kinds: ([\s\S]*?)\n\n/m.exec(read("docs/events.md")) ?? [];
  const documented = [...list.matchAll(/`([a-z-]+)`/g)].map(([, kind = ""]) => kind);
  assert.deepEqual(documented.sort(), fields.sort());
});

test("a strategy's step comes with its numbers, its vectors and its words", () => {
  const value = {
    step: 4,
    accepted: false,
    metrics: { upperLoss: 0.5, gradientNorm: Number.NaN },
    vectors: { theta: { values: [1, -2] } },
    message: "the hypergradient is NaN",
  };
  const fact: Fact = { searchId: "s", position: 9, timeMs: 1, kind: { $case: "strategyStepped", value } };
  const { subject, body } = eventOf(fact);
  assert.equal(subject, subjectOf("s", "strategyStepped"));
  assert.equal(subject, "regulus.s.strategy-stepped");
  assert.deepEqual(JSON.parse(body).strategyStepped, {
    step: 4,
    metrics: { upperLoss: 0.5, gradientNorm: "NaN" },
    vectors: { theta: { values: [1, -2] } },
    message: "the hypergradient is NaN",
  });
});
