/**
 * MAID by single answers whose numbers are worked out by hand: on which side of each bound it goes on, tightens, steps back or ends, and what it says and
 * counts. The course as a whole is compared with its algorithms in maid-rule.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReducedAnswer } from "../respond.js";
import { hoag } from "./hoag.js";
import { maid } from "./maid.js";
import type { MaidState } from "./maid-state.js";
import type { IterationRecord } from "./method.js";
import { hoagOptions, maidOptions } from "./options.js";

/** An exact answer with a hypergradient of one number. */
const gradientAnswer = (z: number, more: Partial<ReducedAnswer> = {}): ReducedAnswer => ({
  value: 4,
  lowerBound: 4,
  upperBound: 4,
  accuracy: 0.1,
  gradientNorm: 1,
  iterations: 5,
  stalled: 0,
  hypergradient: [z],
  residual: 0.1,
  unresolved: 0,
  metrics: {},
  ...more,
});
const lossAnswer = (value: number, more: Partial<ReducedAnswer> = {}): ReducedAnswer => ({
  value,
  lowerBound: value,
  upperBound: value,
  accuracy: 0.1,
  gradientNorm: 1,
  iterations: 3,
  stalled: 0,
  metrics: {},
  ...more,
});
const begin = (options: object = {}, theta: readonly number[] = [2]): MaidState =>
  maid.init(maidOptions.parse({ stepLength: 0.25, ...options }), { theta, samples: 1 });
const askedOf = (state: MaidState, limit = 9) => maid.questions(state, limit);
const tellNext = (state: MaidState, answer: ReducedAnswer): readonly IterationRecord[] => {
  const [open] = askedOf(state, 1);
  assert.ok(open, "something is asked");
  return maid.tell(state, open.id, answer);
};
/** The doubles next to a positive one. */
const above = (value: number) => value * (1 + Number.EPSILON);

test("a lower level that is not strongly convex is named by its sample, which stands elsewhere in the round", () => {
  const problem = { position: 1, kind: "not-strongly-convex" } as const;
  const state = maid.init(maidOptions.parse({}), { theta: [2], samples: 8 });
  tellNext(state, gradientAnswer(1, { problem }));
  assert.match(state.finished?.message ?? "", /^the lower level of sample 4 is not strongly convex/);
  const other = hoag.init(hoagOptions.parse({}), { theta: [2], samples: 8 });
  hoag.tell(other, 0, gradientAnswer(1, { problem }));
  assert.match(other.finished?.message ?? "", /^the lower level of sample 4 is not strongly convex/);
});

test("the descent check continues where the bound is within its margin, and converges only where norm and bound are both within the tolerance", () => {
  // A margin of 0.75 leaves a quarter of the norm to the bound.
  const outcome = (norm: number, bound: number) => {
    const state = begin({ checkDescent: true, descentMargin: 0.75, tolerance: 1e-3 });
    const [record] = tellNext(state, gradientAnswer(norm, { bound }));
    if (state.finished !== null) return state.finished.reason;
    return record === undefined ? "search" : record.message.replace(/:.*/, "");
  };
  assert.equal(outcome(1, 0.25), "search");
  assert.equal(outcome(1, above(0.25)), "descent is not certain");
  assert.equal(outcome(1e-3, 1e-3), "converged");
  assert.equal(outcome(1e-3, above(1e-3)), "descent is not certain", "a small norm that may be wrong is no convergence");
  assert.equal(outcome(2e-3, 1e-3), "descent is not certain", "nor is a small bound of a norm that is not");
  assert.equal(outcome(2e-3, 5e-4), "search");
  assert.equal(outcome(5e-4, 1e-4), "converged");
});

test("a trial passes where its upper bound is just the one that is required, and fails at the next number", () => {
  for (const earlyRejection of [true, false]) {
    const tell = (of: (required: number) => number) => {
      const state = begin({ earlyRejection: true, decrease: 0.25, trials: 1 });
      tellNext(state, gradientAnswer(2, { lowerBound: 3.5 }));
      // 3.5 - 0.25 * 0.25 * 2^2 of one sample.
      const required = askedOf(state)[0]?.question.rejectAbove ?? Number.NaN;
      assert.equal(required, 3.25);
      const [record] = tellNext({ ...state, options: { ...state.options, earlyRejection } }, lossAnswer(of(required)));
      return record?.accepted;
    };
    assert.deepEqual([tell((required) => required), tell(above)], [true, false]);
  }
});

