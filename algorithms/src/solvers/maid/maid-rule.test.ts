/**
 * MAID against its algorithms 3.1 and 3.2 as a plain loop, on a loss that is known to within an uncertainty which the accuracy sets: where it steps, what
 * accuracy it asks for, how many trials it makes and when it ends.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReducedAnswer } from "../respond.js";
import { maid } from "./maid.js";
import type { IterationRecord } from "./method.js";
import { type MaidOptions, maidOptions } from "./options.js";

/** f = sum of w_j theta_j^2 / 2 over unlike weights. */
const weights = [1, 4, 0.25];
const loss = (theta: readonly number[]) => theta.reduce((sum, one, j) => sum + ((weights[j] ?? 0) * one * one) / 2, 0);
const gradientOf = (theta: readonly number[]) => theta.map((one, j) => (weights[j] ?? 0) * one);
const squared = (z: readonly number[]) => z.reduce((sum, one) => sum + one * one, 0);
/** How far off a loss may be at an accuracy, and what a solve costs. */
const width = (accuracy: number) => 3 * accuracy;
const cost = (accuracy: number, isGradient: boolean) => Math.ceil(Math.abs(Math.log(accuracy))) + (isGradient ? 5 : 0);

function answer(theta: readonly number[], accuracy: number, isGradient: boolean): ReducedAnswer {
  const value = loss(theta);
  return {
    value,
    lowerBound: value - width(accuracy),
    upperBound: value + width(accuracy),
    accuracy,
    gradientNorm: 1,
    iterations: cost(accuracy, isGradient),
    stalled: 0,
    metrics: {},
    ...(isGradient ? { hypergradient: gradientOf(theta), residual: 0, unresolved: 0 } : {}),
  };
}

interface Asked {
  readonly theta: readonly number[];
  readonly accuracy: number;
  readonly residual: number | undefined;
}

interface Course {
  readonly asked: readonly Asked[];
  readonly steps: readonly {
    readonly stepLength: number;
    readonly theta: readonly number[];
    readonly trials: number;
    readonly work: number;
  }[];
  readonly reason: string | undefined;
}

const startTheta = [3, -2, 5];

/** The method, one question at a time. */
function byMethod(options: MaidOptions): Course {
  const state = maid.init(options, { theta: startTheta, samples: 2 });
  const asked: Asked[] = [];
  const records: IterationRecord[] = [];
  for (;;) {
    const [open, ...others] = maid.questions(state, 1);
    if (open === undefined) break;
    assert.equal(others.length, 0);
    const { theta, accuracy, gradient } = open.question;
    asked.push({ theta, accuracy, residual: gradient?.residual });
    records.push(...maid.tell(state, open.id, answer(theta, accuracy, gradient !== undefined)));
  }
  const steps = records
    .filter(({ accepted }) => accepted)
    .map(({ metrics, vectors }) => {
      return { stepLength: metrics.stepLength ?? 0, theta: vectors.theta, trials: metrics.trials ?? 0, work: metrics.work ?? 0 };
    });
  return { asked, steps, reason: state.finished?.reason };
}

/** The algorithms. */
function byHand(o: MaidOptions): Course {
  const asked: Asked[] = [];
  const steps: { stepLength: number; theta: readonly number[]; trials: number; work: number }[] = [];
  let theta: readonly number[] = [...startTheta];
  let [eps, delta, alpha, tries, work] = [o.accuracy, o.residual, o.stepLength, o.trials, 0];
  const inside = (point: readonly number[]) => point.every((one) => one >= o.thetaMin && one <= o.thetaMax);
  const end = (reason: string): Course => ({ asked, steps, reason });
  const isOver = () => steps.length >= o.steps || (o.work > 0 && work >= o.work);
  for (;;) {
    asked.push({ theta, accuracy: eps, residual: delta });
    work += cost(eps, true);
    const z = gradientOf(theta);
    if (Math.sqrt(squared(z)) <= o.tolerance) return end("converged");
    if (isOver()) return end("budget");
    const at = (length: number) => theta.map((one, j) => one - length * (z[j] ?? 0));
    while (!inside(at(alpha))) alpha *= o.stepShrink;
    let accepted: number | undefined;
    let made = 0;
    for (let i = 0; i < tries && accepted === undefined; i++) {
      const length = alpha * o.stepShrink ** i;
      // Hopeless: even a loss that fell `futility` times as fast as its slope says would not be seen.
      if (i > 0 && o.futility > 0 && o.futility * length * squared(z) < width(eps)) break;
      made += 1;
      asked.push({ theta: at(length), accuracy: eps, residual: undefined });
      work += cost(eps, false);
      const upper = loss(at(length)) + width(eps);
      if (upper - (loss(theta) - width(eps)) + o.decrease * length * squared(z) <= 0) accepted = length;
    }
    if (accepted === undefined) {
      if (o.freezeAccuracy || eps <= o.accuracyMin) return end("attainable-accuracy");
      tries += 1;
      eps = Math.max(o.accuracyMin, eps * o.accuracyShrink);
      delta *= o.accuracyShrink;
      if (isOver()) return end("budget");
      continue;
    }
    theta = at(accepted);
    steps.push({ stepLength: accepted, theta, trials: made, work });
    if (!o.freezeAccuracy) {
      eps *= o.accuracyGrowth;
      delta *= o.accuracyGrowth;
    }
    alpha = accepted * o.stepGrowth;
    tries = o.trials;
    if (isOver()) return end("budget");
  }
}

