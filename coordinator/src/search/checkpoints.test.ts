/** Whatever an attempt says and however it ends: which checkpoints are kept of a trial, against a slow model that reads all facts anew. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@regulus/algorithms/core";
import { type ArtifactRef, Direction, EndReason, type Fact, Measurement, type Report } from "@regulus/proto";
import fc from "fast-check";
import { watchHeld } from "../runner/artifacts/held-artifacts.js";
import { keptRefs, noCheckpoints, type TrialCheckpoints, withEnd, withMeasured, withSaved } from "./checkpoints.js";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { decideReport } from "./decide-report.js";
import { RecentValues, recentMax } from "./recent-values.js";
import { resumePoint } from "./resume-point.js";
import { SearchState } from "./search-state.js";
import { nowMs, SearchAt } from "./testing/search-at.js";

interface Saved {
  readonly ref: ArtifactRef;
  readonly step: number;
  value: number;
}

/** All whole checkpoints of the one trial, the newest last, each with what it counts for. */
function modelOf(facts: readonly Fact[]): Saved[] {
  let saved: Saved[] = [];
  let measured: { step: number; loss: number }[] = [];
  for (const { kind } of facts) {
    if (kind?.$case === "attemptStarted") measured = measured.filter(({ step }) => step <= kind.value.fromStep);
    if (kind?.$case === "trialMeasured" && kind.value.measurement) {
      const { step, metrics } = kind.value.measurement;
      const loss = metrics.loss ?? Number.NaN;
      if (!Number.isFinite(loss)) continue;
      measured = [...measured.filter((one) => one.step < step), { step, loss }];
      const newest = saved.at(-1);
      if (newest?.step === step) newest.value = loss;
    }
    if (kind?.$case === "trialCheckpointed" && kind.value.checkpoint) {
      const { step, checkpoint: ref } = kind.value;
      saved.push({ ref, step, value: measured.findLast((one) => one.step <= step)?.loss ?? Number.NaN });
    }
    if (kind?.$case === "checkpointDamaged") {
      const { checkpoint } = kind.value;
      saved = saved.filter(({ ref }) => ref.sha256 !== checkpoint?.sha256);
    }
  }
  return saved;
}

/** Where a checkpoint is damaged the youngest one that is left is gone on from, and the best one that is left is the best. */
function assertNextBest(was: TrialCheckpoints, is: TrialCheckpoints, damaged: string | undefined): void {
  const left = [was.newest, was.before, was.rival].filter((one) => one !== undefined && one.ref.sha256 !== damaged);
  const youngest = left.reduce((a, b) => ((b?.position ?? 0) > (a?.position ?? 0) ? b : a), left[0]);
  assert.deepEqual(is.newest?.ref, youngest?.ref, "no whole checkpoint is younger");
  const best = was.best?.ref.sha256 === damaged ? was.rival : was.best;
  assert.deepEqual(is.best?.ref, best?.ref.sha256 === damaged ? undefined : best?.ref);
  assert.equal(
    new Set(keptRefs(is).map(({ sha256 }) => sha256)).size,
    new Set(left.map((one) => one?.ref.sha256)).size,
    "no other is lost",
  );
}

const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("measure"), by: fc.integer({ min: 0, max: 2 }), loss: fc.integer() }) },
  { weight: 1, arbitrary: fc.constant({ kind: "diverge", by: 0, loss: Number.NaN }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("save"), by: fc.integer({ min: 0, max: 2 }), loss: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "lost", by: 0, loss: 0 }) },
  { weight: 1, arbitrary: fc.constant({ kind: "damaged", by: 0, loss: 0 }) },
  { weight: 1, arbitrary: fc.constant({ kind: "again", by: 0, loss: 0 }) },
);

