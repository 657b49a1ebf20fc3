/** Inputs of a search are checked before it starts: a strategy that takes them, kinds that it takes, each result once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Problem, parseSearchDocument, RegulusError, type SearchSpec } from "@regulus/proto";
import { listComponents } from "./listing.js";
import { resolveSpec } from "./resolve-spec.js";

function searchOf(strategy: object): SearchSpec {
  return parseSearchDocument({
    name: "combined",
    workload: "mnist-mlp",
    objective: { metric: "validLoss" },
    strategy,
    space: { learningRate: { type: "double", min: 0.001, max: 0.1, scale: "log" } },
    budget: { trials: 10, stepsPerTrial: 100 },
  });
}

/** The problems of a search that is refused. */
function problemsOf(spec: SearchSpec): readonly Problem[] {
  try {
    resolveSpec(spec);
  } catch (error) {
    assert.ok(error instanceof RegulusError && error.code === "invalid-argument", String(error));
    return error.problems;
  }
  return [];
}

const fieldsOf = (spec: SearchSpec) => problemsOf(spec).map(({ field }) => field);

test("inputs are refused unless the strategy takes them, of their kind, each once", () => {
  const kinds = ["predictions-valid"];
  const first = { search: "a", trials: [0, 1], best: 0, kinds, results: [] };
  for (const { kind, name } of listComponents()) {
    if (kind !== "strategy") continue;
    const spec = { ...searchOf({ name, options: {} }), inputs: [first] };
    const refused = problemsOf(spec).filter(({ field }) => field === "inputs");
    const expected = name === "ensemble" ? [] : [`none: the strategy ${name} takes no inputs`];
    assert.deepEqual(
      refused.map((problem) => problem.expected),
      expected,
    );
  }
  const combining = searchOf({ name: "ensemble", options: { members: 0 } });
  const cases: readonly [SearchSpec["inputs"], readonly string[]][] = [
    [[first, { ...first, search: "b" }], []],
    [[first, { ...first, kinds: ["predictions-test"] }], []],
    [[first, { ...first, search: "b", kinds: ["predictions-test"] }], ["inputs"]],
    [[{ ...first, kinds: ["checkpoint"] }], ["inputs[0].kinds[0]"]],
    [[{ ...first, kinds: [...kinds, ...kinds] }], ["inputs[0].kinds[1]"]],
    [[{ ...first, trials: [0, 0] }], ["inputs[0].trials[1]"]],
    [[first, { ...first, trials: [3, 1] }], ["inputs[1].trials[1]"]],
  ];
  for (const [inputs, fields] of cases) assert.deepEqual(fieldsOf({ ...combining, inputs }), fields);
});

test("members and inputs predict the same splits, since they are combined", () => {
  const inputs = [{ search: "a", trials: [], best: 2, kinds: ["predictions-valid"], results: [] }];
  const training = (splits: string[]) => {
    const spec = searchOf({ name: "ensemble", options: { members: 2 } });
    return { ...spec, inputs, reporting: { measureEverySteps: 0, checkpointEveryMs: 0, predictions: { splits, precision: "" } } };
  };
  assert.deepEqual(problemsOf(training(["valid"])), []);
  assert.deepEqual(problemsOf(training(["valid", "test"])), [
    {
      field: "inputs",
      seen: "a trial's predictions-valid",
      expected: "predictions-test, predictions-valid as the members leave by reporting.predictions",
    },
  ]);
});
