/** Every bound of a search, at the bound and one past it: what it may just be is taken, and the first thing that it may not be is refused at its path. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSpec } from "./check-spec.js";
import type { Parameter, SearchSpec } from "./gen/regulus/v1/search.js";
import { defaults, limits } from "./limits.js";
import { parseSearchDocument } from "./search-file.js";

const sound = parseSearchDocument({
  name: "sound",
  workload: "ridge",
  objective: { metric: "validLoss" },
  strategy: "random",
  space: { a: { type: "double", min: 1e-3, max: 1, scale: "log" } },
  budget: { trials: 10 },
});
const command = { argv: ["./train"], env: {}, directory: "", stopGraceMs: 0 };

const fieldsOf = (spec: object) => checkSpec({ ...sound, ...spec } as SearchSpec).map(({ field }) => field);

/** Whole numbers of a search: how each is set, its least and its greatest value. */
const counts: Readonly<Record<string, readonly [set: (value: unknown) => object, least: number, greatest: number]>> = {
  parallelism: [(value) => ({ parallelism: value }), 0, 10_000],
  seed: [(value) => ({ seed: value }), 0, Number.MAX_SAFE_INTEGER],
  priority: [(value) => ({ priority: value }), -100, 100],
  weight: [(value) => ({ weight: value }), 1, 1000],
  "budget.trials": [(value) => ({ budget: { ...sound.budget, trials: value } }), 0, 10_000_000],
  "budget.steps": [(value) => ({ budget: { ...sound.budget, steps: value } }), 0, Number.MAX_SAFE_INTEGER],
  "budget.stepsPerTrial": [(value) => ({ budget: { ...sound.budget, stepsPerTrial: value } }), 0, 10 ** 12],
  "budget.wallTimeMs": [(value) => ({ budget: { ...sound.budget, wallTimeMs: value } }), 0, 10 * 366 * 86_400_000],
  "budget.failures": [(value) => ({ budget: { ...sound.budget, failures: value } }), 1, 10_000_000],
  "resources.slots": [(value) => ({ resources: resources({ slots: value }) }), 0, 4096],
  "resources.memoryBytes": [(value) => ({ resources: resources({ memoryBytes: value }) }), 0, Number.MAX_SAFE_INTEGER],
  "resources.stepTimeoutMs": [(value) => ({ resources: resources({ stepTimeoutMs: value }) }), 0, 2 ** 31 - 1],
  "resources.attemptTimeoutMs": [(value) => ({ resources: resources({ attemptTimeoutMs: value }) }), 0, 2 ** 31 - 1],
  "retries.max": [(value) => ({ retries: { max: value, backoffMs: 0, on: [] } }), 0, 1000],
  "retries.backoffMs": [(value) => ({ retries: { max: 1, backoffMs: value, on: [] } }), 0, 60_000],
  "reporting.measureEverySteps": [(value) => ({ reporting: { measureEverySteps: value, checkpointEveryMs: 0 } }), 0, 10 ** 12],
  "reporting.checkpointEveryMs": [(value) => ({ reporting: { measureEverySteps: 0, checkpointEveryMs: value } }), 0, 2 ** 31 - 1],
  "command.stopGraceMs": [(value) => ({ workload: undefined, command: { ...command, stopGraceMs: value } }), 0, 2 ** 31 - 1],
};
function resources(more: object): object {
  return { slots: 1, backend: "", memoryBytes: 0, agentLabels: {}, stepTimeoutMs: 0, attemptTimeoutMs: 0, ...more };
}

for (const [field, [set, least, greatest]] of Object.entries(counts)) {
  test(`${field} is a whole number from ${least} to ${greatest}`, () => {
    for (const good of [least, least + 1, greatest]) assert.deepEqual(fieldsOf(set(good)), [], `${good}`);
    for (const bad of [least - 1, greatest + 1, least + 0.5, Number.NaN, Number.POSITIVE_INFINITY, `${least}`])
      assert.deepEqual(fieldsOf(set(bad)), [field], `${bad}`);
  });
}

