/** What a search file says comes through whole, and what is wrong with one is told all at once, with paths as in the file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "./errors.js";
import type { Problem } from "./gen/regulus/v1/problem.js";
import { SearchSpec } from "./gen/regulus/v1/search.js";
import { parseSearchDocument, readSearchDocument } from "./search-file.js";
import { specToDocument } from "./spec-document.js";

const good = {
  name: "digits",
  workload: { name: "mnist-mlp", options: { trainRows: 5000 } },
  objective: { metric: "validLoss" },
  strategy: "random",
  space: {
    learningRate: { type: "double", min: 1e-4, max: 1, scale: "log", initial: 0.01 },
    optimizer: { type: "categorical", choices: ["sgd", "adam"] },
    momentum: { type: "double", min: 0, max: 0.99, when: { parameter: "optimizer", equals: "sgd" } },
    nesterov: { type: "boolean", when: { parameter: "optimizer", equals: ["sgd", "adam"] } },
    hiddenUnits: { type: "int", min: 8, max: 512, scale: "log" },
  },
  techniques: ["weight-decay", { name: "dropout", options: { sites: ["hidden"] } }],
  budget: { trials: 20, wallTime: "1h30m" },
  parallelism: 4,
  resources: { memory: "2GiB", backend: "wasm", stepTimeout: "5s", agentLabels: { gpu: "h100" } },
  retries: { max: 0, backoff: "250ms" },
  reporting: { checkpointEvery: "30s" },
  seed: 7,
  labels: { team: "vision" },
  priority: -3,
  weight: 5,
};

test("a file becomes the message that it describes", () => {
  const spec = parseSearchDocument(good);
  assert.equal(spec.budget?.wallTimeMs, 5_400_000);
  assert.equal(spec.resources?.memoryBytes, 2 ** 31);
  assert.equal(spec.resources?.stepTimeoutMs, 5000);
  assert.equal(spec.retries?.max, 0);
  assert.equal(spec.retries?.backoffMs, 250);
  assert.deepEqual(
    spec.space.map(({ name }) => name),
    ["learningRate", "optimizer", "momentum", "nesterov", "hiddenUnits"],
  );
  assert.deepEqual(spec.space[0]?.domain, { $case: "double", value: { min: 1e-4, max: 1, scale: "SCALE_LOG", step: undefined } });
  assert.deepEqual(spec.space[2]?.when, { parameter: "optimizer", equals: ["sgd"] });
  assert.deepEqual(spec.objectives, [
    { metric: "validLoss", direction: "DIRECTION_MINIMIZE", value: undefined, goal: undefined },
  ]);
  assert.deepEqual(spec.techniques[1], { name: "dropout", options: { sites: ["hidden"] } });
});

test("a search survives the way back to a file, and the wire", () => {
  const spec = parseSearchDocument(good);
  assert.deepEqual(parseSearchDocument(JSON.parse(JSON.stringify(specToDocument(spec)))), spec);
  assert.deepEqual(SearchSpec.decode(SearchSpec.encode(spec).finish()), spec);
});

test("every mistake of the issue's list is told at its path", () => {
  const cases: readonly (readonly [object, string, RegExp])[] = [
    [{ budgett: {} }, "budgett", /did you mean budget/],
    [{ space: { a: { type: "double", min: Number.NaN, max: 1 } } }, "space.a.min", /a finite number/],
    [{ space: { a: { type: "double", min: 0, max: Number.POSITIVE_INFINITY } } }, "space.a.max", /a finite number/],
    [{ space: { a: { type: "double", min: 2, max: 2 } } }, "space.a.max", /above min/],
    [{ space: { a: { type: "int", min: 3, max: 2 } } }, "space.a.max", /not below min/],
    [{ space: { a: { type: "double", min: 0, max: 1, scale: "log" } } }, "space.a.min", /above 0/],
    [{ space: { a: { type: "double", min: 0.5, max: 1, scale: "logit" } } }, "space.a.max", /below 1/],
    [{ space: { a: { type: "double", min: 0, max: 1, initial: 2 } } }, "space.a.initial", /from 0 to 1/],
    [{ space: { a: { type: "categorical", choices: ["x", "x"] } } }, "space.a.choices[1]", /already/],
    [{ space: { a: { type: "bolean" } } }, "space.a.type", /did you mean boolean/],
    [
      { space: { a: { type: "boolean", when: { parameter: "b", equals: true } }, b: { type: "boolean" } } },
      "space.a.when.parameter",
      /earlier/,
    ],
    [{ space: { a: { type: "boolean", when: { parameter: "a", equals: true } } } }, "space.a.when.parameter", /not itself/],
    [
      { space: { lr: { type: "boolean" }, b: { type: "boolean", when: { parameter: "lrr", equals: 1 } } } },
      "space.b.when.parameter",
      /did you mean lr/,
    ],
    [
      { space: { a: { type: "boolean" }, b: { type: "boolean", when: { parameter: "a", equals: [true, 3] } } } },
      "space.b.when.equals[1]",
      /true or false/,
    ],
    [{ space: { "1a": { type: "boolean" } } }, "space.1a", /a letter/],
    [{ workload: undefined }, "workload", /a workload or a command/],
    [{ command: { argv: ["python3"] } }, "workload", /exactly one/],
    [{ workload: undefined, command: undefined }, "workload", /a workload or a command/],
    [{ workload: undefined, command: {} }, "command.argv", /./],
    [{ workload: undefined, command: { argv: "python3 train.py" } }, "command.argv", /a list/],
    [{ workload: undefined, command: "python3 train.py" }, "command", /a map/],
    [{ workload: undefined, comand: { argv: ["python3"] } }, "comand", /did you mean command/],
    [{ workload: { name: "a", module: "b.js" } }, "workload.module", /exactly one/],
    [{ objective: undefined }, "objective", /at least one objective/],
    [{ objectives: [{ metric: "testLoss" }] }, "objectives", /exactly one of the two/],
    [{ objective: { metric: "validLoss", direction: "min" } }, "objective.direction", /minimize/],
    [{ strategy: { name: "random", optoins: {} } }, "strategy.optoins", /did you mean options/],
    [{ techniques: ["dropout", "dropout"] }, "techniques[1]", /once/],
    [{ budget: { wallTime: "10 minutes" } }, "budget.wallTime", /such as 10m/],
    ...[10, 1.5, -1].flatMap((number) =>
      [
        ["budget", "wallTime"],
        ["resources", "stepTimeout"],
        ["resources", "attemptTimeout"],
        ["reporting", "checkpointEvery"],
        ["retries", "backoff"],
      ].map(
        ([part = "", field = ""]) =>
          [{ [part]: { [field]: number } }, `${part}.${field}`, /^a duration with a unit, such as 10s or 5m$/] as const,
      ),
    ),
    [{ budget: { trials: 1e9 } }, "budget.trials", /from 0 to 10,000,000/],
    [{ resources: { memory: "2 gigs" } }, "resources.memory", /such as 2GiB/],
    [{ seed: 2 ** 60 }, "seed", /./],
    [{ retries: { backoff: "1h" } }, "retries.backoff", /from 0 to 60,000/],
    [{ labels: { a: "x\ny" } }, "labels.a", /in one line/],
    [{ name: "" }, "name", /1/],
  ];
  for (const [change, field, expected] of cases) {
    const problems = problemsOf({ ...good, ...change });
    const there = problems.filter((problem) => problem.field === field);
    assert.equal(there.length, 1, `${field}: ${JSON.stringify(problems)}`);
    assert.match(there[0]?.expected ?? "", expected);
    assert.equal(problems.length, 1, `more than what is wrong: ${JSON.stringify(problems)}`);
  }
});

test("mistakes of shape and of meaning are told together, even in one parameter", () => {
  const problems = problemsOf({
    ...good,
    space: {
      a: { type: "double", min: 0, max: 1, scale: "log", typo: 1 },
      b: { type: "int", min: 5, max: 2, initial: "x" },
      c: { type: "double", max: 2 },
      d: { type: "boolean", when: { parameter: "c", equals: 1.5 } },
    },
    budget: { trials: -1, wallTime: "100000d" },
    seed: "seven",
  });
  const fields = problems.map(({ field }) => field).sort();
  const expected = [
    "budget.trials",
    "budget.wallTime",
    "seed",
    "space.a.min",
    "space.a.typo",
    "space.b.initial",
    "space.b.max",
    "space.c.min",
  ];
  assert.deepEqual(fields, expected);
});

test("a name __proto__ is refused wherever it stands, and pollutes nothing", () => {
  for (const text of [
    '{"__proto__": {"polluted": 1}}',
    '{"labels": {"__proto__": "x"}}',
    '{"strategy": {"name": "random", "options": {"__proto__": 1}}}',
  ]) {
    const problems = problemsOf({ ...good, ...JSON.parse(text), ...own(text) });
    assert.ok(
      problems.some(({ field }) => field.endsWith("__proto__")),
      text,
    );
  }
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("what is not a map of plain values is told, whatever it is", () => {
  const cycle: Record<string, unknown> = { ...good };
  cycle.workload = { name: "a", options: { cycle } };
  for (const document of [
    undefined,
    null,
    3,
    "text",
    [],
    new Date(),
    () => 1,
    { ...good, name: 3n },
    { ...good, labels: new Map() },
    cycle,
  ]) {
    assert.ok(problemsOf(document).length > 0);
  }
});

/** A spread loses an own name __proto__; this puts it back at the top. */
function own(text: string): object {
  const parsed: object = JSON.parse(text);
  return Object.hasOwn(parsed, "__proto__") ? Object.defineProperty({}, "__proto__", { value: {}, enumerable: true }) : {};
}

