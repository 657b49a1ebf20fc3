/**
 * Proposals of a strategy of bilevel rounds: one trial of each shard for the question that is waited for, further ones ahead of it where slots
 * are idle, pauses for whoever works on what nobody waits for any more, and reports. Pure.
 */
import type { Configuration, Proposal } from "../core/index.js";
import { spec as respond } from "../procedures/respond/spec.js";
import type { MethodState } from "../solvers/maid/method.js";
import { questionOptions } from "../solvers/respond-messages.js";
import { mustSave } from "./chain.js";
import { describing, hasSaved, isAlive, noShard } from "./member.js";
import { isBeyond, isWithin, keepersOf, type Placement, placementOf, type Wanted } from "./placement.js";
import { type BilevelState, isOver } from "./state.js";
import { type BilevelSetting, openQuestions } from "./tell.js";

export interface BilevelPlan<Options, State extends MethodState> extends BilevelSetting<Options, State> {
  /** Values of the space's parameters, the same for every trial. */
  readonly parameters: Configuration;
}

/** Proposals that are being put together. */
interface Draft {
  readonly proposals: Proposal[];
  /** Starts and resumes that may still be proposed. */
  left: number;
  /** Trials so far, those of this draft included. */
  trials: number;
  /** Trials that this draft resumes. */
  readonly used: Set<number>;
}

export function askBilevel<Options, State extends MethodState>(
  plan: BilevelPlan<Options, State>,
  state: Readonly<BilevelState<State>>,
  limit: number,
): readonly Proposal[] {
  const reports = state.reports.map((one): Proposal => ({ kind: "report", ...one }));
  const draft: Draft = { proposals: reports, left: limit, trials: state.trials, used: new Set() };
  for (const { trial, status } of state.members) {
    if (status === "silent") draft.proposals.push({ kind: "stop", trial, reason: "its answer cannot be read" });
  }
  if (isOver(state)) {
    end(plan, state, draft);
    return draft.proposals;
  }
  if (state.method === null) {
    describe(plan, state, draft);
    return draft.proposals;
  }
  // Whoever said what the workload is answers next, once it has come to its pause.
  if (state.members.some((member) => isAlive(member) && member.shard === noShard && member.status !== "paused"))
    return draft.proposals;
  const open = openQuestions(plan, state);
  const ahead = open.slice(0, 1 + plan.replicas);
  // What led to the present solutions is under way only where it was lost.
  const wanted = new Set([...ahead, ...state.chain.links].map(({ id }) => id));
  for (const { trial, asked, answered, pausing } of state.members) {
    if (asked === null || answered !== null || pausing || asked.id === describing || wanted.has(asked.id)) continue;
    draft.proposals.push({ kind: "pause", trial, reason: `question ${asked.id} is obsolete` });
  }
  const keepers = keepersOf(state, [...ahead.map(({ id }) => id), ...plan.method.undecided(state.method)]);
  for (const question of ahead) {
    for (const shard of state.ranges.keys())
      assign(plan, state, draft, { question, shard, keepers, isFirst: question === ahead[0] });
  }
  return draft.proposals;
}

function describe<Options, State extends MethodState>(
  plan: BilevelPlan<Options, State>,
  { members }: Readonly<BilevelState<State>>,
  draft: Draft,
): void {
  if (members.some(isAlive)) return;
  start(plan, draft, { options: { describe: true }, untilStep: 1 });
}

/** Gives a question of one shard to a trial, unless it is answered or under way. */
function assign<Options, State extends MethodState>(
  plan: BilevelPlan<Options, State>,
  state: Readonly<BilevelState<State>>,
  draft: Draft,
  asked: Wanted,
): void {
  if (draft.left <= 0) return;
  const placement = placementOf(state, asked, plan, { used: draft.used, mayStart: mayStart(plan, draft) });
  if (placement === undefined || isBeyond(placement.untilStep, plan.stepsPerTrial)) return;
  const { member, source, startFrom, lost, untilStep } = placement;
  const { id, question } = placement.question;
  const options = {
    shard: asked.shard,
    shards: plan.shards,
    ...questionOptions({ id, startFrom, question }),
    ...(lost === null ? {} : { lost }),
    ...(saves(plan, state, asked.shard, placement) ? {} : { durable: false }),
  };
  const vectors = { theta: question.theta };
  const copy = source === undefined ? {} : { fromTrial: source.trial };
  if (member === undefined) {
    start(plan, draft, { options, untilStep, vectors, ...copy });
    return;
  }
  draft.used.add(member.trial);
  draft.left -= 1;
  draft.proposals.push({ kind: "resume", trial: member.trial, untilStep, final: false, options, vectors, ...copy });
}

/** Losses of processes after which a trial saves with every answer: its agent can't keep it. */
const lossesMax = 2;

/**
 * Whether an answer's solutions have to be saved: where another trial's were taken over, where other trials of the shard may be about to start from
 * them, where much would have to be answered again, and where the trial loses its process again and again.
 */
function saves<Options, State extends MethodState>(
  { replicas }: BilevelPlan<Options, State>,
  { chain, members }: Readonly<BilevelState<State>>,
  shard: number,
  { member, source, question }: Placement,
): boolean {
  if (source !== undefined || (member?.losses ?? 0) >= lossesMax) return true;
  if (replicas > 0 && question.question.gradient !== undefined) return true;
  return mustSave(chain, (id) => members.some((one) => one.shard === shard && hasSaved(one, id)));
}

/** Nothing more is asked: what is left is stopped, and where a method finished all samples are solved once more at what it found. */
function end<Options, State extends MethodState>(
  plan: BilevelPlan<Options, State>,
  { members, method, finalTrial, gaveUp, accuracy, samples }: Readonly<BilevelState<State>>,
  draft: Draft,
): void {
  for (const { trial, status } of members) {
    if (status !== "ended" && status !== "silent")
      draft.proposals.push({ kind: "stop", trial, reason: "the last step is taken" });
  }
  if (method === null || gaveUp !== "" || finalTrial !== null) return;
  const options = accuracy === null ? {} : { accuracy: Math.max(accuracy, Number.MIN_VALUE) };
  start(plan, draft, { options, untilStep: samples, vectors: { theta: method.theta }, final: true });
}

/** Whether the budget and the slots have room for a trial; one of the budget is kept for the end. */
function mayStart(
  { trialsMax }: Pick<BilevelPlan<unknown, MethodState>, "trialsMax">,
  { left, trials }: Draft,
  isFinal = false,
): boolean {
  return left > 0 && isWithin(trials, trialsMax, isFinal);
}

function start<Options, State extends MethodState>(
  plan: BilevelPlan<Options, State>,
  draft: Draft,
  work: {
    readonly options: Readonly<Record<string, unknown>>;
    readonly untilStep: number;
    readonly vectors?: Readonly<Record<string, readonly number[]>>;
    readonly fromTrial?: number;
    readonly final?: boolean;
  },
): void {
  const { parameters, stepsPerTrial } = plan;
  if (!mayStart(plan, draft, work.final) || isBeyond(work.untilStep, stepsPerTrial)) return;
  draft.trials += 1;
  draft.left -= 1;
  draft.proposals.push({ kind: "start", procedure: respond.name, parameters, final: false, ...work });
}