test("of every trial the newest, the one before and the best are kept, and damage never leads back further than it must", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60, size: "max" }), fc.boolean(), (actions, maximize) => {
      const objective = { metric: "loss", direction: maximize ? "maximize" : "minimize" };
      const at = new SearchAt({ objective, retries: { max: 1000 } }).running(0, { untilStep: 1000 });
      const held = new Map<string, number>();
      const trial = () => at.state.live.get(0) ?? assert.fail("the trial is live");
      const say = (event: NonNullable<Report["event"]>) => {
        const lease = { searchId: "s", trial: 0, attempt: trial().attempt };
        for (const kind of decideReport(at.state, "a", { lease, event }, { nowMs, elsewhere: false }).facts) tell(kind);
      };
      const tell = (kind: FactKind) => {
        const change = watchHeld(at.state, kind);
        const was = at.state.live.get(0)?.checkpoints;
        at.tell(kind);
        if (was && kind.$case === "checkpointDamaged") assertNextBest(was, trial().checkpoints, kind.value.checkpoint?.sha256);
        const { gained, lost } = change();
        for (const { sha256 } of gained) held.set(sha256, (held.get(sha256) ?? 0) + 1);
        for (const { sha256 } of lost) held.set(sha256, (held.get(sha256) ?? 0) - 1);
        const { checkpoint, bestCheckpoint } = at.state.trial(0) ?? assert.fail("there is a trial");
        for (const ref of [checkpoint, bestCheckpoint])
          assert.ok(ref === undefined || (held.get(ref.sha256) ?? 0) > 0, "what clients are told of is in the store");
      };
      const start = () => {
        const { step: fromStep } = resumePoint(trial());
        at.tell({ $case: "attemptStarted", value: { trial: 0, attempt: trial().attempt + 1, agentId: "a", fromStep } });
        return fromStep;
      };
      const finish = (reason: EndReason) => {
        say({ $case: "finished", value: { reason, message: "", step: 0, final: undefined, artifacts: [], startedMs: 0 } });
        return start();
      };
      /** The trial fails for good, and its user has it tried again. */
      const again = () => {
        const { newest, best } = trial().checkpoints;
        const rest = { attempt: trial().attempt, message: "", final: undefined, artifacts: [], startedMs: 0 };
        tell({ $case: "trialEnded", value: { trial: 0, reason: EndReason.END_REASON_USER_ERROR, ...rest } });
        for (const kind of decide(at.state, { kind: "retryTrials", trials: [0], key: "", nowMs })) tell(kind);
        assert.deepEqual([trial().checkpoints.newest?.ref, trial().checkpoints.best?.ref], [newest?.ref, best?.ref]);
        return start();
      };
      let step = 0;
      for (const [index, { kind, by, loss }] of actions.entries()) {
        step += by;
        const more = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
        if (kind === "measure" || kind === "diverge") {
          say({ $case: "measured", value: { step, metrics: { loss }, ...more } });
        } else if (kind === "save") {
          const checkpoint = { sha256: index.toString(16).padStart(64, "0"), size: 1, kind: "checkpoint" };
          say({ $case: "checkpointed", value: { step, checkpoint } });
        } else if (kind === "again") step = again();
        else if (kind === "lost") step = finish(EndReason.END_REASON_LOST);
        else {
          step = finish(EndReason.END_REASON_PREEMPTED);
          const { failures } = trial();
          const { ref } = resumePoint(trial());
          if (ref !== undefined) say({ $case: "unrestorable", value: { checkpoint: ref, message: "" } });
          if (ref !== undefined) step = finish(EndReason.END_REASON_LOST);
          assert.equal(trial().failures, failures, "a damaged checkpoint is no failure of the trial");
        }
        const { newest, before, best } = trial().checkpoints;
        const model = modelOf(at.facts);
        const values = model.map(({ value }) => value).filter((value) => !Number.isNaN(value));
        const isPlain = !at.facts.some((fact) => fact.kind?.$case === "checkpointDamaged" || fact.kind?.$case === "trialRetried");
        if (isPlain) {
          assert.equal(newest?.ref, model.at(-1)?.ref);
          assert.equal(before?.ref, model.at(-2)?.ref);
          const wanted = values.length === 0 ? undefined : maximize ? Math.max(...values) : Math.min(...values);
          assert.equal(best?.value, wanted, "the best is kept");
        }
        // What damage took is gone from every role, and something is left unless all that was kept was damaged.
        for (const one of [newest, before, best]) if (one) assert.ok(model.some(({ ref }) => ref.sha256 === one.ref.sha256));
        assert.ok(newest !== undefined || (before === undefined && best === undefined), "what is left is gone on from");
        const refs = keptRefs(trial().checkpoints);
        const countOf = (wanted: string) => refs.filter(({ sha256 }) => sha256 === wanted).length;
        for (const [sha256, count] of held) assert.equal(count, countOf(sha256), "references are counted");
        const [first, ...rest] = at.facts;
        const replayed = new SearchState(first ?? assert.fail());
        for (const fact of rest) replayed.tell(fact);
        assert.deepEqual(replayed.live.get(0)?.checkpoints, trial().checkpoints, "a replay gives the same");
      }
    }),
    { numRuns: 40 },
  );
});

