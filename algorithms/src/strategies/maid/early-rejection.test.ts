/**
 * Early rejection over trials: a shard that has seen enough says so, those that are still at work on the same question are called off, and the
 * course is that of a search which waits for everyone.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Direction, fromVectors } from "@regulus/proto";
import { AnsweringTrials } from "../../conformance/answering-trials.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createSpace, type StrategyContext } from "../../core/index.js";
import { drawSample } from "../../workloads/quadratic-samples/quadratic-samples.js";
import { spec as workloadSpec } from "../../workloads/quadratic-samples/spec.js";
import { module } from "./maid.js";

const workload = workloadSpec.options.parse({ samples: 9, ridge: 20 });
const start = new Array<number>(workload.hyperparameters).fill(workload.start);
// Steps grow quickly, so that line searches begin with trials that fail.
const method = { steps: 15, accuracy: 1e-3, residual: 1e-3, stepLength: 1, stepGrowth: 4 };

interface Course {
  readonly seed: number;
  readonly earlyRejection: boolean;
  readonly orderSeed: number;
  readonly shards?: number;
  readonly parallelism?: number;
}

function search({ seed, earlyRejection, orderSeed, shards = 3, parallelism = shards }: Course) {
  const context: StrategyContext = {
    space: createSpace([]),
    objectives: [{ metric: "upperLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 },
    parallelism,
    inside: [],
    plainProcedure: "respond",
  };
  const samples = Array.from({ length: workload.samples }, (_, index) => drawSample(workload, seed, index));
  const answering = new AnsweringTrials(samples, start);
  const { facts } = driveStrategy({
    strategy: module.create(context, module.spec.options.parse({ ...method, shards, earlyRejection })),
    context,
    seed,
    agents: parallelism,
    metrics: () => ({}),
    observe: (work) => answering.observe(work),
    orderSeed,
  });
  // What a failed trial cost and how far it was off is not known of those that were called off; the steps themselves are.
  const course = facts.flatMap(({ kind }) => {
    if (kind?.$case !== "strategyStepped" || !kind.value.accepted || Object.keys(kind.value.metrics).length === 0) return [];
    const { work: _, ...metrics } = kind.value.metrics;
    return [{ step: kind.value.step, metrics, vectors: fromVectors(kind.value.vectors) }];
  });
  const calledOff = facts.flatMap(({ kind }) =>
    kind?.$case === "trialPauseRequested" ? [Number(/question (\d+) is decided/.exec(kind.value.reason)?.[1])] : [],
  );
  const rejected = facts.flatMap(({ kind }) =>
    kind?.$case === "trialMeasured" && kind.value.measurement?.metrics.rejected === 1
      ? [kind.value.measurement.metrics.question ?? Number.NaN]
      : [],
  );
  return { course, solved: answering.solved, rejected, calledOff };
}

describe("early rejection over trials", () => {
  for (const seed of [1, 2, 3]) {
    it(`takes the same steps for fewer solves, in whatever order shards answer, seed ${seed}`, () => {
      const patient = search({ seed, earlyRejection: false, orderSeed: 1 });
      assert.deepEqual([patient.rejected, patient.calledOff], [[], []]);
      assert.equal(patient.course.length, method.steps);
      assert.ok(
        patient.course.some(({ metrics }) => (metrics.trials ?? 0) > 1),
        "some trials failed",
      );
      let calledOff = 0;
      for (const orderSeed of [1, 2, 3, 4]) {
        const hasty = search({ seed, earlyRejection: true, orderSeed });
        assert.deepEqual(hasty.course, patient.course, `order ${orderSeed}`);
        assert.ok(hasty.rejected.length > 0, "shards said so themselves");
        assert.ok(hasty.solved < patient.solved, `${hasty.solved} solves of ${patient.solved}`);
        calledOff += hasty.calledOff.length;
      }
      assert.ok(calledOff > 0, "whoever was still at work on a failed trial was called off");
    });

    it(`does so while it asks ahead too, seed ${seed}`, () => {
      const patient = search({ seed, earlyRejection: false, orderSeed: 1 });
      assert.deepEqual(search({ seed, earlyRejection: true, orderSeed: 2, parallelism: 12 }).course, patient.course);
    });

    it(`adds up what shards said, where none of them has seen enough alone, seed ${seed}`, () => {
      const patient = search({ seed, earlyRejection: false, orderSeed: 1, shards: 9 });
      let together = 0;
      for (const orderSeed of [1, 2, 3, 4]) {
        const { course, rejected, calledOff } = search({ seed, earlyRejection: true, orderSeed, shards: 9 });
        assert.deepEqual(course, patient.course);
        together += calledOff.filter((question) => !rejected.includes(question)).length;
      }
      assert.ok(together > 0, "some were called off on a question that no shard rejected");
    });
  }
});
