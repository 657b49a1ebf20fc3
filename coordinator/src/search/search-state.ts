/**
 * The state of one search: a fold over its facts. It holds what deciding, planning and answering need, ended trials in compact form;
 * measurements stay in the log. It decides nothing and knows no clock.
 */
import {
  assert,
  type Budget,
  EndReason,
  endedWell,
  type Fact,
  failureSignature,
  isTrialFailure,
  Leader,
  type Objective,
  type Ranked,
  RunningTime,
  type Search,
  type SearchCourse,
  SearchOutcome,
  type SearchSpec,
  sumOfSteps,
  type Trial,
  tellCourse,
} from "@regulus/proto";
import { AgentRecords } from "./agent-records.js";
import { Arms } from "./arms.js";
import { Cost } from "./cost.js";
import { isCutOff } from "./cut-off.js";
import { FailureGroups } from "./failure-groups.js";
import { FirstTrials } from "./first-trials.js";
import { KeyedCalls } from "./keyed-calls.js";
import { News } from "./news.js";
import { sourceOf } from "./resume-point.js";
import { type ShownSearch, searchView } from "./search-view.js";
import { shownSpec } from "./shown-spec.js";
import { TrialArchive } from "./trial-archive.js";
import { endedTrial, proposedTrial, type TrialState, tellTrial } from "./trial-state.js";
import { trialView } from "./trial-view.js";
import { Usage } from "./usage.js";

/** Source of the findings that the coordinator itself makes. */
export const findingSource = "coordinator";

/** One search. Begins with its SearchCreated fact; `tell` takes the others in order. */
export class SearchState implements ShownSearch {
  readonly searchId: string;
  spec: SearchSpec;
  /** The problem as it was created. */
  readonly createdSpec: SearchSpec;
  /** The problem of now, as clients see it. */
  #shownSpec: SearchSpec;
  readonly idempotencyKey: string;
  readonly createdMs: number;
  /** The objective that ranks trials. */
  readonly objective: Objective;
  budget: Budget;
  /** Slots that one trial takes. */
  readonly slots: number;
  position: number;
  /** Time of its newest fact. */
  toldMs: number;
  status: SearchCourse["status"] = "running";
  outcome: SearchOutcome = SearchOutcome.SEARCH_OUTCOME_UNSPECIFIED;
  reason = "";
  endsAs: SearchCourse["endsAs"] = "stopped";
  strategyFailure = "";
  endedMs = 0;
  readonly time: RunningTime;
  /** Newest calls with a key of their client's. */
  readonly keyed = new KeyedCalls();
  /** Trials that are not over, by number. */
  readonly live = new Map<number, TrialState>();
  /** Numbers of pending trials, the one that waits longest first. */
  readonly pending = new Set<number>();
  /** Numbers of running trials. */
  readonly running = new Set<number>();
  readonly archive = new TrialArchive();
  readonly arms: Arms;
  /** Whether any trial has ever saved. */
  saves = false;
  /** Number of the next trial. */
  nextTrial = 0;
  done = 0;
  stopped = 0;
  /** Ended for any other reason. */
  failed = 0;
  /** Of the failed, those that are no results: lost, out of memory, timed out, user error. */
  failures = 0;
  readonly failureGroups = new FailureGroups();
  readonly firstTrials = new FirstTrials();
  /** How often trials were tried again by their user, by number. */
  readonly retried = new Map<number, number>();
  /** Training steps over all trials, each counted once. */
  steps = 0;
  readonly cost: Cost;
  readonly usage = new Usage();
  readonly agentRecords = new AgentRecords();
  readonly news = new News();
  /** Keys of what the coordinator itself found about the whole search, so that each is told once. */
  readonly told = new Set<string>();
  readonly #leader: Leader;

