/** Members are trained, then what they left is combined: by those that ended well, whoever failed on the way, with what other searches left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, type Fact, Scale, type Work } from "@regulus/proto";
import type { Drive, Outcome } from "../../conformance/driven-search.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createRng, createSpace, type StrategyContext } from "../../core/index.js";
import { module } from "./ensemble.js";

const context: StrategyContext = {
  space: createSpace([
    { name: "x", domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined },
  ]),
  objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
  budget: { trials: 0, steps: 0, stepsPerTrial: 90, wallTimeMs: 0 },
  parallelism: 3,
  inside: [],
  plainProcedure: "fit",
  predictions: ["valid", "test"],
};

function drive(members: number, more: Partial<Drive<object>> = {}) {
  const strategy = module.create(more.context ?? context, { members, mean: "logits" });
  return driveStrategy({ strategy, context, seed: 3, agents: 3, metrics: () => ({ validLoss: 1 }), ...more });
}

function works(facts: readonly Fact[]): Work[] {
  return facts.flatMap(({ kind }) => (kind?.$case === "trialProposed" && kind.value.work ? [kind.value.work] : []));
}

const given = (work: Work | undefined) => work?.inputs.map(({ trial, artifact }) => `${trial} ${artifact?.kind}`);

test("the combination is given every split of every member, in the order of their numbers, once all are over", () => {
  const { facts } = drive(3, { orderSeed: 4 });
  const all = works(facts);
  assert.deepEqual(
    all.map(({ procedure, arm }) => [procedure, arm]),
    [...Array.from({ length: 3 }, () => ["fit", ""]), ["combine", "combine"]],
  );
  const combination = all.at(-1);
  assert.deepEqual([combination?.parameters, combination?.options, combination?.final], [{}, { mean: "logits" }, true]);
  const expected = [0, 1, 2].flatMap((trial) => ["test", "valid"].map((split) => `${trial} predictions-${split}`));
  assert.deepEqual(given(combination), expected);
  const ends = facts.findLastIndex(({ kind }) => kind?.$case === "trialEnded" && kind.value.trial < 3);
  const proposed = facts.findIndex(({ kind }) => kind?.$case === "trialProposed" && kind.value.trial === 3);
  assert.ok(proposed > ends, "no member is left out for being late");
});

test("members that failed are left out, and are taken in by one more combination where they are retried", () => {
  const outcome = (trial: number): Outcome => (trial === 1 ? "fails" : "reaches");
  const once = works(drive(3, { outcome }).facts);
  assert.deepEqual([once.length, given(once.at(-1))?.map((one) => one[0])], [4, ["0", "0", "2", "2"]]);
  const again = works(drive(3, { outcome, retry: "after-the-end" }).facts);
  assert.deepEqual([again.length, given(again.at(-1))?.map((one) => one[0])], [5, ["0", "0", "1", "1", "2", "2"]]);
  const none = works(drive(3, { outcome: () => "is-lost" }).facts);
  assert.equal(none.length, 3, "nobody left anything");
});

test("a budget of trials keeps the last one for the combination", () => {
  const all = works(drive(9, { context: { ...context, budget: { ...context.budget, trials: 5 } } }).facts);
  assert.deepEqual([all.length, all.at(-1)?.procedure, given(all.at(-1))?.length], [5, "combine", 8]);
});

test("results of other searches join the members, and may be all that there is", () => {
  const inputs = [{ search: "other", trial: 7, kind: "predictions-valid" }];
  const strategy = module.create({ ...context, inputs }, { members: 0, mean: "probabilities" });
  const [start, ...rest] = strategy.ask(strategy.init(), 4, createRng(1));
  assert.ok(start?.kind === "start");
  assert.deepEqual([start.procedure, start.inputs, rest], ["combine", inputs, []]);
});

test("what lacks for an ensemble is told before anything starts", () => {
  const fields = (more: Partial<StrategyContext>, members = 4) =>
    module.spec.problems?.({ ...context, ...more }, { members, mean: "logits" }).map(({ field }) => field);
  assert.deepEqual(fields({}), []);
  assert.deepEqual(fields({ predictions: [] }), ["reporting.predictions"]);
  assert.deepEqual(fields({ plainProcedure: "command" }), ["strategy"]);
  assert.deepEqual(fields({}, 0), ["strategy.options.members"]);
  assert.deepEqual(fields({}, 1000), ["strategy.options.members"]);
  assert.deepEqual(fields({ budget: { ...context.budget, trials: 1 } }), ["budget.trials"]);
});
