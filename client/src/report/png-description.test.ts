/** Descriptions of pictures, sound and broken ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pngDescription } from "./png-description.js";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
function chunk(type: string, content: string, length = content.length): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return Buffer.concat([head, Buffer.from(type + content, "latin1"), Buffer.alloc(4)]);
}

test("the lines of a description are read, wherever it stands among the chunks, and at any offset of the bytes", () => {
  const file = Buffer.concat([
    signature,
    chunk("IHDR", "x".repeat(13)),
    chunk("tEXt", "Title\0none"),
    chunk("tEXt", "Description\0first\nsecond"),
    chunk("IEND", ""),
  ]);
  assert.deepEqual(pngDescription(file), ["first", "second"]);
  assert.deepEqual(pngDescription(new Uint8Array(Buffer.concat([Buffer.alloc(3), file])).subarray(3)), ["first", "second"]);
  assert.deepEqual(pngDescription(Buffer.concat([signature, chunk("IEND", "")])), []);
});

test("files that are cut short or lie about their lengths give what can be read, and an end", () => {
  const whole = Buffer.concat([signature, chunk("tEXt", "Description\0first\nsecond")]);
  for (let length = 0; length <= whole.length; length += 1) {
    for (const line of pngDescription(whole.subarray(0, length))) assert.match("first second", new RegExp(line));
  }
  assert.deepEqual(
    pngDescription(Buffer.concat([signature, chunk("abcd", "", 0xffffffff), chunk("tEXt", "Description\0late")])),
    [],
  );
  const long = `Description\0${Array.from({ length: 1000 }, () => "y".repeat(1000)).join("\n")}`;
  const lines = pngDescription(Buffer.concat([signature, chunk("tEXt", long)]));
  assert.ok(lines.length <= 64 && lines.every((line) => line.length <= 200), "bounded");
});
