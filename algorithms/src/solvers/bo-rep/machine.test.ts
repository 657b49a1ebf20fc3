/** BO-REP's machine against a problem whose solution map and gradients are known in closed form, and its bookkeeping by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawRelaxedSmooth, relaxedSmoothLaw } from "../../data/relaxed-smooth-problem.js";
import { awaitedQuestion, type BoRepState, type OracleAnswer, startBoRep, tellBoRep } from "./machine.js";
import { runBoRep } from "./run.js";
import { type BoRepSettings, boRepDefaults, etaAt } from "./settings.js";
import { admits, periodMax } from "./staleness.js";
import { length, projectedStep } from "./vector-steps.js";

const quiet = { ...relaxedSmoothLaw, growth: 1, startDeviation: 1, noise: 0 };
const settings: BoRepSettings = {
  ...boRepDefaults,
  steps: 6,
  eta: 0.1,
  period: 3,
  innerSteps: 2,
  lowerRate: 0.05,
  adjointRate: 0.05,
};
const start = { x: [1, 2], y: [0, 0, 0] };

/** Any finite answer to whatever is awaited. */
function anyAnswer(scale = 1): OracleAnswer {
  return { gradient: [scale, 0, 0], residual: [0, scale, 0], direction: [3 * scale, -4 * scale], smoothness: 1, upperLoss: 2 };
}

test("it asks for lower steps every period, then for the residual and the direction, each under a number of its own", () => {
  const asked: string[] = [];
  const state = startBoRep(settings, start);
  for (let question = awaitedQuestion(state); question !== undefined; question = awaitedQuestion(state)) {
    assert.equal(question.draw, asked.length);
    asked.push(question.kind);
    tellBoRep(state, settings, anyAnswer());
  }
  const step = ["adjoint", "direction"];
  const period = ["lower", "lower", ...step, ...step, ...step];
  assert.deepEqual(asked, [...period, ...period]);
  assert.equal(state.ended, "steps");
  const lagged = startBoRep({ ...settings, adjoint: "lagged" }, start);
  const kinds = Array.from({ length: 5 }, () => {
    const kind = awaitedQuestion(lagged)?.kind;
    tellBoRep(lagged, { ...settings, adjoint: "lagged" }, anyAnswer());
    return kind;
  });
  assert.deepEqual(kinds, ["lower", "lower", "joint", "joint", "joint"]);
});

test("a normalized step has the length eta whatever the direction's, an unnormalized one is eta times the momentum", () => {
  for (const scale of [1e-6, 1, 1e12]) {
    const one = { ...settings, period: 100, innerSteps: 1, eta: 0.25 };
    const moved = (normalize: boolean) => {
      const state = startBoRep({ ...one, normalize }, start);
      for (let answers = 0; answers < 3; answers++) tellBoRep(state, { ...one, normalize }, anyAnswer(scale));
      return state.x.map((value, i) => value - (start.x[i] ?? 0));
    };
    // The 1e-10 that guards the division shortens a momentum of 5e-7 by 2e-4 of itself.
    assert.ok(Math.abs(length(moved(true)) / 0.25 - 1) < 3e-4);
    // Differences of numbers about 1, of size 1e-7 at least: rounding gives 1e-9.
    assert.ok(Math.abs(length(moved(false)) / (0.25 * 0.1 * 5 * scale) - 1) < 1e-8);
  }
});

