/**
 * BO-REP on real processes: the same steps, to the last bit, on one agent, and on two of which one is killed and its tasks are taken over from
 * their checkpoint. The tasks own their y and z, so that a memory that was lost or counted twice would show.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SearchOutcome } from "@regulus/proto";
import { runMaidSearch } from "./cluster/maid-search.js";

const options = { steps: 6, eta: 0.1, period: 1, lowerRate: 0.5, adjointRate: 0.2 };
const document = (shards: number) => ({
  workload: { name: "hyper-representation", options: { tasks: 6, classes: 3, shots: 2, queries: 3, side: 4, features: 4 } },
  objective: { metric: "validLoss", direction: "minimize" },
  strategy: { name: "bo-rep", options: { ...options, shards } },
  parallelism: 2,
  seed: 3,
});

test("one agent, and two of which one is killed, take the same steps of BO-REP", async () => {
  const [alone, killed] = await Promise.all([
    runMaidSearch({ agents: 1, isolation: "inline", document: document(1) }),
    runMaidSearch({ agents: 2, document: document(2), disturbance: { kind: "kill-agent", afterSteps: 2 } }),
  ]);
  assert.equal(alone.steps.length, options.steps);
  assert.ok(alone.steps.every(({ accepted, message }) => accepted && message !== ""));
  const found = alone.steps.at(-1);
  assert.equal(found?.vectors.x?.values.length, 4 * 17);
  assert.deepEqual([killed.disturbances, killed.steps], [1, alone.steps]);
  for (const { facts } of [alone, killed]) {
    const end = facts.at(-1)?.kind;
    assert.ok(end?.$case === "searchEnded");
    assert.equal(end.value.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
    const ends = facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value.final?.metrics.testLoss] : []));
    assert.ok(ends.length > 0 && ends.every(Number.isFinite), "every trial ends with the outcome");
  }
});
