/**
 * MAID on real processes: the same steps, to the last bit, on one, two and four agents, and after an agent, a trial process or the coordinator is
 * killed in the midst of a round, or a trial process hangs there.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { EndReason, SearchOutcome } from "@regulus/proto";
import { type MaidCourse, runMaidSearch } from "./cluster/maid-search.js";

const document = {
  workload: { name: "quadratic-samples", options: { samples: 8 } },
  strategy: { name: "maid", options: { steps: 4, shards: 2, stepLength: 1e-4 } },
  parallelism: 4,
  seed: 5,
  // Enough for an agent on a machine that has much else to do.
  retries: { max: 20, backoff: "100ms" },
};
/** With as many trials as shards nothing is asked ahead, and solutions stay in processes. */
const light = { ...document, parallelism: 2 };

const alone = runMaidSearch({ agents: 1, isolation: "inline", document });
after(() => alone);

function checkWhole({ facts, steps }: MaidCourse, expected: MaidCourse): void {
  assert.deepEqual(steps, expected.steps);
  const end = facts.at(-1)?.kind;
  assert.ok(end?.$case === "searchEnded");
  assert.equal(end.value.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
  const ends = facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value] : []));
  // The shards' trials end when the search does, some after the trial that tells the loss.
  assert.equal(ends.filter(({ final }) => (final?.metrics.upperLoss ?? Number.NaN) > 0).length, 1, "one trial tells the loss");
}

test("one, two and four agents, and one of two that is killed, take the same steps", async () => {
  const [expected, four, killed] = await Promise.all([
    alone,
    runMaidSearch({
      agents: 4,
      isolation: "inline",
      document: { ...document, strategy: { ...document.strategy, options: { ...document.strategy.options, shards: 3 } } },
    }),
    runMaidSearch({ agents: 2, document, disturbance: { kind: "kill-agent", afterSteps: 2 } }),
  ]);
  assert.equal(expected.steps.filter(({ accepted }) => accepted).length, 4);
  assert.equal(killed.disturbances, 1);
  for (const course of [expected, four, killed]) checkWhole(course, expected);
});

test("a killed trial process and a killed coordinator change no bit where solutions stay in processes", async () => {
  const [expected, trials, coordinator] = await Promise.all([
    alone,
    runMaidSearch({ agents: 1, document: light, disturbance: { kind: "kill-trials", afterSteps: 2 } }),
    runMaidSearch({ agents: 2, document: light, disturbance: { kind: "kill-coordinator", afterSteps: 2 } }),
  ]);
  for (const course of [trials, coordinator]) {
    assert.equal(course.disturbances, 1);
    checkWhole(course, expected);
  }
  assert.match(trials.shown, /question \d+ is answered again, because its solutions were lost/);
  const saved = trials.facts.filter(({ kind }) => kind?.$case === "trialCheckpointed").length;
  const paused = trials.facts.filter(({ kind }) => kind?.$case === "trialPaused").length;
  assert.ok(saved < paused / 2, `${saved} checkpoints at ${paused} pauses`);
});

test("a trial process that hangs in the midst of a round is seen, named, and its shard answered for elsewhere with the same bits", async () => {
  const hanging = { ...light, resources: { stepTimeout: "2s" } };
  const [expected, hung] = await Promise.all([
    alone,
    runMaidSearch({ agents: 2, document: hanging, disturbance: { kind: "hang-trial", afterSteps: 2 } }),
  ]);
  assert.equal(hung.disturbances, 1);
  checkWhole(hung, expected);
  const ended = hung.facts.flatMap(({ kind }) => (kind?.$case === "attemptEnded" ? [kind.value] : []));
  const timedOut = ended.filter(({ reason }) => reason === EndReason.END_REASON_TIMED_OUT);
  assert.ok(timedOut.length > 0, JSON.stringify(ended));
  assert.match(
    hung.shown,
    /attempt \d+ ended: timed out \(no sign of life for \w+ after step \d+; resources.stepTimeout allows 2s; .*\)/,
  );
});
