/**
 * Decides on a strategy's proposals: facts, or, where one lies outside of the space or speaks of a trial that can't be
 * meant, the failure of the strategy with words for its author.
 */
import { insideParameters, procedureSpecs } from "@regulus/algorithms/catalog";
import {
  type Configuration,
  createSpace,
  type ParameterValue,
  type Proposal,
  type Space,
  valueFromUnit,
} from "@regulus/algorithms/core";
import {
  counted,
  cutText,
  EndReason,
  expectedOneOf,
  limits,
  numbersIn,
  type SearchSpec,
  type TrialInput,
  toVectors,
  type Vector,
  type Work,
} from "@regulus/proto";
import type { FactKind, SearchCommand } from "./commands.js";
import { stopRequested, trialEnded, trialPaused } from "./endings.js";
import { passedBefore } from "./nothing-left.js";
import { pinnedInputs } from "./proposed-inputs.js";
import type { SearchState } from "./search-state.js";

/** Problems of one configuration that are told. */
const problemsShown = 5;

type TakeProposals = Extract<SearchCommand, { kind: "takeProposals" }>;
type Start = Extract<Proposal, { kind: "start" }>;
type Resume = Extract<Proposal, { kind: "resume" }>;
type Stop = Extract<Proposal, { kind: "stop" }>;
type Pause = Extract<Proposal, { kind: "pause" }>;
type Report = Extract<Proposal, { kind: "report" }>;

/** Names of arms; the strategy's own has none. */
const armPattern = /^(?:[a-z][a-z0-9-]{0,31})?$/;

/** The facts of a batch of proposals; a refused one among them makes the strategy's failure instead of them all. */
export function takeProposals(state: SearchState, command: TakeProposals): FactKind[] {
  if (state.status !== "running") return [];
  const taking: Taking = {
    state,
    asked: command.asked,
    limit: command.limit,
    next: state.nextTrial,
    taken: new Set(),
    facts: [],
  };
  for (const [index, proposal] of command.proposals.entries()) {
    const problem = take(taking, proposal);
    if (problem !== undefined) {
      const message = `its proposal ${index + 1} of ${command.proposals.length} (${proposal.kind}) was refused: ${problem}`;
      return [{ $case: "strategyFailed", value: { message } }, ...stopRequested(state, message, "failed")];
    }
  }
  return taking.facts;
}

interface Taking {
  readonly state: SearchState;
  readonly asked: number;
  /** Starts and resumes that may still be taken. */
  limit: number;
  next: number;
  /** Trials that an earlier proposal of the batch resumed, paused or stopped. */
  readonly taken: Set<number>;
  readonly facts: FactKind[];
}

/** Takes one proposal. Answers why it can't be taken, or undefined. */
function take(taking: Taking, proposal: Proposal): string | undefined {
  switch (proposal.kind) {
    case "start":
      return takeStart(taking, proposal);
    case "resume":
      return takeResume(taking, proposal);
    case "stop":
      return takeStop(taking, proposal);
    case "pause":
      return takePause(taking, proposal);
    case "report":
      return takeReport(taking, proposal);
    default:
      return `its kind ${JSON.stringify(proposal satisfies never)} is not start, resume, stop, pause or report`;
  }
}

function takeStart(taking: Taking, proposal: Start): string | undefined {
  const { state } = taking;
  if (!proposal.procedure) return "it names no procedure";
  const inputs = pinnedInputs(state, proposal.procedure, proposal.inputs);
  if (typeof inputs === "string") return inputs;
  const problem =
    stepProblem(state, proposal.untilStep) ??
    parameterProblem(state.spec, proposal.procedure, proposal.parameters, replays(inputs)) ??
    sourceProblem(taking, proposal.fromTrial) ??
    sentProblem(taking, proposal);
  if (problem !== undefined) return problem;
  // Past a bound of the coordinator's own a proposal is left aside: the strategy was never told of it and may propose it again.
  if (taking.limit <= 0 || taking.next >= (state.budget.trials || limits.trialsMax)) return undefined;
  const { procedure, parameters, options, arm = "", seedNumber } = proposal;
  const kept = { procedure, parameters, options, arm, inputs, seedNumber };
  taking.facts.push({ $case: "trialProposed", value: { trial: taking.next, work: workOf(proposal, kept) } });
  taking.next += 1;
  taking.limit -= 1;
  return undefined;
}

