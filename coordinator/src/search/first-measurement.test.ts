/** A first measurement without the objective is told of at once, once a search, and only where user code measures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FactKind } from "./commands.js";
import { decideReport } from "./decide-report.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

function measure(at: SearchAt, trial: number, step: number, metrics: Record<string, number>): readonly FactKind[] {
  const lease = { searchId: "s", trial, attempt: 1 };
  const value = { step, metrics, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
  const { facts } = decideReport(at.state, "a", { lease, event: { $case: "measured", value } }, { nowMs, elsewhere: false });
  at.tell(...facts);
  return facts;
}
const findings = (facts: readonly FactKind[]) =>
  facts.flatMap((fact) => (fact.$case === "findingReported" ? [fact.value.message] : []));

test("the first measurement that lacks the objective is told of, with what it has and the likely name", () => {
  const at = new SearchAt().running(0).running(1);
  assert.deepEqual(findings(measure(at, 0, 3, { lss: 0.5, accuracy: 1 })), [], "a further line of this step may have it");
  const facts = measure(at, 0, 4, { lss: 0.4 });
  assert.deepEqual(
    facts.map(({ $case }) => $case),
    ["trialMeasured", "findingReported"],
  );
  const [words = ""] = findings(facts);
  assert.match(words, /first measurement of trial 0, at step 3, has no metric loss, .*it has lss, accuracy; did you mean lss\?/);
  assert.deepEqual(findings(measure(at, 0, 5, { lss: 0.4 })), []);
  measure(at, 1, 3, { lss: 0.5 });
  assert.deepEqual(findings(measure(at, 1, 4, { lss: 0.5 })), [], "of a later trial it is told no more");
});

test("a first measurement with the objective is not told of, and neither is a later one without", () => {
  const at = new SearchAt().running(0);
  assert.deepEqual(findings(measure(at, 0, 1, { loss: Number.POSITIVE_INFINITY })), []);
  assert.deepEqual(findings(measure(at, 0, 2, { accuracy: 1 })), []);
});

test("a program whose second line of the first step has the objective is not told of", () => {
  const at = new SearchAt().running(0);
  measure(at, 0, 1, { trainLoss: 1 });
  measure(at, 0, 1, { trainLoss: 1, loss: 2 });
  assert.deepEqual(findings(measure(at, 0, 2, { trainLoss: 1 })), []);
});

test("without a likely name the message says what there is", () => {
  const at = new SearchAt({ objective: { metric: "valueOfAll" } }).running(0);
  measure(at, 0, 1, { loss: 1 });
  assert.match(findings(measure(at, 0, 2, { loss: 1 }))[0] ?? "", /it has loss\. A trial that never measures valueOfAll fails/);
});

test("built-in procedures measure what they measure", () => {
  const at = new SearchAt({ command: undefined, workload: "ridge" });
  const work = {
    procedure: "fit",
    parameters: { rate: 0.5 },
    untilStep: 10,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  at.tell({ $case: "trialProposed", value: { trial: 0, work } }).attempt(0, 1);
  assert.deepEqual(findings(measure(at, 0, 1, { other: 1 })), []);
  const module = new SearchAt({ command: undefined, workload: { module: "mine.mjs" } });
  module.tell({ $case: "trialProposed", value: { trial: 0, work } }).attempt(0, 1);
  assert.equal(findings(measure(module, 0, 1, { other: 1 })).length, 1);
  const tunes = new SearchAt({ command: undefined, workload: { module: "mine.mjs" } });
  tunes.tell({ $case: "trialProposed", value: { trial: 0, work: { ...work, procedure: "self-tune" } } }).attempt(0, 1);
  assert.deepEqual(findings(measure(tunes, 0, 1, { other: 1 })), [], "what self-tune measures is known");
});