test("an accepted step says by how much the loss falls for certain, and what it took", () => {
  const state = begin({ trials: 3, futility: 0, stepGrowth: 2 });
  tellNext(state, gradientAnswer(2, { value: 4, lowerBound: 3.5, upperBound: 4.5, metrics: { psnr: 1 } }));
  assert.deepEqual(
    askedOf(state).map(({ question }) => question.theta[0]),
    [1.5, 1.75, 1.875],
  );
  tellNext(state, lossAnswer(3, { upperBound: 3.75 }));
  const [record, ...others] = tellNext(
    state,
    lossAnswer(1, { lowerBound: 0.5, upperBound: 1.5, accuracy: 0.01, metrics: { psnr: 2 } }),
  );
  assert.equal(others.length, 0);
  const { psi, ...metrics } = record?.metrics ?? {};
  assert.deepEqual(metrics, {
    psnr: 2,
    upperLoss: 1,
    upperBound: 1.5,
    lowerBound: 0.5,
    stepLength: 0.125,
    gradientNorm: 2,
    slope: -4,
    accuracy: 0.01,
    residual: 0.1,
    work: 5 + 3 + 3,
    trials: 2,
  });
  assert.ok(Math.abs((psi ?? 0) - (1.5 - 3.5 + 1e-4 * 0.125 * 4)) < 1e-15);
  assert.match(record?.message ?? "", /^step of length 0\.125 accepted at trial 2 of 3: the loss falls by at least 2$/);
  assert.deepEqual([state.theta, state.stepLength, state.trialsMax], [[1.75], 0.25, 3]);
});

test("a refused search says how near it came, by the best of its trials", () => {
  const state = begin({ trials: 2, futility: 0 });
  tellNext(state, gradientAnswer(2, { value: 4, lowerBound: 3.5 }));
  tellNext(state, lossAnswer(3.5, { upperBound: 4 }));
  const [record] = tellNext(state, lossAnswer(3.75, { upperBound: 3.875 }));
  assert.equal(record?.accepted, false);
  const { psi, stepLength, trials, work, upperLoss } = record?.metrics ?? {};
  assert.ok(Math.abs((psi ?? 0) - 0.375) < 1e-3, "3.875 against 3.5 of the second one");
  assert.deepEqual([stepLength, trials, work, upperLoss], [0.25, 2, 11, 4]);
  assert.match(
    record?.message ?? "",
    /^none of 2 steps from 0\.25 to 0\.125 passed: the best lowered the loss by 0\.25, but the loss is known only to within 0\.625 at accuracy 0\.1: accuracy tightened$/,
  );
  assert.deepEqual([state.accuracy, state.residual, state.trialsMax], [0.05, 0.05, 3]);
  tellNext(state, gradientAnswer(2, { value: 4, accuracy: 0.02 }));
  for (let trial = 0; trial < 2; trial++) tellNext(state, lossAnswer(5));
  const [risen] = tellNext(state, lossAnswer(4, { problem: { position: 0, kind: "not-finite" } }));
  assert.match(risen?.message ?? "", /: none lowered the loss at accuracy 0\.02 \(1 not-finite\): accuracy tightened$/);
});

test("what stopped a solve decides what is tightened: the arithmetic ends the run, a limit of steps leaves the accuracy asked for", () => {
  const failing = (more: Partial<ReducedAnswer>, options: object = {}) => {
    const state = begin({ trials: 1, ...options });
    tellNext(state, gradientAnswer(2, more));
    const [record] = tellNext(state, lossAnswer(9));
    return { reason: state.finished?.reason, accuracy: state.accuracy, residual: state.residual, message: record?.message ?? "" };
  };
  const stalled = failing({ stalled: 1 });
  assert.deepEqual([stalled.reason, stalled.accuracy], ["attainable-accuracy", 0.1]);
  assert.doesNotMatch(stalled.message, /tightened/);
  assert.deepEqual(failing({}).accuracy, 0.05);
  // Asked for 0.1 and given 0.2: the solve gave up, and goes on from there.
  const spent = failing({ accuracy: 0.2 });
  assert.deepEqual([spent.reason, spent.accuracy, spent.residual], [undefined, 0.1, 0.05]);
  assert.equal(failing({}, { accuracy: 0.1, accuracyMin: 0.08 }).accuracy, 0.08);
  assert.equal(failing({}, { accuracy: 0.1, accuracyMin: 0.1 }).reason, "attainable-accuracy");
  assert.equal(failing({}, { residual: Number.MIN_VALUE }).residual, Number.MIN_VALUE, "a residual stays positive");
});