function takeResume(taking: Taking, proposal: Resume): string | undefined {
  const { state } = taking;
  if (!state.knows(proposal.trial)) return `there is no trial ${proposal.trial}; there are ${state.nextTrial}`;
  if (taking.taken.has(proposal.trial)) return `another proposal of the same batch is about trial ${proposal.trial}`;
  const trial = state.live.get(proposal.trial);
  if (trial?.status !== "paused" || trial.stopReason !== undefined) {
    // It may have ended while a strategy in a thread of its own was thinking.
    if (taking.asked < state.position) return undefined;
    return `trial ${proposal.trial} is ${trial === undefined ? "over" : trial.status}, only a paused one can be resumed`;
  }
  const { procedure, seedNumber } = trial.work;
  const parameters = proposal.parameters ?? trial.work.parameters ?? {};
  const inputs = proposal.inputs === undefined ? trial.work.inputs : pinnedInputs(state, procedure, proposal.inputs);
  if (typeof inputs === "string") return inputs;
  const problem =
    stepProblem(state, proposal.untilStep) ??
    (proposal.parameters && parameterProblem(state.spec, procedure, proposal.parameters, replays(inputs))) ??
    sourceProblem(taking, proposal.fromTrial) ??
    sentProblem(taking, proposal);
  if (problem !== undefined) return problem;
  const passed = passedBefore(trial, proposal);
  if (taking.limit <= 0 && passed === undefined) return undefined;
  const options = proposal.options ?? trial.work.options;
  const work = workOf(proposal, { procedure, parameters, options, arm: proposal.arm ?? trial.work.arm, inputs, seedNumber });
  taking.facts.push({ $case: "trialResumed", value: { trial: proposal.trial, work } });
  taking.taken.add(proposal.trial);
  if (passed !== undefined) {
    taking.facts.push(passed);
    return undefined;
  }
  taking.limit -= 1;
  return undefined;
}

function takeStop(taking: Taking, proposal: Stop): string | undefined {
  const { state } = taking;
  if (!state.knows(proposal.trial)) return `there is no trial ${proposal.trial}; there are ${state.nextTrial}`;
  const trial = state.live.get(proposal.trial);
  if (trial === undefined || trial.stopReason !== undefined || taking.taken.has(proposal.trial)) return undefined;
  taking.taken.add(proposal.trial);
  taking.facts.push({ $case: "trialStopRequested", value: { trial: proposal.trial, reason: proposal.reason } });
  if (trial.status !== "running") taking.facts.push(trialEnded(trial, EndReason.END_REASON_STOPPED_EARLY, proposal.reason));
  return undefined;
}

function takePause(taking: Taking, proposal: Pause): string | undefined {
  const { state } = taking;
  if (!state.knows(proposal.trial)) return `there is no trial ${proposal.trial}; there are ${state.nextTrial}`;
  const trial = state.live.get(proposal.trial);
  if (trial === undefined || trial.status === "paused" || taking.taken.has(proposal.trial)) return undefined;
  if (trial.stopReason !== undefined || trial.pauseReason !== undefined) return undefined;
  taking.taken.add(proposal.trial);
  const reason = cutText(proposal.reason, limits.textCharactersMax);
  taking.facts.push({ $case: "trialPauseRequested", value: { trial: proposal.trial, reason } });
  if (trial.status === "pending") taking.facts.push(trialPaused(trial, trial.step));
  return undefined;
}

function takeReport(taking: Taking, proposal: Report): string | undefined {
  const { step, accepted, metrics, message } = proposal;
  if (!Number.isSafeInteger(step) || step < 0) return `its step is ${step}, a whole number from 0 was expected`;
  const names = Object.keys(metrics).length;
  if (names > limits.measurementNamesMax)
    return `it has ${counted(names, "metric")}, at most ${limits.measurementNamesMax} are taken`;
  const vectors = toVectors(proposal.vectors);
  const problem = vectorsProblem(vectors);
  if (problem !== undefined) return problem;
  const value = { step, accepted, metrics: { ...metrics }, vectors, message: cutText(message, limits.textCharactersMax) };
  taking.facts.push({ $case: "strategyStepped", value });
  return undefined;
}

