/** Hypergradients that are not numbers: each moves nothing and the first is named; three in a row end tuning, in whatever sessions they fall. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { SearchSpec, Work } from "@regulus/proto";
import { chooseBackend } from "../../kernels/index.js";
import type { Observed, Session } from "../../training/contracts/procedure.js";
import { module } from "./self-tune.js";

await chooseBackend("wasm");

const workload = new URL("testing/wrong-sign.js", import.meta.url).pathname;
const warmUpSteps = 10;

/** A trial that tunes after each of its steps from `warmUpSteps` on; tuning steps that are broken count from 0 in this session. */
async function open(broken: readonly number[], found: string[], more: { checkpoint?: Uint8Array; seed?: number } = {}) {
  const spec = SearchSpec.fromPartial({
    workload: { module: workload, options: { broken } },
    techniques: [{ name: "weight-decay", options: {} }],
    space: [{ name: "weightDecay", domain: { $case: "double", value: { min: 1e-4, max: 100, scale: "SCALE_LOG" } } }],
    seed: 1,
  });
  const options = { warmUpSteps, initial: { weightDecay: 0.05 }, hyperLearningRate: 0.003, trainSteps: 1, guardEverySteps: 0 };
  const work = Work.fromPartial({ procedure: "self-tune", options, untilStep: 60, final: true });
  return module.open({ spec, work, seed: 1, found: (severity, message) => found.push(`${severity}: ${message}`), ...more });
}

/** What is measured once so many tuning steps were taken, counted from the trial's first. */
async function after(session: Session, tuningSteps: number): Promise<Observed> {
  while (session.stepsDone < warmUpSteps + tuningSteps) await session.step();
  return session.measure();
}

it("one or two that are not finite move nothing, the first is named, and tuning continues", async () => {
  const found: string[] = [];
  const session = await open([5, 6, 8, 9], found);
  const before = await after(session, 5);
  const [held, moved] = [await after(session, 7), await after(session, 8)];
  assert.deepEqual([held.learned, held.scales], [before.learned, before.scales]);
  assert.ok(Object.values(held.hypergradients).every(Number.isFinite));
  assert.notDeepEqual(moved.learned, held.learned);
  const last = await after(session, 40);
  session.close();
  assert.equal(last.metrics.tuningFrozen, 0);
  assert.notDeepEqual(last.learned, moved.learned);
  assert.equal(found.length, 2, found.join("; "));
  for (const [i, words] of found.entries()) {
    const step = warmUpSteps + (i === 0 ? 6 : 9);
    assert.equal(words, `warning: the hypergradient of weightDecay is not finite at step ${step}: it moved nothing`);
  }
});

it("three in a row hold the hyperparameters for good, with a message, and training continues plainly", async () => {
  const found: string[] = [];
  const session = await open([5, 6, 7], found);
  const before = await after(session, 5);
  const frozen = await after(session, 8);
  const last = await after(session, 40);
  session.close();
  assert.deepEqual([before.metrics.tuningFrozen, frozen.metrics.tuningFrozen, last.metrics.tuningFrozen], [0, 1, 1]);
  assert.deepEqual([last.learned, last.scales], [before.learned, before.scales]);
  assert.notEqual(last.metrics.trainLoss, frozen.metrics.trainLoss, "weights continue");
  assert.ok(Number.isFinite(last.metrics.trainLoss));
  assert.equal(found.length, 2, found.join("; "));
  assert.match(
    found[1] ?? "",
    /^warning: step 18: 3 hypergradients in a row were not finite; the trial continues as plain training/,
  );
});

it("counts over checkpoints, stays frozen in its own trial, and frees a copy in another", async () => {
  const first = await open([5, 6], []);
  await after(first, 7);
  const two = await first.save();
  first.close();
  const found: string[] = [];
  const second = await open([0], found, { checkpoint: two });
  assert.equal((await after(second, 8)).metrics.tuningFrozen, 1, "the third in a row came after the checkpoint");
  assert.equal(found.length, 1, found.join("; "));
  const frozen = await second.save();
  const held = await second.measure();
  second.close();

  const same = await open([], [], { checkpoint: frozen });
  const later = await after(same, 20);
  same.close();
  assert.deepEqual([later.metrics.tuningFrozen, later.learned], [1, held.learned]);
  const copy = await open([], [], { checkpoint: frozen, seed: 2 });
  const freed = await after(copy, 20);
  copy.close();
  assert.equal(freed.metrics.tuningFrozen, 0);
  assert.notDeepEqual(freed.learned, held.learned);
});
