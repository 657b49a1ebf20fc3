/** No message, however hostile, makes the check throw: each gives problems with paths, or is a search that a file can hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkSpec } from "./check-spec.js";
import { SearchSpec } from "./gen/regulus/v1/search.js";
import { limits } from "./limits.js";
import { parseSearchDocument } from "./search-file.js";
import { specToDocument } from "./spec-document.js";

const sound = parseSearchDocument({
  name: "sound",
  workload: "ridge",
  objective: { metric: "validLoss" },
  strategy: "random",
  space: {
    a: { type: "double", min: 1e-3, max: 1, scale: "log" },
    b: { type: "int", min: 1, max: 9, initial: 3 },
    c: { type: "categorical", choices: ["x", 2, true] },
    d: { type: "boolean", when: { parameter: "c", equals: ["x", 2] } },
  },
  budget: { trials: 10 },
});

const number = fc.oneof(
  fc.nat(100),
  fc.double(),
  fc.integer(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, -1, 0.5, 2 ** 53, 2 ** 60, Number.MIN_VALUE, Number.MAX_VALUE),
);
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "toString",
    "a",
    "b",
    "c",
    "d",
    "validLoss",
    "random",
    "\u0000",
    "\ud800",
    "x".repeat(5000),
  ),
);
const json = fc.oneof(number, text, fc.boolean(), fc.jsonValue({ maxDepth: 4 }), fc.constant(undefined), fc.constant(null));
const map = fc.dictionary(text, json, { maxKeys: 4 });
const scale = fc.constantFrom("SCALE_UNSPECIFIED", "SCALE_LINEAR", "SCALE_LOG", "SCALE_LOGIT", "UNRECOGNIZED");
const range = fc.record({ min: number, max: number, scale });
const domain = fc.oneof(
  fc.record({ $case: fc.constantFrom("double", "int"), value: range }),
  fc.record({ $case: fc.constant("categorical"), value: fc.record({ choices: fc.array(json, { maxLength: 5 }) }) }),
  fc.record({ $case: fc.constant("boolean"), value: fc.constant({}) }),
  fc.constant(undefined),
);
const when = fc.option(fc.record({ parameter: text, equals: fc.array(json, { maxLength: 3 }) }), { nil: undefined });
const parameter = fc.record({ name: text, domain, initial: json, when });
const component = fc.record({ name: text, options: fc.option(map, { nil: undefined }) });
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });

/** Messages in which up to three fields are replaced by hostile ones of the field's type; some of those happen to be sound. */
const hostile = fc
  .record({
    name: text,
    workload: maybe(fc.record({ name: text, module: text, options: maybe(map) })),
    command: maybe(
      fc.record({
        argv: fc.array(text, { maxLength: 3 }),
        env: fc.dictionary(text, text),
        directory: text,
        stopGraceMs: number,
      }),
    ),
    objectives: fc.array(fc.record({ metric: text, direction: fc.constantFrom("DIRECTION_MAXIMIZE", "UNRECOGNIZED") }), {
      maxLength: 3,
    }),
    strategy: maybe(component),
    space: fc.array(parameter, { maxLength: 6 }),
    techniques: fc.array(component, { maxLength: 3 }),
    probes: fc.array(component, { maxLength: 3 }),
    diagnostics: fc.array(component, { maxLength: 3 }),
    budget: maybe(fc.record({ trials: number, steps: number, stepsPerTrial: number, wallTimeMs: number })),
    parallelism: number,
    resources: maybe(
      fc.record({
        slots: number,
        backend: text,
        memoryBytes: number,
        agentLabels: fc.dictionary(text, text),
        stepTimeoutMs: number,
        attemptTimeoutMs: number,
      }),
    ),
    retries: maybe(fc.record({ max: maybe(number), backoffMs: number, on: fc.array(fc.string()) })),
    seed: number,
    labels: fc.dictionary(text, text),
    priority: number,
    inputs: fc.array(
      maybe(fc.record({ search: maybe(text), trials: maybe(fc.array(number)), best: number, kinds: maybe(fc.array(text)) })),
      { maxLength: 3 },
    ),
    weight: maybe(number),
    reporting: maybe(fc.record({ measureEverySteps: number, checkpointEveryMs: number })),
  })
  .chain((changes) => fc.subarray(Object.entries(changes), { minLength: 1, maxLength: 3 }))
  // The generator stands in for a decoder: its values have the message's fields but not always their types.
  .map((changes) => ({ ...sound, ...Object.fromEntries(changes) }) as SearchSpec);

