/** Texts of the contract by their definitions: distances of names, shown values, cut texts, sizes, durations, and the words about a file's shape. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatBytes, parseBytes } from "./byte-sizes.js";
import { closestName, expectedOneOf } from "./did-you-mean.js";
import { formatDuration, parseDurationMs } from "./durations.js";
import { RegulusError } from "./errors.js";
import { isId, toAgentId, toAttemptNumber, toPosition, toTrialNumber } from "./ids.js";
import { limits } from "./limits.js";
import { cutText, ProblemList, show } from "./problem-list.js";
import { readSearchDocument } from "./search-file.js";
import { fromVectors, numbersIn, toVectors } from "./vectors.js";

/** Optimal string alignment by its recursion. */
function distance(a: string, b: string): number {
  const known = new Map<string, number>();
  const of = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j;
    const key = `${i} ${j}`;
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const options = [of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)];
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) options.push(of(i - 2, j - 2) + 1);
    const least = Math.min(...options);
    known.set(key, least);
    return least;
  };
  return of(a.length, b.length);
}

test("the closest name is the first of least distance, at most a third of what was written", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c", "D"), minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 6 }), (name, known) => {
      const most = Math.max(1, Math.floor(name.length / 3));
      const able = known
        .filter((one) => name.length > 3 || one[0]?.toLowerCase() === name[0]?.toLowerCase())
        .map((one) => ({ one, far: distance(name.toLowerCase(), one.toLowerCase()) }))
        .filter(({ far }) => far <= most);
      const least = Math.min(...able.map(({ far }) => far));
      assert.equal(closestName(name, known), able.find(({ far }) => far === least)?.one);
    }),
    { numRuns: 2000 },
  );
  assert.equal(closestName("x".repeat(64), ["x".repeat(63)]), "x".repeat(63));
  assert.equal(closestName("x".repeat(65), ["x".repeat(64)]), undefined);
  assert.equal(expectedOneOf("nothing like it", ["a", "b"]), "one of a, b");
  assert.equal(expectedOneOf("", ["alone"]), "alone");
});

test("a text is cut to its bound with an ellipsis, and no pair of surrogates in half", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.integer({ min: 1, max: 40 }), (text, most) => {
      const cut = cutText(text, most);
      assert.ok(cut.length <= most && !/\p{Cs}/u.test(cut));
      if (text.length <= most) assert.equal(cut, text);
      else assert.ok(cut.endsWith("…") && text.startsWith(cut.slice(0, -1)) && cut.length >= most - 1);
    }),
  );
  assert.deepEqual([cutText("abcd", 4), cutText("abcde", 4), cutText("ab\u{1f600}d", 4)], ["abcd", "abc…", "ab…"]);
});

test("values are shown with a message, whatever they are", () => {
  const cases: readonly [unknown, string][] = [
    ["a\n", '"a\\n"'],
    ["x".repeat(81), `"${"x".repeat(79)}…"`],
    [-0, "-0"],
    [0, "0"],
    [true, "true"],
    [10n ** 90n, `1${"0".repeat(78)}…`],
    [() => 1, "a function"],
    [Symbol("x"), "a symbol"],
    [null, "null"],
    [[], "an empty list"],
    [[[]], "a list of 1"],
    [{}, "an empty map"],
    [{ a: 1, b: 2, c: 3 }, "a map with a, b, c"],
    [{ a: 1, b: 2, c: 3, d: 4 }, "a map with a, b, c …"],
    [{ ["x".repeat(30)]: 1 }, `a map with ${"x".repeat(23)}…`],
  ];
  for (const [value, words] of cases) assert.equal(show(value), words);
});

test("problems are listed up to a bound, and the rest are counted", () => {
  const problems = new ProblemList();
  for (let at = 0; at < limits.problemsMax; at++) problems.add(`f${at}`, at, "else");
  assert.equal(problems.all().length, limits.problemsMax);
  assert.deepEqual(problems.all()[1], { field: "f1", seen: "1", expected: "else" });
  for (let at = 0; at < 3; at++) problems.addText("more", "x", "y");
  assert.equal(problems.all().length, limits.problemsMax + 1);
  assert.deepEqual(problems.all().at(-1), {
    field: "(further)",
    seen: "3 more problems",
    expected: "that these are fixed first",
  });
  const long = new ProblemList();
  long.addText("x".repeat(limits.fieldPathCharactersMax + 1), "a", "b");
  assert.equal(long.all()[0]?.field.length, limits.fieldPathCharactersMax);
  const { message, code, problems: told } = RegulusError.invalid(long.all().concat({ field: "f", seen: "a", expected: "b" }));
  assert.deepEqual(
    [message.split("\n").length, message.split("\n")[1], code, told.length],
    [2, "f: saw a, expected b", "invalid-argument", 2],
  );
});