  constructor(created: Fact) {
    assert(created.kind?.$case === "searchCreated" && created.kind.value.spec, "a search begins with its creation");
    const spec = created.kind.value.spec;
    const objective = spec.objectives[0];
    assert(objective, "a search has an objective");
    this.searchId = created.searchId;
    this.spec = spec;
    this.createdSpec = spec;
    this.#shownSpec = shownSpec(spec);
    this.objective = objective;
    this.arms = new Arms(objective);
    this.#leader = new Leader(objective);
    this.budget = spec.budget ?? { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 };
    this.slots = Math.max(1, spec.resources?.slots ?? 1);
    this.cost = new Cost(this.slots);
    this.idempotencyKey = created.kind.value.idempotencyKey;
    this.createdMs = created.timeMs;
    this.time = new RunningTime(created.timeMs);
    this.position = created.position;
    this.toldMs = created.timeMs;
  }

  /** The best trial by the value that counts; undefined where none has one. */
  get bestTrial(): number | undefined {
    return this.#leader.trial;
  }

  /** Its value; NaN where there is none. */
  get bestValue(): number {
    return this.#leader.value;
  }

  /** Tells of the next fact. */
  tell(fact: Fact): void {
    assert(fact.position === this.position + 1, () => `fact ${fact.position} of ${this.searchId} follows ${this.position}`);
    this.position = fact.position;
    this.toldMs = Math.max(this.toldMs, fact.timeMs);
    this.news.tell(fact);
    this.keyed.tell(fact, this.budget);
    tellCourse(this, fact);
    const kind = fact.kind;
    switch (kind?.$case) {
      case "findingReported":
        if (kind.value.source === findingSource && kind.value.key !== undefined) this.told.add(kind.value.key);
        if (kind.value.trial !== undefined) this.#tellTrial(kind.value.trial, fact);
        return;
      case "agentAvoided":
        this.agentRecords.tellAvoided(kind.value.agentId, kind.value.untilMs);
        return;
      case "searchEnded":
        this.archive.pack();
        return;
      case "searchExtended":
        this.#shownSpec = shownSpec(this.spec);
        this.firstTrials.wantedByUser();
        return;
      case "searchReopened":
        this.firstTrials.wantedByUser();
        return;
      case "trialRetried":
        this.firstTrials.wantedByUser();
        this.#revive(kind.value.trial, fact);
        this.#tellTrial(kind.value.trial, fact);
        return;
      case "trialProposed":
        this.live.set(kind.value.trial, proposedTrial(fact));
        this.#beginFrom(kind.value.trial, kind.value.work?.fromTrial, fact.position);
        this.pending.add(kind.value.trial);
        this.arms.started(kind.value.work?.arm ?? "");
        this.nextTrial = kind.value.trial + 1;
        return;
      default:
        if (kind !== undefined && "trial" in kind.value && kind.value.trial !== undefined)
          this.#tellTrial(kind.value.trial, fact);
    }
  }

  /** A trial as clients see it. */
  trial(number: number): Trial | undefined {
    const live = this.live.get(number);
    return live === undefined ? this.archive.get(this.searchId, number) : trialView(this.searchId, live);
  }

  /** Whether there is or was a trial of this number. */
  knows(number: number): boolean {
    return Number.isInteger(number) && number >= 0 && number < this.nextTrial;
  }

  /** The search as clients see it. */
  view(): Search {
    return searchView(this, this.#shownSpec);
  }

  #tellTrial(number: number, fact: Fact): void {
    const trial = this.live.get(number);
    // A finding may come after its trial's end.
    if (trial === undefined && fact.kind?.$case === "findingReported") return;
    assert(trial, () => `fact ${fact.position} of ${this.searchId} is about trial ${number}, which is not live`);
    if (fact.kind?.$case === "trialCheckpointed") this.saves = true;
    const { step: stepBefore, counted: countedBefore } = trial;
    const wasRunning = trial.status === "running";
    // A program begins a new process at its checkpoint, whatever it did since.
    this.cost.tell(trial.time, fact, trial.work.procedure === "command" ? stepBefore : 0);
    this.agentRecords.tell(trial, fact);
    tellTrial(trial, fact, this.objective);
    const { arm } = trial.work;
    this.steps = sumOfSteps(this.steps, trial.step - stepBefore);
    this.arms.stepped(arm, trial.step - stepBefore);
    if (fact.kind?.$case === "trialResumed" || fact.kind?.$case === "trialRetried")
      this.#beginFrom(number, fact.kind.value.work?.fromTrial, fact.position);
    if (fact.kind?.$case === "trialPaused") this.firstTrials.worked();
    const over = trial.end !== undefined;
    move(this.pending, number, !over && trial.status === "pending");
    const runs = !over && trial.status === "running";
    move(this.running, number, runs);
    if (wasRunning && !runs) this.usage.tellAttempt((fact.timeMs - trial.attemptStartedMs) / 1000);
    this.usage.tell(this.running.size * this.slots, fact.timeMs);
    if (fact.kind?.$case === "attemptStarted") this.firstTrials.started(number, this.running.size);
    if (trial.end !== undefined) this.#end(trial, trial.end);
    else if (trial.counted !== countedBefore) this.#ranked(trial);
  }

