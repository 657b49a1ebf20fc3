/**
 * A search in memory under virtual time: a strategy, agents that take turns, and trials that are functions. It says what a coordinator would
 * (the same facts in the same order) and stops at a proposal that no coordinator could carry out. For conformance suites and for tests of
 * strategies; the coordinator's own rules are tested elsewhere.
 */
import { type ArtifactRef, assert, EndReason, type Fact, SearchOutcome, toVectors, type Work } from "@regulus/proto";
import { createRng, type Proposal, type Rng, type Strategy, type StrategyContext } from "../core/index.js";
import { type Drive, type Driven, type DrivenTrial, type Outcome, trialAt } from "./driven-search.js";
import { checkProposals } from "./proposal-checks.js";
import { mixed, pinned, workOf } from "./proposed-work.js";

/** Work on its way. */
interface Running {
  readonly trial: number;
  readonly work: Work;
  readonly endsAt: number;
}

/** Facts after which a search that never ends is given up. */
const factsMax = 1_000_000;

/** Drives a search until its budget is spent or its strategy has nothing more. */
export function driveStrategy<State>(drive: Drive<State>): Driven<State> {
  return new StrategyRun(drive).run();
}

class StrategyRun<State> {
  readonly #drive: Drive<State>;
  readonly #root: Rng;
  readonly #durations: Rng | undefined;
  readonly #facts: Fact[] = [];
  readonly #trials: DrivenTrial[] = [];
  /** Works of trials that failed, and trials that were tried again. */
  readonly #failed = new Map<number, Work>();
  readonly #retried = new Set<number>();
  #strategy: Strategy<State>;
  #context: StrategyContext;
  #more: Drive<State>["extended"];
  #state: State;
  #running: Running[] = [];
  #steps = 0;
  #now = 0;

  constructor(drive: Drive<State>) {
    this.#drive = drive;
    this.#strategy = drive.strategy;
    this.#context = drive.context;
    this.#more = drive.extended;
    this.#root = createRng(drive.seed);
    this.#durations = drive.orderSeed === undefined ? undefined : createRng(drive.orderSeed);
    this.#state = drive.strategy.init();
  }

  run(): Driven<State> {
    for (;;) {
      const proposals = this.#ask();
      for (const proposal of proposals) this.#take(proposal);
      const next = this.#running.reduce<Running | undefined>(
        (first, other) => (first === undefined || other.endsAt < first.endsAt ? other : first),
        undefined,
      );
      if (next === undefined) {
        // What it reported it was told of, so it may have more to say.
        if (proposals.some(({ kind }) => kind === "report" || kind === "pause")) continue;
        if (!this.#goesOn()) return { facts: this.#facts, trials: this.#trials, steps: this.#steps, state: this.#state };
        continue;
      }
      this.#running = this.#running.filter((other) => other !== next);
      this.#now = next.endsAt;
      this.#arrive(next);
    }
  }

