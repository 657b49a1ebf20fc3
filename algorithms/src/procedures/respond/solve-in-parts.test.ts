/** An answer in parts of any size, through plain numbers, has the bits of one that was never left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import { answerSample, continueSample, type SampleSolve } from "../../solvers/answer-sample.js";
import { drawQuadratic } from "../../solvers/problems/quadratic.js";
import { squaredErrorTo } from "../../solvers/problems/squared-error.js";
import { totalVariation } from "../../solvers/problems/total-variation.js";
import type { RespondQuestion, RespondSample, WarmStart } from "../../solvers/respond.js";
import { packSolve, savedSolve, solveForSlice, unpackSolve } from "./solve-in-parts.js";

interface Case {
  readonly name: string;
  readonly sample: RespondSample;
  readonly theta: readonly number[];
}

function cases(seed: number): readonly Case[] {
  const rng = createRng(seed);
  const pixels = new Float64Array(64);
  rng.fork("image").fillUniform(pixels);
  const image = { width: 8, height: 8, pixels };
  const denoising = { lower: totalVariation(image), upper: squaredErrorTo(new Float64Array(64)), start: () => pixels };
  const quadratic = drawQuadratic({ rows: 40, dim: 6, thetaDim: 4, noise: 0.1, ridge: 0.1 }, rng.fork("quadratic"));
  return [
    { name: "quadratic", sample: quadratic, theta: [0.5, -1, 2, 0.1] },
    { name: "total variation", sample: denoising, theta: [-1, -3] },
  ];
}

/** What a checkpoint would hand on. */
function saved(solve: SampleSolve): SampleSolve {
  const packed = packSolve(solve);
  return unpackSolve(savedSolve.parse(JSON.parse(JSON.stringify(packed.saved))), Float64Array.from(packed.values));
}

for (const seed of [1, 2, 3]) {
  for (const { name, sample, theta } of cases(seed)) {
    test(`an answer in parts has the same bits, ${name}, seed ${seed}`, () => {
      const first: WarmStart = { x: sample.start(Float64Array.from(theta)) };
      const question: RespondQuestion = { theta, accuracy: 1e-9, gradient: { residual: 1e-10 }, commit: false };
      const whole = answerSample(sample, question, first);
      const moved = { ...question, theta: theta.map((one) => one + 0.01) };
      const next = answerSample(sample, moved, whole.solution);
      for (const steps of [1, 3, 1000]) {
        let [stages, parts] = [new Set<string>(), 0];
        const inParts = (asked: RespondQuestion, warm: WarmStart) => {
          let solve: SampleSolve | undefined;
          for (;;) {
            parts += 1;
            let left = steps;
            const gone = continueSample(sample, asked, { warm, solve, giveWay: () => --left <= 0 });
            if ("answer" in gone) return gone;
            solve = saved(gone);
            stages = stages.add(solve.stage);
          }
        };
        assert.deepEqual(inParts(question, first), whole, `${steps} steps at a time`);
        assert.deepEqual(inParts(moved, whole.solution), next, `${steps} steps at a time, from a warm start`);
        if (steps > 3) continue;
        assert.deepEqual([...stages].sort(), ["adjoint", "lower"], "it was left in the midst of both solves");
        assert.ok(parts > 10, `${parts} parts`);
      }
    });
  }
}

test("a long solve gives way, and comes to its end", () => {
  const pixels = new Float64Array(64 * 64);
  createRng(1).fillUniform(pixels);
  const sample = {
    lower: totalVariation({ width: 64, height: 64, pixels }),
    upper: squaredErrorTo(new Float64Array(pixels.length)),
    start: () => pixels,
  };
  const warm = { x: pixels };
  const question: RespondQuestion = { theta: [-1, -9], accuracy: 1e-7, commit: false };
  // A condition of 24,000 takes thousands of steps on 4,096 pixels, many times a slice on any machine.
  let solve: SampleSolve | undefined;
  let parts = 0;
  for (;;) {
    const gone = solveForSlice(sample, question, { warm, solve });
    if ("answer" in gone) break;
    solve = gone;
    parts += 1;
  }
  assert.ok(parts > 1, `it gave way ${parts} times`);
});
