/** Everything that can be thrown gets a code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "./errors.js";

test("the gate gives everything that can be thrown a code", () => {
  const system = (code: string) => RegulusError.from(Object.assign(new Error("words"), { code })).code;
  assert.equal(system("ENOENT"), "not-found");
  assert.equal(system("EACCES"), "permission-denied");
  assert.equal(system("EADDRINUSE"), "failed-precondition");
  assert.equal(system("ENOSPC"), "exhausted");
  assert.equal(system("ECONNREFUSED"), "unavailable");
  assert.equal(system("ENOTHING"), "internal");
  assert.equal(RegulusError.from(AbortSignal.abort().reason).code, "cancelled");
  const same = new RegulusError("conflict", "words");
  assert.equal(RegulusError.from(same), same);
  for (const thrown of [undefined, null, 3, "text", {}, [], new Error("bug"), Symbol("s")]) {
    const error = RegulusError.from(thrown);
    assert.equal(error.code, "internal");
    assert.equal(error.cause, thrown);
  }
});
