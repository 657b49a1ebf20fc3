/** What is read of a program's output, in whatever pieces it comes: lines, the kept part, and how many measurements may be sent. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { leftOutLine } from "@regulus/proto";
import fc from "fast-check";
import type { FromTrial } from "../trial/messages.js";
import { LineReader } from "./line-reader.js";
import { leaveOutput } from "./output-file.js";
import { OutputRing } from "./output-ring.js";
import { RateLimit } from "./rate-limit.js";

const piece = fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r"), maxLength: 12 });
const pieces = fc.array(piece, { maxLength: 30 });

test("lines are the same in whatever pieces they come, and what is too long is left out and told of once each", () => {
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 8 }), (texts, most) => {
      const seen: string[] = [];
      let long = 0;
      const reader = new LineReader(
        most,
        (line) => void seen.push(line),
        () => {
          long += 1;
        },
      );
      for (const text of texts) reader.add(Buffer.from(text));
      reader.end();
      const lines = texts
        .join("")
        .split(/[\n\r]/)
        .filter((line) => line !== "");
      assert.deepEqual(
        seen,
        lines.filter(({ length }) => length <= most),
      );
      assert.equal(long, lines.filter(({ length }) => length > most).length);
    }),
    { numRuns: 500 },
  );
});

test("of an output the first and the last bytes are kept, with the number of those between them", () => {
  fc.assert(
    fc.property(pieces, fc.nat(20), fc.integer({ min: 1, max: 20 }), (texts, headMax, tailMax) => {
      const ring = new OutputRing(headMax, tailMax);
      const all = texts.join("");
      for (const text of texts) ring.add(Buffer.from(text));
      const dropped = Math.max(0, all.length - headMax - tailMax);
      const [head, tail] = [all.slice(0, headMax), all.slice(headMax).slice(dropped)];
      const kept = ring.kept();
      assert.deepEqual([kept.head.toString(), kept.dropped, kept.tail.toString()], [head, dropped, tail]);
      assert.equal(ring.contents().toString(), head + (dropped > 0 ? leftOutLine(dropped) : "") + tail);
      assert.equal(ring.totalBytes, all.length);
    }),
    { numRuns: 500 },
  );
});

test("the last lines of an output are as many as are asked for, without empty ones at its end", () => {
  const ring = new OutputRing();
  ring.add(Buffer.from("1\n2\n3\n4\n\n"));
  assert.equal(ring.lastLines(2), "3\n4");
  assert.equal(new OutputRing().lastLines(2), "");
  const bar = new OutputRing();
  bar.add(Buffer.from("start\r\n\rbatch 1/3\rbatch 2/3\nout of memory\r\n"));
  assert.equal(bar.lastLines(3), "start\nbatch 2/3\nout of memory");
});

test("so many may come at once, and so many a second after that; a pause saves up no more than the burst", () => {
  let nowMs = 5000;
  const limit = new RateLimit({ burst: 3, perSecond: 10 }, () => nowMs);
  const taken = () => {
    let count = 0;
    while (limit.take()) count += 1;
    return count;
  };
  assert.equal(taken(), 3);
  nowMs += 99;
  assert.equal(taken(), 0);
  nowMs += 1;
  assert.equal(taken(), 1);
  nowMs += 250;
  assert.equal(taken(), 2);
  nowMs += 1_000_000;
  assert.equal(taken(), 3);
});

test("an output replaces whatever has its file's name; without output there is no file, and a failed write is a warning", async () => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-output-"));
  const sent: FromTrial[] = [];
  const leave = (directory: string, ring: OutputRing) => leaveOutput(directory, ring, (message) => void sent.push(message));
  const ring = new OutputRing();
  assert.deepEqual(await leave(folder, ring), []);
  ring.add(Buffer.from("words"));
  const path = join(folder, "gone", "output.txt");
  for (const make of [() => undefined, () => mkdirSync(path), () => symlinkSync(join(folder, "elsewhere"), path)]) {
    make();
    assert.deepEqual(await leave(join(folder, "gone"), ring), [{ path, kind: "output" }]);
    assert.equal(readFileSync(path, "utf8"), "words");
    rmSync(path);
  }
  assert.deepEqual([existsSync(join(folder, "elsewhere")), sent], [false, []]);
  writeFileSync(join(folder, "file"), "");
  assert.deepEqual(await leave(join(folder, "file"), ring), []);
  const [warning] = sent;
  assert.ok(warning?.kind === "found" && warning.severity === "warning");
  assert.match(warning.message, /^the program's output could not be kept: /);
  rmSync(folder, { recursive: true });
});
