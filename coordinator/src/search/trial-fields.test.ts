/** What is known of a trial, against the facts about it: each field by the newest fact that speaks of it, after anything that may happen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ArtifactRef, EndReason, endedWell, type Fact, isTrialFailure, type Measurement, type Work } from "@regulus/proto";
import fc from "fast-check";
import { allActs, lived } from "./testing/lived-search.js";
import type { TrialState } from "./trial-state.js";

const procedures = fc.constantFrom("command" as const, "fit" as const);
const objectives = fc.constantFrom({ metric: "loss", direction: "minimize" }, { metric: "loss", direction: "maximize" });

/** The facts about one trial, and which of them were told since another. */
class Story {
  readonly facts: readonly Fact[];

  constructor(all: readonly Fact[], trial: number) {
    this.facts = all.filter(({ kind }) => kind !== undefined && "trial" in kind.value && kind.value.trial === trial);
  }

  /** The newest fact of these kinds; undefined for none. */
  newest<Case extends Kind["$case"]>(...cases: readonly Case[]) {
    return this.all(...cases).at(-1);
  }

  all<Case extends Kind["$case"]>(...cases: readonly Case[]) {
    return this.facts.flatMap(({ kind, position, timeMs }) => (isOf(kind, cases) ? [{ kind, position, timeMs }] : []));
  }

  /** The story since the newest fact of these kinds; all of it where there is none. */
  since(...cases: readonly Kind["$case"][]): Story {
    const from = this.newest(...cases)?.position ?? 0;
    return new Part(this.facts.filter(({ position }) => position >= from));
  }

  /** Agents whose attempt ended for such a reason, the newest last. */
  failedAgents(counts: (reason: EndReason) => boolean): string[] {
    let agentId = "";
    return this.facts.flatMap(({ kind }) => {
      if (kind?.$case === "attemptStarted") agentId = kind.value.agentId;
      return kind?.$case === "attemptEnded" && counts(kind.value.reason) ? [agentId] : [];
    });
  }
}

class Part extends Story {
  constructor(facts: readonly Fact[]) {
    super([], 0);
    Object.assign(this, { facts });
  }
}

type Kind = NonNullable<Fact["kind"]>;

function isOf<Case extends Kind["$case"]>(kind: Fact["kind"], cases: readonly Case[]): kind is Extract<Kind, { $case: Case }> {
  return kind !== undefined && cases.some((one) => one === kind.$case);
}

const isFailure = (reason: EndReason) => reason !== EndReason.END_REASON_PREEMPTED;

/** What a trial left and keeps: all that an end left, and of a pause what nothing later of its kind replaced. */
function leftIn(story: Story): { readonly ref: ArtifactRef; readonly atPause: boolean }[] {
  const all = story.all("trialPaused", "trialEnded");
  return all.flatMap(({ kind, position }) => {
    const atPause = kind.$case === "trialPaused";
    const later = all.filter((other) => other.position > position).flatMap((other) => other.kind.value.artifacts);
    const kept = kind.value.artifacts.filter((ref) => !atPause || later.every((other) => other.kind !== ref.kind));
    return kept.map((ref) => ({ ref, atPause }));
  });
}

interface Measured {
  readonly measurement: Measurement;
  readonly attempt: number;
}

/** What a life measured, each step once as it was joined; and whether it ended well. */
function measuredIn(life: Story): Measured[] {
  const list: Measured[] = [];
  let isOpen = false;
  for (const { kind } of life.facts) {
    if (kind?.$case === "attemptStarted") isOpen = false;
    const measurement =
      kind?.$case === "trialMeasured" ? kind.value.measurement : kind?.$case === "trialEnded" ? kind.value.final : undefined;
    if (measurement === undefined || !(kind?.$case === "trialMeasured" || kind?.$case === "trialEnded")) continue;
    if (isOpen && list.at(-1)?.measurement.step === measurement.step) list.pop();
    list.push({ measurement, attempt: kind.value.attempt });
    isOpen = true;
  }
  return list;
}

