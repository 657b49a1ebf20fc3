/** HOAG's schedules and step rule, from answers worked out by hand, and one run that comes near a known optimum. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import { drawQuadratic } from "../problems/quadratic.js";
import type { ReducedAnswer } from "../respond.js";
import { driveLocally } from "./drive-locally.js";
import { hoag } from "./hoag.js";
import { hoagOptions } from "./options.js";

const answer = (value: number, hypergradient: readonly number[]): ReducedAnswer => ({
  value,
  lowerBound: value,
  upperBound: value,
  accuracy: 0,
  gradientNorm: 1,
  iterations: 1,
  stalled: 0,
  hypergradient,
  residual: 0,
  unresolved: 0,
  metrics: {},
});

test("the step begins at sqrt(p) / norm(z), grows where the loss falls, and halves without a step where it rises", () => {
  const state = hoag.init(hoagOptions.parse({ schedule: "cubic" }), { theta: [1, 1, 1, 1], samples: 1 });
  assert.equal(hoag.questions(state, 9)[0]?.question.accuracy, 0.1);
  hoag.tell(state, 0, answer(10, [3, 0, 0, 0]));
  // norm 3, p 4: L = 1.5, so that the step is 3 / 1.5 = 2.
  assert.deepEqual(state.theta, [-1, 1, 1, 1]);
  const [second] = hoag.questions(state, 9);
  assert.equal(second?.question.accuracy, 0.1 / 8);
  assert.equal(second?.startFrom, 0);

  hoag.tell(state, 1, answer(1, [0, 3, 0, 0]));
  assert.equal(state.inverseStep, 1.5 * 0.95);
  assert.deepEqual(state.theta, [-1, 1 - 3 / (1.5 * 0.95), 1, 1]);

  const [record] = hoag.tell(state, 2, answer(50, [3, 0, 0, 0]));
  assert.equal(record?.accepted, false);
  assert.deepEqual(state.theta, [-1, 1 - 3 / (1.5 * 0.95), 1, 1]);
  assert.equal(state.inverseStep, 1.5 * 0.95 * 2);
  assert.equal(hoag.questions(state, 9)[0]?.question.accuracy, (0.1 / 4 ** 3) * 0.5);
});

test("a first step that is given is taken as it is, and adapts from there", () => {
  const state = hoag.init(hoagOptions.parse({ stepLength: 0.5 }), { theta: [1, 1], samples: 1 });
  hoag.tell(state, 0, answer(10, [3, -1]));
  assert.deepEqual(state.theta, [1 - 0.5 * 3, 1 + 0.5]);
  hoag.tell(state, 1, answer(1, [1, 0]));
  assert.equal(state.inverseStep, 2 * 0.95);
});

for (const schedule of ["geometric", "quadratic", "cubic"] as const)
  test(`lowers the exact loss of a quadratic problem on its way, ${schedule}`, () => {
    for (const seed of [1, 2, 3]) {
      const problem = drawQuadratic({ rows: 60, dim: 4, thetaDim: 4, noise: 0.1, ridge: 0 }, createRng(seed));
      const gap = (theta: readonly number[]): number => problem.exact(Float64Array.from(theta)) - problem.optimum;
      const state = hoag.init(hoagOptions.parse({ schedule, steps: 400 }), { theta: [1, 1, 1, 1], samples: 1 });
      const first = gap(state.theta);
      // Its step grows until the loss rises, so that the last iterate may be worse than those before: that is the method.
      let least = first;
      driveLocally(hoag, state, {
        samples: [problem],
        onRecord(record) {
          least = Math.min(least, gap(record.vectors.theta));
          return false;
        },
      });
      assert.ok(least < 0.7 * first, `seed ${seed}: gap ${first} to ${least}`);
    }
  });

test("a loss rises only where it is both above what was expected and a fifth above the last one", () => {
  /** One step of length 0.5 from a hypergradient of 1 and an accuracy of 0.1, then a loss. */
  const after = (first: number, then: number) => {
    const state = hoag.init(hoagOptions.parse({ stepLength: 0.5, schedule: "geometric" }), { theta: [1], samples: 1 });
    hoag.tell(state, 0, answer(first, [1]));
    assert.deepEqual(state.theta, [0.5]);
    const [record] = hoag.tell(state, 1, answer(then, [1]));
    return [record?.accepted, state.inverseStep];
  };
  // Expected: at most 1 + 0.25 * 0.09 + 0.1 * 1.25 * 0.5 - 2 * 0.5^2 = 0.585.
  assert.deepEqual(after(1, 0.584), [true, 1.9]);
  assert.deepEqual(after(1, 0.586), [true, 2], "neither");
  assert.deepEqual(after(1, 1.1999), [true, 2]);
  assert.deepEqual(after(1, 1.2), [false, 4]);
  const expected = (then: number) => {
    const state = hoag.init(hoagOptions.parse({ stepLength: 0.5, accuracy: 1 }), { theta: [1], samples: 1 });
    hoag.tell(state, 0, answer(1, [1]));
    hoag.tell(state, 1, answer(then, [1]));
    return state.inverseStep;
  };
  // 1 + 0.25 * 0.25 + 1 * 1.25 * 0.5 - 2 * 0.5^2, in numbers that are exact: just that is still as expected.
  assert.deepEqual([expected(1.1875), expected(1.1875 + 2 ** -50)], [1.9, 2]);
  // With small losses what is expected allows for more than a fifth.
  assert.deepEqual(after(10, 9.58), [true, 1.9]);
  assert.deepEqual(after(10, 9.59), [true, 2]);
});