for (const seed of [11, 12, 13]) {
  test(`the direction at the exact y and z is the gradient of f(y*(x)), seed ${seed}`, () => {
    const problem = drawRelaxedSmooth(quiet, seed);
    const { x } = problem.start;
    const y = problem.lowerSolution(x);
    const zero = new Float64Array(10);
    // H z = grad_y f by its own residual: at z = 0 the residual is -grad_y f, and H is the diagonal that unit vectors give.
    const residualAt = (z: Float64Array) => {
      const out = new Float64Array(10);
      problem.adjointResidual({ x, y, z }, { draw: 0, unit: 0 }, out);
      return out;
    };
    const constant = residualAt(zero);
    const z = Float64Array.from({ length: 10 }, (_, i) => {
      const unit = Float64Array.from(zero);
      unit[i] = 1;
      return -(constant[i] ?? 0) / ((residualAt(unit)[i] ?? 0) - (constant[i] ?? 0));
    });
    const direction = new Float64Array(10);
    problem.direction({ x, y, z }, { draw: 0, unit: 0 }, direction);
    const valueAt = (shifted: Float64Array) =>
      problem.adjointResidual(
        { x: shifted, y: problem.lowerSolution(shifted), z: zero },
        { draw: 0, unit: 0 },
        new Float64Array(10),
      ).upperLoss;
    for (let j = 0; j < 10; j++) {
      const moved = (shift: number) => valueAt(Float64Array.from(x, (value, i) => (i === j ? value + shift : value)));
      // Central differences at 1e-5 in float64: rounding 1e-16 f / 1e-5, curvature 1e-10 f; f is below 10 here.
      const difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
      assert.ok(
        Math.abs(difference - (direction[j] ?? 0)) < 1e-7 * (1 + problem.gradientNorm(x)),
        `${difference} ${direction[j]}`,
      );
    }
    assert.ok(Math.abs(length(direction) / problem.gradientNorm(x) - 1) < 1e-10);
  });

  test(`without noise and with a falling eta it comes to where the gradient vanishes, seed ${seed}`, () => {
    const problem = drawRelaxedSmooth(quiet, seed);
    const run = { ...settings, steps: 4000, eta: 0.02, etaDecaySteps: 40, period: 2, innerSteps: 3 };
    const ended = runBoRep(problem, run, { start: problem.start });
    assert.equal(ended.ended, "steps");
    // The oscillation is of about the last eta, 0.002, with momentum about ten times that, times curvature at most 0.1 kappa^2.
    const reached = problem.gradientNorm(ended.x);
    assert.ok(reached < 0.01, `${reached}`);
    assert.ok(problem.gradientNorm(problem.start.x) > 10 * reached, "it had some way to go");
  });
}

test("rates are bounded by the minibatch's curvature, so that z does not run away", () => {
  const problem = drawRelaxedSmooth(quiet, 14);
  const bold = { ...settings, steps: 200, eta: 1e-3, lowerRate: 50, adjointRate: 50 };
  const ended = runBoRep(problem, bold, { start: problem.start });
  assert.equal(ended.ended, "steps");
  assert.ok(ended.newest.adjointNorm < 100, `${ended.newest.adjointNorm}`);
});

test("an estimate that is not finite, or missing, ends it as diverged and moves nothing", () => {
  const wrong: OracleAnswer[] = [
    { gradient: [Number.NaN, 0, 0], smoothness: 1 },
    { gradient: [Number.POSITIVE_INFINITY, 0, 0], smoothness: 1 },
    { gradient: [1, 0, 0], smoothness: Number.NaN },
    { smoothness: 1 },
  ];
  for (const answer of wrong) {
    const state = tellBoRep(startBoRep(settings, start), settings, answer);
    assert.equal(state.ended, "diverged");
    assert.deepEqual([state.x, state.y], [start.x, start.y]);
    assert.equal(awaitedQuestion(state), undefined);
  }
});

test("a loss, a momentum or variables that leave the finite numbers end it as diverged", () => {
  const lagged = { ...settings, adjoint: "lagged" as const, period: 100, innerSteps: 1 };
  const told = (more: Partial<BoRepSettings>, answer: Partial<OracleAnswer>) => {
    const state = startBoRep({ ...lagged, ...more }, start);
    tellBoRep(state, { ...lagged, ...more }, anyAnswer());
    tellBoRep(state, { ...lagged, ...more }, { ...anyAnswer(), ...answer });
    return [state.ended, state.step];
  };
  assert.deepEqual(told({}, {}), ["no", 1]);
  for (const upperLoss of [Number.NaN, Number.POSITIVE_INFINITY]) assert.deepEqual(told({}, { upperLoss }), ["diverged", 0]);
  // Each number of the direction is finite, and so is its length; the step is not.
  const far = { direction: [1e150, 0, 0] };
  assert.deepEqual(told({ normalize: false, eta: 1e200 }, far), ["diverged", 1]);
  assert.deepEqual(told({ normalize: false, eta: 1 }, far), ["no", 1]);
});

