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