  #ask(): readonly Proposal[] {
    const context = this.#context;
    const spent = context.budget.steps > 0 && this.#steps >= context.budget.steps;
    this.#drive.beforeAsk?.(this.#state, this.#facts);
    // Trials that are tried again may be more than there are agents.
    const limit = Math.max(0, this.#drive.agents - this.#running.length);
    const proposals = spent ? [] : this.#strategy.ask(this.#state, limit, this.#root);
    checkProposals(proposals, { limit, trials: this.#trials, context });
    return proposals;
  }

  #say(kind: Fact["kind"]): void {
    const fact: Fact = { searchId: "driven", position: this.#facts.length + 1, timeMs: Math.round(this.#now), kind };
    this.#facts.push(fact);
    assert(this.#facts.length < factsMax, `a driven search ends within ${factsMax} facts`);
    this.#state = this.#strategy.tell(this.#state, fact);
    if (this.#drive.afterTell !== undefined) this.#state = this.#drive.afterTell(this.#state);
  }

  #take(proposal: Proposal): void {
    switch (proposal.kind) {
      case "start":
        this.#start(proposal);
        return;
      case "resume":
        this.#resume(proposal);
        return;
      case "report": {
        const { step, accepted, metrics, vectors, message } = proposal;
        const value = { step, accepted, metrics: { ...metrics }, vectors: toVectors(vectors), message };
        this.#say({ $case: "strategyStepped", value });
        return;
      }
      case "pause":
        this.#pause(proposal.trial, proposal.reason);
        return;
      case "stop":
        this.#say({ $case: "trialStopRequested", value: { trial: proposal.trial, reason: proposal.reason } });
        this.#running = this.#running.filter(({ trial }) => trial !== proposal.trial);
        this.#end(proposal.trial, EndReason.END_REASON_STOPPED_EARLY, true);
        return;
      default:
        proposal satisfies never;
    }
  }

  #start(proposal: Extract<Proposal, { kind: "start" }>): void {
    const { parameters, procedure } = proposal;
    const work = workOf(proposal, { parameters, procedure, inputs: pinned(this.#trials, proposal.inputs) });
    const number = this.#trials.length;
    this.#trials.push({
      number,
      configuration: parameters,
      procedure,
      kept: { arm: work.arm, inputs: work.inputs, seedNumber: work.seedNumber },
      steps: 0,
      weights: 0,
      saved: undefined,
      status: "running",
      reason: undefined,
      last: undefined,
      left: [],
    });
    this.#say({ $case: "trialProposed", value: { trial: number, work } });
    this.#work(number, work);
  }

  #resume(proposal: Extract<Proposal, { kind: "resume" }>): void {
    const found = trialAt(this.#trials, proposal.trial);
    const { procedure, kept } = found;
    const inputs = proposal.inputs === undefined ? kept.inputs : pinned(this.#trials, proposal.inputs);
    const work = workOf(proposal, { parameters: proposal.parameters ?? found.configuration, procedure, inputs });
    found.configuration = work.parameters ?? found.configuration;
    Object.assign(work, { ...kept, inputs });
    this.#say({ $case: "trialResumed", value: { trial: proposal.trial, work } });
    this.#work(proposal.trial, work);
  }

  #pause(number: number, reason: string): void {
    const found = trialAt(this.#trials, number);
    if (found.status !== "running") return;
    this.#say({ $case: "trialPauseRequested", value: { trial: number, reason } });
    this.#running = this.#running.filter(({ trial }) => trial !== number);
    found.status = "paused";
    const artifacts = this.#leave(found, false);
    this.#say({ $case: "trialPaused", value: { trial: number, attempt: 1, step: found.steps, artifacts } });
  }

  #work(trial: number, work: Work): void {
    const found = trialAt(this.#trials, trial);
    found.status = "running";
    // A copy begins at its source's checkpoint of the moment at which it is decided, as the coordinator has it.
    const source = work.fromTrial === undefined ? undefined : trialAt(this.#trials, work.fromTrial).saved;
    if (source !== undefined) Object.assign(found, source);
    this.#steps += work.untilStep - found.steps;
    const pace = this.#durations === undefined ? 1 : 0.5 + this.#durations.uniform();
    this.#running.push({ trial, work, endsAt: this.#now + Math.max(1, work.untilStep - found.steps) * pace });
  }

  /** Opens the search again at its end, where more is to come. */
  #goesOn(): boolean {
    if (this.#failed.size === 0 && this.#more === undefined) return false;
    for (const { number, status } of this.#trials)
      if (status === "paused") this.#end(number, EndReason.END_REASON_STOPPED_EARLY, true);
    this.#say({ $case: "searchEnded", value: { outcome: SearchOutcome.SEARCH_OUTCOME_COMPLETED, reason: "" } });
    this.#say({ $case: "searchReopened", value: { reason: "" } });
    if (this.#more !== undefined) {
      this.#strategy = this.#more.strategy;
      this.#context = this.#more.context;
      this.#more = undefined;
      this.#say({ $case: "searchExtended", value: { budget: this.#context.budget, idempotencyKey: "" } });
    }
    for (const [trial, work] of this.#failed) this.#retry(trial, work);
    return true;
  }

  #retry(trial: number, work: Work): void {
    const found = trialAt(this.#trials, trial);
    this.#failed.delete(trial);
    this.#retried.add(trial);
    Object.assign(found, found.saved ?? { steps: 0, weights: 0 }, { reason: undefined });
    this.#say({ $case: "trialRetried", value: { trial, work, idempotencyKey: "", allFailed: false } });
    this.#work(trial, work);
  }

  #arrive({ trial, work }: Running): void {
    const found = trialAt(this.#trials, trial);
    const outcome = this.#retried.has(trial) ? "reaches" : (this.#drive.outcome?.(trial, work.untilStep) ?? "reaches");
    this.#say({ $case: "attemptStarted", value: { trial, attempt: 1, agentId: "simulated", fromStep: found.steps } });
    found.steps = work.untilStep;
    const given = work.inputs.map(({ artifact }) => Number.parseInt(artifact?.sha256.slice(0, 8) ?? "0", 16));
    found.weights = mixed([found.weights, work.seedNumber ?? trial, work.arm.length, work.untilStep, ...given]);
    // A trial that pauses has saved, unless it need not; of the checkpoint and the measurement either may be told of first.
    const saves = !work.final && work.options?.durable !== false && (outcome === "reaches" || outcome === "is-silent");
    const tellSaved = (): void => {
      const checkpoint = { sha256: `${trial}-${work.untilStep}`, size: 1, kind: "checkpoint" };
      this.#say({ $case: "trialCheckpointed", value: { trial, attempt: 1, step: work.untilStep, checkpoint } });
    };
    const savedFirst = work.untilStep % 2 === 0;
    if (saves && savedFirst) tellSaved();
    if (outcome === "reaches" || outcome === "diverges") this.#measure(found, work, outcome);
    if (saves && !savedFirst) tellSaved();
    this.#leaveOff(found, work, { outcome, saves });
  }

  #measure(found: DrivenTrial, work: Work, outcome: "reaches" | "diverges"): void {
    const metrics = this.#drive.metrics(found.configuration, work.untilStep, found);
    const shown =
      outcome === "diverges" ? Object.fromEntries(Object.keys(metrics).map((name) => [name, Number.NaN])) : { ...metrics };
    const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {} };
    const more = outcome === "diverges" ? {} : (this.#drive.observe?.(work, found.number) ?? {});
    found.last = { step: work.untilStep, metrics: shown, ...nothing, ...more, seconds: this.#now / 1000 };
    this.#say({ $case: "trialMeasured", value: { trial: found.number, attempt: 1, measurement: found.last } });
  }

  /** The trial ends or pauses, by what became of it. */
  #leaveOff(found: DrivenTrial, work: Work, { outcome, saves }: { outcome: Outcome; saves: boolean }): void {
    const trial = found.number;
    if (outcome === "diverges") this.#end(trial, EndReason.END_REASON_DIVERGED, true);
    else if (outcome === "is-lost") this.#end(trial, EndReason.END_REASON_LOST, false);
    else if (outcome === "fails") this.#end(trial, EndReason.END_REASON_USER_ERROR, false);
    else if (work.final) this.#end(trial, EndReason.END_REASON_DONE, outcome === "reaches");
    else {
      found.status = "paused";
      if (saves) found.saved = { steps: found.steps, weights: found.weights };
      this.#say({
        $case: "trialPaused",
        value: { trial, attempt: 1, step: work.untilStep, artifacts: this.#leave(found, false) },
      });
    }
    if (outcome !== "is-lost" && outcome !== "fails") return;
    if (this.#drive.retry === "at-once") this.#retry(trial, work);
    else if (this.#drive.retry === "after-the-end") this.#failed.set(trial, work);
  }

  /** What a trial leaves where it pauses or ends: its schedule, and the predictions that the search wants. Their sums tell its weights. */
  #leave(found: DrivenTrial, ends: boolean): ArtifactRef[] {
    const sha256 = found.weights.toString(16).padStart(8, "0").repeat(8);
    const predicts = found.procedure === "fit" || found.procedure === "self-tune";
    const kinds = predicts ? (this.#context.predictions ?? []).map((split) => `predictions-${split}`) : [];
    if (ends && found.procedure === "self-tune") kinds.push("schedule");
    const artifacts = kinds.map((kind) => ({ sha256, size: 1, kind }));
    found.left = [...found.left, ...artifacts];
    return artifacts;
  }

  #end(trial: number, reason: EndReason, measured: boolean): void {
    const found = trialAt(this.#trials, trial);
    found.status = "ended";
    found.reason = reason;
    const final = measured ? found.last : undefined;
    const artifacts = reason === EndReason.END_REASON_DONE ? this.#leave(found, true) : [];
    this.#say({ $case: "trialEnded", value: { trial, attempt: 1, reason, message: "", final, artifacts, startedMs: 0 } });
  }
}