const texts: Readonly<Record<string, readonly [set: (text: string) => object, good: readonly string[], bad: readonly string[]]>> =
  {
    name: [(text) => ({ name: text }), ["x", "any words\u00fc", "x".repeat(128)], ["", "x".repeat(129), "two\nlines", "\ud800"]],
    "strategy.name": [
      (text) => ({ strategy: { name: text } }),
      ["x", "a.b_c-9", "x".repeat(128)],
      ["", "x".repeat(129), "9x", "a b"],
    ],
    "objectives[0].metric": [
      (text) => ({ objectives: [{ metric: text, direction: "DIRECTION_MINIMIZE" }] }),
      ["val/loss", "x".repeat(128)],
      ["", "x".repeat(129)],
    ],
    "workload.name": [(text) => ({ workload: { name: text, module: "" } }), ["x", "x".repeat(128)], ["x".repeat(129), "a b"]],
    "workload.module": [(text) => ({ workload: { name: "", module: text } }), ["x", "x".repeat(4096)], ["x".repeat(4097), "a\0"]],
    "command.argv[1]": [
      (text) => ({ workload: undefined, command: { ...command, argv: ["x", text] } }),
      ["", "x".repeat(4096)],
      ["x".repeat(4097), "\0"],
    ],
    "command.directory": [
      (text) => ({ workload: undefined, command: { ...command, directory: text } }),
      ["", "x".repeat(4096)],
      ["x".repeat(4097), "\0"],
    ],
    "command.env.A": [
      (text) => ({ workload: undefined, command: { ...command, env: { A: text } } }),
      ["", "x".repeat(4096)],
      ["x".repeat(4097), "\0"],
    ],
    "resources.backend": [
      (text) => ({ resources: resources({ backend: text }) }),
      ["", "tensorflow", "webgpu", "wasm", "cpu"],
      ["gpu"],
    ],
    "labels.team": [(text) => ({ labels: { team: text } }), ["", "x".repeat(128)], ["x".repeat(129), "\n"]],
    "resources.agentLabels.zone": [
      (text) => ({ resources: resources({ agentLabels: { zone: text } }) }),
      ["", "x"],
      ["x".repeat(129)],
    ],
  };

for (const [field, [set, good, bad]] of Object.entries(texts)) {
  test(`${field} is a text within its bounds`, () => {
    for (const text of good) assert.deepEqual(fieldsOf(set(text)), [], JSON.stringify(text).slice(0, 40));
    for (const text of bad) assert.deepEqual(fieldsOf(set(text)), [field], JSON.stringify(text).slice(0, 40));
  });
}

const numbered = <T>(count: number, one: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => one(at));
const named = <T>(count: number, one: (at: number) => T): Record<string, T> =>
  Object.fromEntries(numbered(count, (at) => [`n${at}`, one(at)]));
const boolean = (at: number): Parameter => ({ name: `p${at}`, domain: { $case: "boolean", value: {} }, when: undefined });
const lists: Readonly<Record<string, readonly [set: (count: number) => object, greatest: number]>> = {
  space: [(count) => ({ space: numbered(count, boolean) }), 1000],
  techniques: [(count) => ({ techniques: numbered(count, (at) => ({ name: `t${at}` })) }), 32],
  probes: [(count) => ({ probes: numbered(count, (at) => ({ name: `t${at}` })) }), 32],
  diagnostics: [(count) => ({ diagnostics: numbered(count, (at) => ({ name: `t${at}` })) }), 32],
  objectives: [(count) => ({ objectives: numbered(count, (at) => ({ metric: `m${at}`, direction: "DIRECTION_MAXIMIZE" })) }), 32],
  labels: [(count) => ({ labels: named(count, () => "x") }), 64],
  "command.argv": [(count) => ({ workload: undefined, command: { ...command, argv: numbered(count, () => "x") } }), 1024],
  "command.env": [(count) => ({ workload: undefined, command: { ...command, env: named(count, () => "x") } }), 1024],
  "space[0].categorical.choices": [
    (count) => ({ space: [{ name: "c", domain: { $case: "categorical", value: { choices: numbered(count, (at) => at) } } }] }),
    10_000,
  ],
  "schedule.steps": [
    (count) => ({ schedule: { steps: numbered(count, (at) => at), values: { a: { values: numbered(count, () => 0.5) } } } }),
    4096,
  ],
};

for (const [field, [set, greatest]] of Object.entries(lists)) {
  test(`${field} holds at most ${greatest}`, () => {
    assert.deepEqual(fieldsOf(set(greatest)), []);
    assert.deepEqual(fieldsOf(set(greatest + 1)), [field]);
  });
}

const withDomain = (kind: string, value: object, more: object = {}) => ({
  space: [{ name: "x", domain: { $case: kind, value: { scale: "SCALE_LINEAR", ...value } }, ...more }],
});