/** Fields of a live trial as its facts give them, each by itself. */
function fieldsOf(whole: Story, maximizes: boolean): Partial<TrialState> {
  const life = whole.since("trialRetried");
  const given = whole.newest("trialProposed", "trialResumed", "trialRetried") ?? assert.fail("it was proposed");
  const begun = whole.newest("attemptStarted");
  const begunNow = life.newest("attemptStarted");
  const workNow = whole.since("trialProposed", "trialResumed", "trialRetried");
  const agents = (of: Story, counts: (reason: EndReason) => boolean) => {
    const started = whole.facts.filter(({ position }) => position < (of.facts[0]?.position ?? 0));
    return new Part([...started.filter(({ kind }) => kind?.$case === "attemptStarted").slice(-1), ...of.facts]).failedAgents(
      counts,
    );
  };
  const status = whole.newest("trialProposed", "trialResumed", "trialRetried", "attemptEnded", "attemptStarted", "trialPaused");
  const asked = whole.newest("trialPauseRequested", "trialPaused", "trialResumed", "trialRetried")?.kind;
  const wait = whole.newest("attemptEnded", "trialResumed", "trialRetried")?.kind;
  const deferred = whole.newest("trialDeferred", "attemptStarted", "trialResumed", "trialRetried")?.kind;
  const attempt = begunNow === undefined ? new Part([]) : life.since("attemptStarted");
  const measured = measuredIn(life);
  const [best] = measured
    .filter(({ measurement }) => Number.isFinite(measurement.metrics.loss))
    .sort((a, b) => ((a.measurement.metrics.loss ?? 0) - (b.measurement.metrics.loss ?? 0)) * (maximizes ? -1 : 1));
  const last = measuredIn(whole).at(-1);
  return {
    status: status?.kind.$case === "attemptStarted" ? "running" : status?.kind.$case === "trialPaused" ? "paused" : "pending",
    work: given.kind.value.work as Work,
    workPosition: given.position,
    readyMs: given.timeMs,
    attempt: begun?.kind.value.attempt ?? 0,
    agentId: begun?.kind.value.agentId ?? "",
    attemptStartedMs: begunNow?.timeMs ?? 0,
    startedMs: whole.all("attemptStarted")[0]?.timeMs ?? 0,
    proposedMs: whole.all("trialProposed")[0]?.timeMs ?? 0,
    retryAtMs: wait?.$case === "attemptEnded" ? wait.value.retryAtMs : 0,
    failures: life.all("attemptEnded").filter(({ kind }) => isFailure(kind.value.reason)).length,
    failedAgentId: agents(workNow, isFailure).at(-1) ?? "",
    blamedAgentId: agents(workNow, (reason) => reason === EndReason.END_REASON_USER_ERROR).at(-1) ?? "",
    stopReason: life.newest("trialStopRequested")?.kind.value.reason,
    pauseReason: asked?.$case === "trialPauseRequested" ? asked.value.reason : undefined,
    deferred: deferred?.$case === "trialDeferred" ? deferred.value.reason : "",
    unrestoredAttempt: life.newest("checkpointDamaged")?.kind.value.attempt ?? 0,
    measuredStep: measuredIn(attempt).at(-1)?.measurement.step ?? -1,
    savedStep: attempt.newest("trialCheckpointed")?.kind.value.step ?? -1,
    artifacts: leftIn(whole).map(({ ref }) => ref),
    leftAtPause: leftIn(whole).flatMap(({ ref, atPause }) => (atPause ? [ref] : [])),
    last: last?.measurement,
    lastAttempt: last?.attempt ?? 0,
    best: best?.measurement,
    bestAttempt: best?.attempt ?? 0,
    bestValue: best?.measurement.metrics.loss ?? Number.NaN,
    findings: new Set(
      attempt
        .all("findingReported")
        .flatMap(({ kind: { value } }) =>
          value.key === undefined ? [`${value.severity} ${value.source}: ${value.message}`] : [],
        ),
    ),
  };
}

/** A measurement without its attempt, which those of an earlier life have. */
function bare(measurement: Measurement | undefined): Partial<Measurement> | undefined {
  const { attempt: _, ...rest } = measurement ?? {};
  return measurement && rest;
}

test("what is known of a trial is what the facts about it say, field by field, while it lives and when it is over", () => {
  fc.assert(
    fc.property(allActs, procedures, objectives, (acts, procedure, objective) => {
      const { state, facts } = lived(acts, procedure, { objective });
      for (let number = 0; number < state.nextTrial; number += 1) {
        const story = new Story(facts, number);
        const fields = fieldsOf(story, objective.direction === "maximize");
        const live = state.live.get(number);
        if (live !== undefined) {
          const { number: _, step, earlier, counted, checkpoints, time, ...known } = live;
          assert.deepEqual({ ...known, last: bare(known.last) }, { ...fields, last: bare(fields.last) });
        }
        const view = state.trial(number) ?? assert.fail("clients see it");
        const end = live === undefined ? story.newest("trialEnded") : undefined;
        const isGood = end === undefined || endedWell(end.kind.value.reason);
        const { status, best, last, bestValue } = fields;
        assert.equal(view.status, `TRIAL_STATUS_${(live === undefined ? "ended" : (status ?? "")).toUpperCase()}`);
        const said = live?.status === "pending" ? live.deferred : "";
        assert.deepEqual(
          [view.reason, view.message, view.endedMs],
          end === undefined
            ? [EndReason.END_REASON_UNSPECIFIED, said, 0]
            : [end.kind.value.reason, end.kind.value.message, end.timeMs],
        );
        assert.deepEqual(
          [view.value, view.best?.step, view.best?.attempt],
          isGood && best !== undefined ? [bestValue, best.step, fields.bestAttempt] : [undefined, undefined, undefined],
        );
        assert.deepEqual([view.last?.step, view.last?.attempt], [last?.step, last && fields.lastAttempt]);
        assert.deepEqual(
          [view.agentId, view.attempts, view.proposedMs, view.startedMs, view.artifacts],
          [fields.agentId, fields.attempt, fields.proposedMs, fields.startedMs, fields.artifacts],
        );
        assert.equal(state.archive.failed(number), end !== undefined && isTrialFailure(end.kind.value.reason));
      }
    }),
    { numRuns: 120 },
  );
});
