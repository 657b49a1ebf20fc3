/** However an output was printed, kept and stored, its pieces put together are what was printed, and what is missing is counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type KeptOutput,
  leftOutLine,
  outputHeadBytesMax,
  outputPart,
  outputTailBytesMax,
  readKeptOutput,
} from "./kept-output.js";

const kept = fc.record({
  head: fc.uint8Array({ maxLength: 20 }),
  dropped: fc.nat(50),
  tail: fc.uint8Array({ maxLength: 20 }),
});

test("pieces of any size give every kept byte once, at its place, and skip what is left out", () => {
  fc.assert(
    fc.property(kept, fc.integer({ min: 1, max: 9 }), (output, bytesMax) => {
      const seen = new Map<number, number>();
      let offset = 0;
      let skipped = 0;
      for (;;) {
        const part = outputPart(output, offset, bytesMax);
        assert.ok(part.offset >= offset && part.data.length <= bytesMax);
        assert.equal(part.nextOffset, part.offset + part.data.length);
        skipped += part.offset - offset;
        for (const [index, byte] of part.data.entries()) seen.set(part.offset + index, byte);
        offset = part.nextOffset;
        if (offset >= part.totalBytes) break;
        assert.ok(part.data.length > 0, "it continues");
      }
      const tailAt = output.head.length + output.dropped;
      const expected = new Map([
        ...output.head.entries(),
        ...[...output.tail.entries()].map(([at, byte]) => [tailAt + at, byte] as const),
      ]);
      assert.deepEqual(seen, expected);
      assert.equal(skipped, output.dropped);
    }),
  );
});

test("an offset past the end gives nothing and stays at the end", () => {
  fc.assert(
    fc.property(kept, fc.nat(200), (output, past) => {
      const total = output.head.length + output.dropped + output.tail.length;
      const part = outputPart(output, total + past, 5);
      assert.deepEqual([part.data.length, part.offset, part.nextOffset], [0, total, total]);
    }),
  );
});

test("a stored output is read back in its parts", () => {
  const head = Buffer.alloc(outputHeadBytesMax, "a");
  const tail = Buffer.alloc(outputTailBytesMax, "b");
  const read: KeptOutput = readKeptOutput(Buffer.concat([head, Buffer.from(leftOutLine(12345)), tail]));
  assert.equal(read.dropped, 12345);
  assert.ok(Buffer.from(read.head).equals(head) && Buffer.from(read.tail).equals(tail));
  const whole = Buffer.alloc(outputHeadBytesMax + 100, "c");
  const all = readKeptOutput(whole);
  assert.deepEqual([all.head.length, all.dropped, all.tail.length], [whole.length, 0, 0]);
});