/** So many measurements, and then a checkpoint that was taken so many of them ago. */
const burst = fc.record({
  measured: fc.integer({ min: 1, max: 1500 }),
  late: fc.integer({ min: 0, max: recentMax / 2 - 1 }),
  everySteps: fc.integer({ min: 1, max: 5 }),
});

test("the best checkpoint is kept however much a trial measures between two and however late each is told of", () => {
  fc.assert(
    fc.property(fc.array(burst, { minLength: 1, maxLength: 8 }), fc.nat(), fc.boolean(), (bursts, seed, maximize) => {
      const objective = { metric: "loss", direction: maximize ? Direction.DIRECTION_MAXIMIZE : Direction.DIRECTION_MINIMIZE };
      const rng = createRng(seed);
      const all: { step: number; value: number }[] = [];
      const saved: Saved[] = [];
      let kept = noCheckpoints();
      for (const [index, { measured, late, everySteps }] of bursts.entries()) {
        for (let count = 0; count < measured; count += 1) {
          const step = (all.at(-1)?.step ?? 0) + everySteps;
          const value = rng.normal();
          all.push({ step, value });
          kept = withMeasured(kept, Measurement.fromPartial({ step, metrics: { loss: value } }), objective);
          assert.ok(kept.recent.steps.length <= recentMax);
        }
        // Never before the one that was told of last.
        const { step, value } = all[Math.max(all.length - 1 - late, all.length - measured)] ?? assert.fail();
        const ref = { sha256: String(index), size: 1, kind: "checkpoint" };
        saved.push({ ref, step, value });
        kept = withSaved(kept, { ref, step, position: index }, objective);
      }
      const best = saved.reduce((a, b) => ((maximize ? b.value > a.value : b.value < a.value) ? b : a));
      assert.deepEqual([kept.best?.ref, kept.best?.value], [best.ref, best.value]);
      assert.ok(keptRefs(kept).includes(best.ref) || kept.newest?.ref === best.ref, "it stays in the store");
      assert.deepEqual(withEnd(kept).best?.ref, best.ref, "and is there at the end");
    }),
    { numRuns: 60 },
  );
});

test("values older than half of those that are held are thinned out, not lost", () => {
  const recent = new RecentValues();
  for (let step = 1; step <= recentMax + 1; step += 1) recent.add(step, step);
  const odd = Array.from({ length: recentMax / 4 }, (_, index) => 2 * index + 1);
  assert.deepEqual(recent.steps.slice(0, odd.length), odd);
  for (let step = recentMax + 2; step <= 4 * recentMax; step += 1) recent.add(step, step);
  assert.deepEqual(
    recent.steps.slice(-recentMax / 2),
    Array.from({ length: recentMax / 2 }, (_, index) => 3.5 * recentMax + index + 1),
  );
  assert.ok((recent.steps[0] ?? 0) < recentMax, "some of the oldest is left");
  assert.equal(recent.at(recent.steps[0] ?? 0), recent.steps[0]);
  assert.ok(Number.isNaN(recent.at(-1)));
  recent.since(4 * recentMax - 2);
  assert.deepEqual(
    recent.steps.map((step) => step - 4 * recentMax),
    [-2, -1, 0],
  );
});

