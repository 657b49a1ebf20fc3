/** Measurements that come in parts: what counts is each step's joined measurement, against a model that joins first and ranks after. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Measurement, type Report } from "@regulus/proto";
import fc from "fast-check";
import { openMemoryLog } from "../log/memory-log.js";
import { exportTrials } from "../runner/calls/export-trials.js";
import { decideReport } from "./decide-report.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const measurement = (step: number, metrics: Record<string, number>): Measurement => {
  return { step, metrics, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
};

/** One line of one of two trials; steps and losses from a small range, so that steps meet and values fall back. */
const line = fc.record({
  trial: fc.integer({ min: 0, max: 1 }),
  step: fc.integer({ min: 0, max: 4 }),
  metrics: fc.dictionary(fc.constantFrom("loss", "train", "valid"), fc.integer({ min: 0, max: 5 }), {
    minKeys: 1,
    noNullPrototype: true,
  }),
});

test("the best and the last are those of joined steps, whatever the order and the parts of the reports", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.constantFrom("minimize", "maximize"), (lines, direction) => {
      const at = new SearchAt({ objective: { metric: "loss", direction } }).running(0).running(1);
      const joined: Measurement[][] = [[], []];
      for (const { trial, step, metrics } of lines) {
        const event: Report["event"] = { $case: "measured", value: measurement(step, metrics) };
        const { facts } = decideReport(
          at.state,
          "a",
          { lease: { searchId: "s", trial, attempt: 1 }, event },
          { nowMs, elsewhere: false },
        );
        at.tell(...facts);
        const again = decideReport(
          at.state,
          "a",
          { lease: { searchId: "s", trial, attempt: 1 }, event },
          { nowMs, elsewhere: false },
        );
        assert.deepEqual(again.facts, [], "a repeated report makes nothing");
        const known = joined[trial] ?? [];
        const newest = known.at(-1);
        if (newest === undefined || step > newest.step) known.push(measurement(step, metrics));
        else if (step === newest.step) known[known.length - 1] = measurement(step, { ...newest.metrics, ...metrics });
      }
      const sign = direction === "maximize" ? -1 : 1;
      const bests = joined.map((known) => {
        const values = known.flatMap(({ metrics: { loss } }) => (loss === undefined ? [] : [loss]));
        return values.length === 0 ? Number.NaN : sign * Math.min(...values.map((value) => sign * value));
      });
      for (const [trial, known] of joined.entries()) {
        const { last, bestValue } = at.state.live.get(trial) ?? assert.fail("it is live");
        assert.deepEqual([last, bestValue], [known.at(-1), bests[trial]]);
      }
      const finite = bests.filter((value) => !Number.isNaN(value)).map((value) => sign * value);
      assert.equal(at.state.view().bestValue, finite.length === 0 ? undefined : sign * Math.min(...finite));
      assert.equal(at.state.view().bestTrial === undefined, finite.length === 0);
    }),
  );
});

test("an export has one measurement a step, the joined one, and one for each attempt that measured it", async () => {
  const at = new SearchAt().running(0);
  const report = (attempt: number, step: number, metrics: Record<string, number>) => {
    const event: Report["event"] = { $case: "measured", value: measurement(step, metrics) };
    at.tell(
      ...decideReport(at.state, "a", { lease: { searchId: "s", trial: 0, attempt }, event }, { nowMs, elsewhere: false }).facts,
    );
  };
  report(1, 1, { train: 3 });
  report(1, 1, { loss: 2 });
  report(1, 2, { loss: 1 });
  const reason = EndReason.END_REASON_LOST;
  at.tell({ $case: "attemptEnded", value: { trial: 0, attempt: 1, reason, message: "", retryAtMs: 0 } }).attempt(0, 2);
  report(2, 2, { loss: 4, train: 5 });
  const log = openMemoryLog();
  await log.append([{ searchId: "s", expected: 0, facts: at.facts }]);
  const rows = [];
  for await (const row of exportTrials(log, at.state)) rows.push(row);
  assert.deepEqual(
    rows.flatMap((row) => row.measurements).map(({ step, metrics }) => [step, metrics]),
    [
      [1, { train: 3, loss: 2 }],
      [2, { loss: 1 }],
      [2, { loss: 4, train: 5 }],
    ],
  );
  assert.equal(rows[0]?.trial?.best?.metrics.loss, 1);
});