test("durations and sizes are their units, long and short, and written with the largest that is exact", () => {
  const durations = {
    "1d": 86_400_000,
    "1h": 3_600_000,
    "1m": 60_000,
    "1s": 1000,
    "1ms": 1,
    "1d2h3m4s5ms": 93_784_005,
    "0.5ms": 1,
    "0.4ms": 0,
  };
  for (const [text, ms] of Object.entries(durations)) assert.equal(parseDurationMs(text), ms, text);
  assert.deepEqual([93_784_005, 90_000, 86_400_000, 999, 0].map(formatDuration), ["1d2h3m4s5ms", "1m30s", "1d", "999ms", "0s"]);
  const sizes = {
    "1TiB": 2 ** 40,
    "1GiB": 2 ** 30,
    "1MiB": 2 ** 20,
    "1KiB": 1024,
    "1TB": 1e12,
    "1GB": 1e9,
    "1MB": 1e6,
    "1kB": 1000,
    "1KB": 1000,
    "7B": 7,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseBytes(text), bytes, text);
  assert.deepEqual([2 ** 31, 3e9, 1536, 1500, 1023, 0].map(formatBytes), ["2GiB", "3GB", "1536B", "1500B", "1023B", "0B"]);
});

test("ids and numbers are checked with their field", () => {
  for (const id of ["a", "9", "a.b_c-d", "x".repeat(128)]) assert.ok(isId(id));
  for (const id of ["", ".a", "_a", "a b", "x".repeat(129), 3]) assert.ok(!isId(id));
  assert.throws(() => toAgentId("-"), /agentId: saw "-", expected 1 to 128 letters/);
  assert.throws(() => toAgentId("-", "agent.id"), /^RegulusError: agent\.id: /);
  assert.deepEqual([toTrialNumber(0), toAttemptNumber(1), toPosition(0)], [0, 1, 0]);
  assert.throws(() => toTrialNumber(-1), /trial: saw -1, expected a whole number from 0/);
  assert.throws(() => toAttemptNumber(0), /attempt: saw 0, expected a whole number from 1/);
  assert.throws(() => toPosition(-1), /position: saw -1/);
  assert.throws(() => toPosition(2 ** 53), /position/);
});

test("vectors go there and back, copied, and are counted", () => {
  const lists = { a: [1, 2, 3], b: [], c: [0.5] };
  const vectors = toVectors(lists);
  assert.deepEqual(fromVectors(vectors), lists);
  assert.notEqual(vectors.a?.values, lists.a);
  assert.equal(numbersIn(vectors), 4);
  assert.deepEqual([toVectors(undefined), fromVectors(undefined), numbersIn(undefined)], [{}, {}, 0]);
});

const file = {
  name: "n",
  workload: "ridge",
  objective: { metric: "loss" },
  strategy: "random",
  space: { a: { type: "double", min: 0, max: 1 } },
  budget: { trials: 3 },
};