  /** Tells the leaders of the search and of the arm what a trial's value is now. */
  #ranked({ number, counted: { value }, work: { arm }, end }: TrialState): void {
    const [all, ofArm] = [() => this.#liveValues(), () => this.#liveValues(arm)];
    const [leader, leaderOfArm] = [this.#leader, this.arms.leader(arm)];
    if (end === undefined) {
      leader.measured(number, value, all);
      leaderOfArm.measured(number, value, ofArm);
    } else {
      leader.ended(number, value, all);
      leaderOfArm.ended(number, value, ofArm);
      this.arms.ended(arm, value, end);
    }
  }

  /** Values of the trials that are not over, of one arm or of all. Walked only where the best one fell back. */
  *#liveValues(arm?: string): Generator<Ranked> {
    for (const { number, counted, work } of this.live.values()) {
      if (arm === undefined || work.arm === arm) yield { trial: number, value: counted.value };
    }
  }

  /**
   * Notes where the work of a trial begins: at the other trial's checkpoint of now, since that trial may go on before this one gets a slot.
   * The steps that the checkpoint holds were counted with the other trial.
   */
  #beginFrom(number: number, fromTrial: number | undefined, position: number): void {
    const trial = this.live.get(number);
    if (trial === undefined) return;
    const source = fromTrial === undefined ? undefined : sourceOf(this, fromTrial, position);
    trial.checkpoints = { ...trial.checkpoints, source };
    trial.step = Math.max(trial.step, source?.newest.step ?? 0);
  }

  /** A trial that had failed or was cut off is live again. */
  #revive(number: number, fact: Fact): void {
    const { archive } = this;
    const view = archive.get(this.searchId, number);
    assert(view && archive.mayRetry(number), `trial ${number} of ${this.searchId} may be retried`);
    const time = this.cost.takeBack(view.reason, archive.keptMs(number));
    this.live.set(number, endedTrial(view, { step: archive.step(number), time }, fact));
    archive.remove(number);
    this.retried.set(number, (this.retried.get(number) ?? 0) + 1);
    if (view.reason === EndReason.END_REASON_STOPPED_EARLY) this.stopped -= 1;
    if (!isTrialFailure(view.reason)) return;
    this.failed -= 1;
    this.failures -= 1;
    this.failureGroups.remove(view.reason, view.message);
  }

  #end(trial: TrialState, { reason, message }: NonNullable<TrialState["end"]>): void {
    this.live.delete(trial.number);
    const { newest } = trial.checkpoints;
    this.archive.add(trialView(this.searchId, trial), {
      step: trial.step,
      cutOff: isCutOff(this, trial),
      savedSince: (newest?.position ?? 0) > trial.workPosition,
      keptMs: trial.time.keptMs,
    });
    this.#ranked(trial);
    if (reason === EndReason.END_REASON_DONE) this.done += 1;
    else if (reason === EndReason.END_REASON_STOPPED_EARLY) this.stopped += 1;
    else this.failed += 1;
    const fails = isTrialFailure(reason);
    if (fails) this.firstTrials.failed(trial.number, failureSignature(reason, message));
    else this.firstTrials.worked();
    if (endedWell(reason)) return;
    if (fails) this.failures += 1;
    this.failureGroups.add(trial.number, reason, message);
  }
}

function move(set: Set<number>, number: number, wanted: boolean): void {
  if (wanted) set.add(number);
  else set.delete(number);
}