test("ranges are refused at the end that is wrong, and taken up to there", () => {
  const log = { scale: "SCALE_LOG" };
  const logit = { scale: "SCALE_LOGIT" };
  const cases: readonly [kind: string, value: object, fields: readonly string[]][] = [
    ["double", { min: 0, max: 0 }, ["max"]],
    ["double", { min: 0, max: 5e-324 }, []],
    ["double", { min: 1, max: 0 }, ["max"]],
    ["double", { min: Number.NaN, max: Number.POSITIVE_INFINITY }, ["min", "max"]],
    ["double", { min: 0, max: 1, ...log }, ["min"]],
    ["double", { min: 5e-324, max: 1, ...log }, []],
    ["double", { min: 0, max: 1, ...logit }, ["min", "max"]],
    ["double", { min: 1e-9, max: 1 - 1e-9, ...logit }, []],
    ["double", { min: 0, max: 1, scale: "SCALE_SQUARE" }, ["scale"]],
    ["double", { min: 0, max: 1, scale: "SCALE_UNSPECIFIED" }, []],
    ["double", { min: 0, max: 1, step: 1 }, []],
    ["double", { min: 0, max: 1, step: 1.0000001 }, ["step"]],
    ["double", { min: 0, max: 1, step: 0 }, ["step"]],
    ["double", { min: 0, max: 1, step: Number.NaN }, ["step"]],
    ["double", { min: 1, max: 2, step: 0.5, ...log }, ["step"]],
    ["double", { min: 0.1, max: 0.9, step: 0.1, ...logit }, ["step"]],
    ["double", { min: 0, max: 1, step: 1e-16 }, ["step"]],
    ["double", { min: 0, max: 1, step: 1e-15 }, []],
    ["int", { min: 1, max: 1 }, []],
    ["int", { min: 1, max: 0 }, ["max"]],
    ["int", { min: 0, max: 1, ...log }, ["min"]],
    ["int", { min: 1, max: 2, ...log }, []],
    ["int", { min: 1, max: 2, ...logit }, ["scale"]],
    ["int", { min: 0.5, max: 2 ** 53 }, ["min", "max"]],
    ["int", { min: -(2 ** 53 - 1), max: 2 ** 53 - 1 }, []],
    ["int", { min: 0, max: 9, step: 9 }, []],
    ["int", { min: 0, max: 9, step: 10 }, ["step"]],
    ["int", { min: 0, max: 9, step: 0.5 }, ["step"]],
    ["int", { min: 0, max: 9, step: -1 }, ["step"]],
  ];
  for (const [kind, value, fields] of cases)
    assert.deepEqual(
      fieldsOf(withDomain(kind, value)),
      fields.map((field) => `space[0].${kind}.${field}`),
      JSON.stringify([kind, value]),
    );
});

test("initial values lie in their domain, conditions name an earlier parameter and values that it can have", () => {
  const initial = (kind: string, value: object, given: unknown) => fieldsOf(withDomain(kind, value, { initial: given }));
  for (const [kind, value, good, bad] of [
    ["double", { min: 0, max: 1 }, [0, 1, 0.5], [-1e-9, 1 + 1e-9, "0", true]],
    ["int", { min: 1, max: 3 }, [1, 3], [0, 4, 1.5, "2"]],
    ["double", { min: 0, max: 1, step: 0.25 }, [0, 0.25, 1], [0.3, 1.25]],
    ["int", { min: 0, max: 10, step: 5 }, [0, 5, 10], [1, 15]],
    ["categorical", { choices: ["a", null, [1, 2]] }, ["a", null, [1, 2]], ["b", [1], 1]],
    ["boolean", {}, [true, false], ["true", 1]],
  ] as const) {
    for (const one of good) assert.deepEqual(initial(kind, value, one), [], JSON.stringify([kind, one]));
    for (const one of bad) assert.deepEqual(initial(kind, value, one), ["space[0].initial"], JSON.stringify([kind, one]));
  }
  const first = { name: "kind", domain: { $case: "categorical", value: { choices: ["a", "b"] } } };
  const when = (parameter: string, equals: readonly unknown[], before: object = first) =>
    fieldsOf({ space: [before, { ...boolean(1), when: { parameter, equals } }, boolean(2)] });
  assert.deepEqual(when("kind", ["a", "b"]), []);
  assert.deepEqual(when("kind", ["a", "c", "b", "d"]), ["space[1].when.equals[1]", "space[1].when.equals[3]"]);
  const twice = { ...first, domain: { $case: "categorical", value: { choices: ["a", "a"] } } };
  const told = checkSpec({
    ...sound,
    space: [twice, { ...boolean(1), when: { parameter: "kind", equals: ["b"] } }],
  } as SearchSpec);
  assert.deepEqual(
    told.map(({ expected }) => expected),
    ["a choice that the list does not hold already", 'one of "a"'],
  );
  assert.deepEqual(when("kind", []), ["space[1].when.equals"]);
  for (const wrong of ["p1", "p2", "none", ""]) assert.deepEqual(when(wrong, ["a"]), ["space[1].when.parameter"], wrong);
  const int = { name: "kind", domain: { $case: "int", value: { min: 1, max: 3, scale: "SCALE_LINEAR" } } };
  assert.deepEqual(when("kind", [1, 3, 4], int), ["space[1].when.equals[2]"]);
});

