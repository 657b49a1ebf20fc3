/** The display on a stream that is a terminal and on one that is not. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { Fact } from "@regulus/proto";
import { sampleSearch } from "../testing/sample-search.js";
import { type DisplayStream, openDisplay } from "./display.js";

const { facts, search } = sampleSearch({ seed: 3, strategy: "random", trials: 6, stepsPerTrial: 2000, divergesEvery: 3 });

test("without a terminal there are plain lines, one where something changed, and failures have their own", async () => {
  const [stream, text] = recorded(false);
  const display = openDisplay([search.searchId], { stream, plainEveryMs: 20 });
  display.tell(facts.slice(0, 100));
  await wait(100);
  const quiet = text().split("\n").length;
  await wait(100);
  assert.equal(text().split("\n").length, quiet, "nothing changed, yet a line was written");
  display.tell(facts.slice(100));
  display.close();
  assert.ok(!text().includes("\u001b"), "escape codes in a file");
  assert.match(text(), /^\[\d+ s\] digits-random {2}\d+ % .*[\d,]+\/12,000 steps/m);
  assert.equal(text().match(/trial \d ended: diverged\n {2}trainLoss was NaN at step/g)?.length, 1);
  assert.match(text(), /^1 more trial ended like trial \d: diverged$/m);
  assert.match(text(), /100 % .*done in .*6\/6 trials/);
});

test("an end after which the search was opened again is told as an earlier one, the last end as it is", () => {
  const [stream, text] = recorded(false);
  const display = openDisplay([search.searchId], { stream });
  const created = facts[0] ?? assert.fail();
  const failed = (reason: string): Fact["kind"] => ({
    $case: "searchEnded",
    value: { outcome: "SEARCH_OUTCOME_FAILED", reason },
  });
  const kinds: Fact["kind"][] = [failed("old"), { $case: "searchReopened", value: { reason: "" } }, failed("new")];
  display.tell([created, ...kinds.map((kind, index): Fact => ({ ...created, position: created.position + index + 1, kind }))]);
  display.close();
  const told = text()
    .split("\n")
    .filter((line) => line.includes("the search failed ("));
  assert.deepEqual(told, ["earlier: the search failed (old)", "the search failed (new)"]);
});

test("on a terminal the cursor is hidden while bars are painted and given back at the end", async () => {
  const [stream, text] = recorded(true);
  const display = openDisplay([search.searchId], { stream, paintsPerSecond: 100 });
  display.tell(facts.slice(0, 100));
  await wait(60);
  display.note("an agent left");
  await wait(60);
  display.tell(facts.slice(100));
  display.close();
  const hidden = text().lastIndexOf("\u001b[?25l");
  assert.ok(hidden >= 0, "the cursor was never hidden");
  assert.ok(text().lastIndexOf("\u001b[?25h") > hidden, "the cursor was not given back");
  assert.ok(text().lastIndexOf("\u001b[?7h") > text().lastIndexOf("\u001b[?7l"), "line wrapping was not given back");
  // Colours are on where the environment asks for them, as continuous integration does.
  assert.match(stripVTControlCharacters(text()), /an agent left\r\n/);
  assert.match(stripVTControlCharacters(text()), /● agent-1/);
  assert.equal(process.listenerCount("SIGINT"), 0, "a listener was left behind");
});

function recorded(isTTY: boolean): [DisplayStream, () => string] {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  return [Object.assign(stream, { isTTY, columns: 120, rows: 30 }), () => chunks.join("")];
}
