/** Findings are kept once each, in order, and never more than a bound of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Findings, noteFindings } from "./diagnostic.js";

const finding = (key: string) => ({ key, severity: "info" as const, message: `about ${key}` });

test("a finding is kept once, the first time that it is told of, whatever its name", () => {
  const state: Findings = { found: [], keys: {} };
  noteFindings(state, [finding("toString"), finding("a")]);
  noteFindings(state, [{ ...finding("a"), message: "again" }, finding("b"), finding("b")]);
  assert.deepEqual(state.found, [finding("toString"), finding("a"), finding("b")]);
  assert.deepEqual(state.keys, { toString: true, a: true, b: true });
});

test("a search keeps a thousand findings, and is told no others", () => {
  const state: Findings = { found: [], keys: {} };
  for (let at = 0; at < 3; at++)
    noteFindings(
      state,
      Array.from({ length: 500 }, (_, index) => finding(`${at}/${index}`)),
    );
  assert.equal(state.found.length, 1000);
  assert.equal(state.found.at(-1)?.key, "1/499");
  assert.equal(Object.keys(state.keys).length, 1000);
});