test("things that are there twice, or one beside another that excludes it, are refused", () => {
  assert.deepEqual(fieldsOf({ space: [boolean(1), boolean(1)] }), ["space[1].name"]);
  assert.deepEqual(fieldsOf({ techniques: [{ name: "a" }, { name: "b" }, { name: "a" }] }), ["techniques[2].name"]);
  const objective = { metric: "loss", direction: "DIRECTION_MINIMIZE" };
  assert.deepEqual(fieldsOf({ objectives: [objective, { ...objective, metric: "x" }, objective] }), ["objectives[2].metric"]);
  assert.deepEqual(
    fieldsOf({
      objectives: [
        { ...objective, goal: 0 },
        { ...objective, metric: "x", goal: 0 },
      ],
    }),
    ["objectives[1].goal"],
  );
  assert.deepEqual(fieldsOf({ objectives: [{ ...objective, goal: Number.NaN }] }), ["objectives[0].goal"]);
  assert.deepEqual(fieldsOf({ objectives: [{ ...objective, direction: "UP" }] }), ["objectives[0].direction"]);
  assert.deepEqual(fieldsOf({ objectives: [{ ...objective, value: "FIRST" }] }), ["objectives[0].value"]);
  assert.deepEqual(fieldsOf({ objectives: [] }), ["objectives"]);
  assert.deepEqual(fieldsOf({ command }), ["workload"]);
  assert.deepEqual(fieldsOf({ workload: undefined }), ["workload"]);
  assert.deepEqual(fieldsOf({ workload: { name: "", module: "" } }), ["workload.name"]);
  assert.deepEqual(fieldsOf({ workload: { name: "a", module: "b" } }), ["workload.module"]);
  assert.deepEqual(fieldsOf({ workload: undefined, command: { ...command, argv: [] } }), ["command.argv"]);
  assert.deepEqual(fieldsOf({ workload: undefined, command: { ...command, argv: ["", "x"] } }), ["command.argv"]);
  for (const name of ["9A", "A-B", "", "x".repeat(129)])
    assert.deepEqual(fieldsOf({ workload: undefined, command: { ...command, env: { [name]: "x" } } }), [`command.env.${name}`]);
  for (const share of [0, 1, -0.1, 1.1, Number.NaN, "0.5"]) assert.deepEqual(fieldsOf({ control: { share } }), ["control.share"]);
  for (const share of [1e-9, 0.5, 1 - 1e-9]) assert.deepEqual(fieldsOf({ control: { share } }), []);
  assert.deepEqual(fieldsOf({ tuning: { name: "" } }), ["tuning.name"]);
  assert.deepEqual(fieldsOf({ strategy: undefined }), ["strategy"]);
  for (const tuned of ["TUNED_INSIDE", "TUNED_OUTSIDE", "TUNED_UNSPECIFIED", undefined])
    assert.deepEqual(fieldsOf({ space: [{ ...boolean(1), tuned }] }), []);
  assert.deepEqual(fieldsOf({ space: [{ ...boolean(1), tuned: "TUNED" }] }), ["space[0].tuned"]);
  assert.deepEqual(fieldsOf({ space: [{ ...boolean(1), domain: undefined }] }), ["space[0]"]);
});

