/** Searches that lived through anything: acts of strategies, agents and users in a random order, each answered by what is decided of it. */
import assert from "node:assert/strict";
import type { Proposal } from "@regulus/algorithms/core";
import { EndReason, type Measurement, type Report } from "@regulus/proto";
import fc from "fast-check";
import type { SearchCommand } from "../commands.js";
import { decide } from "../decide.js";
import { decideReport } from "../decide-report.js";
import { resumePoint } from "../resume-point.js";
import { SearchAt } from "./search-at.js";

const trialsMax = 12;
/** Steps that a trial may do. */
export const stepsPerTrial = 40;
/** Attempts that are tried again. */
export const retriesMax = 2;

/** Acts that leave the search open. */
const inTrials = [
  ...["start", "copy", "run", "run", "run", "measure", "measure", "measure", "save", "save", "pause", "resume", "stop"],
  ...["finish", "finish", "retry", "halt", "go"],
];
/** Those that concern all of it, or are rare. */
const ofAll = ["run", "measure", "save", "find", "defer", "lose", "damaged", "batch", "end", "settle", "idle", "extend", "away"];

const acts = (kinds: readonly string[]) =>
  fc.array(
    fc.record({
      what: fc.constantFrom(...kinds),
      /** Which of the trials that it can be done to. */
      which: fc.nat(trialsMax - 1),
      by: fc.nat(4),
      ms: fc.nat(5000),
      reason: fc.constantFrom(
        ...Object.values(EndReason).filter((reason) => !/UNSPECIFIED|UNRECOGNIZED/.test(reason)),
        EndReason.END_REASON_DONE,
        EndReason.END_REASON_PREEMPTED,
      ),
    }),
    { minLength: 10, maxLength: 80, size: "max" },
  );

/** Acts under which a search stays open. */
export const openActs = acts(inTrials);
/** Acts that may also stop, end and reopen it. */
export const allActs = acts([...inTrials, ...inTrials, ...ofAll]);

type Acts = typeof openActs extends fc.Arbitrary<infer Made> ? Made : never;
type Act = Acts[number];

/** A search of trials of two slots that did what it was told, with a minute at the end in which nothing happens. */
export function lived(told: Acts, procedure: "command" | "fit", more: Record<string, unknown> = {}): SearchAt {
  const of = procedure === "fit" ? { command: undefined, workload: "ridge" } : {};
  const budget = { trials: trialsMax, stepsPerTrial };
  const retries = { max: retriesMax, backoff: "1ms" };
  const at = new SearchAt({ ...of, budget, retries, resources: { slots: 2 }, ...more });
  for (const [index, act] of told.entries()) {
    at.timeMs += act.ms;
    const those = [...Array(at.state.nextTrial).keys()].filter((number) => canBe(act.what, at, number));
    const trial = those[act.which % those.length];
    if (trial !== undefined) doTo(at, { ...act, trial, index, procedure });
    else doToAll(at, act, procedure);
  }
  at.timeMs += 60_000;
  return at;
}

type Done = Act & { readonly trial: number; readonly index: number; readonly procedure: string };

function doTo(at: SearchAt, { what, by, ms, reason, trial, index, procedure }: Done): void {
  const { state } = at;
  const live = state.live.get(trial);
  const say = (event: NonNullable<Report["event"]>) => {
    const lease = { searchId: "s", trial, attempt: live?.attempt ?? 0 };
    at.tell(...decideReport(state, live?.agentId ?? "", { lease, event }, { nowMs: at.timeMs, elsewhere: by > 1 }).facts);
  };
  const step = (live?.step ?? 0) + by;
  const work = { untilStep: Math.min(stepsPerTrial, step + 3), final: by > 1 };
  const start: Proposal = { kind: "start", procedure, parameters: { rate: 0.5 }, ...work };
  if (what === "copy") take(at, { ...start, fromTrial: trial });
  else if (what === "run" && live !== undefined)
    tell(at, { kind: "startAttempt", trial, agentId: by > 2 ? "b" : "a", fromStep: resumePoint(live).step });
  else if (what === "measure") say({ $case: "measured", value: measurement(step, ms) });
  else if (what === "save")
    say({ $case: "checkpointed", value: { step, checkpoint: { sha256: `${index}`, size: 1, kind: "checkpoint" } } });
  else if (what === "damaged" && live !== undefined)
    say({ $case: "unrestorable", value: { checkpoint: resumePoint(live).ref, message: "no tar" } });
  else if (what === "find" && by > 2)
    tell(at, { kind: "takeFindings", source: "watch", findings: [{ key: `${by}`, trial, severity: "info", message: "slow" }] });
  else if (what === "find") say({ $case: "found", value: { source: "watch", severity: "info", message: `${by}` } });
  else if (what === "finish") {
    const artifacts = by > 3 ? [{ sha256: `a${index}`, size: 1, kind: "output" }] : [];
    const final = by > 2 ? measurement(step, ms) : undefined;
    say({ $case: "finished", value: { reason, message: "", step, final, artifacts, startedMs: 0 } });
  } else if (what === "pause") take(at, { kind: "pause", trial, reason: "later" });
  else if (what === "stop" && by > 2) tell(at, { kind: "stopTrial", trial, reason: "no more" });
  else if (what === "stop") take(at, { kind: "stop", trial, reason: "enough" });
  else if (what === "resume") take(at, { kind: "resume", trial, ...work });
  else if (what === "retry") tell(at, { kind: "retryTrials", trials: [trial], key: "", nowMs: at.timeMs });
  else if (what === "defer") tell(at, { kind: "deferTrial", trial, reason: `reason ${by}` });
  else if (what === "lose" && live !== undefined) {
    const lost = by > 2 ? EndReason.END_REASON_TIMED_OUT : EndReason.END_REASON_LOST;
    tell(at, { kind: "loseAttempt", trial, attempt: live.attempt, reason: lost, message: "silent", nowMs: at.timeMs });
  } else doToAll(at, { what, by, ms, reason, which: trial }, procedure);
}