test("a momentum that is small at first and grows ends nothing before the window is full", () => {
  const still = { ...settings, steps: 60, stopMomentum: 0.05, stopWindow: 20 };
  const state = startBoRep(still, start);
  while (state.ended === "no") tellBoRep(state, still, anyAnswer(state.step < 10 ? 1e-3 : 1));
  assert.deepEqual([state.ended, state.step], ["steps", 60]);
});

test("the settings where nothing else is known are those of the authors' run", () => {
  const { steps, eta, momentum, lowerRate, adjointRate, period, innerSteps } = boRepDefaults;
  assert.deepEqual([steps, eta, momentum, lowerRate, adjointRate, period, innerSteps], [1000, 0.05, 0.9, 0.05, 0.01, 2, 3]);
});

test("its state goes through JSON after every answer without changing a bit", () => {
  const problem = drawRelaxedSmooth(relaxedSmoothLaw, 15);
  const trace = (through: (state: BoRepState) => BoRepState) => {
    let state = startBoRep({ ...settings, refinementEpochs: 2, refinementSteps: 3, radius: 0.5 }, start);
    for (let round = 0; state.ended === "no"; round++)
      state = through(tellBoRep(state, settings, anyAnswer(1 + problem.gradientNorm(problem.start.x) * round)));
    return state;
  };
  assert.deepEqual(
    trace((state) => JSON.parse(JSON.stringify(state))),
    trace((state) => state),
  );
});

test("it ends when the momentum has been small for long, and not at its start", () => {
  const still = { ...settings, steps: 500, stopMomentum: 0.05, stopWindow: 20 };
  const run = (size: (step: number) => number) => {
    const state = startBoRep(still, start);
    while (state.ended === "no") tellBoRep(state, still, anyAnswer(size(state.step)));
    return state;
  };
  const settled = run((step) => (step < 100 ? 1 : 1e-3));
  assert.equal(settled.ended, "converged");
  assert.ok(settled.step > 130 && settled.step < 250, `${settled.step}`);
  assert.equal(run(() => 1).ended, "steps");
});

test("refinement keeps y near its start, with half the rate in each epoch", () => {
  const refined = { ...settings, refinementEpochs: 2, refinementSteps: 2, lowerRate: 0.1, radius: 0 };
  const state = startBoRep(refined, start);
  for (let round = 0; round < 4; round++) tellBoRep(state, refined, anyAnswer());
  // Two steps of 0.1 and two of 0.05, up to rounding.
  assert.ok(Math.abs((state.y[0] ?? 0) + 0.3) < 1e-12);
  assert.equal(state.awaited, "lower");
  const y = [3, 4];
  projectedStep(y, [-30, -40], { rate: 1, center: [3, 4], radius: 5 });
  assert.deepEqual(y, [6, 8], "pulled back to distance 5");
});

test("lag is admitted as long as it moves y*(x) by no more than the tolerance", () => {
  const rule = { eta: 0.01, kappa: 5, tolerance: 0.25 };
  assert.deepEqual(
    [0, 1, 5, 6].map((steps) => admits(steps, rule)),
    [true, true, true, false],
  );
  assert.equal(periodMax(rule), 5);
  assert.deepEqual([periodMax({ ...rule, tolerance: 0 }), periodMax({ ...rule, tolerance: 0.04 })], [1, 1], "one at least");
  assert.equal(admits(0, { ...rule, tolerance: 0 }), true);
  assert.equal(admits(1, { ...rule, tolerance: 0 }), false);
  assert.equal(etaAt({ eta: 1, etaDecaySteps: 3 }, 9), 0.5);
});
