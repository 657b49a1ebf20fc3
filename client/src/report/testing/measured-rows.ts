/** Rows of a search as tests of reports make them. */
import assert from "node:assert/strict";
import { type ExportSearchResponse, type Fact, Measurement, Trial } from "@regulus/proto";
import { sampleSearch } from "../../testing/sample-search.js";
import { courseOf } from "../course.js";
import type { SearchRecord } from "../result.js";

/** A search with one trial that measured these values. */
export function measured(
  metric: string,
  direction: "DIRECTION_MINIMIZE" | "DIRECTION_MAXIMIZE",
  values: readonly number[],
): SearchRecord {
  const sample = sampleSearch({ seed: 1, strategy: "random", trials: 0, stepsPerTrial: 1 });
  const spec = { ...(sample.search.spec ?? assert.fail()), objectives: [{ metric, direction }] };
  const measurements = values.map((value, index) => Measurement.fromPartial({ step: index + 1, metrics: { [metric]: value } }));
  const trials = values.map((value, trial): ExportSearchResponse => {
    const best = measurements[trial];
    const work = { parameters: { inputDropout: 0.1, hiddenDropout: 0.2 } };
    return { trial: Trial.fromPartial({ trial, value, valueStep: trial + 1, best, last: best, work }), measurements };
  });
  const facts: Fact[] = [
    { searchId: "s", position: 1, timeMs: 0, kind: { $case: "searchCreated", value: { spec, idempotencyKey: "" } } },
  ];
  for (const [at, measurement] of measurements.entries())
    facts.push({
      searchId: "s",
      position: at + 2,
      timeMs: 1,
      kind: { $case: "trialMeasured", value: { trial: at, attempt: 1, measurement } },
    });
  return { search: { ...sample.search, spec, bestTrial: 0 }, trials, course: courseOf(facts) };
}
