/**
 * A population with copies, a replayed schedule and a control arm on real processes: once on one agent, once on two. What is trained must be
 * the same to the last bit; the schedule must come out as a file and be what the replay trained with.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeSchedule, valuesAt } from "@regulus/algorithms/core";
import { connect, type RegulusClient } from "@regulus/client";
import { parseSearchDocument, type Trial } from "@regulus/proto";
import { scratch, startProgram } from "./cluster/index.js";

const steps = 60;
const spec = parseSearchDocument({
  name: "population",
  workload: { name: "ridge", options: { trainSize: 30, tuneSize: 30, validSize: 30, testSize: 30, batchSize: 30 } },
  objective: { metric: "validLoss" },
  strategy: { name: "self-tuning-network", options: { population: 2, copyEverySteps: 30, warmUpSteps: 4, replays: 1 } },
  space: { learningRate: { type: "double", min: 0.01, max: 0.1, scale: "log" } },
  techniques: ["weight-decay", "input-noise"],
  budget: { trials: 4, stepsPerTrial: steps },
  control: { share: 0.25 },
  parallelism: 4,
  seed: 3,
});

test("on one agent and on two, a population copies, replays and is compared with its control arm, to the last bit", async (t) => {
  const folder = scratch("population");
  t.after(() => folder.remove());
  const coordinator = await startProgram("coordinator", [
    "--listen",
    "127.0.0.1:0",
    "--metrics-listen",
    "off",
    "--data",
    folder.path,
  ]);
  t.after(() => coordinator.end());
  const address = coordinator.ready.address ?? "";
  const client = connect(address);
  t.after(() => client.close());
  await startAgent(t, { address, folder: folder.path, index: 1 });
  const alone = await runSearch(client);
  await startAgent(t, { address, folder: folder.path, index: 2 });
  const shared = await runSearch(client);
  assert.deepEqual(shared.map(trained).sort(), alone.map(trained).sort());

  const ofArm = (arm: string) => alone.filter(({ work }) => work?.arm === arm);
  assert.deepEqual([ofArm("").length, ofArm("control").length, ofArm("replay").length], [2, 1, 1]);
  for (const { artifacts } of ofArm("")) {
    assert.deepEqual(
      artifacts.map(({ kind }) => kind),
      ["schedule"],
    );
  }
  const [replay] = ofArm("replay");
  const source = ofArm("").find(({ artifacts }) => artifacts[0]?.sha256 === replay?.work?.inputs[0]?.artifact?.sha256);
  assert.ok(source, "the replay names a member's schedule");
  const pieces: Uint8Array[] = [];
  for await (const piece of client.getArtifact(source.artifacts[0]?.sha256 ?? "")) pieces.push(piece);
  const learned = valuesAt(decodeSchedule(Buffer.concat(pieces)), steps);
  for (const [name, value] of Object.entries(learned)) {
    assert.equal(source.last?.learned[name], value, "the schedule ends where its trial did");
    assert.equal(replay?.last?.learned[name], Math.fround(value), "and the replay with it, in float32");
  }
});

interface AgentPlace {
  readonly address: string;
  readonly folder: string;
  readonly index: number;
}

async function startAgent(t: TestContext, { address, folder, index }: AgentPlace): Promise<void> {
  const own = ["--id", `agent-${index}`, "--slots", "1", "--backend", "wasm", "--data", `${folder}/agent-${index}`];
  const agent = await startProgram("agent", ["--coordinator", address, ...own]);
  t.after(() => agent.end());
}

/** Runs the search to its end. Its trials, in order. */
async function runSearch(client: RegulusClient): Promise<Trial[]> {
  const { searchId } = await client.createSearch({ spec });
  for await (const _ of client.watchSearch(searchId));
  const search = await client.getSearch(searchId);
  assert.equal(search.outcome, "SEARCH_OUTCOME_COMPLETED", search.reason);
  assert.deepEqual(
    search.arms.map(({ name, trials, steps: done }) => [name, trials, done]),
    [
      ["", 2, 2 * steps],
      ["control", 1, steps],
      ["replay", 1, steps],
    ],
  );
  const trials: Trial[] = [];
  for await (const trial of client.trials({ searchId })) trials.push(trial);
  return trials.sort((a, b) => a.trial - b.trial);
}

/** What was trained, without who did it when and under which number. */
function trained({ work, last, reason }: Trial): string {
  const { metrics, learned, scales } = last ?? {};
  return JSON.stringify([work?.arm, work?.seedNumber, work?.parameters, work?.inputs, reason, metrics, learned, scales]);
}
