/** What gRPC holds of a message that is not whole, however the bytes come in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MessageMeter } from "./message-meter.js";

/** A message as gRPC frames it. */
function framed(length: number, flag: number): Buffer {
  const bytes = Buffer.alloc(5 + length, 0xff);
  bytes.writeUInt8(flag, 0);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Bytes held of the message that is not whole after so many bytes: of its head, or of what follows a whole head. */
function heldAfter(count: number, lengths: readonly number[]): number {
  let at = count;
  for (const length of lengths) {
    if (at < 5) return at;
    if (at < 5 + length) return at - 5;
    at -= 5 + length;
  }
  return at;
}

const lengths = fc.array(fc.oneof(fc.constant(0), fc.nat(20), fc.nat(70_000)), { minLength: 1, maxLength: 12 });

test("bytes of an unfinished message are counted, however the stream is cut into pieces", () => {
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 40_000 })), fc.nat(1), (all, cuts, flag) => {
      const stream = Buffer.concat(all.map((length) => framed(length, flag)));
      const meter = new MessageMeter();
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        const next = Math.min(stream.length, at + cut);
        assert.equal(meter.add(stream.subarray(at, next)), heldAfter(next, all), `after ${next} bytes`);
        at = next;
      }
      assert.equal(meter.add(new Uint8Array()), 0, "whole messages are not held");
    }),
    { numRuns: 200 },
  );
});

test("a length of four gigabytes is one that never becomes whole, not a small one", () => {
  const meter = new MessageMeter();
  meter.add(framed(0, 0).fill(0xff, 1, 5));
  for (let mega = 1; mega <= 8; mega += 1) assert.equal(meter.add(Buffer.alloc(2 ** 20)), mega * 2 ** 20);
});