/** What is wrong with what a trial is sent; undefined for nothing. */
function sentProblem({ state }: Taking, { vectors: lists, arm = "" }: Start | Resume): string | undefined {
  if (!armPattern.test(arm)) return `its arm is ${JSON.stringify(arm)}, expected ${armPattern.source}`;
  if (!state.arms.hasRoom(arm))
    return `its arm ${arm} would be one of more than ${limits.armsMax}, which are the most of a search`;
  const vectors = toVectors(lists);
  for (const [name, { values }] of Object.entries(vectors)) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) return `its vector ${name} holds ${values[at]} at index ${at}, finite numbers were expected`;
  }
  return vectorsProblem(vectors);
}

function vectorsProblem(vectors: Readonly<Record<string, Vector>>): string | undefined {
  const names = Object.keys(vectors).length;
  if (names > limits.measurementNamesMax) return `it has ${names} vectors, at most ${limits.measurementNamesMax} are taken`;
  const numbers = numbersIn(vectors);
  if (numbers > limits.vectorNumbersMax)
    return `its vectors hold ${counted(numbers, "number")}, at most ${limits.vectorNumbersMax} are taken`;
  return undefined;
}

function stepProblem(state: SearchState, untilStep: number): string | undefined {
  if (!Number.isSafeInteger(untilStep) || untilStep < 0) return `untilStep is ${untilStep}, a whole number from 0 was expected`;
  const { stepsPerTrial } = state.budget;
  if (stepsPerTrial > 0 && untilStep > stepsPerTrial) {
    return `untilStep is ${untilStep}, the budget allows ${counted(stepsPerTrial, "step")} a trial`;
  }
  return undefined;
}

function sourceProblem(taking: Taking, fromTrial: number | undefined): string | undefined {
  if (fromTrial === undefined || taking.state.knows(fromTrial)) return undefined;
  return `it starts from trial ${fromTrial}, and there are ${taking.state.nextTrial}`;
}

/** Whether a learned schedule moves hyperparameters in the trial's stead. */
function replays(inputs: readonly TrialInput[]): boolean {
  return inputs.some(({ artifact }) => artifact?.kind === "schedule");
}

function parameterProblem(spec: SearchSpec, procedure: string, parameters: Configuration, replays: boolean): string | undefined {
  const known = procedureSpecs.get(procedure);
  if (known === undefined) {
    return `its procedure is ${JSON.stringify(procedure)}, expected ${expectedOneOf(procedure, [...procedureSpecs.keys()])}`;
  }
  if (known.withoutParameters === true) {
    const names = Object.keys(parameters);
    return names.length === 0 ? undefined : `its procedure ${procedure} has no parameters, and it gives ${names.join(", ")}`;
  }
  const { space, inside } = boundsOf(spec);
  const problems = space.check(known.learnsInside || replays ? completed(space, inside, parameters) : parameters);
  return problems.length === 0 ? undefined : problems.slice(0, problemsShown).join("; ");
}

/** The parameters with some value for those that the procedure learns by itself, and that a proposal may therefore leave out. */
function completed(space: Space, inside: ReadonlySet<string>, parameters: Configuration): Configuration {
  const all: Record<string, ParameterValue> = { ...parameters };
  for (const parameter of space.parameters) {
    if (Object.hasOwn(all, parameter.name) || !inside.has(parameter.name) || !space.isActive(parameter.name, all)) continue;
    all[parameter.name] = valueFromUnit(parameter, 0.5);
  }
  return all;
}

/** What of its work a trial keeps where a later proposal does not change it. */
type Kept = Pick<Work, "procedure" | "arm" | "inputs" | "seedNumber"> & {
  readonly parameters: Configuration | NonNullable<Work["parameters"]>;
  readonly options: Readonly<Record<string, unknown>> | undefined;
};

function workOf({ untilStep, final, fromTrial, vectors }: Start | Resume, kept: Kept): Work {
  const { procedure, parameters, options, arm, inputs, seedNumber } = kept;
  return {
    procedure,
    parameters: { ...parameters },
    untilStep,
    final,
    options: options && { ...options },
    fromTrial,
    vectors: toVectors(vectors),
    arm,
    inputs,
    seedNumber,
  };
}

interface ProposalBounds {
  readonly space: Space;
  /** Names of the parameters that may be learned inside training. */
  readonly inside: ReadonlySet<string>;
}

/** Bounds of the searches that are being worked on: making them walks all parameters and techniques. */
const known = new WeakMap<SearchSpec, ProposalBounds>();

function boundsOf(spec: SearchSpec): ProposalBounds {
  const made = known.get(spec) ?? { space: createSpace(spec.space), inside: new Set(insideParameters(spec)) };
  known.set(spec, made);
  return made;
}