test("1,000 hostile searches: each gets problems with paths, or is a search that survives wire and file", () => {
  let refused = 0;
  fc.assert(
    fc.property(hostile, (spec) => {
      const problems = checkSpec(spec);
      if (problems.length > 0) {
        refused += 1;
        for (const { field, seen, expected } of problems)
          assert.ok(field !== "" && seen !== "" && expected !== "", JSON.stringify(problems));
        return;
      }
      const decoded = SearchSpec.decode(SearchSpec.encode(spec).finish());
      assert.deepEqual(checkSpec(decoded), []);
      assert.deepEqual(parseSearchDocument(specToDocument(decoded)), normal(decoded));
    }),
    { numRuns: 1000, seed: 20_261_122 },
  );
  assert.ok(refused > 700 && refused < 995, `${refused} of 1,000 were refused: the generator tells too little on one side`);
});

test("a name that no file can hold is refused in every map of a message too", () => {
  const odd = Object.fromEntries([["__proto__", "x"]]);
  const command = { ...SearchSpec.fromPartial({ command: { argv: ["x"] } }).command, env: odd };
  const resources = { ...SearchSpec.fromPartial({ resources: {} }).resources, agentLabels: odd };
  for (const [changes, field] of [
    [{ labels: odd }, "labels"],
    [{ resources }, "resources.agentLabels"],
    [{ workload: undefined, command }, "command.env"],
  ] as const) {
    const problems = checkSpec({ ...sound, ...changes } as SearchSpec);
    assert.deepEqual(
      problems.map((one) => [one.field, one.seen]),
      [[field, "the name __proto__"]],
    );
  }
});

test("1,000 messages with broken bytes: what still decodes is checked without throwing", () => {
  const bytes = SearchSpec.encode(sound).finish();
  const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  let decoded = 0;
  fc.assert(
    fc.property(edits, (changes) => {
      const broken = Uint8Array.from(bytes);
      for (const [at, byte] of changes) broken[at] = byte;
      const spec = decode(broken);
      if (spec === undefined) return;
      decoded += 1;
      for (const { field } of checkSpec(spec)) assert.notEqual(field, "");
    }),
    { numRuns: 1000, seed: 20_261_122 },
  );
  assert.ok(decoded > 200, `only ${decoded} still decoded`);
});

test("sub-messages, lists and maps that are missing or of another kind are problems, not exceptions", () => {
  for (const name of Object.keys(sound)) {
    for (const value of [undefined, null, 0, "x", [], [null], [undefined], {}, Number.NaN]) {
      assert.ok(Array.isArray(checkSpec({ ...sound, [name]: value })), name);
    }
  }
  assert.ok(checkSpec(Object.create(null)).length > 0);
  assert.equal(checkSpec(undefined as unknown as SearchSpec)[0]?.field, "spec");
});

test("huge lists are reported once and looked at up to their bounds", () => {
  const choices = Array.from({ length: 20_000 }, () => "same");
  const huge = { name: "p", domain: { $case: "categorical" as const, value: { choices } }, when: undefined };
  const problems = checkSpec({ ...sound, space: Array.from({ length: 50_000 }, () => huge) });
  assert.ok(problems.some(({ field, seen }) => field === "space" && seen === "50000 parameters"));
  assert.ok(problems.length <= limits.problemsMax + 1);
  assert.match(problems.at(-1)?.seen ?? "", /more problems/);
});

test("options are bounded in depth and size, and a decoded name __proto__ is seen", () => {
  const deep = Array.from({ length: 40 }).reduce<unknown>((inner) => ({ inner }), 1);
  assert.match(problemAt({ strategy: { name: "random", options: { deep } } }, "strategy.options"), /deep/);
  const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`n${index}`, index]));
  assert.match(problemAt({ strategy: { name: "random", options: wide } }, "strategy.options"), /values/);
  const foreign = Object.setPrototypeOf({}, { inherited: 1 });
  assert.match(problemAt({ strategy: { name: "random", options: foreign } }, "strategy.options"), /__proto__/);
});

function problemAt(change: Partial<SearchSpec>, field: string): string {
  return checkSpec({ ...sound, ...change }).find((problem) => problem.field.startsWith(field))?.expected ?? "none";
}

function decode(bytes: Uint8Array): SearchSpec | undefined {
  try {
    return SearchSpec.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What a file can't tell apart from its defaults: unspecified directions and scales, and sub-messages that are all zeros. */
function normal(spec: SearchSpec): SearchSpec {
  return {
    ...spec,
    objectives: spec.objectives.map((one) => ({
      ...one,
      direction: one.direction === "DIRECTION_UNSPECIFIED" ? "DIRECTION_MINIMIZE" : one.direction,
    })),
    space: spec.space.map((one) => {
      if (one.domain?.$case !== "double" && one.domain?.$case !== "int") return one;
      const { value } = one.domain;
      const scaled = { ...value, scale: value.scale === "SCALE_UNSPECIFIED" ? ("SCALE_LINEAR" as const) : value.scale };
      return { ...one, domain: { ...one.domain, value: scaled } };
    }),
  };
}
