/**
 * A search in memory under virtual time: a strategy, agents that take turns, and trials that are functions. It says what a coordinator would
 * (the same facts in the same order) and stops at a proposal that no coordinator could carry out. For conformance suites and for tests of
 * strategies; the coordinator's own rules are tested elsewhere.
 */
import {
  type ArtifactRef,
  assert,
  EndReason,
  type Fact,
  type Measurement,
  SearchOutcome,
  type TrialInput,
  toVectors,
  type Work,
} from "@regulus/proto";
import { procedureSpecs } from "../catalog/index.js";
import {
  type Configuration,
  createRng,
  type Proposal,
  type ProposedInput,
  type Strategy,
  type StrategyContext,
} from "../core/index.js";

/** What becomes of a trial on its way to a step. */
export type Outcome = "reaches" | "diverges" | "is-lost" | "is-silent" | "fails";

/** A search to drive. */
export interface Drive<State> {
  readonly strategy: Strategy<State>;
  readonly context: StrategyContext;
  /** Seed of the search. */
  readonly seed: number;
  /** Trials at once. */
  readonly agents: number;
  /** Metrics of a trial at a step. */
  readonly metrics: (configuration: Configuration, step: number, trial: DrivenTrial) => Readonly<Record<string, number>>;
  /** More of the measurement that a trial makes when it has done its work: vectors, learned values ... */
  readonly observe?: (work: Work, trial: number) => Partial<Omit<Measurement, "step" | "seconds">>;
  /** Seed of how long work takes, and so of the order of arrival; absent for time in proportion to steps. */
  readonly orderSeed?: number;
  /** What becomes of a trial; absent for "reaches". */
  readonly outcome?: (trial: number, untilStep: number) => Outcome;
  /** When trials that were lost or failed are tried again, each once and then with success; absent for never. */
  readonly retry?: "at-once" | "after-the-end";
  /** More budget that the search gets at its end: the strategy and the context for it. */
  readonly extended?: { readonly strategy: Strategy<State>; readonly context: StrategyContext };
  /** Applied to the state after every fact (serialization). */
  readonly afterTell?: (state: State) => State;
  /** Called before each ask. */
  readonly beforeAsk?: (state: State, facts: readonly Fact[]) => void;
}

/** A trial as the driver knows it. */
export interface DrivenTrial {
  readonly number: number;
  configuration: Configuration;
  readonly procedure: string;
  /** What its works have in common. */
  readonly kept: Pick<Work, "arm" | "inputs" | "seedNumber">;
  steps: number;
  /** Stands for the weights: a number that depends on everything that was ever trained into them. */
  weights: number;
  /** The newest checkpoint: what was saved at the last pause. */
  saved: { readonly steps: number; readonly weights: number } | undefined;
  status: "running" | "paused" | "ended";
  reason: EndReason | undefined;
  last: Measurement | undefined;
  /** What it left, the newest last. */
  left: readonly ArtifactRef[];
}

