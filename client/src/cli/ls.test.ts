/** The list of searches on terminals of every width. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleSearch } from "../testing/sample-search.js";
import { searchTable } from "./commands/ls.js";

const { search: sample } = sampleSearch({ seed: 5, strategy: "random", trials: 2, stepsPerTrial: 10 });
const search = {
  ...sample,
  searchId: "0123456789abcdef",
  spec: sample.spec && { ...sample.spec, name: "a-name-of-twenty-two-c" },
  status: "SEARCH_STATUS_ENDED" as const,
  outcome: "SEARCH_OUTCOME_COMPLETED" as const,
  counts: sample.counts && { ...sample.counts, done: 120, running: 12, failed: 3 },
  bestTrial: 114,
  bestValue: 0.1193,
};
const titles = (columns?: number) => searchTable([search], columns).split("\n")[0]?.split(/ +/) ?? [];
const all = ["SEARCH", "NAME", "STATUS", "TRIALS", "BEST", "TIME", "SLOTS", "WASTED"];

test("a terminal that gets narrower loses WASTED, SLOTS and TIME in this order, and no line is ever too long", () => {
  const counts = new Set<number>();
  for (let columns = 200; columns >= 60; columns -= 1) {
    const shown = titles(columns);
    assert.deepEqual(shown, all.slice(0, shown.length));
    counts.add(shown.length);
    for (const line of searchTable([search], columns).split("\n")) assert.ok([...line].length <= columns, `${columns}: ${line}`);
  }
  assert.deepEqual([...counts], [8, 7, 6, 5]);
  assert.deepEqual(titles(), all, "a pipe gets every column");
  assert.match(searchTable([search], undefined), /validLoss 0\.1193 \(trial 114\)/);
});

test("at 80 columns the id, the status and the best value are whole, and most of the name is", () => {
  const line = searchTable([search], 80).split("\n")[1] ?? "";
  assert.match(line, /^0123456789abcdef {2}a-name-of-tw\S*… {2}completed {2}/);
  assert.match(line, / validL\S* 0\.1193$/);
});

test("the best value outlives its metric's name", () => {
  for (let columns = 79; columns >= 60; columns -= 1) assert.match(searchTable([search], columns), / 0\.1193$/, `${columns}`);
});