test("what has the wrong shape in a file is told at its path, with what would be right", () => {
  const told = (changes: object) =>
    readSearchDocument({ ...file, ...changes }).problems.map(({ field, seen, expected }) => `${field}: ${seen}: ${expected}`);
  assert.deepEqual(told({}), []);
  assert.deepEqual(told({ name: 3 }), ["name: 3: a text"]);
  assert.deepEqual(told({ name: "" }), ['name: "": at least 1 characters']);
  assert.deepEqual(told({ name: "x".repeat(129) }), [`name: "${"x".repeat(79)}…": at most 128 characters`]);
  assert.deepEqual(told({ parallelism: 1.5 }), ["parallelism: 1.5: a whole number"]);
  for (const none of [0, -1]) {
    assert.deepEqual(told({ parallelism: none }), [`parallelism: ${none}: a number of at least 1`]);
    assert.deepEqual(told({ weight: none }), [`weight: ${none}: a number of at least 1`]);
    assert.deepEqual(told({ resources: { slots: none } }), [`resources.slots: ${none}: a number of at least 1`]);
    assert.deepEqual(told({ budget: { failures: none } }), [`budget.failures: ${none}: a number of at least 1`]);
  }
  for (const [word, ours] of [
    ["float", "double"],
    ["Integer", "int"],
    ["choice", "categorical"],
    ["bool", "boolean"],
  ])
    assert.match(told({ space: { a: { type: word } } })[0] ?? "", new RegExp(`one of these \\(did you mean ${ours}\\?\\): `));
  assert.deepEqual(told({ weight: 1001 }), ["weight: 1001: a number of at most 1000"]);
  assert.deepEqual(told({ budget: { trials: "3" } }), ['budget.trials: "3": a finite number']);
  assert.deepEqual(told({ budget: { trails: 3 } }), [
    "budget.trails: an unknown field: one of these (did you mean trials?): trials, steps, stepsPerTrial, wallTime, failures",
  ]);
  assert.deepEqual(told({ budget: { wallTime: "10 min" } }), [
    'budget.wallTime: "10 min": a duration such as 10m, 1h30m or 250ms',
  ]);
  assert.deepEqual(told({ resources: { memory: "2 G" } }), ['resources.memory: "2 G": a size such as 2GiB or 500MB']);
  assert.deepEqual(told({ resources: { memory: true } }), ["resources.memory: true: a finite number or a text"]);
  assert.deepEqual(told({ resources: { backend: "cup" } }), [
    'resources.backend: "cup": one of these (did you mean cpu?): tensorflow, webgpu, wasm, cpu',
  ]);
  assert.deepEqual(told({ space: { a: { type: "flaot", min: 0, max: 1 } } }), [
    'space.a.type: "flaot": one of double, int, categorical, boolean',
  ]);
  assert.deepEqual(
    told({ space: { a: { type: "int", min: 0, max: 1, stpe: 1 } } })[0],
    "space.a.stpe: an unknown field: one of these (did you mean step?): type, min, max, scale, step, initial, when, tuned",
  );
  assert.deepEqual(
    told({ space: { a: { type: "categorical", choices: [] } } })[0],
    "space.a.choices: an empty list: at least 1 in the list",
  );
  assert.deepEqual(told({ space: [] }), ["space: an empty list: a map of parameters by name"]);
  assert.deepEqual(told({ techniques: {} }), ["techniques: an empty map: a list"]);
  assert.deepEqual(told({ techniques: [{ name: "a", option: {} }] }), [
    "techniques[0].option: an unknown field: one of these (did you mean options?): name, options",
  ]);
  assert.deepEqual(told({ stratgy: "asha" }).length, 1);
  assert.deepEqual(
    told({ objective: undefined, objectives: [{ metric: "a" }, { metrik: "b" }] }).map((one) => one.split(":")[0]),
    ["objectives[1].metric", "objectives[1].metrik"],
  );
  assert.deepEqual(told({ labels: { a: 3 } }), ["labels.a: 3: a text"]);
  assert.deepEqual(told({ command: { argv: [] } })[0]?.split(":")[0], "command.argv");
});

test("problems of the message get the paths of the file", () => {
  const at = (changes: object, field: string) =>
    readSearchDocument({ ...file, ...changes })
      .joined([{ field, seen: "x", expected: "y" }])
      .map((one) => one.field);
  assert.deepEqual(at({}, "space[0].double.max"), ["space.a.max"]);
  assert.deepEqual(at({}, "space[0].name"), ["space.a"]);
  assert.deepEqual(at({}, "space[0]"), ["space.a"]);
  assert.deepEqual(at({}, "objectives[0].metric"), ["objective.metric"]);
  assert.deepEqual(at({ objective: undefined, objectives: [{ metric: "a" }] }, "objectives[0].metric"), ["objectives[0].metric"]);
  assert.deepEqual(at({}, "strategy.name"), ["strategy"]);
  assert.deepEqual(at({ strategy: { name: "random" } }, "strategy.name"), ["strategy.name"]);
  assert.deepEqual(at({}, "strategy.options.eta"), ["strategy.options.eta"]);
  assert.deepEqual(at({ techniques: ["a", { name: "b" }] }, "techniques[0].name"), ["techniques[0]"]);
  assert.deepEqual(at({ techniques: ["a", { name: "b" }] }, "techniques[1].name"), ["techniques[1].name"]);
  for (const [message, inFile] of Object.entries({
    "budget.wallTimeMs": "budget.wallTime",
    "resources.memoryBytes": "resources.memory",
    "resources.stepTimeoutMs": "resources.stepTimeout",
    "resources.attemptTimeoutMs": "resources.attemptTimeout",
    "retries.backoffMs": "retries.backoff",
    "reporting.checkpointEveryMs": "reporting.checkpointEvery",
    "budget.trials": "budget.trials",
  }))
    assert.deepEqual(at({}, message), [inFile]);
  const when = (equals: unknown) => ({ space: { ...file.space, b: { type: "boolean", when: { parameter: "a", equals } } } });
  assert.deepEqual(at(when(0.5), "space[1].when.equals[0]"), ["space.b.when.equals"]);
  assert.deepEqual(at(when([0.5, 1]), "space[1].when.equals[0]"), ["space.b.when.equals[0]"]);
});