test("a hypergradient of nothing asks for a residual below the upper gradient, and one of something is followed", () => {
  const unresolved = (z: number, options: object, gradientNorm: number) => {
    const state = begin({ tolerance: 1e-3, ...options });
    const [record] = tellNext(state, gradientAnswer(z, { unresolved: 2, gradientNorm, residual: 8 }));
    return [record?.accepted, state.residual, state.point === null];
  };
  assert.deepEqual(unresolved(0, { residual: 8 }, 2), [false, 1, true], "half the upper gradient");
  assert.deepEqual(unresolved(1e-3, { residual: 0.5 }, 2), [false, 0.25, true], "half the residual, which is less");
  assert.deepEqual(unresolved(1, { residual: 8 }, 2), [undefined, 8, false]);
});

test("trials that are hopeless are left out, down to the one that just is not", () => {
  const lengths = (options: object, more: Partial<ReducedAnswer> = {}) => {
    const state = begin({ stepLength: 1, trials: 4, tolerance: 0, ...options });
    tellNext(state, gradientAnswer(1, { value: 4, lowerBound: 3, ...more }));
    return state.trials.map(({ stepLength }) => stepLength);
  };
  // Uncertain by 1, with a slope of 1: steps from 1 / futility on can be seen to lower the loss.
  assert.deepEqual(lengths({ futility: 4 }), [1, 0.5, 0.25]);
  assert.deepEqual(lengths({ futility: 3.9 }), [1, 0.5]);
  assert.deepEqual(lengths({ futility: 0 }), [1, 0.5, 0.25, 0.125]);
  assert.deepEqual(lengths({ futility: 0.1 }), [1], "the first is tried whatever it promises");
});

test("the box is closed: a step that ends on its edge is tried, one beyond it is not", () => {
  const first = (options: object) => {
    const state = begin({ stepLength: 0.5, ...options });
    tellNext(state, gradientAnswer(2));
    return askedOf(state)[0]?.question.theta[0];
  };
  assert.equal(first({ thetaMin: 1 }), 1);
  assert.equal(first({ thetaMin: above(1) }), 1.5);
  const upwards = begin({ stepLength: 0.5, thetaMax: 3 });
  tellNext(upwards, gradientAnswer(-2));
  assert.equal(askedOf(upwards)[0]?.question.theta[0], 3);
});

/** Whether the hypergradient is NaN, by how many points it was asked for so far. */
function withHoles(isHole: (asked: number) => boolean, options: object = {}) {
  const state = begin({ stepLength: 0.5, stepGrowth: 1, steps: 30, tolerance: 0, futility: 0, ...options });
  const records: IterationRecord[] = [];
  let [asked, loss] = [0, 100];
  // A point that was gone back to is asked about anew, and is known to be sound.
  const sound = new Set<number>();
  while (state.finished === null && records.length < 200) {
    const [open] = askedOf(state, 1);
    const theta = open?.question.theta[0] ?? Number.NaN;
    if (open?.question.gradient === undefined) {
      loss -= 1;
      records.push(...tellNext(state, lossAnswer(loss)));
      continue;
    }
    const hole = !sound.has(theta) && isHole(asked++);
    if (!hole) sound.add(theta);
    records.push(
      ...tellNext(
        state,
        gradientAnswer(1, { value: loss + 0.5, lowerBound: loss + 0.5, ...(hole ? { hypergradient: [Number.NaN] } : {}) }),
      ),
    );
  }
  return { state, records };
}

test("ten steps in a row are taken back, each half as long as the one before, and then it ends where the loss is known", () => {
  const { state, records } = withHoles((asked) => asked > 0);
  const back = records.filter(({ message }) => message.endsWith("the step is taken back"));
  assert.deepEqual(
    back.map(({ metrics }) => metrics.stepLength),
    Array.from({ length: 10 }, (_, k) => 0.5 * 0.5 ** k),
  );
  for (const { step, vectors } of back) assert.deepEqual([step, vectors], [0, { theta: [2], hypergradient: [1] }]);
  assert.match(back[3]?.message ?? "", /, 4 times in a row: the step is taken back$/);
  assert.equal(state.finished?.reason, "not-finite");
  assert.match(state.finished?.message ?? "", /, 11 times in a row: the loss is known here, and no step leads on$/);
});

test("a point that is not a number when it is gone back to shortens the step once more", () => {
  const state = begin({ stepLength: 0.5, stepGrowth: 1, tolerance: 0 });
  tellNext(state, gradientAnswer(1, { value: 10, lowerBound: 10 }));
  tellNext(state, lossAnswer(1));
  const broken = gradientAnswer(Number.NaN);
  const lengths = [0, 1, 2].map(() => {
    const [record] = tellNext(state, broken);
    assert.deepEqual([record?.accepted, record?.vectors.theta], [false, [2]]);
    return state.stepLength;
  });
  assert.deepEqual(lengths, [0.25, 0.125, 0.0625]);
});