function problemsOf(document: unknown): readonly Problem[] {
  try {
    parseSearchDocument(document);
    return [];
  } catch (thrown) {
    assert.ok(thrown instanceof RegulusError, String(thrown));
    assert.equal(thrown.code, "invalid-argument");
    return thrown.problems;
  }
}

test("tuning, control arm and schedule come back as they were written, and wrong ones are told", () => {
  const document = {
    name: "hybrid",
    workload: "mnist-mlp",
    objective: { metric: "validLoss" },
    strategy: "random",
    space: { inputDropout: { type: "double", min: 0, max: 0.5, tuned: "inside" } },
    techniques: ["dropout"],
    budget: { trials: 4 },
    tuning: { name: "self-tune", options: { entropyWeight: 0.01 } },
    control: { share: 0.25 },
    schedule: { steps: [0, 10], values: { hiddenDropout: [0.1, 0.2] }, format: "regulus-schedule" },
  };
  const spec = parseSearchDocument(document);
  assert.equal(spec.space[0]?.tuned, "TUNED_INSIDE");
  assert.deepEqual(spec.schedule, { steps: [0, 10], values: { hiddenDropout: { values: [0.1, 0.2] } } });
  assert.deepEqual(parseSearchDocument(specToDocument(spec)), spec);
  const wrong = {
    ...good,
    space: { inputDropout: { type: "double", min: 0, max: 0.5, tuned: "within" } },
    control: { share: 1 },
    schedule: { steps: [0, 0], values: { hiddenDropout: [0.1] } },
  };
  const { problems } = readSearchDocument(wrong);
  assert.deepEqual(problems.map(({ field }) => field).sort(), [
    "control.share",
    "schedule.steps[1]",
    "schedule.values.hiddenDropout",
    "space.inputDropout.tuned",
  ]);
});