/** A driven search. */
export interface Driven<State> {
  readonly facts: readonly Fact[];
  readonly trials: readonly DrivenTrial[];
  /** Training steps over all trials. */
  readonly steps: number;
  readonly state: State;
}

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
  const { agents } = drive;
  let { strategy, context } = drive;
  const root = createRng(drive.seed);
  const durations = drive.orderSeed === undefined ? undefined : createRng(drive.orderSeed);
  const facts: Fact[] = [];
  const trials: DrivenTrial[] = [];
  let state = strategy.init();
  let running: Running[] = [];
  let steps = 0;
  let now = 0;
  let more = drive.extended;
  /** Works of trials that failed, and trials that were tried again. */
  const failed = new Map<number, Work>();
  const retried = new Set<number>();

  const say = (kind: Fact["kind"]): void => {
    const fact: Fact = { searchId: "driven", position: facts.length + 1, timeMs: Math.round(now), kind };
    facts.push(fact);
    assert(facts.length < factsMax, `a driven search ends within ${factsMax} facts`);
    state = strategy.tell(state, fact);
    if (drive.afterTell !== undefined) state = drive.afterTell(state);
  };
  const run = (trial: number, work: Work): void => {
    const found = trialAt(trials, trial);
    found.status = "running";
    // A copy begins at its source's checkpoint of the moment at which it is decided, as the coordinator has it.
    const source = work.fromTrial === undefined ? undefined : trialAt(trials, work.fromTrial).saved;
    if (source !== undefined) Object.assign(found, source);
    steps += work.untilStep - found.steps;
    const pace = durations === undefined ? 1 : 0.5 + durations.uniform();
    running.push({ trial, work, endsAt: now + Math.max(1, work.untilStep - found.steps) * pace });
  };

  for (;;) {
    const spent = context.budget.steps > 0 && steps >= context.budget.steps;
    drive.beforeAsk?.(state, facts);
    // Trials that are tried again may be more than there are agents.
    const limit = Math.max(0, agents - running.length);
    const proposals = spent ? [] : strategy.ask(state, limit, root);
    checkProposals(proposals, { limit, trials, context });
    for (const proposal of proposals) {
      if (proposal.kind === "start") {
        const inputs = pinned(trials, proposal.inputs);
        const work = workOf(proposal, { parameters: proposal.parameters, procedure: proposal.procedure, inputs });
        trials.push({
          number: trials.length,
          configuration: proposal.parameters,
          procedure: proposal.procedure,
          kept: { arm: work.arm, inputs: work.inputs, seedNumber: work.seedNumber },
          steps: 0,
          weights: 0,
          saved: undefined,
          status: "running",
          reason: undefined,
          last: undefined,
          left: [],
        });
        say({ $case: "trialProposed", value: { trial: trials.length - 1, work } });
        run(trials.length - 1, work);
      } else if (proposal.kind === "resume") {
        const found = trialAt(trials, proposal.trial);
        const { procedure, kept } = found;
        const inputs = proposal.inputs === undefined ? kept.inputs : pinned(trials, proposal.inputs);
        const work = workOf(proposal, { parameters: proposal.parameters ?? found.configuration, procedure, inputs });
        found.configuration = work.parameters ?? found.configuration;
        Object.assign(work, { ...kept, inputs });
        say({ $case: "trialResumed", value: { trial: proposal.trial, work } });
        run(proposal.trial, work);
      } else if (proposal.kind === "report") {
        const { step, accepted, metrics, vectors, message } = proposal;
        const value = { step, accepted, metrics: { ...metrics }, vectors: toVectors(vectors), message };
        say({ $case: "strategyStepped", value });
      } else if (proposal.kind === "pause") {
        const found = trialAt(trials, proposal.trial);
        if (found.status !== "running") continue;
        say({ $case: "trialPauseRequested", value: { trial: proposal.trial, reason: proposal.reason } });
        running = running.filter(({ trial }) => trial !== proposal.trial);
        found.status = "paused";
        say({
          $case: "trialPaused",
          value: { trial: proposal.trial, attempt: 1, step: found.steps, artifacts: leave(found, false) },
        });
      } else {
        say({ $case: "trialStopRequested", value: { trial: proposal.trial, reason: proposal.reason } });
        running = running.filter(({ trial }) => trial !== proposal.trial);
        endTrial(proposal.trial, EndReason.END_REASON_STOPPED_EARLY, true);
      }
    }
    if (running.length === 0) {
      // What it reported it was told of, so it may have more to say.
      if (proposals.some(({ kind }) => kind === "report" || kind === "pause")) continue;
      if (!goesOn()) return { facts, trials, steps, state };
      continue;
    }
    const next = running.reduce((first, other) => (other.endsAt < first.endsAt ? other : first));
    running = running.filter((other) => other !== next);
    now = next.endsAt;
    arrive(next);
  }

  /** Opens the search again at its end, where more is to come. */
  function goesOn(): boolean {
    if (failed.size === 0 && more === undefined) return false;
    for (const { number, status } of trials) if (status === "paused") endTrial(number, EndReason.END_REASON_STOPPED_EARLY, true);
    say({ $case: "searchEnded", value: { outcome: SearchOutcome.SEARCH_OUTCOME_COMPLETED, reason: "" } });
    say({ $case: "searchReopened", value: { reason: "" } });
    if (more !== undefined) {
      ({ strategy, context } = more);
      more = undefined;
      say({ $case: "searchExtended", value: { budget: context.budget, idempotencyKey: "" } });
    }
    for (const [trial, work] of failed) retry(trial, work);
    return true;
  }

  function retry(trial: number, work: Work): void {
    const found = trialAt(trials, trial);
    failed.delete(trial);
    retried.add(trial);
    Object.assign(found, found.saved ?? { steps: 0, weights: 0 }, { reason: undefined });
    say({ $case: "trialRetried", value: { trial, work, idempotencyKey: "", allFailed: false } });
    run(trial, work);
  }

  function arrive({ trial, work }: Running): void {
    const found = trialAt(trials, trial);
    const outcome = retried.has(trial) ? "reaches" : (drive.outcome?.(trial, work.untilStep) ?? "reaches");
    say({ $case: "attemptStarted", value: { trial, attempt: 1, agentId: "simulated", fromStep: found.steps } });
    found.steps = work.untilStep;
    const given = work.inputs.map(({ artifact }) => Number.parseInt(artifact?.sha256.slice(0, 8) ?? "0", 16));
    found.weights = mixed([found.weights, work.seedNumber ?? trial, work.arm.length, work.untilStep, ...given]);
    // A trial that pauses has saved, unless it need not; of the checkpoint and the measurement either may be told of first.
    const saves = !work.final && work.options?.durable !== false && (outcome === "reaches" || outcome === "is-silent");
    const tellSaved = (): void => {
      const checkpoint = { sha256: `${trial}-${work.untilStep}`, size: 1, kind: "checkpoint" };
      say({ $case: "trialCheckpointed", value: { trial, attempt: 1, step: work.untilStep, checkpoint } });
    };
    const savedFirst = work.untilStep % 2 === 0;
    if (saves && savedFirst) tellSaved();
    if (outcome === "reaches" || outcome === "diverges") {
      const metrics = drive.metrics(found.configuration, work.untilStep, found);
      const shown =
        outcome === "diverges" ? Object.fromEntries(Object.keys(metrics).map((name) => [name, Number.NaN])) : { ...metrics };
      const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {} };
      const more = outcome === "diverges" ? {} : (drive.observe?.(work, trial) ?? {});
      found.last = { step: work.untilStep, metrics: shown, ...nothing, ...more, seconds: now / 1000 };
      say({ $case: "trialMeasured", value: { trial, attempt: 1, measurement: found.last } });
    }
    if (saves && !savedFirst) tellSaved();
    if (outcome === "diverges") endTrial(trial, EndReason.END_REASON_DIVERGED, true);
    else if (outcome === "is-lost") endTrial(trial, EndReason.END_REASON_LOST, false);
    else if (outcome === "fails") endTrial(trial, EndReason.END_REASON_USER_ERROR, false);
    else if (work.final) endTrial(trial, EndReason.END_REASON_DONE, outcome === "reaches");
    else {
      found.status = "paused";
      if (saves) found.saved = { steps: found.steps, weights: found.weights };
      say({ $case: "trialPaused", value: { trial, attempt: 1, step: work.untilStep, artifacts: leave(found, false) } });
    }
    if (outcome !== "is-lost" && outcome !== "fails") return;
    if (drive.retry === "at-once") retry(trial, work);
    else if (drive.retry === "after-the-end") failed.set(trial, work);
  }

  /** What a trial leaves where it pauses or ends: its schedule, and the predictions that the search wants. Their sums tell its weights. */
  function leave(found: DrivenTrial, ends: boolean): ArtifactRef[] {
    const sha256 = found.weights.toString(16).padStart(8, "0").repeat(8);
    const predicts = found.procedure === "fit" || found.procedure === "self-tune";
    const kinds = predicts ? (context.predictions ?? []).map((split) => `predictions-${split}`) : [];
    if (ends && found.procedure === "self-tune") kinds.push("schedule");
    const artifacts = kinds.map((kind) => ({ sha256, size: 1, kind }));
    found.left = [...found.left, ...artifacts];
    return artifacts;
  }

  function endTrial(trial: number, reason: EndReason, measured: boolean): void {
    const found = trialAt(trials, trial);
    found.status = "ended";
    found.reason = reason;
    const final = measured ? found.last : undefined;
    const artifacts = reason === EndReason.END_REASON_DONE ? leave(found, true) : [];
    say({ $case: "trialEnded", value: { trial, attempt: 1, reason, message: "", final, artifacts, startedMs: 0 } });
  }
}

