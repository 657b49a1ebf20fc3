/** MAID against closed forms: its certificates hold, its accuracy tunes itself, and speculation or a copied state change no bit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import { norm } from "../lower-problem.js";
import { drawQuadratic, type QuadraticProblem } from "../problems/quadratic.js";
import type { ReducedAnswer } from "../respond.js";
import { driveLocally } from "./drive-locally.js";
import { maid } from "./maid.js";
import type { MaidState } from "./maid-state.js";
import type { IterationRecord } from "./method.js";
import { maidOptions } from "./options.js";

const law = { rows: 60, dim: 6, thetaDim: 4, noise: 0.1, ridge: 0.5 };
const samples = 3;
const draw = (seed: number): readonly QuadraticProblem[] =>
  Array.from({ length: samples }, (_, i) => drawQuadratic(law, createRng(seed).fork(i)));
const start = { theta: [1, 1, 1, 1], samples };

function run(
  seed: number,
  options: object,
  ahead = 1,
): { state: MaidState; records: readonly IterationRecord[]; exact: readonly number[] } {
  const problems = draw(seed);
  const state = maid.init(maidOptions.parse(options), start);
  const f = (theta: readonly number[]): number =>
    problems.reduce((sum, one) => sum + one.exact(Float64Array.from(theta)), 0) / samples;
  const records: IterationRecord[] = [];
  const exact = [f(state.theta)];
  driveLocally(maid, state, {
    samples: problems,
    ahead,
    onRecord(record) {
      records.push(record);
      if (record.accepted) exact.push(f(record.vectors.theta));
      return false;
    },
  });
  return { state, records, exact };
}

function exactGradient(seed: number, theta: readonly number[]): Float64Array {
  const each = draw(seed).map((problem) => problem.exactGradient(Float64Array.from(theta)));
  return Float64Array.from(theta, (_, j) => each.reduce((sum, one) => sum + (one[j] ?? 0), 0) / samples);
}

for (const seed of [1, 2, 3]) {
  for (const [checkDescent, direction] of [
    [false, "gradient"],
    [true, "gradient"],
    [false, "barzilai-borwein"],
    [false, "l-bfgs"],
  ] as const) {
    test(`every accepted step lowers the exact loss by what was certified, ${direction}, check ${checkDescent}, seed ${seed}`, () => {
      const decrease = 0.1;
      // Those that converge quickly end by themselves.
      const steps = direction === "l-bfgs" ? 25 : 150;
      const { state, records, exact } = run(seed, { accuracy: 10, steps, decrease, checkDescent, direction });
      const accepted = records.filter((record) => record.accepted);
      assert.equal(accepted.length, state.step);
      assert.ok(state.step >= 8, `${state.step} steps: ${state.finished?.message}`);
      for (const [k, { metrics }] of accepted.entries()) {
        const fell = (exact[k] ?? 0) - (exact[k + 1] ?? 0);
        const required = decrease * (metrics.stepLength ?? 0) * -(metrics.slope ?? 0);
        if (direction === "gradient")
          assert.ok(Math.abs((metrics.slope ?? 0) + (metrics.gradientNorm ?? 0) ** 2) <= 1e-12 * -(metrics.slope ?? 0));
        assert.ok(fell >= required * (1 - 1e-9) - 1e-12, `step ${k}: fell ${fell}, certified ${required}`);
        assert.ok((metrics.lowerBound ?? 0) <= (exact[k + 1] ?? 0) * (1 + 1e-12));
        assert.ok((exact[k + 1] ?? 0) <= (metrics.upperBound ?? 0) * (1 + 1e-12));
      }
      const [before, after] = [exactGradient(seed, start.theta), exactGradient(seed, state.theta)].map(norm);
      assert.ok((after ?? 1e9) < 0.1 * (before ?? 0), `exact hypergradient ${before} to ${after}`);
      if (checkDescent)
        for (const { metrics } of accepted) assert.ok((metrics.bound ?? 1e9) <= 0.5 * (metrics.gradientNorm ?? 0));
      for (const { metrics } of records) assert.ok(Object.values(metrics).every(Number.isFinite));
    });
  }

  test(`questions asked ahead change no bit and no count, seed ${seed}`, () => {
    const alone = run(seed, { steps: 40, stepLength: 1 });
    for (const ahead of [2, 5, 30]) assert.deepEqual(run(seed, { steps: 40, stepLength: 1 }, ahead), alone);
    assert.ok(
      alone.records.some(({ metrics }) => (metrics.trials ?? 0) > 1),
      "there was something to speculate on",
    );
  });
}

test("a state that went through JSON continues with the same bits", () => {
  const options = maidOptions.parse({ steps: 12 });
  const [whole, problems] = [maid.init(options, start), draw(1)];
  driveLocally(maid, whole, { samples: problems });
  let copied = maid.init(options, start);
  let told = 0;
  const through = {
    ...maid,
    questions: (_: MaidState, limit: number) => maid.questions(copied, limit),
    tell(_: MaidState, id: number, answer: ReducedAnswer) {
      copied = JSON.parse(JSON.stringify(copied));
      told += 1;
      return maid.tell(copied, id, JSON.parse(JSON.stringify(answer)));
    },
  };
  driveLocally(through, copied, { samples: problems });
  assert.ok(told > 24);
  assert.deepEqual(copied, JSON.parse(JSON.stringify(whole)));
});

test("early rejection takes the same steps", () => {
  const options = maidOptions.parse({ steps: 20, stepLength: 10 });
  const thetas = [false, true].map((earlyRejection) => {
    const state = maid.init({ ...options, earlyRejection }, start);
    let rejected = 0;
    const early = {
      ...maid,
      tell(one: MaidState, id: number, answer: ReducedAnswer) {
        const asked = maid.questions(one, 1)[0]?.question.rejectAbove;
        assert.equal(asked !== undefined, earlyRejection && one.point !== null);
        if (asked === undefined || !(answer.upperBound * samples > asked)) return maid.tell(one, id, answer);
        rejected += 1;
        return maid.tell(one, id, {
          value: 0,
          lowerBound: 0,
          upperBound: 0,
          accuracy: 0,
          gradientNorm: 0,
          iterations: 7,
          stalled: 0,
          metrics: {},
          rejected: true,
        });
      },
    };
    driveLocally(early, state, { samples: draw(2) });
    assert.equal(rejected > 0, earlyRejection);
    return state.theta;
  });
  assert.deepEqual(thetas[0], thetas[1]);
});

test("a residual above the upper gradient is tightened and never taken for convergence", () => {
  const { state, records } = run(1, { residual: 1e9, accuracy: 1e-3, steps: 5 });
  assert.match(records[0]?.message ?? "", /adjoint residual .* exceeds the upper gradient/);
  assert.equal(state.step, 5);
});

test("it ends at the accuracy that float64 attains, with words, near a point where the exact hypergradient vanishes", () => {
  const { state, exact } = run(3, { tolerance: 0, steps: 20_000, stepGrowth: 2 });
  assert.equal(state.finished?.reason, "attainable-accuracy", JSON.stringify(state.finished));
  const gradient = exactGradient(3, state.theta);
  assert.ok(norm(gradient) < 1e-4 * (exact[0] ?? 0), `exact hypergradient ${norm(gradient)}`);
});

/** An answer of one sample whose loss is theta^2, or something broken. */
const answerAt = (theta: readonly number[], more: Partial<ReducedAnswer> = {}): ReducedAnswer => {
  const value = theta.reduce((sum, one) => sum + one * one, 0);
  return {
    value,
    lowerBound: value,
    upperBound: value,
    accuracy: 0,
    gradientNorm: 1,
    iterations: 1,
    stalled: 0,
    hypergradient: theta.map((one) => 2 * one),
    residual: 0,
    unresolved: 0,
    metrics: {},
    ...more,
  };
};

