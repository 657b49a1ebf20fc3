/** What the lines of a display say, as text, and that they fit their terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleSearch } from "../testing/sample-search.js";
import { barLines, paint, searchLines } from "./lines.js";
import { progress } from "./progress.js";

const plain = { columns: 140, colours: false };

test("a bar tells share, steps, trials, best, rate and time left; a slot its trial, step and losses", () => {
  const [bar, first, second] = searchLines([at(18_000)], { columns: 140, rows: 20, sinceFactMs: 0 }).map((line) =>
    paint(line, plain),
  );
  assert.match(
    bar ?? "",
    /^digits-random {2}━+─+ {2}4\d % {2}\d+ s left {2}best validLoss 0\.\d+ {2}5,\d+\/12,000 steps {2}3\d\d\/s {2}2\/6 trials$/,
  );
  assert.match(first ?? "", /● agent-1 {3}trial 2 {3}step \d,?\d+\/2,000 +validLoss \d\.\d+ trainLoss \d\.\d+$/);
  assert.match(second ?? "", /● agent-2 {3}trial 3/);
});

test("between two facts the time left counts down", () => {
  const left = (sinceFactMs: number) => {
    const text = paint(barLines([at(18_000)], { columns: 140, sinceFactMs })[0] ?? [], plain);
    return Number(/(\d+) s left/.exec(text)?.[1]);
  };
  assert.equal(left(0) - left(5000), 5);
});

test("lines fit any terminal, in width and in number, and colours come after the cut", () => {
  const states = [at(18_000), at(9000), at(30_000)];
  for (const columns of [1, 20, 79, 200]) {
    for (const rows of [1, 4, 50]) {
      const lines = searchLines(states, { columns, rows, sinceFactMs: 0 });
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows} rows`);
      for (const line of lines) {
        const coloured = paint(line, { columns, colours: true });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is taken away.
        const bare = coloured.replace(/\u001b\[\d+m/g, "");
        assert.ok([...bare].length <= columns, `${[...bare].length} characters in ${columns} columns`);
        assert.ok(!bare.includes("\u001b"), "an escape code was cut");
      }
    }
  }
});

test("many slots on a short terminal are counted in one line", () => {
  const { facts } = sampleSearch({ seed: 1, strategy: "random", trials: 40, stepsPerTrial: 2000, slots: 16 });
  const state = facts.slice(0, 200).reduce((a, fact) => progress.tell(a, fact), progress.init());
  const lines = searchLines([state], { columns: 120, rows: 6, sinceFactMs: 0 }).map((line) => paint(line, plain));
  assert.equal(lines.length, 6);
  assert.match(lines[5] ?? "", /… and 12 more at work/);
});

test("a name cannot repaint the terminal", () => {
  const { facts } = sampleSearch({ seed: 1, strategy: "random", trials: 2, stepsPerTrial: 100, name: "a\u001b[2J\u0007b\nc" });
  const state = facts.reduce((a, fact) => progress.tell(a, fact), progress.init());
  const text = paint(barLines([state], { columns: 100, sinceFactMs: 0 })[0] ?? [], plain);
  assert.ok(text.startsWith("a b c"), text);
});

function at(sinceStartMs: number) {
  const { facts } = sampleSearch({ seed: 3, strategy: "random", trials: 6, stepsPerTrial: 2000 });
  const start = facts[0]?.timeMs ?? 0;
  return facts
    .filter((fact) => fact.timeMs - start <= sinceStartMs)
    .reduce((state, fact) => progress.tell(state, fact), progress.init());
}