test("damage of a source takes nothing of what a trial has saved itself, which is gone on from when no source is left", () => {
  const save = (trial: number, step: number, name: string): FactKind => {
    return {
      $case: "trialCheckpointed",
      value: { trial, attempt: 1, step, checkpoint: { sha256: name, size: 1, kind: "checkpoint" } },
    };
  };
  const at = new SearchAt().running(0).tell(save(0, 4, "a"), save(0, 8, "b"));
  at.running(1, { final: false }).tell(save(1, 2, "own before"), save(1, 3, "own"));
  at.tell({ $case: "trialPaused", value: { trial: 1, attempt: 1, step: 3, artifacts: [] } });
  const proposals = [{ kind: "resume", trial: 1, untilStep: 12, final: true, fromTrial: 0 }] as const;
  at.tell(...decide(at.state, { kind: "takeProposals", proposals, limit: 1, asked: at.state.position })).attempt(1, 2);
  for (const [sha256, step, next, fromStep] of [
    ["b", 8, "a", 4],
    ["a", 4, "own", 3],
    ["own", 3, "own before", 2],
  ] as const) {
    const event = {
      $case: "unrestorable",
      value: { checkpoint: { sha256, size: 1, kind: "checkpoint" }, message: "no tar" },
    } as const;
    const { facts, refused } = decideReport(
      at.state,
      "a",
      { lease: { searchId: "s", trial: 1, attempt: 2 }, event },
      { nowMs, elsewhere: false },
    );
    const [damaged] = facts;
    assert.ok(!refused && damaged?.$case === "checkpointDamaged");
    const { trial, attempt, step: at1, goesOnFromStep } = damaged.value;
    assert.deepEqual([trial, attempt, at1, goesOnFromStep], [1, 2, step, fromStep]);
    at.tell(...facts);
    const point = resumePoint(at.state.live.get(1) ?? assert.fail());
    assert.deepEqual([point.ref?.sha256, point.step], [next, fromStep]);
  }
});

test("a copy whose source is damaged continues from the source's checkpoint before", () => {
  const ref = (name: string) => ({ sha256: name.repeat(64), size: 1, kind: "checkpoint" });
  const saved = (step: number, name: string) =>
    ({ $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step, checkpoint: ref(name) } }) as const;
  const at = new SearchAt().running(0).tell(saved(4, "a"), saved(8, "b"));
  const work = {
    procedure: "command",
    parameters: {},
    untilStep: 12,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  at.tell({ $case: "trialProposed", value: { trial: 1, work: { ...work, fromTrial: 0 } } }).attempt(1, 1);
  for (const [name, step, told] of [
    ["b", 4, "warning: the checkpoint at step 8 can't be restored: it continues from step 4 (no tar)"],
    ["a", 0, "error: the checkpoint at step 4 can't be restored: no other is left, so it begins again at step 0 (no tar)"],
  ] as const) {
    const event = { $case: "unrestorable", value: { checkpoint: ref(name), message: "no tar" } } as const;
    const lease = { searchId: "s", trial: 1, attempt: 1 };
    const { facts } = decideReport(at.state, "a", { lease, event }, { nowMs, elsewhere: false });
    const words = facts.flatMap((fact) =>
      fact.$case === "findingReported" ? [`${fact.value.severity}: ${fact.value.message}`] : [],
    );
    assert.deepEqual(words, [told]);
    at.tell(...facts);
    assert.equal(resumePoint(at.state.live.get(1) ?? assert.fail()).step, step);
    const { facts: again } = decideReport(at.state, "a", { lease, event }, { nowMs, elsewhere: false });
    assert.deepEqual(again, [], "a repeated report makes nothing");
  }
});