test("a step to where the hypergradient is not a number is taken back, and shorter ones follow", () => {
  const state = maid.init(maidOptions.parse({ stepLength: 0.5, steps: 50, tolerance: 1e-3 }), { theta: [2], samples: 1 });
  const messages: string[] = [];
  for (let asked = 0; state.finished === null && asked < 500; asked++) {
    const [open] = maid.questions(state, 1);
    assert.ok(open);
    const { theta, gradient } = open.question;
    // At 0 itself the derivative has a hole: the first step goes exactly there.
    const broken = gradient !== undefined && Math.abs(theta[0] ?? 0) < 1e-9;
    const answer = answerAt(theta, broken ? { hypergradient: [Number.NaN] } : {});
    for (const { message } of maid.tell(state, open.id, answer)) messages.push(message);
  }
  assert.ok(
    messages.some((words) => /not a number after a step of length 0\.5: the step is taken back/.test(words)),
    messages.join("\n"),
  );
  assert.equal(state.finished?.reason, "converged");
});

test("what can't be solved is refused by name", () => {
  const begin = (more: object = {}) => maid.init(maidOptions.parse(more), { theta: [2], samples: 1 });
  const first = (state: MaidState, more: Partial<ReducedAnswer>) => {
    maid.tell(state, 0, answerAt([2], more));
    return state.finished?.reason;
  };
  assert.equal(first(begin(), { problem: { position: 0, kind: "not-strongly-convex" } }), "not-strongly-convex");
  assert.equal(first(begin(), { hypergradient: [Number.NaN] }), "not-finite");
  assert.equal(first(begin({ checkDescent: true }), {}), "no-bound");
  assert.equal(first(begin(), { hypergradient: [0] }), "converged");
  assert.equal(first(begin({ thetaMax: 2 }), { hypergradient: [-1] }), "box", "every step from the edge leads outside");
  assert.equal(maidOptions.safeParse({ decrease: 0.6 }).success, false);
});

test("steps that leave the box fail without being asked", () => {
  const state = maid.init(maidOptions.parse({ stepLength: 8, thetaMin: 1 }), { theta: [2], samples: 1 });
  maid.tell(state, 0, answerAt([2]));
  const [open] = maid.questions(state, 1);
  // 2 - alpha 4 >= 1 for alpha = 8 / 2^5 first.
  assert.deepEqual(open?.question.theta, [2 - (8 / 32) * 4]);
});

test("a frozen accuracy ends at the first line search that fails", () => {
  const { state } = run(1, { accuracy: 1, freezeAccuracy: true, steps: 5000 });
  assert.equal(state.finished?.reason, "attainable-accuracy");
  assert.match(state.finished?.message ?? "", /the accuracy is frozen/);
});