/** The best last value of a metric (less is better) over trials that have one. */
export function bestLast(driven: Pick<Driven<unknown>, "trials">, metric: string): number {
  const values = driven.trials.map(({ last }) => last?.metrics[metric] ?? Number.NaN).filter(Number.isFinite);
  return Math.min(...values);
}

function checkProposals(
  proposals: readonly Proposal[],
  { limit, trials, context }: { limit: number; trials: readonly DrivenTrial[]; context: StrategyContext },
): void {
  const starts = proposals.filter(({ kind }) => kind === "start").length;
  const works = proposals.filter(({ kind }) => kind === "start" || kind === "resume").length;
  assert(works <= limit, `at most ${limit} proposals were asked for, and ${works} came`);
  const most = context.budget.trials || Number.POSITIVE_INFINITY;
  assert(trials.length + starts <= most, `a search of ${most} trials starts no more`);
  for (const proposal of proposals) {
    if (proposal.kind === "start" || proposal.kind === "resume") {
      const { fromTrial } = proposal;
      const hasSource = fromTrial === undefined || trialAt(trials, fromTrial).saved !== undefined;
      assert(hasSource, `trial ${fromTrial} has a checkpoint that others may start from`);
      const takes = procedureSpecs.get(
        proposal.kind === "start" ? proposal.procedure : trialAt(trials, proposal.trial).procedure,
      )?.takes;
      for (const { trial, kind } of proposal.inputs ?? []) {
        assert(takes?.includes(kind), `its procedure takes ${kind}`);
        assert(
          trialAt(trials, trial).left.some((one) => one.kind === kind),
          `trial ${trial} left ${kind}`,
        );
      }
    }
    if (proposal.kind === "start") {
      const replays = proposal.inputs?.some(({ kind }) => kind === "schedule") === true;
      const plain = proposal.procedure === context.plainProcedure && !replays;
      const learned = plain ? [] : context.inside;
      const isWithout = procedureSpecs.get(proposal.procedure)?.withoutParameters === true;
      const given = Object.keys(proposal.parameters).map((name) => `${name}: there are none`);
      const wrong = (isWithout ? given : context.space.check(proposal.parameters)).filter(
        (words) => !learned.some((name) => words === `${name}: has no value`),
      );
      assert(wrong.length === 0, `a start lies in the space: ${wrong.join("; ")}`);
      continue;
    }
    if (proposal.kind === "report") {
      assert(Number.isSafeInteger(proposal.step) && proposal.step >= 0, `a step is a whole number from 0: ${proposal.step}`);
      continue;
    }
    const trial = trialAt(trials, proposal.trial);
    if (proposal.kind === "stop") {
      assert(trial.status !== "ended", `trial ${proposal.trial} is not over when it is stopped`);
      continue;
    }
    if (proposal.kind === "pause") continue;
    assert(trial.status === "paused", `trial ${proposal.trial} is paused when it is resumed`);
    assert(
      proposal.untilStep > trial.steps,
      `trial ${proposal.trial} at step ${trial.steps} is resumed to a later one, not ${proposal.untilStep}`,
    );
  }
  const resumed = proposals.flatMap((proposal) => (proposal.kind === "resume" ? [proposal.trial] : []));
  assert(new Set(resumed).size === resumed.length, "no trial is resumed twice in one answer");
}

