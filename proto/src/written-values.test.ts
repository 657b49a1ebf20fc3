/** Durations, sizes, slips of the finger and shown values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatBytes, parseBytes } from "./byte-sizes.js";
import { closestName, expectedOneOf } from "./did-you-mean.js";
import { formatDuration, parseDurationMs } from "./durations.js";
import { toSearchId, toTrialNumber } from "./ids.js";
import { show } from "./problem-list.js";

test("durations are read as they are written, and back exactly", () => {
  const read = Object.entries({ "10m": 600_000, "1h30m": 5_400_000, "250ms": 250, "1.5s": 1500, "2d": 172_800_000, "0s": 0 });
  for (const [text, ms] of read) assert.equal(parseDurationMs(text), ms, text);
  for (const text of ["", "10", "m", "10 m", "-1s", "1e3s", "10M", "1s2", `${"9".repeat(30)}d`])
    assert.equal(parseDurationMs(text), undefined, text);
  fc.assert(fc.property(fc.maxSafeNat(), (ms) => assert.equal(parseDurationMs(formatDuration(ms)), ms)));
});

test("sizes are read as they are written, and back exactly", () => {
  const read = Object.entries({ "2GiB": 2 ** 31, "500MB": 5e8, "1.5KiB": 1536, "0B": 0, "1kB": 1000 });
  for (const [text, bytes] of read) assert.equal(parseBytes(text), bytes, text);
  for (const text of ["", "2", "GiB", "2 GiB", "2gib", "-1B", `${"9".repeat(30)}TiB`])
    assert.equal(parseBytes(text), undefined, text);
  fc.assert(fc.property(fc.maxSafeNat(), (bytes) => assert.equal(parseBytes(formatBytes(bytes)), bytes)));
});

test("a slip of the finger finds what was meant, a stranger finds nothing", () => {
  const known = ["budget", "parallelism", "strategy", "space", "cpu"];
  assert.equal(closestName("budgte", known), "budget");
  assert.equal(closestName("paralelism", known), "parallelism");
  assert.equal(closestName("Strategy", known), "strategy");
  assert.equal(closestName("gpu", known), undefined);
  assert.equal(closestName("workload", known), undefined);
  assert.equal(closestName("x".repeat(1_000_000), known), undefined);
  assert.equal(expectedOneOf("spce", ["space", "seed"]), "one of these (did you mean space?): space, seed");
});

test("ids are checked where they are branded", () => {
  assert.equal(toSearchId("7f3a-x"), "7f3a-x");
  for (const text of ["", "-a", "a/b", "a b", "x".repeat(129)])
    assert.throws(() => toSearchId(text), { code: "invalid-argument" });
  for (const number of [-1, 0.5, Number.NaN]) assert.throws(() => toTrialNumber(number), { code: "invalid-argument" });
});

test("anything can be shown in few words", () => {
  assert.equal(show(undefined), "nothing");
  assert.equal(show(Number.NaN), "NaN");
  assert.equal(show([1, 2]), "a list of 2");
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true }), (value) =>
      assert.ok(show(value).length <= 200),
    ),
  );
});