const variants: Readonly<Record<string, object>> = {
  "its defaults": {},
  "few trials": { trials: 1, stepLength: 10 },
  "every trial": { futility: 0, trials: 4, stepLength: 4 },
  "a budget of steps": { steps: 3 },
  "a budget of work": { work: 120 },
  "a demanding decrease": { decrease: 0.45, stepLength: 2 },
  "other factors": { stepShrink: 0.3, stepGrowth: 2, accuracyShrink: 0.2, accuracyGrowth: 1.3, accuracy: 5, residual: 2 },
  "a narrow box": { thetaMin: -2, thetaMax: 5, stepLength: 8 },
  "a least accuracy": { accuracyMin: 0.01, accuracy: 1 },
  "a frozen accuracy": { freezeAccuracy: true, accuracy: 0.5 },
  "a tolerance": { tolerance: 0.5, stepLength: 0.3 },
};

const near = (a: number | undefined, b: number | undefined, what: string) =>
  assert.ok(
    a === b || Math.abs((a ?? Number.NaN) - (b ?? Number.NaN)) <= 1e-9 * (1 + Math.abs(b ?? 0)),
    `${what}: ${a} and ${b}`,
  );

for (const [name, more] of Object.entries(variants)) {
  test(`it follows its rule with ${name}`, () => {
    const options = maidOptions.parse({ steps: 200, tolerance: 1e-3, ...more });
    const [found, expected] = [byMethod(options), byHand(options)];
    assert.equal(found.reason, expected.reason);
    assert.equal(found.asked.length, expected.asked.length, "as many questions");
    for (const [i, { theta, accuracy, residual }] of expected.asked.entries()) {
      near(found.asked[i]?.accuracy, accuracy, `accuracy of question ${i}`);
      near(found.asked[i]?.residual, residual, `residual of question ${i}`);
      for (const [j, one] of theta.entries()) near(found.asked[i]?.theta[j], one, `theta of question ${i}`);
    }
    assert.equal(found.steps.length, expected.steps.length);
    for (const [k, { stepLength, trials, work, theta }] of expected.steps.entries()) {
      near(found.steps[k]?.stepLength, stepLength, `length of step ${k}`);
      for (const [j, one] of theta.entries()) near(found.steps[k]?.theta[j], one, `theta of step ${k}`);
      assert.deepEqual([found.steps[k]?.trials, found.steps[k]?.work], [trials, work], `trials and work of step ${k}`);
    }
  });
}

test("the rules are told apart: no two variants take the same course", () => {
  const courses = Object.values(variants).map((more) =>
    JSON.stringify(byMethod(maidOptions.parse({ steps: 200, tolerance: 1e-3, ...more }))),
  );
  assert.equal(new Set(courses).size, courses.length);
});

test("questions ahead are marked, start from the point's solutions and stop at one that passed", () => {
  const state = maid.init(maidOptions.parse({ stepLength: 4, trials: 5, futility: 0 }), { theta: startTheta, samples: 2 });
  const [first] = maid.questions(state, 9);
  assert.deepEqual([first?.id, first?.startFrom, first?.speculative], [0, null, false]);
  maid.tell(state, 0, answer(startTheta, 0.1, true));
  const open = maid.questions(state, 9);
  assert.deepEqual(
    open.map(({ id, startFrom, speculative }) => [id, startFrom, speculative]),
    [1, 2, 3, 4, 5].map((id) => [id, 0, id > 1]),
  );
  assert.equal(maid.questions(state, 2).length, 2);
  assert.deepEqual(maid.undecided(state), []);
  // The fourth passes while the first three are open: those behind it are asked no more, and it is kept.
  const passing = open[3]?.question.theta ?? [];
  assert.deepEqual(maid.tell(state, 4, answer(passing, 0.1, false)), []);
  assert.deepEqual(
    maid.questions(state, 9).map(({ id }) => id),
    [1, 2, 3],
  );
  assert.deepEqual(maid.undecided(state), [4]);
  assert.deepEqual(maid.tell(state, 4, answer(passing, 0.1, false)), [], "answered twice counts once");
  assert.deepEqual(maid.tell(state, 77, answer(passing, 0.1, false)), []);
  const bad = answer([100, 100, 100], 0.1, false);
  for (const id of [1, 3]) assert.deepEqual(maid.tell(state, id, bad), []);
  assert.equal(maid.tell(state, 2, bad)[0]?.accepted, true);
  assert.deepEqual([state.theta, state.step], [passing, 1]);
  assert.equal(maid.questions(state, 9)[0]?.startFrom, 4, "it continues from the accepted trial's solutions");
});