test("what is retried, how many may fail and what is good enough come back as they were written", () => {
  const retries = { max: 2, on: ["lost", "out-of-memory", "timed-out", "user-error"] };
  const objective = { metric: "loss", direction: "maximize", goal: 0 };
  const spec = parseSearchDocument({ ...good, objective, retries, budget: { trials: 9, failures: 4 } });
  assert.deepEqual(spec.retries?.on, [
    "END_REASON_LOST",
    "END_REASON_OUT_OF_MEMORY",
    "END_REASON_TIMED_OUT",
    "END_REASON_USER_ERROR",
  ]);
  assert.deepEqual([spec.budget?.failures, spec.objectives[0]?.goal], [4, 0]);
  assert.deepEqual(parseSearchDocument(specToDocument(spec)), spec);
});

test("reasons that are no failures, or no reasons, are refused with why or what was meant", () => {
  const problemsOf = (more: object) => readSearchDocument({ ...good, ...more }).problems;
  const words = "one of lost, out-of-memory, timed-out, user-error";
  assert.deepEqual(problemsOf({ retries: { on: ["diverged", "user-eror", "lost"] } }), [
    {
      field: "retries.on[0]",
      seen: '"diverged"',
      expected: `${words} (a trial that is diverged is a result: the same configuration ends the same way again)`,
    },
    {
      field: "retries.on[1]",
      seen: '"user-eror"',
      expected: words.replace("one of ", "one of these (did you mean user-error?): "),
    },
  ]);
  assert.match(problemsOf({ retries: { on: [] } })[0]?.expected ?? "", /at least 1/);
  assert.deepEqual(
    problemsOf({ budget: { trials: 1, failures: 0 } }).map(({ field }) => field),
    ["budget.failures"],
  );
  const objectives = [{ metric: "loss" }, { metric: "size", goal: 3 }];
  assert.deepEqual(
    problemsOf({ objective: undefined, objectives }).map(({ field }) => field),
    ["objectives[1].goal"],
  );
});

