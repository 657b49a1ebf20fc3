/** BO-REP's machine, shards and tasks against algorithm 2 of arXiv 2401.09587 as a plain loop over whole vectors, on problems with noise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import { drawRelaxedSmooth, relaxedSmoothLaw } from "../../data/relaxed-smooth-problem.js";
import type { StochasticProblem } from "../stochastic-problem.js";
import { decodeDescription, decodeShardAnswer, encodeDescription, encodeShardAnswer } from "./messages.js";
import { runBoRep } from "./run.js";
import { type BoRepSettings, boRepDefaults } from "./settings.js";

const base: BoRepSettings = {
  ...boRepDefaults,
  steps: 11,
  eta: 0.1,
  period: 3,
  innerSteps: 2,
  lowerRate: 0.06,
  adjointRate: 0.05,
};
const variants: Readonly<Record<string, Partial<BoRepSettings>>> = {
  "as published": {},
  "with z before its step": { adjoint: "lagged" },
  "without normalization": { normalize: false, eta: 0.01 },
  "without momentum": { momentum: 0 },
  "with a falling eta": { etaDecaySteps: 2 },
  "in a small ball": { radius: 0.01, innerSteps: 4 },
  "with refinement": { refinementEpochs: 3, refinementSteps: 4, radius: 0.2 },
  "with a refresh at every step": { period: 1, innerSteps: 1 },
  "with rates that curvature bounds": { lowerRate: 9, adjointRate: 9 },
  "until it is still": { stopMomentum: 1e9, stopWindow: 4 },
};

const add = (a: readonly number[], b: ArrayLike<number>, times: number) => a.map((one, i) => one + times * (b[i] ?? 0));
const sizeOf = (a: readonly number[]) => Math.sqrt(a.reduce((sum, one) => sum + one * one, 0));
const bounded = (rate: number, smoothness: number) => (smoothness > 0 ? Math.min(rate, 1 / smoothness) : rate);
function intoBall(y: readonly number[], center: readonly number[], radius: number): number[] {
  const away = sizeOf(add(y, center, -1));
  return radius > 0 && away > radius ? add(center, add(y, center, -1), radius / away) : [...y];
}

interface Course {
  readonly x: readonly number[];
  readonly steps: number;
  readonly draws: number;
  readonly momentumNorm: number;
  readonly upperLoss: number;
}

/** The loop for one lower level that all samples share. */
function shared(problem: StochasticProblem, s: BoRepSettings): Course {
  let [x, y] = [[...problem.start.x], [...problem.start.y]];
  let [z, m] = [y.map(() => 0), x.map(() => 0)];
  let [draws, mean, upperLoss, steps] = [0, 0, 0, 0];
  const point = () => ({ x: Float64Array.from(x), y: Float64Array.from(y), z: Float64Array.from(z) });
  const lower = (count: number, rateScale: number, radius: number) => {
    const center = [...y];
    for (let step = 0; step < count; step++) {
      const gradient = new Float64Array(y.length);
      const smoothness = problem.lowerGradient(point(), { draw: draws++, unit: 0 }, gradient);
      y = intoBall(add(y, gradient, -rateScale * bounded(s.lowerRate, smoothness)), center, radius);
    }
  };
  for (let epoch = 0; epoch < s.refinementEpochs; epoch++) lower(s.refinementSteps, 0.5 ** epoch, s.radius * 0.5 ** (epoch / 2));
  while (steps < s.steps) {
    if (steps % s.period === 0) lower(s.innerSteps, 1, s.radius);
    const [residual, direction] = [new Float64Array(y.length), new Float64Array(x.length)];
    const before = point();
    const adjoint = problem.adjointResidual(before, { draw: draws, unit: 0 }, residual);
    z = add(z, residual, -bounded(s.adjointRate, adjoint.smoothness));
    upperLoss = adjoint.upperLoss;
    if (s.adjoint === "fresh") draws += 1;
    problem.direction(s.adjoint === "fresh" ? point() : before, { draw: draws++, unit: 0 }, direction);
    m = m.map((one, i) => s.momentum * one + (1 - s.momentum) * (direction[i] ?? 0));
    const eta = s.etaDecaySteps === 0 ? s.eta : s.eta / Math.sqrt(1 + steps / s.etaDecaySteps);
    x = add(x, m, s.normalize ? -eta / (sizeOf(m) + 1e-10) : -eta);
    steps += 1;
    mean += (sizeOf(m) - mean) / Math.min(steps, s.stopWindow);
    if (s.stopMomentum > 0 && steps >= s.stopWindow && mean <= s.stopMomentum) break;
  }
  return { x, steps, draws, momentumNorm: sizeOf(m), upperLoss };
}

