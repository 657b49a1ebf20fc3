/** Which trial is the best: a property over searches of measured, failed, diverged and stopped trials, against a plain recount. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason } from "@regulus/proto";
import fc from "fast-check";
import { SearchAt } from "./testing/search-at.js";

const ends = [
  EndReason.END_REASON_DONE,
  EndReason.END_REASON_STOPPED_EARLY,
  EndReason.END_REASON_LOST,
  EndReason.END_REASON_OUT_OF_MEMORY,
  EndReason.END_REASON_TIMED_OUT,
  EndReason.END_REASON_DIVERGED,
  EndReason.END_REASON_INFEASIBLE,
  EndReason.END_REASON_USER_ERROR,
] as const;

const loss = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const trial = fc.record({
  losses: fc.array(loss, { maxLength: 4 }),
  end: fc.option(fc.constantFrom(...ends), { nil: undefined }),
});

for (const direction of ["minimize", "maximize"] as const) {
  test(`the best of a search that is to ${direction} is the best finite value of trials that did not fail, whatever came when`, () => {
    fc.assert(
      fc.property(fc.array(trial, { minLength: 1, maxLength: 8 }), (trials) => {
        const at = new SearchAt({ objective: { metric: "loss", direction } });
        for (const [number, { losses, end }] of trials.entries()) {
          at.running(number);
          for (const [step, value] of losses.entries()) at.measured(number, step + 1, value);
          if (end !== undefined) at.ended(number, end);
        }
        const counted = trials.flatMap(({ losses, end }, number) =>
          end === undefined || end === EndReason.END_REASON_DONE || end === EndReason.END_REASON_STOPPED_EARLY
            ? losses.filter(Number.isFinite).map((value) => ({ value, number }))
            : [],
        );
        const sign = direction === "maximize" ? -1 : 1;
        const values = counted.map(({ value }) => sign * value);
        const expected = values.length === 0 ? undefined : sign * Math.min(...values);
        const { bestTrial, bestValue, counts, failureGroups } = at.state.view();
        assert.equal(bestValue === undefined ? undefined : bestValue + 0, expected === undefined ? undefined : expected + 0);
        assert.equal(bestTrial === undefined, expected === undefined);
        assert.ok(counted.some(({ value, number }) => number === bestTrial && value === bestValue) || bestTrial === undefined);
        const failed = trials.filter(({ end }) => end !== undefined && ends.indexOf(end) > 1).length;
        assert.equal(counts?.failed, failed);
        assert.equal(
          failureGroups.reduce((sum, group) => sum + group.trials, 0),
          failed,
        );
      }),
    );
  });
}
