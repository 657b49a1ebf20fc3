/** MAID on real processes: the same steps, to the last bit, on one, two and four agents, and after an agent is killed in the midst of a round. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SearchOutcome } from "@regulus/proto";
import { runMaidSearch } from "./cluster/maid-search.js";

const document = {
  workload: { name: "quadratic-samples", options: { samples: 8 } },
  strategy: { name: "maid", options: { steps: 4, shards: 2, stepLength: 1e-4 } },
  parallelism: 4,
  seed: 5,
};

test("one, two and four agents, and one of two that is killed, take the same steps", async () => {
  const [alone, four, killed] = await Promise.all([
    runMaidSearch({ agents: 1, isolation: "inline", document }),
    runMaidSearch({
      agents: 4,
      isolation: "inline",
      document: { ...document, strategy: { ...document.strategy, options: { ...document.strategy.options, shards: 3 } } },
    }),
    runMaidSearch({ agents: 2, document, killAfterSteps: 2 }),
  ]);
  assert.equal(alone.steps.filter(({ accepted }) => accepted).length, 4);
  assert.deepEqual(four.steps, alone.steps, "on other shards too");
  assert.deepEqual([killed.kills, killed.steps], [1, alone.steps]);
  for (const { facts } of [alone, four, killed]) {
    const end = facts.at(-1)?.kind;
    assert.ok(end?.$case === "searchEnded");
    assert.equal(end.value.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
    const ends = facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value] : []));
    // The shards' trials end when the search does, some after the trial that tells the loss.
    assert.equal(ends.filter(({ final }) => (final?.metrics.upperLoss ?? Number.NaN) > 0).length, 1, "one trial tells the loss");
  }
});