/** Acts that are about no one trial. */
function doToAll(at: SearchAt, { what, which, by }: Act, procedure: string): void {
  const { state, timeMs: nowMs } = at;
  const { status } = state;
  const start: Proposal = { kind: "start", procedure, parameters: { rate: 0.5 }, untilStep: by + 3, final: by > 1 };
  const more = { trials: by > 2 ? 1 : 0, steps: 0, wallTimeMs: 0, failures: 0 };
  const open = status === "running" || status === "paused";
  if (what === "start") take(at, start);
  else if (what === "batch") {
    const paused = [...state.live.values()].filter((one) => one.status === "paused");
    const resumes = paused.map(
      ({ number }): Proposal => ({ kind: "resume", trial: number, untilStep: stepsPerTrial, final: true }),
    );
    take(at, ...Array(by).fill(start), ...resumes, ...Array(by).fill(start));
  } else if (what === "halt" && open) tell(at, { kind: "pauseSearch", reason: "lunch" });
  else if (what === "go" && open) tell(at, { kind: "resumeSearch" });
  // Which is seldom 0: a search is to live for a while.
  else if (what === "away") tell(at, { kind: "takeUp", awaySinceMs: nowMs - which * 1000 });
  else if (what === "end" && which === 0) tell(at, { kind: "stopSearch", reason: "enough", completes: by > 2 });
  else if (what === "settle") tell(at, { kind: "settle", nowMs, idle: false });
  else if (what === "idle" && (by === 0 || status === "stopping")) tell(at, { kind: "settle", nowMs, idle: true });
  else if (what === "extend" && status !== "stopping" && more.trials > 0)
    tell(at, { kind: "extendSearch", more, key: "", nowMs });
}

/** The most starts and resumes that one batch is taken up of. */
const limit = 5;

function take(at: SearchAt, ...proposals: readonly Proposal[]): void {
  const facts = decide(at.state, { kind: "takeProposals", proposals, limit, asked: 0 });
  const given = facts.filter(({ $case }) => $case === "trialProposed" || $case === "trialResumed").length;
  // A trial that has passed its step takes no slot.
  const passed = facts.filter(
    ({ $case }, index) => facts[index - 1]?.$case === "trialResumed" && $case !== "trialResumed",
  ).length;
  assert.ok(given - passed <= limit, "a batch is taken up to its limit");
  at.tell(...facts);
}

function tell(at: SearchAt, command: SearchCommand): void {
  at.tell(...decide(at.state, command));
}

/** Whether an act can be done to a trial. */
function canBe(what: string, { state }: SearchAt, trial: number): boolean {
  if (what === "copy") return true;
  if (what === "retry") return state.archive.mayRetry(trial) && state.status !== "stopping";
  const status = state.live.get(trial)?.status;
  if (what === "run" || what === "defer") return status === "pending";
  if (what === "resume") return status === "paused";
  return what === "pause" || what === "stop" ? status !== undefined : status === "running";
}

/** Few values, so that a step which is measured again is as often worse as better. */
const measurement = (step: number, ms: number): Measurement => {
  return { step, metrics: { loss: ms % 7 }, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
};
