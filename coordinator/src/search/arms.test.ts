/** Arms: what a trial's work says of its arm, seed and schedule is kept, and each arm's result is told by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Proposal } from "@regulus/algorithms/core";
import { EndReason, type Finished } from "@regulus/proto";
import fc from "fast-check";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { decideReport } from "./decide-report.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

const schedule = { sha256: "ab".repeat(32), size: 2, kind: "schedule" };
const inputs = [{ searchId: "", trial: 0, artifact: schedule }];
const replays = (trial: number) => ({ procedure: "fit", inputs: [{ trial, kind: "schedule" }] });
const take = ({ state }: SearchAt, ...proposals: readonly Proposal[]): readonly FactKind[] =>
  decide(state, { kind: "takeProposals", proposals, limit: 9, asked: state.position });
const start = (more: Partial<Extract<Proposal, { kind: "start" }>> = {}): Proposal => ({
  kind: "start",
  procedure: "command",
  parameters: { rate: 0.5 },
  untilStep: 10,
  final: true,
  ...more,
});

/** Ends a running trial with a loss. */
function finish(at: SearchAt, trial: number, loss: number, more: Partial<Finished> = {}): void {
  const final = { step: 10, metrics: { loss }, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
  const value = { reason: EndReason.END_REASON_DONE, message: "", step: 10, final, artifacts: [], startedMs: 0, ...more };
  const lease = { searchId: "s", trial, attempt: 1 };
  at.tell(...decideReport(at.state, "a", { lease, event: { $case: "finished", value } }, { nowMs, elsewhere: false }).facts);
}

test("each arm has its own best, and one whose best failed has the next", () => {
  const at = new SearchAt();
  at.tell(...take(at, start(), start({ arm: "control", seedNumber: 0 }), start({ arm: "control", seedNumber: 1 })));
  for (const trial of [0, 1, 2]) at.attempt(trial, 1);
  finish(at, 0, 0.5);
  finish(at, 1, 0.75);
  finish(at, 2, 0.25, { reason: EndReason.END_REASON_DIVERGED });
  assert.deepEqual(at.state.view().arms, [
    { name: "", trials: 1, steps: 10, bestTrial: 0, bestValue: 0.5, deviation: undefined },
    { name: "control", trials: 2, steps: 20, bestTrial: 1, bestValue: 0.75, deviation: undefined },
  ]);
  assert.deepEqual(new SearchAt().running(0).state.view().arms, [], "a search with its own arm alone has no arms to compare");
});

test("an arm tells how far the values of its trials lie apart, of those that ended with one", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 }), (losses) => {
      const at = new SearchAt();
      at.tell(...take(at, ...losses.map(() => start({ arm: "control" })), start({ arm: "control" })));
      losses.forEach((loss, trial) => void finish(at.attempt(trial, 1), trial, loss));
      finish(at.attempt(losses.length, 1), losses.length, 9, { reason: EndReason.END_REASON_DIVERGED });
      const [arm] = at.state.view().arms;
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      const squares = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0);
      if (losses.length === 1) assert.equal(arm?.deviation, undefined);
      // Two orders of the same sums of doubles.
      else assert.ok(Math.abs((arm?.deviation ?? Number.NaN) - Math.sqrt(squares / (losses.length - 1))) < 1e-6);
    }),
  );
});

test("the steps of the arms are those of the search, each counted once", () => {
  const at = new SearchAt();
  at.tell(...take(at, start(), start({ arm: "control" })));
  for (const trial of [0, 1])
    at.attempt(trial, 1)
      .measured(trial, 3, 1)
      .measured(trial, 5 + trial, 1);
  at.attempt(1, 2).measured(1, 4, 1);
  const steps = at.state.view().arms.map((arm) => arm.steps);
  assert.deepEqual([steps, at.state.steps], [[5, 6], 11]);
  at.measured(0, Number.MAX_SAFE_INTEGER, 1);
  at.tell(...take(at, start({ fromTrial: 0 })));
  at.attempt(2, 1).measured(2, Number.MAX_SAFE_INTEGER, 1);
  assert.equal(at.state.view().arms[0]?.steps, Number.MAX_SAFE_INTEGER, "and stay a number that a message can hold");
});

test("the strategy's own arm stands first, then the others by name, whichever began first", () => {
  const at = new SearchAt();
  at.tell(...take(at, start({ arm: "replay" }), start({ arm: "control" }), start(), start({ arm: "control" })));
  const arms = at.state.view().arms.map(({ name, trials }) => [name, trials]);
  assert.deepEqual(arms, [
    ["", 1],
    ["control", 2],
    ["replay", 1],
  ]);
});

test("a schedule is replayed by its reference, and one that nobody left is refused with a message", () => {
  const at = new SearchAt();
  at.tell(...take(at, start())).attempt(0, 1);
  const words = (facts: readonly FactKind[]) => facts.map((fact) => (fact.$case === "strategyFailed" ? fact.value.message : ""));
  assert.match(words(take(at, start({ ...replays(0) })))[0] ?? "", /given schedule of trial 0, which left nothing/);
  assert.match(words(take(at, start({ ...replays(5) })))[0] ?? "", /given schedule of trial 5, and there are 1/);
  finish(at, 0, 0.5, { artifacts: [schedule] });
  const [proposed] = take(at, start({ ...replays(0), arm: "replay", seedNumber: 7, final: false }));
  assert.ok(proposed?.$case === "trialProposed");
  const { work } = proposed.value;
  assert.deepEqual([work?.inputs, work?.arm, work?.seedNumber], [inputs, "replay", 7]);
  at.tell(proposed)
    .attempt(1, 1)
    .tell({ $case: "trialPaused", value: { trial: 1, attempt: 1, step: 10, artifacts: [] } });
  const [resumed] = take(at, { kind: "resume", trial: 1, untilStep: 20, final: true });
  assert.ok(resumed?.$case === "trialResumed");
  const kept = resumed.value.work;
  assert.deepEqual([kept?.inputs, kept?.arm, kept?.seedNumber], [inputs, "replay", 7], "a resumed trial keeps them");
});