const near = (a: number, b: number, what: string) =>
  // A dozen steps of a smooth method on numbers about 1: another order of additions changes the 13th digit.
  assert.ok(Math.abs(a - b) <= 1e-10 * (1 + Math.abs(b)), `${what}: ${a} and ${b}`);

for (const [name, more] of Object.entries(variants)) {
  test(`it takes the steps of the algorithm, ${name}`, () => {
    for (const seed of [21, 22, 23]) {
      const settings = { ...base, ...more };
      const problem = drawRelaxedSmooth({ ...relaxedSmoothLaw, growth: 1, startDeviation: 1 }, seed);
      const expected = shared(problem, settings);
      const found = runBoRep(problem, settings);
      assert.deepEqual([found.step, found.draws], [expected.steps, expected.draws]);
      for (const [i, one] of expected.x.entries()) near(found.x[i] ?? Number.NaN, one, `seed ${seed}, x[${i}]`);
      near(found.newest.momentumNorm, expected.momentumNorm, "the momentum's norm");
      near(found.newest.upperLoss, expected.upperLoss, "the upper loss");
      assert.equal(found.ended, settings.stopMomentum > 0 ? "converged" : "steps");
    }
  });
}

/** Tasks with diagonal quadratics of their own and noise that tells every draw and unit apart. */
function tasks(seed: number): StochasticProblem {
  const [d, units] = [3, 5];
  const of = (role: string, unit: number, draw: number, i: number) => createRng(seed).fork(role, unit, draw, i).normal();
  const h = (unit: number, i: number) => 1 + i + unit / 3;
  const add = (out: Float64Array, value: (i: number) => number) => {
    for (let i = 0; i < d; i++) out[i] = (out[i] ?? 0) + value(i);
  };
  return {
    upperDim: d,
    lowerDim: d,
    units,
    lower: "owned",
    kappa: 1,
    start: { x: Float64Array.of(1, -1, 0.5), y: Float64Array.of(0.3, 0.2, 0.1) },
    metrics: [],
    evaluate: () => [],
    lowerGradient({ x, y }, { draw, unit }, out) {
      add(out, (i) => h(unit, i) * (y[i] ?? 0) - (x[i] ?? 0) + 0.1 * of("lower", unit, draw, i));
      return h(unit, d - 1);
    },
    adjointResidual({ y, z }, { draw, unit }, out) {
      add(out, (i) => h(unit, i) * (z[i] ?? 0) - (y[i] ?? 0) + 0.1 * of("adjoint", unit, draw, i));
      return { smoothness: h(unit, d - 1), upperLoss: 1 + unit + (y[0] ?? 0) ** 2 };
    },
    direction({ z }, { draw, unit }, out) {
      add(out, (i) => (z[i] ?? 0) + 0.1 * of("direction", unit, draw, i));
    },
  };
}

