/** Resolving a search: what is filled in, what is joined, what is refused and how it is said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Problem, parseSearchDocument, RegulusError, Scale, SearchSpec } from "@regulus/proto";
import { listComponents } from "./listing.js";
import { resolveSpec } from "./resolve-spec.js";
import { insideParameters, strategyContext } from "./strategy-context.js";

/** A sound search as its file states it, with changes. */
function search(changes: Record<string, unknown> = {}): SearchSpec {
  return parseSearchDocument({
    name: "digits",
    workload: "mnist-mlp",
    objective: { metric: "validLoss", direction: "minimize" },
    strategy: "random",
    space: { learningRate: { type: "double", min: 0.001, max: 0.1, scale: "log" } },
    budget: { trials: 10, stepsPerTrial: 100 },
    ...changes,
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
const names = (spec: SearchSpec) => spec.space.map(({ name }) => name);

test("defaults are written out, options too", () => {
  const spec = resolveSpec(search({ strategy: "asha" }));
  assert.deepEqual(spec.strategy?.options, { eta: 3, sampler: "random", incumbents: [], finishBest: true });
  assert.deepEqual(spec.workload?.options?.hiddenUnits, [256, 256]);
  assert.equal(spec.parallelism, 1);
  assert.equal(spec.retries?.max, 3);
  assert.equal(spec.resources?.stepTimeoutMs, 120_000);
  assert.equal(spec.reporting?.checkpointEveryMs, 30_000);
});

test("techniques' hyperparameters join the space, unless it names them or an option fixes them", () => {
  const joined = resolveSpec(search({ techniques: ["dropout", "weight-decay"] }));
  assert.deepEqual(names(joined), ["learningRate", "inputDropout", "hiddenDropout", "weightDecay"]);
  const { domain } = joined.space[3] ?? {};
  assert.ok(domain?.$case === "double" && domain.value.scale === Scale.SCALE_LOG);
  const named = resolveSpec(search({ techniques: ["dropout"], space: { inputDropout: { type: "double", min: 0, max: 0.5 } } }));
  assert.deepEqual(names(named), ["inputDropout", "hiddenDropout"]);
  assert.ok(named.space[0]?.domain?.$case === "double" && named.space[0].domain.value.max === 0.5);
  const fixed = resolveSpec(search({ techniques: [{ name: "dropout", options: { inputDropout: 0.1 } }] }));
  assert.deepEqual(names(fixed), ["learningRate", "hiddenDropout"]);
});

test("resolving twice changes nothing, and neither does a message on the way", () => {
  const documents = [
    {},
    { strategy: "asha", techniques: ["dropout", "gradient-clipping", { name: "weight-decay", options: { weightDecay: 1e-3 } }] },
    { strategy: "self-tuning-network", techniques: ["dropout", "input-noise", "label-smoothing"] },
    {
      strategy: { name: "grid", options: { steps: { learningRate: 3 } } },
      diagnostics: ["scale-watch"],
      budget: { stepsPerTrial: 5 },
    },
    { workload: undefined, command: { argv: ["python3", "train.py"] }, space: { anything: { type: "int", min: 1, max: 3 } } },
    {
      workload: { module: "/models/mine.js", options: { depth: 3 } },
      space: { whatever: { type: "boolean" } },
      techniques: ["dropout"],
    },
  ];
  for (const document of documents) {
    const once = resolveSpec(search(document));
    assert.deepEqual(resolveSpec(once), once);
    const carried = SearchSpec.decode(SearchSpec.encode(once).finish());
    assert.deepEqual(SearchSpec.toJSON(resolveSpec(carried)), SearchSpec.toJSON(once));
  }
});

test("unknown names are refused with the likely one", () => {
  const problems = problemsOf(
    search({ workload: "mnist-mpl", strategy: "ahsa", techniques: ["droput"], diagnostics: ["scale-wach"] }),
  );
  const said = new Map(problems.map(({ field, expected }) => [field, expected]));
  assert.match(said.get("workload.name") ?? "", /did you mean mnist-mlp\?/);
  assert.match(said.get("strategy.name") ?? "", /did you mean asha\?/);
  // Before the list, which is longer than what is shown of a problem.
  assert.match(said.get("techniques[0].name") ?? "", /^one of these \(did you mean dropout\?\): /);
  assert.equal(said.get("diagnostics[0].name"), "one of these (did you mean scale-watch?): hypergradient-watch, scale-watch");
});

test("wrong options are refused with their paths, all at once", () => {
  const problems = problemsOf(
    search({
      strategy: { name: "asha", options: { eta: 0.5, sampler: "sobel", finish: true } },
      workload: { name: "mnist-mlp", options: { hiddenUnits: [0] } },
    }),
  );
  assert.deepEqual(problems, [
    { field: "strategy.options.eta", seen: "0.5", expected: "number to be >=2" },
    { field: "strategy.options.sampler", seen: '"sobel"', expected: "one of these (did you mean sobol?): random, sobol" },
    {
      field: "strategy.options.finish",
      seen: '"finish"',
      expected: "one of eta, minSteps, maxSteps, sampler, incumbents, finishBest",
    },
    { field: "workload.options.hiddenUnits[0]", seen: "0", expected: "number to be >=1" },
  ]);
});

test("what is wrong in one place hides nothing in another", () => {
  const spec = search({
    strategy: "randon",
    workload: "mnist-mpl",
    techniques: ["dropout", { name: "weight-decay", options: { weightDecai: 1e-3 } }],
    diagnostics: ["scale-wach"],
    budget: {},
  });
  assert.deepEqual(fieldsOf({ ...spec, name: "", parallelism: -1 }), [
    "name",
    "parallelism",
    "strategy.name",
    "workload.name",
    "techniques[1].options.weightDecai",
    "diagnostics[0].name",
    "budget",
  ]);
  // A strategy looks at what it plans with, whatever is wrong with the rest.
  const asha = { strategy: { name: "asha", options: { minSteps: 9, maxSteps: 5 } }, workload: "mnist-mpl" };
  assert.deepEqual(fieldsOf(search(asha)), ["workload.name", "strategy.options.minSteps"]);
  assert.deepEqual(fieldsOf(search({ strategy: "gird", budget: {} })), ["strategy.name"], "the likely one ends by itself");
});

test("parameters that nothing understands are refused, and it is said who would", () => {
  const range = { type: "double", min: 0.1, max: 0.5 };
  const [typo, sleeping] = problemsOf(search({ space: { learningrat: range, weightDecay: range } }));
  assert.equal(typo?.field, "space[0].name");
  assert.match(typo?.expected ?? "", /^one of these \(did you mean learningRate\?\): learningRate, /);
  assert.equal(sleeping?.expected, "its technique weight-decay to be switched on under techniques");
  const fixed = search({ techniques: [{ name: "dropout", options: { inputDropout: 0.1 } }], space: { inputDropout: range } });
  assert.match(problemsOf(fixed)[0]?.expected ?? "", /an option of the technique dropout fixes it already/);
});

test("types and ranges are checked against what the component takes", () => {
  const space = {
    inputDropout: { type: "double", min: 0, max: 0.99 },
    batchSize: { type: "double", min: 8, max: 64 },
    optimizer: { type: "categorical", choices: ["adam", "rmsprop"] },
    momentum: { type: "categorical", choices: [0.9, "much"] },
  };
  const problems = problemsOf(search({ techniques: ["dropout"], space }));
  assert.deepEqual(
    problems.map(({ field, seen }) => [field, seen]),
    [
      ["space[0].double.max", "0.99"],
      ["space[1]", "type double"],
      ["space[2].categorical.choices[1]", '"rmsprop"'],
      ["space[3].categorical.choices[1]", '"much"'],
    ],
  );
  assert.equal(problems[0]?.expected, "number to be <=0.9 for the technique dropout");
});

test("searches that learn inside training are watched, asked or not", () => {
  const self = { strategy: "self-tuning-network", techniques: ["dropout"] };
  const watchers = (changes: Record<string, unknown>) => resolveSpec(search(changes)).diagnostics.map(({ name }) => name);
  assert.deepEqual(watchers(self), ["scale-watch", "hypergradient-watch"]);
  const own = { name: "scale-watch", options: { collapsedBelow: 0.01 } };
  const mine = resolveSpec(search({ ...self, diagnostics: [own] }));
  assert.deepEqual(
    mine.diagnostics.map(({ name, options }) => [name, options?.collapsedBelow]),
    [
      ["scale-watch", 0.01],
      ["hypergradient-watch", undefined],
    ],
  );
  assert.deepEqual(watchers({}), []);
});

test("metrics, budgets and commands are checked against what runs", () => {
  assert.match(problemsOf(search({ objective: { metric: "validLos" } }))[0]?.expected ?? "", /did you mean validLoss\?/);
  assert.deepEqual(fieldsOf(search({ budget: { stepsPerTrial: 100 } })), ["budget"]);
  assert.deepEqual(fieldsOf(search({ budget: { stepsPerTrial: 100 }, strategy: "grid" })), []);
  assert.deepEqual(fieldsOf(search({ budget: { trials: 3 }, strategy: "asha" })), ["budget.stepsPerTrial"]);
  assert.deepEqual(fieldsOf(search({ workload: undefined, command: { argv: ["./train"] }, techniques: ["dropout"] })), [
    "techniques",
  ]);
  assert.deepEqual(fieldsOf(search({ budget: { trials: 3 }, strategy: { name: "asha", options: { maxSteps: 81 } } })), []);
  assert.deepEqual(fieldsOf(search({ strategy: "self-tuning-network" })), ["techniques"]);
  const aimless = { strategy: "self-tuning-network", techniques: ["dropout"], budget: { trials: 3 } };
  assert.deepEqual(fieldsOf(search(aimless)), ["budget.stepsPerTrial"]);
  assert.deepEqual(fieldsOf(search({ space: {}, techniques: [{ name: "weight-decay", options: { weightDecay: 0.1 } }] })), [
    "space",
  ]);
});

test("a malformed message is refused, whatever is in it", () => {
  const sound = search();
  for (const [field, values] of Object.entries({
    space: [null, [null], [{ name: 3 }], {}],
    techniques: [[null], [{ name: "dropout", options: 3 }], "dropout"],
    strategy: [null, 3, { name: null }],
    objectives: [null, [null], [{}]],
    budget: [3, { trials: Number.NaN }],
    workload: [3, { name: "mnist-mlp", module: "", options: { trainSize: Number.NaN } }],
  })) {
    for (const value of values) {
      const broken = JSON.parse(JSON.stringify(sound));
      broken[field] = value;
      assert.throws(() => resolveSpec(broken), RegulusError, `${field}: ${JSON.stringify(value)}`);
    }
  }
});

test("the strategy hears of the space, what is learned inside, and how plain trials run", () => {
  const spec = resolveSpec(search({ techniques: ["dropout", "weight-decay"], parallelism: 4 }));
  const context = strategyContext(spec);
  assert.deepEqual(context.inside, ["inputDropout", "hiddenDropout", "weightDecay"]);
  assert.deepEqual(insideParameters(spec), context.inside);
  assert.equal(context.plainProcedure, "fit");
  assert.equal(context.parallelism, 4);
  assert.equal(context.space.parameters.length, 4);
  const command = search({ workload: undefined, command: { argv: ["./train"] } });
  assert.equal(strategyContext(resolveSpec(command)).plainProcedure, "command");
  const choices = { inputDropout: { type: "categorical", choices: [0.1, 0.2] } };
  assert.deepEqual(insideParameters(resolveSpec(search({ techniques: ["dropout"], space: choices }))), ["hiddenDropout"]);
});

test("the listing tells names, words and options of everything", () => {
  const listed = listComponents();
  assert.ok(listed.every(({ name, summary, source }) => name !== "" && summary.endsWith(".") && source !== ""));
  assert.deepEqual(listed.find(({ kind, name }) => kind === "strategy" && name === "grid")?.options, ["steps"]);
  assert.equal(new Set(listed.map(({ kind, name }) => `${kind} ${name}`)).size, listed.length);
});

test("parameters marked as tuned inside leave the strategy's space, and its trials tune themselves", () => {
  const rate = { type: "double", min: 0.001, max: 0.1, scale: "log" };
  const dropout = { type: "double", min: 0, max: 0.5 };
  const marked = resolveSpec(
    search({ techniques: ["dropout"], space: { learningRate: rate, inputDropout: { ...dropout, tuned: "inside" } } }),
  );
  const context = strategyContext(marked);
  assert.deepEqual([context.plainProcedure, context.inside], ["self-tune", ["inputDropout"]]);
  assert.deepEqual(
    context.space.parameters.map(({ name }) => name),
    ["learningRate", "hiddenDropout"],
    "what is not marked stays outside",
  );
  const all = resolveSpec(
    search({
      techniques: ["dropout"],
      tuning: { name: "self-tune", options: { entropyWeight: 0.01 } },
      space: { learningRate: rate, inputDropout: { ...dropout, tuned: "outside" } },
    }),
  );
  assert.deepEqual(strategyContext(all).inside, ["hiddenDropout"], "with tuning, all that can be learned and is not marked");
  assert.deepEqual(
    [strategyContext(all).plainOptions?.entropyWeight, strategyContext(all).plainOptions?.warmUpSteps],
    [0.01, 10],
    "a tenth of 100 steps",
  );
  assert.deepEqual(resolveSpec(all), all);
  const own = resolveSpec(
    search({
      techniques: ["dropout"],
      strategy: "self-tuning-network",
      space: { inputDropout: { ...dropout, tuned: "outside" } },
    }),
  );
  assert.deepEqual([strategyContext(own).inside, strategyContext(own).plainProcedure], [["hiddenDropout"], "fit"]);
});

test("a trial that tunes inside has the same short warm-up whether parameters are marked or its procedure is named", () => {
  const space = { hiddenDropout: { type: "double", min: 0.001, max: 0.5, tuned: "inside" } };
  for (const [stepsPerTrial, warmUpSteps] of [
    [200, 20],
    [9, 0],
    [100_000, 400],
  ]) {
    const short = { techniques: ["dropout"], space, budget: { trials: 1, stepsPerTrial } };
    for (const more of [{}, { tuning: "self-tune" }]) {
      const { plainProcedure, plainOptions } = strategyContext(resolveSpec(search({ ...short, ...more })));
      assert.deepEqual([plainProcedure, plainOptions?.warmUpSteps], ["self-tune", warmUpSteps], JSON.stringify(more));
    }
  }
});

test("what can't be tuned inside, replayed or set aside is refused where it stands", () => {
  const range = { type: "double", min: 0.001, max: 0.1 };
  const wrong = search({
    techniques: ["dropout"],
    space: { learningRate: { ...range, tuned: "inside" }, inputDropout: { ...range, tuned: "inside" }, hiddenDropout: range },
    control: { share: 0.01 },
    schedule: { steps: [0], values: { inputDropout: [0.1], weightDecay: [0.1] } },
  });
  assert.deepEqual(fieldsOf(wrong), ["schedule.values.weightDecay", "space[1].name"]);
  // One value for a whole trial: the view of kernels that it belongs to does not move.
  const held = { techniques: ["weight-standardization", "dropout"], schedule: { steps: [0], values: { standardizedNorm: [1] } } };
  assert.deepEqual(fieldsOf(search(held)), ["schedule.values.standardizedNorm"]);
  const alone = { ...wrong, schedule: undefined };
  assert.deepEqual(fieldsOf(alone), ["space[0].tuned", "control.share"]);
  assert.deepEqual(fieldsOf(search({ tuning: "self-tune" })), ["tuning"]);
  assert.deepEqual(fieldsOf(search({ tuning: "fit", techniques: ["dropout"] })), ["tuning.name"]);
  assert.deepEqual(fieldsOf(search({ tuning: { name: "self-tune", options: { entropy: 1 } }, techniques: ["dropout"] })), [
    "tuning.options",
  ]);
  const short = { techniques: ["dropout"], budget: { trials: 1, stepsPerTrial: 200 } };
  const warmUp = (warmUpSteps: number) => ({ name: "self-tune", options: { warmUpSteps } });
  assert.deepEqual(fieldsOf(search({ ...short, tuning: warmUp(199) })), []);
  assert.deepEqual(fieldsOf(search({ ...short, tuning: warmUp(200) })), ["tuning.options.warmUpSteps"]);
  const network = (warmUpSteps: number) => ({ ...short, strategy: { name: "self-tuning-network", options: { warmUpSteps } } });
  assert.deepEqual(fieldsOf(search(network(199))), []);
  assert.deepEqual(fieldsOf(search(network(200))), ["strategy.options.warmUpSteps"]);
  const scheduled = { techniques: ["dropout"], schedule: { steps: [0], values: { inputDropout: [0.1] } } };
  assert.deepEqual(fieldsOf(search({ ...scheduled, strategy: "self-tuning-network" })), ["schedule"]);
  assert.deepEqual(names(resolveSpec(search(scheduled))), ["learningRate", "hiddenDropout"]);
  assert.deepEqual(fieldsOf(search({ strategy: "grid", budget: { stepsPerTrial: 9 }, control: { share: 0.2 } })), ["budget"]);
});

test("a search without parameters is for strategies that move the workload's own", () => {
  const none = { workload: "quadratic-samples", objective: { metric: "upperLoss", direction: "minimize" }, space: {} };
  const [problem] = problemsOf(search({ ...none, strategy: "random" }));
  assert.deepEqual([problem?.field, problem?.expected], ["space", "at least one parameter to search"]);
  assert.deepEqual(problemsOf(search({ ...none, strategy: "maid", budget: {} })), []);
});