test("null, lists and steps are read, held apart, and come back as they were written", () => {
  const space = {
    layers: { type: "categorical", choices: [null, [64], [64, 32], "none", "null"], initial: [64, 32] },
    decay: { type: "categorical", choices: [null, 0.1], initial: null },
    rate: { type: "double", min: 0, max: 1, step: 0.1, initial: 0.3, when: { parameter: "layers", equals: [[64], null] } },
    heads: { type: "int", min: 2, max: 9, step: 2, when: { parameter: "decay", equals: null } },
  };
  const document = { ...good, space };
  const spec = parseSearchDocument(document);
  assert.deepEqual(spec.space[0]?.domain, { $case: "categorical", value: { choices: [null, [64], [64, 32], "none", "null"] } });
  assert.deepEqual(spec.space[2]?.when?.equals, [[64], null]);
  assert.deepEqual(SearchSpec.decode(SearchSpec.encode(spec).finish()), spec);
  assert.deepEqual(JSON.parse(JSON.stringify(specToDocument(spec).space)), JSON.parse(JSON.stringify(space)));
  const wrong = (parameter: object) =>
    readSearchDocument({ ...good, space: { a: parameter } }).problems.map(({ field }) => field);
  assert.deepEqual(
    wrong({
      type: "categorical",
      choices: [
        [1, 2],
        [1, 2],
      ],
    }),
    ["space.a.choices[1]"],
  );
  assert.deepEqual(wrong({ type: "categorical", choices: [{ a: 1 }] }), ["space.a.choices[0]"]);
  assert.deepEqual(wrong({ type: "categorical", choices: [null], initial: "null" }), ["space.a.initial"]);
  assert.deepEqual(wrong({ type: "double", min: 1, max: 2, scale: "log", step: 0.1 }), ["space.a.step"]);
  for (const step of [0, -1, 5]) assert.deepEqual(wrong({ type: "double", min: 1, max: 2, step }), ["space.a.step"]);
  assert.deepEqual(wrong({ type: "int", min: 0, max: 9, step: 0.5 }), ["space.a.step"]);
  assert.deepEqual(wrong({ type: "double", min: 0, max: 1, step: 0.1, initial: 0.25 }), ["space.a.initial"]);
});

test("a metric may have any name in one line", () => {
  const problems = (metric: string) => readSearchDocument({ ...good, objective: { metric } }).problems.map(({ field }) => field);
  for (const metric of ["val/loss", "mAP50-95(B)", "eval loss", "__proto__", "constructor", "toString", "損失", "x".repeat(128)])
    assert.deepEqual(problems(metric), [], metric);
  for (const metric of ["", "a\nb", "\u001b[2J", "x".repeat(129)])
    assert.deepEqual(problems(metric), ["objective.metric"], metric);
});