test("choices are distinct scalars, null or lists, and everything else is told at its place", () => {
  const choices = (...all: readonly unknown[]) => fieldsOf(withDomain("categorical", { choices: all }));
  const at = (...places: readonly number[]) => places.map((place) => `space[0].categorical.choices[${place}]`);
  assert.deepEqual(choices("1", 1, true, "true", null, "null", [1], ["1"], [null], []), []);
  assert.deepEqual(choices(1, 2, 1, [1, 2], [1, 2], null, null), at(2, 4, 6));
  assert.deepEqual(choices("ok", Number.NaN, { a: 1 }, undefined, [[1]], [{ a: 1 }], "x".repeat(4097)), at(1, 2, 3, 4, 5, 6));
  assert.deepEqual(choices("x".repeat(4096), ["x".repeat(4092)]), []);
  assert.deepEqual(choices("a", ["x".repeat(4093)]), at(1));
  assert.deepEqual(choices(), ["space[0].categorical.choices"]);
});

test("options are bounded at all depths", () => {
  const options = (value: unknown) => fieldsOf({ strategy: { name: "random", options: value } });
  const deep = (depth: number): unknown => (depth === 0 ? 1 : { o: deep(depth - 1) });
  assert.deepEqual(options(deep(16)), []);
  assert.deepEqual(options(deep(17)).length, 1);
  // The map that holds them is a value too.
  assert.deepEqual(options({ list: numbered(9998, () => 1) }), []);
  assert.deepEqual(options({ list: numbered(9999, () => 1) }), ["strategy.options"]);
  assert.deepEqual(options({ ["x".repeat(128)]: "x".repeat(4096), n: null, b: false }), []);
  assert.deepEqual(options({ ["x".repeat(129)]: 1 }), ["strategy.options"]);
  assert.deepEqual(options({ a: ["x".repeat(4097)], b: { c: Number.NaN } }), ["strategy.options.a[0]", "strategy.options.b.c"]);
  assert.deepEqual(options({ f: () => 1 }), ["strategy.options.f"]);
  for (const wrong of [[], "x", null, JSON.parse('{"__proto__": 1}')]) assert.deepEqual(options(wrong), ["strategy.options"]);
});

test("schedules rise from 0, with one finite number a step", () => {
  const schedule = (steps: readonly unknown[], values: object) => fieldsOf({ schedule: { steps, values } });
  const vector = (...values: readonly unknown[]) => ({ a: { values } });
  assert.deepEqual(schedule([0, 5, 6], vector(1, 2, 3)), []);
  assert.deepEqual(schedule([0, 5, 5], vector(1, 2, 3)), ["schedule.steps[2]"]);
  assert.deepEqual(schedule([1, 2], vector(1, 2)), ["schedule.steps[0]"]);
  assert.deepEqual(schedule([0, 0.5], vector(1, 2)), ["schedule.steps[1]"]);
  assert.deepEqual(schedule([], {}), ["schedule.steps"]);
  assert.deepEqual(schedule([0], {}), ["schedule.values"]);
  assert.deepEqual(schedule([0, 1], vector(1)), ["schedule.values.a"]);
  assert.deepEqual(schedule([0, 1], vector(1, Number.NaN)), ["schedule.values.a[1]"]);
  assert.deepEqual(schedule([0], { "9": { values: [1] } }), ["schedule.values.9"]);
});

test("the bounds and defaults that documents promise", () => {
  const { stepTimeoutMs, checkpointEveryMs, stopGraceMs, retriesMax, retryBackoffMs, retryBackoffMsMax, pageSize } = defaults;
  assert.deepEqual(
    { stepTimeoutMs, checkpointEveryMs, stopGraceMs, retriesMax, retryBackoffMs, retryBackoffMsMax, pageSize },
    {
      stepTimeoutMs: 120_000,
      checkpointEveryMs: 30_000,
      stopGraceMs: 10_000,
      retriesMax: 3,
      retryBackoffMs: 1000,
      retryBackoffMsMax: 60_000,
      pageSize: 100,
    },
  );
  const { address, heartbeatEveryMs, leaseTimeoutMs, endGraceMs } = defaults;
  assert.deepEqual([address, heartbeatEveryMs, leaseTimeoutMs, endGraceMs], ["127.0.0.1:7711", 2000, 10_000, 30_000]);
  const { messageBytesMax, artifactBytesMax, pageSizeMax, activeSearchesMax, activeSearchesPerCallerMax } = limits;
  assert.deepEqual(
    [messageBytesMax, artifactBytesMax, pageSizeMax, activeSearchesMax, activeSearchesPerCallerMax],
    [2 ** 22, 2 ** 32, 1000, 1000, 500],
  );
});
