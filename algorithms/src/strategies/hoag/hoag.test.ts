/** HOAG through proposals and facts: the course of the method alone, and that of its rule worked out anew from closed forms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, fromVectors } from "@regulus/proto";
import { AnsweringTrials } from "../../conformance/answering-trials.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createSpace } from "../../core/index.js";
import { driveLocally } from "../../solvers/maid/drive-locally.js";
import { hoag } from "../../solvers/maid/hoag.js";
import type { IterationRecord } from "../../solvers/maid/method.js";
import { hoagOptions } from "../../solvers/maid/options.js";
import type { QuadraticProblem } from "../../solvers/problems/quadratic.js";
import { drawSample } from "../../workloads/quadratic-samples/quadratic-samples.js";
import { spec as workloadSpec } from "../../workloads/quadratic-samples/spec.js";
import { module } from "./hoag.js";

const start = [1, 1, 1, 1];

function search(samples: readonly QuadraticProblem[], options: Readonly<Record<string, unknown>>) {
  const answering = new AnsweringTrials(samples, start);
  const context = {
    space: createSpace([]),
    objectives: [{ metric: "upperLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 },
    parallelism: 3,
    inside: [],
    plainProcedure: "respond",
  };
  const { facts, trials } = driveStrategy({
    strategy: module.create(context, module.spec.options.parse(options)),
    context,
    seed: 1,
    agents: 3,
    metrics: () => ({}),
    observe: (work) => answering.observe(work),
    orderSeed: 1,
  });
  const stepped = facts.flatMap(({ kind }) => (kind?.$case === "strategyStepped" ? [kind.value] : []));
  /** Accuracy and residual that each question asked for, in order. */
  const asked: [number, number][] = [];
  for (const { kind } of facts) {
    const options = kind?.$case === "trialProposed" || kind?.$case === "trialResumed" ? kind.value.work?.options : undefined;
    if (options?.question !== undefined) asked[options.question] = [options.accuracy, options.residual];
  }
  return { steps: stepped.slice(0, -1).map((one) => ({ ...one, vectors: fromVectors(one.vectors) })), asked, trials };
}

test("it takes the steps of the method alone, bit for bit, over three shards", () => {
  const workload = workloadSpec.options.parse({ samples: 4 });
  const samples = Array.from({ length: workload.samples }, (_, index) => drawSample(workload, 3, index));
  const method = { steps: 20, accuracy: 1e-2 };
  const records: IterationRecord[] = [];
  const state = hoag.init(hoagOptions.parse(method), { theta: start, samples: samples.length });
  driveLocally(hoag, state, { samples, onRecord: (record) => void records.push(record) });

  const { steps, trials } = search(samples, method);
  assert.deepEqual(steps, records);
  assert.ok(records.some(({ accepted }) => accepted));
  assert.equal(trials.length, 4, "one for each shard, and the last one");
});

type Schedule = "geometric" | "quadratic" | "cubic";

interface Expected {
  readonly theta: readonly number[];
  readonly accepted: boolean;
  readonly accuracy: number;
  readonly loss: number;
}

/**
 * The rule as arXiv 2308.10098's experiments run it (C = 0.25, F = 1), on exact losses and hypergradients: only its thresholds know of accuracies.
 */
function byHand(
  samples: readonly QuadraticProblem[],
  { schedule, accuracy, stepLength }: { schedule: Schedule; accuracy: number; stepLength?: number },
  solves: number,
): Expected[] {
  const mean = (of: (sample: QuadraticProblem) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const factor = {
    geometric: (k: number) => 0.9 ** k,
    quadratic: (k: number) => (k + 1) ** -2,
    cubic: (k: number) => (k + 1) ** -3,
  };
  const course: Expected[] = [];
  let theta = [...start];
  let [L, lastLoss, lastEps, halved] = [Number.NaN, Number.NaN, Number.NaN, 1];
  for (let k = 0; k < solves; k++) {
    const at = Float64Array.from(theta);
    const gradients = samples.map((sample) => sample.exactGradient(at));
    const [loss, z] = [mean((sample) => sample.exact(at)), theta.map((_, j) => meanAt(gradients, j))];
    const norm = Math.hypot(...z);
    if (k === 0) L = stepLength === undefined ? norm / Math.sqrt(theta.length) : 1 / stepLength;
    const [eps, increment] = [accuracy * factor[schedule](k) * halved, norm / L];
    const expected = lastLoss + 0.25 * eps + lastEps * 1.25 * increment - L * increment ** 2;
    const rises = k > 0 && loss > expected && loss >= 1.2 * lastLoss;
    if (k > 0 && loss <= expected) L *= 0.95;
    if (rises) {
      L *= 2;
      halved /= 2;
    } else {
      theta = theta.map((one, j) => one - (z[j] ?? 0) / L);
    }
    course.push({ theta, accepted: !rises, accuracy: eps, loss });
    [lastLoss, lastEps] = [loss, eps];
  }
  return course;
}

function meanAt(vectors: readonly Float64Array[], index: number): number {
  return vectors.reduce((sum, vector) => sum + (vector[index] ?? 0), 0) / vectors.length;
}

for (const schedule of ["geometric", "quadratic", "cubic"] as const) {
  test(`it follows its rule on exact losses and hypergradients, ${schedule}`, () => {
    const outcomes: string[] = [];
    for (const seed of [1, 2, 3]) {
      const samples = Array.from({ length: 4 }, (_, index) =>
        drawSample(workloadSpec.options.parse({ samples: 4 }), seed, index),
      );
      // Its own first step is careful here; the other one overshoots.
      for (const first of [{}, { stepLength: 0.05 }]) {
        const method = { schedule, accuracy: 1e-7, ...first };
        const { steps, asked } = search(samples, { ...method, steps: 12, thetaMin: -1e6, thetaMax: 1e6 });
        const expected = byHand(samples, method, steps.length);
        assert.equal(steps.filter(({ accepted }) => accepted).length, 12);
        for (const [k, { accepted, message, metrics, vectors }] of steps.entries()) {
          const truth = expected[k];
          assert.ok(truth);
          const where = `seed ${seed}, solve ${k}: ${message}`;
          assert.equal(accepted, truth.accepted, where);
          const [eps = 0, delta] = asked[k] ?? [];
          assert.ok(eps === delta && Math.abs(eps / truth.accuracy - 1) < 1e-12, `${where}, ${eps} against ${truth.accuracy}`);
          // Solves are exact to 1e-7 at most, and a dozen steps let that grow a little: 1e-8 was seen.
          assert.ok(Math.abs((metrics.upperLoss ?? 0) / truth.loss - 1) < 1e-5, where);
          for (const [j, one] of truth.theta.entries())
            assert.ok(Math.abs(one - (vectors.theta?.[j] ?? Number.NaN)) < 1e-5 * (1 + Math.abs(one)), where);
          outcomes.push(message);
        }
      }
    }
    for (const each of [/^step taken/, /^the loss fell as expected: longer step/, /^the loss rose .*: step and accuracy halved/])
      assert.ok(
        outcomes.some((words) => each.test(words)),
        `${each} in ${[...new Set(outcomes)].join("; ")}`,
      );
  });
}
