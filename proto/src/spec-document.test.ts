/** A file that says everything becomes the message field by field, and comes back as it was written; units are those of the contract. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSearchDocument } from "./search-file.js";
import { specToDocument } from "./spec-document.js";

const full = {
  name: "all of it",
  command: { argv: ["./train", "--lr=${rate}"], env: { SEED: "1" }, directory: "/work", stopGraceMs: "3s" },
  objectives: [
    { metric: "loss", direction: "minimize", value: "last", goal: 0.25 },
    { metric: "accuracy", direction: "maximize" },
  ],
  strategy: { name: "asha", options: { eta: 4 } },
  space: {
    rate: { type: "double", min: 0.001, max: 1, scale: "log", initial: 0.1 },
    share: { type: "double", min: 0.1, max: 0.9, scale: "logit", tuned: "outside" },
    part: { type: "double", min: 0, max: 1, step: 0.25 },
    units: { type: "int", min: 8, max: 512, scale: "log", initial: 64 },
    depth: { type: "int", min: 0, max: 9, step: 3 },
    kind: { type: "categorical", choices: ["a", 1, true, null, [1, "b"]], initial: null },
    fast: { type: "boolean", initial: false, when: { parameter: "kind", equals: "a" } },
    slow: { type: "boolean", tuned: "inside", when: { parameter: "kind", equals: ["a", 1] } },
  },
  techniques: ["dropout", { name: "weight-decay", options: { weightDecay: 0.1 } }],
  probes: ["calibration"],
  diagnostics: ["scale-watch"],
  budget: { trials: 7, steps: 700, stepsPerTrial: 100, wallTime: "1h30m", failures: 3 },
  parallelism: 4,
  resources: {
    slots: 2,
    backend: "cpu",
    memory: "2GiB",
    agentLabels: { zone: "a" },
    stepTimeout: "45s",
    attemptTimeout: "2h",
  },
  retries: { max: 0, backoff: "250ms", on: ["lost", "user-error"] },
  reporting: { measureEverySteps: 10, checkpointEvery: "1m", predictions: { splits: ["valid", "test"], precision: "float16" } },
  seed: 12,
  labels: { team: "x" },
  tuning: { name: "self-tune", options: { entropyWeight: 0.5 } },
  control: { share: 0.25 },
  schedule: { steps: [0, 10], values: { rate: [0.1, 0.2] } },
  inputs: [
    { search: "7f3a", best: 3, kinds: ["predictions-valid", "predictions-test"] },
    { search: "the other", trials: [0, 4], kinds: ["schedule"] },
  ],
  priority: -3,
  weight: 5,
};

test("every field of a file arrives where it belongs, in the contract's units", () => {
  const spec = parseSearchDocument(full);
  assert.deepEqual(spec.command, { argv: full.command.argv, env: { SEED: "1" }, directory: "/work", stopGraceMs: 3000 });
  assert.deepEqual(spec.budget, { trials: 7, steps: 700, stepsPerTrial: 100, wallTimeMs: 5_400_000, failures: 3 });
  assert.deepEqual(spec.resources, {
    slots: 2,
    backend: "cpu",
    memoryBytes: 2 ** 31,
    agentLabels: { zone: "a" },
    stepTimeoutMs: 45_000,
    attemptTimeoutMs: 7_200_000,
  });
  assert.deepEqual(spec.retries, { max: 0, backoffMs: 250, on: ["END_REASON_LOST", "END_REASON_USER_ERROR"] });
  const predictions = { splits: ["valid", "test"], precision: "float16" };
  assert.deepEqual(spec.reporting, { measureEverySteps: 10, checkpointEveryMs: 60_000, predictions });
  assert.deepEqual(
    spec.objectives.map(({ metric, direction, value, goal }) => [metric, direction, value, goal]),
    [
      ["loss", "DIRECTION_MINIMIZE", "OBJECTIVE_VALUE_LAST", 0.25],
      ["accuracy", "DIRECTION_MAXIMIZE", undefined, undefined],
    ],
  );
  const { seed, priority, weight, parallelism, control, labels } = spec;
  assert.deepEqual([seed, priority, weight, parallelism, control?.share, labels.team], [12, -3, 5, 4, 0.25, "x"]);
  assert.deepEqual(
    spec.techniques.map(({ name, options }) => [name, options]),
    [
      ["dropout", undefined],
      ["weight-decay", { weightDecay: 0.1 }],
    ],
  );
  assert.deepEqual(spec.schedule, { steps: [0, 10], values: { rate: { values: [0.1, 0.2] } } });
  assert.deepEqual(
    spec.space.map(({ name, domain, initial, when, tuned }) => [name, domain?.$case, initial, when?.equals, tuned]),
    [
      ["rate", "double", 0.1, undefined, undefined],
      ["share", "double", undefined, undefined, "TUNED_OUTSIDE"],
      ["part", "double", undefined, undefined, undefined],
      ["units", "int", 64, undefined, undefined],
      ["depth", "int", undefined, undefined, undefined],
      ["kind", "categorical", null, undefined, undefined],
      ["fast", "boolean", false, ["a"], undefined],
      ["slow", "boolean", undefined, ["a", 1], "TUNED_INSIDE"],
    ],
  );
});

test("it comes back as it was written, and what is absent stays absent", () => {
  const { command, ...rest } = full;
  assert.deepEqual(specToDocument(parseSearchDocument(full)), { ...rest, command: { ...command, stopGraceMs: "3s" } });
  const least = {
    name: "least",
    workload: "ridge",
    objective: { metric: "loss", direction: "maximize" },
    strategy: "random",
    space: { a: { type: "double", min: 0, max: 1 } },
  };
  assert.deepEqual(specToDocument(parseSearchDocument(least)), least);
  for (const workload of [
    { name: "ridge", options: { size: 3 } },
    { module: "./mine.js" },
    { module: "./mine.js", options: { a: null } },
  ])
    assert.deepEqual(specToDocument(parseSearchDocument({ ...least, workload })).workload, workload);
  const numbers = {
    ...least,
    budget: { wallTime: "1500ms" },
    resources: { memory: 1024 },
    retries: { backoff: "20ms" },
    reporting: { checkpointEvery: 0 },
  };
  const again = specToDocument(parseSearchDocument(numbers));
  assert.deepEqual(
    [again.budget, again.resources, again.retries, again.reporting],
    [{ wallTime: "1s500ms" }, { memory: "1KiB" }, { backoff: "20ms" }, {}],
  );
});
