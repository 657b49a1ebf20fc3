/** The best trial is the same in every answer of the coordinator: the search, its arms, the listing, the export, and after a replay. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact, type Measurement, parseSearchDocument, type Trial } from "@regulus/proto";
import fc from "fast-check";
import { openMemoryLog } from "../log/memory-log.js";
import { exportTrials } from "../runner/calls/export-trials.js";
import { listTrials } from "../runner/calls/listings.js";
import type { FactKind } from "./commands.js";
import { SearchState } from "./search-state.js";

const losses = fc.constantFrom(0, 0.25, 0.5, 2, Number.NaN, Number.POSITIVE_INFINITY, undefined);
const stories = fc.record({
  metric: fc.constantFrom("loss", "val/loss", "constructor"),
  direction: fc.constantFrom("minimize", "maximize"),
  value: fc.constantFrom("best", "last"),
  trials: fc.array(
    fc.record({
      arm: fc.constantFrom("", "control"),
      losses: fc.array(losses, { maxLength: 6 }),
      /** Undefined for a trial that goes on. */
      end: fc.option(
        fc.constantFrom(
          EndReason.END_REASON_DONE,
          EndReason.END_REASON_STOPPED_EARLY,
          EndReason.END_REASON_DIVERGED,
          EndReason.END_REASON_USER_ERROR,
          EndReason.END_REASON_LOST,
        ),
        { nil: undefined },
      ),
    }),
    { maxLength: 7 },
  ),
  order: fc.array(fc.nat(6), { maxLength: 60 }),
});
const failures: readonly EndReason[] = [
  EndReason.END_REASON_DIVERGED,
  EndReason.END_REASON_USER_ERROR,
  EndReason.END_REASON_LOST,
];
type Story = typeof stories extends fc.Arbitrary<infer Told> ? Told : never;

function measurement(step: number, metric: string, value: number | undefined): Measurement {
  const metrics = Object.fromEntries(value === undefined ? [["other", 1]] : [[metric, value]]);
  return { step, metrics, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
}

/** The facts of a story, the trials' own mixed as its order says. */
function factsOf({ metric, direction, value, trials, order }: Story): Fact[] {
  const spec = parseSearchDocument({
    name: "told",
    command: { argv: ["train"] },
    objective: { metric, direction, value },
    strategy: "random",
    space: { rate: { type: "double", min: 0, max: 1 } },
  });
  const kinds: FactKind[] = [{ $case: "searchCreated", value: { spec, idempotencyKey: "" } }];
  const queues = trials.map(({ losses: list, end, arm }, trial): FactKind[] => {
    const work = {
      procedure: "command",
      parameters: {},
      untilStep: 9,
      final: true,
      options: undefined,
      vectors: {},
      arm,
      inputs: [],
    };
    kinds.push({ $case: "trialProposed", value: { trial, work } });
    const measured = list.map((loss, at): FactKind => {
      return { $case: "trialMeasured", value: { trial, attempt: 1, measurement: measurement(at + 1, metric, loss) } };
    });
    const rest = { attempt: 1, message: "", final: undefined, artifacts: [], startedMs: 0 };
    const over: FactKind[] = end === undefined ? [] : [{ $case: "trialEnded", value: { trial, reason: end, ...rest } }];
    return [{ $case: "attemptStarted", value: { trial, attempt: 1, agentId: "a", fromStep: 0 } }, ...measured, ...over];
  });
  for (const pick of [...order, ...queues.flatMap((queue, at) => queue.map(() => at))]) {
    const next = queues[pick]?.shift();
    if (next !== undefined) kinds.push(next);
  }
  return kinds.map((kind, at) => ({ searchId: "s", position: at + 1, timeMs: at, kind }));
}

/** What an answer says of a trial's values. */
function shown(trial: Trial | undefined): unknown {
  const places = [trial?.best, trial?.last].map((one) => one && [one.step, one.attempt, Object.entries(one.metrics)]);
  return [trial?.trial, trial?.reason, trial?.value, trial?.valueStep, ...places];
}

/** The best trial as a reader of the story would name it. */
function plainBest({ direction, value, trials }: Story, arm?: string): readonly [number | undefined, number | undefined] {
  const good: readonly (EndReason | undefined)[] = [undefined, EndReason.END_REASON_DONE, EndReason.END_REASON_STOPPED_EARLY];
  const ranked = trials.flatMap((trial, number) => {
    if (!good.includes(trial.end) || (arm !== undefined && trial.arm !== arm)) return [];
    const measured = trial.losses.filter((loss) => loss !== undefined);
    const counting = (value === "last" ? measured.slice(-1) : measured).filter(Number.isFinite);
    return counting.map((loss) => ({ number, loss }));
  });
  ranked.sort((a, b) => (direction === "maximize" ? b.loss - a.loss : a.loss - b.loss) || a.number - b.number);
  return [ranked[0]?.number, ranked[0]?.loss];
}

test("search, arms, listing, export and replay name the same best trial, never one that failed", async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const facts = factsOf(story);
      const [created, ...later] = facts;
      assert.ok(created);
      const state = new SearchState(created);
      for (const fact of later) state.tell(fact);
      const [number, value] = plainBest(story);
      const view = state.view();
      assert.deepEqual([view.bestTrial, view.bestValue], [number, value]);
      for (const arm of view.arms) assert.deepEqual([arm.bestTrial, arm.bestValue], [...plainBest(story, arm.name)], arm.name);
      const { trials } = listTrials(state, {
        searchId: "s",
        statuses: [],
        bestFirst: true,
        orderBy: "",
        pageSize: 100,
        pageToken: "",
      });
      if (number !== undefined) assert.deepEqual([trials[0]?.trial, trials[0]?.value], [number, value]);
      assert.deepEqual(
        trials.map((trial) => trial.value === undefined),
        trials.map((trial) => trial.value === undefined).sort(),
        "trials without a value come last",
      );
      const log = openMemoryLog();
      await log.append([{ searchId: "s", expected: 0, facts }]);
      for await (const row of exportTrials(log, state)) {
        const { trial } = row;
        assert.ok(trial);
        assert.deepEqual(shown(trial), shown(state.trial(trial.trial)), "an exported trial is the one that is listed");
        const failed = failures.includes(trial.reason);
        if (failed) assert.deepEqual([trial.value, trial.valueStep, trial.best], [undefined, undefined, undefined]);
        assert.ok(row.measurements.every(({ attempt }) => attempt === 1));
      }
    }),
  );
});
