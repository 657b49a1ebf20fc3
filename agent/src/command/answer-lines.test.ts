/** What programs answer, read strictly: numbers come back with all of their bits, and whatever is wrong is named. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RespondQuestion } from "@regulus/algorithms/solvers";
import { TrialFailure } from "@regulus/algorithms/training";
import { limits } from "@regulus/proto";
import { helloLine, questionLine, readAnswer, readHello } from "./answer-lines.js";

const plain = { theta: [0.1, 1 / 3], accuracy: 1e-3, commit: false };
const question = { ...plain, gradient: { residual: 1e-4 } };
const sound = { sample: 2, value: 1, gradientNorm: 2, accuracy: 1e-4, smoothness: 3 };
const whole = { ...sound, residual: 1e-5, hypergradient: [1, -2] };

const read = (answer: object | string, asked: RespondQuestion = question) =>
  readAnswer(typeof answer === "string" ? answer : JSON.stringify(answer), 2, asked, undefined);

describe("lines of a program that answers for samples", () => {
  it("come back with all bits, and what may be left out has a meaning", () => {
    const state = [0.1 + 0.2, 5e-324, -1.7976931348623157e308];
    const { answer, solution, hypergradient } = read({ ...whole, state, metrics: { psnr: 30 } });
    assert.deepEqual([...solution.x], state);
    assert.deepEqual([...(hypergradient ?? [])], [1, -2]);
    assert.deepEqual(answer, {
      value: 1,
      gradientNorm: 2,
      accuracy: 1e-4,
      smoothness: 3,
      convex: false,
      iterations: 0,
      stalled: false,
      metrics: { psnr: 30 },
      adjoint: { residual: 1e-5, iterations: 0 },
    });
    assert.equal(read(sound, plain).answer.adjoint, undefined);
    const exact = { gradientNorm: 0, accuracy: 0, smoothness: 0 };
    assert.deepEqual({ ...read({ ...sound, ...exact }, plain).answer, ...exact }, read({ ...sound, ...exact }, plain).answer);
    const asked: unknown = JSON.parse(questionLine(2, { ...question, iterationsMax: 7 }, solution));
    assert.deepEqual(asked, {
      ask: "sample",
      sample: 2,
      theta: plain.theta,
      accuracy: 1e-3,
      residual: 1e-4,
      iterationsMax: 7,
      state,
    });
  });

  it("may say that there is no answer: the state stays", () => {
    const start = { x: Float64Array.of(4) };
    for (const line of ['{"sample": 2, "problem": "not-finite"}', JSON.stringify(whole).replace('"value":1', '"value": NaN')]) {
      const { answer, solution } = readAnswer(line, 2, question, start);
      assert.deepEqual([answer.problem, solution], ["not-finite", start]);
    }
  });

  it("may be as large and as small as the protocol allows", () => {
    const state = new Array(1_000_000).fill(0.5);
    const metrics = Object.fromEntries(Array.from({ length: limits.componentsMax }, (_, i) => [`m${i}`, i]));
    const most = {
      ...whole,
      state,
      metrics,
      iterations: 0,
      adjointIterations: 7,
      bound: 0,
      residual: 0,
      convex: true,
      stalled: true,
    };
    const { answer, solution } = read(most);
    assert.deepEqual(answer.adjoint, { residual: 0, iterations: 7, bound: 0 });
    assert.deepEqual([solution.x.length, answer.convex, answer.stalled, answer.metrics], [1_000_000, true, true, metrics]);
    const hello = { samples: limits.bilevelSamplesMax, theta: new Array(limits.vectorNumbersMax).fill(1) };
    assert.equal(readHello(JSON.stringify(hello)).samples, limits.bilevelSamplesMax);
    assert.throws(
      () => readHello(JSON.stringify({ ...hello, theta: [...hello.theta, 1] })),
      /"theta" is .* numbers", expected at most/,
    );
    const { state: none, ...first }: { state: unknown } = JSON.parse(questionLine(2, plain, { x: new Float64Array(0) }));
    assert.deepEqual([none, first], [null, { ask: "sample", sample: 2, theta: plain.theta, accuracy: 1e-3, residual: null }]);
    for (const problem of ["not-finite", "not-strongly-convex"] as const) {
      const { answer: none, solution: empty } = read({ sample: 2, problem });
      assert.deepEqual([none.problem, none.value, empty.x.length], [problem, 0, 0]);
    }
    for (const name of ["value", "gradientNorm", "accuracy", "smoothness"])
      assert.equal(read(JSON.stringify({ ...whole, [name]: "Infinity" })).answer.problem, "not-finite", name);
    const asked: unknown = JSON.parse(helloLine(11, { size: 3 }));
    assert.deepEqual(asked, { ask: "hello", protocol: 1, seed: 11, parameters: { size: 3 } });
  });

  const wrong: readonly (readonly [string, object | string, RegExp])[] = [
    ["a long error of its own", { error: { code: 7, words: "x".repeat(2000) } }, /^the program says of sample 2: .{1,1000}$/],
    ["a negative gradient", { ...whole, gradientNorm: -1 }, /"gradientNorm" is -1, expected at least 0/],
    ["a negative smoothness", { ...whole, smoothness: -1 }, /"smoothness" is -1, expected at least 0/],
    ["a negative count", { ...whole, adjointIterations: -1 }, /"adjointIterations" is -1, expected a whole number of at least 0/],
    ["a negative residual", { ...whole, residual: -1 }, /"residual" is -1, expected a finite number of at least 0/],
    ["an endless bound", { ...whole, bound: "Infinity" }, /"bound" is "Infinity", expected a finite number of at least 0/],
    ["a list of metrics", { ...whole, metrics: [1] }, /"metrics" is a list of 1, expected an object of numbers/],
    ["no metrics", { ...whole, metrics: null }, /"metrics" is null, expected an object of numbers/],
    ["a metric that is a text", { ...whole, metrics: { psnr: "high" } }, /metrics: "psnr" is "high", expected a number/],
    ["a metric with no name", { ...whole, metrics: { "": 1 } }, /"metrics\[\]" is .*, expected/],
    [
      "too many metrics",
      { ...whole, metrics: Object.fromEntries(Array.from({ length: limits.componentsMax + 1 }, (_, i) => [`m${i}`, i])) },
      /"metrics" is "\d+ names", expected at most/,
    ],
    ["a long hypergradient", { ...whole, hypergradient: [1, 2, 3] }, /"hypergradient" is "3 numbers", expected at most 2/],
    ["no JSON", "loading data", /answered "loading data" to sample 2: expected one JSON object on one line.*standard error/],
    ["an error of its own", { error: "the mesh is broken" }, /says of sample 2: the mesh is broken/],
    ["another sample", { ...whole, sample: 3 }, /sample 2: "sample" is 3, expected 2, the one that was asked/],
    ["a missing field", { ...whole, value: undefined }, /"value" is nothing, expected a number/],
    ["a string", { ...whole, smoothness: "high" }, /"smoothness" is "high", expected a number/],
    ["a negative accuracy", { ...whole, accuracy: -1 }, /"accuracy" is -1, expected at least 0/],
    ["half a step", { ...whole, iterations: 0.5 }, /"iterations" is 0.5, expected a whole number/],
    ["a number for a flag", { ...whole, convex: 1 }, /"convex" is 1, expected true or false/],
    ["no hypergradient", { ...whole, hypergradient: undefined }, /"hypergradient" is nothing, expected a list of numbers/],
    ["a short hypergradient", { ...whole, hypergradient: [1] }, /"hypergradient" is "1 number", expected 2/],
    ["a hole in a list", { ...whole, hypergradient: [1, null] }, /"hypergradient\[1\]" is null, expected a finite number/],
    ["no residual", { ...whole, residual: undefined }, /"residual" is nothing/],
    ["a state that is none", { ...whole, state: "x" }, /"state" is "x", expected a list of numbers/],
    ["too large a state", { ...whole, state: new Array(1_000_001).fill(0) }, /"1000001 numbers", expected at most 1000000/],
    ["another problem", { sample: 2, problem: "tired" }, /"problem" is "tired", expected "not-strongly-convex" or "not-finite"/],
  ];
  for (const [what, answer, words] of wrong) {
    it(`names what is wrong: ${what}`, () => {
      const isUsers = (error: unknown) =>
        error instanceof TrialFailure && error.reason === "user-error" && words.test(error.message);
      assert.throws(() => read(answer), isUsers);
    });
  }

  it("begin with how many samples and which hyperparameters there are", () => {
    assert.deepEqual(readHello('{"samples": 3, "theta": [0.5], "words": "more is ignored"}'), { samples: 3, theta: [0.5] });
    assert.throws(() => readHello('{"samples": 0, "theta": [1]}'), /hello: "samples" is 0, expected at least 1/);
    assert.throws(
      () => readHello('{"samples": 1000000000000, "theta": [1]}'),
      /hello: "samples" is 1000000000000, expected at most 1000000/,
    );
    assert.throws(() => readHello('{"samples": 2, "theta": []}'), /"theta" is an empty list, expected at least one/);
    assert.throws(() => readHello('{"samples": 2, "theta": [NaN]}'), /"theta\[0\]" is "NaN", expected a finite number/);
  });
});
