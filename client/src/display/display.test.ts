/** The display on a stream that is a terminal and on one that is not. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { Fact } from "@regulus/proto";
import fc from "fast-check";
import { sampleSearch } from "../testing/sample-search.js";
import { openDisplay } from "./display.js";
import type { DisplayStream } from "./screen-lines.js";

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
  assert.match(text(), /^\[[\d.]+ s\] digits-random {2}\d+ % .*[\d,]+\/12,000 steps/m);
  assert.equal(text().match(/trial \d ended: diverged\n {2}trainLoss was NaN at step/g)?.length, 1);
  assert.match(text(), /^1 more trial ended like trial \d: diverged$/m);
  assert.match(text(), /100 % .*done in .*6\/6 trials/);
});

test("the end of a reopened search is shown as an earlier end, the last end as the end", () => {
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

test("of a past that is read, each way of failing of the trials that are failed now is reported once, and every void failure as earlier", () => {
  const event = fc.record({ trial: fc.nat(4), way: fc.constantFrom("no data", "no memory"), reopens: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), (events) => {
      const failed = new Map<number, string>();
      const kinds = events.flatMap(({ trial, way, reopens }): NonNullable<Fact["kind"]>[] => {
        const reopened = { $case: "searchReopened" as const, value: { reason: "asked for" } };
        if (failed.delete(trial))
          return [
            ...(reopens ? [reopened] : []),
            { $case: "trialRetried", value: { trial, work: undefined, idempotencyKey: "", allFailed: false } },
          ];
        failed.set(trial, way);
        const reason = "END_REASON_USER_ERROR" as const;
        const end = { trial, attempt: 1, reason, message: way, final: undefined, artifacts: [], startedMs: 0 };
        return [{ $case: "trialEnded", value: end }];
      });
      const [stream, text] = recorded(false);
      const display = openDisplay([search.searchId], { stream });
      const created = facts[0] ?? assert.fail();
      display.tell(
        [created, ...kinds.map((kind, at): Fact => ({ ...created, position: created.position + at + 1, kind }))],
        false,
      );
      assert.doesNotMatch(text(), /ended/, "nothing is told before all of the past is read");
      display.tell([], true);
      display.close();
      const lines = text().split("\n");
      const told = lines.flatMap((line, at) => {
        const trial = /^trial (\d+) ended: user error$/.exec(line)?.[1];
        return trial === undefined ? [] : [{ trial: Number(trial), way: lines[at + 1]?.trim() ?? "" }];
      });
      for (const { trial, way } of told)
        if (events.every(({ reopens }) => !reopens)) assert.equal(failed.get(trial), way, text());
      const counts = new Map<string, number>();
      for (const way of failed.values()) counts.set(way, (counts.get(way) ?? 0) + 1);
      const again = lines
        .filter((line) => / more trials? ended like trial /.test(line))
        .map((line) => Number.parseInt(line, 10) + 1);
      assert.deepEqual(again.sort(), [...counts.values()].filter((count) => count > 1).sort(), text());
      if (events.every(({ reopens }) => !reopens))
        assert.deepEqual(told.map(({ way }) => way).sort(), [...counts.keys()].sort(), text());
    }),
  );
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
  // Colours are on or off, as the environment asks.
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