function workOf(
  proposal: Extract<Proposal, { kind: "start" | "resume" }>,
  { parameters, procedure, inputs }: { parameters: Configuration; procedure: string; inputs: TrialInput[] },
): Work {
  const { untilStep, final, options, fromTrial, arm = "" } = proposal;
  const vectors = toVectors(proposal.vectors);
  const sent = { options: options && { ...options }, fromTrial, vectors, arm };
  const work = { procedure, parameters: { ...parameters }, untilStep, final, inputs, ...sent };
  return proposal.kind === "resume" ? work : { ...work, seedNumber: proposal.seedNumber };
}

/** The newest results of their kinds, as the coordinator pins them. */
function pinned(trials: readonly DrivenTrial[], inputs: readonly ProposedInput[] = []): TrialInput[] {
  return inputs.map(({ trial, kind }) => {
    return { searchId: "", trial, artifact: trialAt(trials, trial).left.findLast((one) => one.kind === kind) };
  });
}

/** A whole number that depends on each of these, and on their order. */
function mixed(numbers: readonly number[]): number {
  let mix = 0x811c9dc5;
  for (const number of numbers) {
    mix = Math.imul(mix ^ number, 0x9e3779b1);
    mix ^= mix >>> 15;
  }
  return mix >>> 0;
}

function trialAt(trials: readonly DrivenTrial[], index: number): DrivenTrial {
  const trial = trials[index];
  assert(trial !== undefined, `there is a trial ${index}`);
  return trial;
}
