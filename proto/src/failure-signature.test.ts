import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { failureSignature } from "./failure-signature.js";

const same = (a: string, b: string) => assert.equal(failureSignature("R", a), failureSignature("R", b));
const differs = (a: string, b: string) => assert.notEqual(failureSignature("R", a), failureSignature("R", b));

test("numbers, folders, addresses, times and random names make no difference", () => {
  same("ended with code 1 after 12.5 s", "ended with code 1 after 0.004e-3 s");
  same('File "/w/s-1/trial-3/2/train.py", line 9', 'File "/w/s-1/trial-14/1/train.py", line 9');
  same("object at 0x7f3a9c0d1e20", "object at 0x55d0c0ffee00");
  same("at 2026-12-01T10:05:26.123Z: no", "at 2025-01-31T23:59:59Z: no");
  same("cannot write /tmp/tmpab12cd_x", "cannot write /tmp/tmpzz98yx_q");
  same("cannot open regulus-x8Jf2k", "cannot open regulus-Qa1b2c");
  same("run 3f2a77aa-2b1c-4d5e-8f90-aabbccddeeff died", "run 11111111-2b1c-4d5e-8f90-aabbccddee00 died");
  same("one\n  two", "one two");
});

test("reasons, words and file names make a difference", () => {
  assert.notEqual(failureSignature("A", "x"), failureSignature("B", "x"));
  differs("No module named torch", "No module named numpy");
  differs("no file /data/train.csv", "no file /data/valid.csv");
  differs("unknown optimizer sgd", "unknown optimizer adam");
  differs("the facade failed", "the decade failed");
});

test("messages that are one up to their numbers have one signature, whatever the words", () => {
  const words = fc.array(fc.stringMatching(/^[g-z]{1,9}$/), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(words, fc.array(fc.nat(), { minLength: 6 }), fc.array(fc.nat(), { minLength: 6 }), (list, a, b) => {
      const text = (numbers: number[]) => list.map((word, index) => `${word} ${numbers[index]}`).join(" at ");
      same(text(a), text(b));
    }),
  );
});