test("refuses by name what it can't solve", () => {
  const finished = (more: Partial<ReducedAnswer>) => {
    const state = hoag.init(hoagOptions.parse({}), { theta: [1], samples: 1 });
    hoag.tell(state, 0, { ...answer(1, [1]), ...more });
    return state.finished?.reason;
  };
  assert.equal(finished({ problem: { position: 0, kind: "not-strongly-convex" } }), "not-strongly-convex");
  assert.equal(finished({ hypergradient: [Number.NaN] }), "not-finite");
  assert.equal(finished({ hypergradient: [0] }), "converged");
});

test("steps stay in the box, accuracies above the least one, and a budget of steps or of work ends it", () => {
  const begin = (options: object) => hoag.init(hoagOptions.parse({ stepLength: 1, ...options }), { theta: [1, 1], samples: 1 });
  const boxed = begin({ thetaMin: 0.5, thetaMax: 2 });
  hoag.tell(boxed, 0, answer(10, [3, -3]));
  assert.deepEqual(boxed.theta, [0.5, 2]);
  const coarse = begin({ schedule: "geometric", accuracy: 1, accuracyMin: 0.9 });
  const asked = [0, 1, 2, 3].map((id) => {
    const accuracy = hoag.questions(coarse, 1)[0]?.question.accuracy;
    hoag.tell(coarse, id, answer(10 - id, [0.1, 0]));
    return accuracy;
  });
  assert.deepEqual(asked, [1, 0.9, 0.9, 0.9]);
  const ended = (options: object) => {
    const state = begin(options);
    let told = 0;
    while (state.finished === null && told < 50) hoag.tell(state, told++, { ...answer(10 - told / 10, [0.1, 0]), iterations: 7 });
    return [state.finished?.reason, told, state.step, state.work];
  };
  assert.deepEqual(ended({ steps: 5 }), ["budget", 5, 5, 35]);
  assert.deepEqual(ended({ work: 21 }), ["budget", 3, 3, 21]);
  assert.deepEqual(ended({ work: 22 }), ["budget", 4, 4, 28]);
  assert.deepEqual(ended({ work: 0 }), [undefined, 50, 50, 350], "0 is any number");
});

test("it converges at its tolerance and not where adjoints may be nothing, and answers out of turn change nothing", () => {
  const at = (norm: number, unresolved: number) => {
    const state = hoag.init(hoagOptions.parse({ tolerance: 0.5 }), { theta: [1, 1], samples: 1 });
    assert.deepEqual(hoag.tell(state, 1, answer(1, [norm, 0])), [], "question 1 is not asked yet");
    assert.equal(state.work, 0);
    const records = hoag.tell(state, 0, { ...answer(1, [norm, 0]), unresolved });
    return [state.finished?.reason, records.length];
  };
  assert.deepEqual(at(0.5, 0), ["converged", 0]);
  assert.deepEqual(at(0.6, 0), [undefined, 1]);
  assert.deepEqual(at(0.5, 1), [undefined, 1]);
  // A first hypergradient of next to nothing says nothing of a length: the step is the hypergradient itself.
  const state = hoag.init(hoagOptions.parse({ tolerance: 0 }), { theta: [1, 1], samples: 1 });
  hoag.tell(state, 0, answer(1, [1e-3, 0]));
  assert.deepEqual(state.theta, [1 - 1e-3, 1]);
});