for (const [name, more] of Object.entries(variants)) {
  if (name.includes("refinement") || name.includes("before")) continue;
  test(`tasks that own their lower level take the steps of the algorithm, ${name}`, () => {
    for (const seed of [31, 32]) {
      const settings = { ...base, ...more };
      const problem = tasks(seed);
      const units = Array.from({ length: problem.units }, (_, unit) => unit);
      let x: readonly number[] = [...problem.start.x];
      let m: readonly number[] = x.map(() => 0);
      const y = units.map((): readonly number[] => [...problem.start.y]);
      const z = units.map((): readonly number[] => x.map(() => 0));
      let [loss, mean, step] = [0, 0, 0];
      while (step < settings.steps) {
        let direction: readonly number[] = x.map(() => 0);
        loss = 0;
        const key = step * (settings.innerSteps + 2);
        for (const unit of units) {
          const at = () => ({
            x: Float64Array.from(x),
            y: Float64Array.from(y[unit] ?? []),
            z: Float64Array.from(z[unit] ?? []),
          });
          const center = y[unit] ?? [];
          for (let inner = 0; step % settings.period === 0 && inner < settings.innerSteps; inner++) {
            const gradient = new Float64Array(3);
            const smoothness = problem.lowerGradient(at(), { draw: key + inner, unit }, gradient);
            const moved = add(y[unit] ?? [], gradient, -bounded(settings.lowerRate, smoothness));
            y[unit] = intoBall(moved, center, settings.radius);
          }
          const [residual, own] = [new Float64Array(3), new Float64Array(3)];
          const { smoothness, upperLoss } = problem.adjointResidual(at(), { draw: key + settings.innerSteps, unit }, residual);
          z[unit] = add(z[unit] ?? [], residual, -bounded(settings.adjointRate, smoothness));
          problem.direction(at(), { draw: key + settings.innerSteps + 1, unit }, own);
          direction = add(direction, own, 1 / units.length);
          loss += upperLoss / units.length;
        }
        m = m.map((one, i) => settings.momentum * one + (1 - settings.momentum) * (direction[i] ?? 0));
        const eta = settings.etaDecaySteps === 0 ? settings.eta : settings.eta / Math.sqrt(1 + step / settings.etaDecaySteps);
        x = add(x, m, settings.normalize ? -eta / (sizeOf(m) + 1e-10) : -eta);
        step += 1;
        mean += (sizeOf(m) - mean) / Math.min(step, settings.stopWindow);
        if (settings.stopMomentum > 0 && step >= settings.stopWindow && mean <= settings.stopMomentum) break;
      }
      const found = runBoRep(problem, settings);
      assert.deepEqual(runBoRep(problem, settings, { cuts: [0, 1, 4, 5] }), found, "whoever answers for which tasks");
      assert.equal(found.step, step);
      for (const [i, one] of x.entries()) near(found.x[i] ?? Number.NaN, one, `seed ${seed}, x[${i}]`);
      near(found.newest.upperLoss, loss, "the upper loss");
      near(found.newest.adjointNorm, Math.sqrt(z.reduce((sum, one) => sum + sizeOf(one) ** 2, 0)), "the norm of all z");
    }
  });
}

test("what an observer ends is over after that step", () => {
  const problem = drawRelaxedSmooth(relaxedSmoothLaw, 3);
  const seen: number[] = [];
  const ended = runBoRep(problem, base, { observe: ({ step }) => seen.push(step) === 4 });
  assert.deepEqual([seen, ended.step, ended.ended], [[1, 2, 3, 4], 4, "no"]);
});

test("answers and descriptions come back from their vectors with all of their bits", () => {
  const nodes = [
    { lo: 0, hi: 2, sum: [0.1, 1 / 3] },
    { lo: 2, hi: 3, sum: [5e-324, -1.7e308] },
    { lo: 10, hi: 11, sum: [] },
  ];
  assert.deepEqual(decodeShardAnswer(encodeShardAnswer({ nodes: nodes.toReversed(), slice: [1, 2] })), { nodes, slice: [1, 2] });
  assert.deepEqual(Object.keys(encodeShardAnswer({ nodes, slice: [] })), ["node.0.2", "node.2.3", "node.10.11"]);
  assert.deepEqual(decodeShardAnswer({ "node.1": [1], "anode.1.2": [1], "node.1.2x": [1], other: [2] }), {
    nodes: [],
    slice: [],
  });
  const description = { upperDim: 2, lowerDim: 3, units: 4, owned: true, kappa: 0.5, x: [1, 2], y: [3, 4, 5], edges: [0, 1, 2] };
  for (const owned of [true, false])
    assert.deepEqual(decodeDescription(encodeDescription({ ...description, owned })), { ...description, owned });
  const { edges: _, ...withoutEdges } = encodeDescription(description);
  assert.deepEqual(decodeDescription(withoutEdges)?.edges, []);
  const vectors = encodeDescription(description);
  for (const name of ["x", "y"]) {
    const { [name]: gone, ...left } = vectors;
    assert.ok(gone !== undefined && decodeDescription(left) === undefined, `without ${name} it is none`);
  }
  assert.equal(decodeDescription({ ...vectors, x: [1] }), undefined, "x is as long as it says");
  assert.equal(decodeDescription({ ...vectors, shape: [2, 3, 4, 1] }), undefined);
});