test("a step that held between two that were taken back begins their count anew", () => {
  // Six points are holes, then one is not, and so on.
  const { state, records } = withHoles((asked) => asked % 7 !== 0);
  const back = records.filter(({ message }) => message.endsWith("the step is taken back")).length;
  assert.ok(back > 20, `${back}`);
  assert.deepEqual([state.finished?.reason, state.step], ["budget", 30]);
});

test("work counts what the course was decided by: with early rejection, of the trials those that passed", () => {
  const work = (earlyRejection: boolean) => {
    const state = begin({ earlyRejection, trials: 4, futility: 0 });
    tellNext(state, gradientAnswer(2));
    tellNext(state, { ...lossAnswer(0), rejected: true });
    tellNext(state, lossAnswer(9, { iterations: 100 }));
    const [record] = tellNext(state, lossAnswer(1, { iterations: 7 }));
    assert.equal(record?.accepted, true);
    return record?.metrics.work;
  };
  assert.deepEqual([work(false), work(true)], [5 + 3 + 100 + 7, 5 + 7]);
});

test("longer steps that could not be used are named with the step that was taken, those that were rejected early are not", () => {
  const state = begin({ earlyRejection: true, trials: 4, futility: 0 });
  tellNext(state, gradientAnswer(2));
  tellNext(state, { ...lossAnswer(0), rejected: true });
  tellNext(state, lossAnswer(0, { problem: { position: 0, kind: "not-strongly-convex" } }));
  const [record] = tellNext(state, lossAnswer(1));
  assert.match(record?.message ?? "", /accepted at trial 3 of 4 \(longer ones: 1 not-strongly-convex\): /);
});

test("a direction of the past whose slope is beyond all numbers gives way to the hypergradient, and to the length that was to be tried", () => {
  const state = begin({ direction: "l-bfgs", thetaMin: -1e6, thetaMax: 1e6, stepLength: 2 ** -500 }, [0, 1]);
  // Between two points one hypergradient of 1e150 stays, and the other moves by 1e-150: their curvature makes a step of 1e300.
  const first = [1e150, 2e-150];
  tellNext(state, gradientAnswer(0, { hypergradient: first }));
  assert.deepEqual([state.point?.direction, state.point?.slope], [first.map((one) => -one), -(first[0] ?? 0) * (first[0] ?? 0)]);
  state.history = [{ theta: state.theta, hypergradient: first }];
  state.theta = [0, 0];
  state.point = null;
  state.stepLength = 2 ** -490;
  const now = [1e150, 1e-150];
  maid.tell(state, state.gradientId, gradientAnswer(0, { hypergradient: now }));
  const { direction, slope } = state.point ?? assert.fail("a search has begun");
  assert.deepEqual(direction, [-1e150, -1e-150]);
  assert.ok(Number.isFinite(slope) && slope < 0, `${slope}`);
  assert.equal(state.trials[0]?.stepLength, 2 ** -490);
});

test("a step follows the direction of the past, and first tries its length", () => {
  const begun = (direction: string) => {
    const state = begin({ direction, tolerance: 0 }, [2, 1]);
    state.history = [{ theta: [3, 3], hypergradient: [6, 24] }];
    maid.tell(state, 0, gradientAnswer(0, { hypergradient: [4, 8] }));
    return [state.point?.direction, state.point?.slope, state.trials[0]?.stepLength];
  };
  // s = (1, 2) and y = (2, 16) backwards: <s, s> / <s, y> = 5 / 34.
  assert.deepEqual(begun("barzilai-borwein"), [[-4, -8], -80, 5 / 34]);
  assert.deepEqual(begun("gradient"), [[-4, -8], -80, 0.25]);
  const [direction = [], slope, length] = begun("l-bfgs") as [number[], number, number];
  const [d0 = 0, d1 = 0] = direction;
  assert.equal(length, 1);
  // Along neither the hypergradient nor its opposite, and downhill.
  assert.ok(Math.abs(slope - (4 * d0 + 8 * d1)) < 1e-12 && slope < 0 && Math.abs(d1 / d0 - 2) > 0.1, `${direction}`);
});

test("a direction of the past keeps as many points as it needs", () => {
  const kept = (direction: string) => {
    const state = begin({ direction, steps: 40, tolerance: 0, stepLength: 1e-3, thetaMin: -1e6 });
    for (let step = 0; step < 14; step++) {
      const z = Math.exp((state.theta[0] ?? 0) / 10);
      tellNext(state, gradientAnswer(z, { value: 100 - step, lowerBound: 100 - step }));
      tellNext(state, lossAnswer(99 - step - 0.5));
    }
    assert.equal(state.step, 14);
    return state.history.length;
  };
  assert.deepEqual(["gradient", "barzilai-borwein", "l-bfgs"].map(kept), [0, 1, 10]);
});
