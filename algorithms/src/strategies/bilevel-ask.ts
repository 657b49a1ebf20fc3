/**
 * What a strategy of bilevel rounds proposes: one trial of each shard for the question that is waited for, further ones ahead of it where slots
 * are idle, pauses for whoever works on what nobody waits for any more, and reports. Pure.
 */
import type { Configuration, Proposal } from "../core/index.js";
import { spec as respond } from "../procedures/respond/spec.js";
import type { MethodState, OpenQuestion } from "../solvers/maid/method.js";
import { questionOptions } from "../solvers/respond-messages.js";
import { type BilevelState, describing, isOver, type Member, noShard } from "./bilevel-state.js";
import { type BilevelSetting, openQuestions } from "./bilevel-tell.js";

export interface BilevelPlan<Options, State extends MethodState> extends BilevelSetting<Options, State> {
  /** Trials of one shard beyond the first, which answer ahead of what is waited for. */
  readonly replicas: number;
  /** Values of the space's parameters, the same for every trial. */
  readonly parameters: Configuration;
  /** Trials that the budget allows, and steps of one; 0 for any number. */
  readonly trialsMax: number;
  readonly stepsPerTrial: number;
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
    if (status === "silent") draft.proposals.push({ kind: "stop", trial, reason: "it gave no answer that can be read" });
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
  const wanted = new Set(ahead.map(({ id }) => id));
  for (const { trial, asked, answered, pausing } of state.members) {
    if (asked === null || answered !== null || pausing || asked.id === describing || wanted.has(asked.id)) continue;
    draft.proposals.push({ kind: "pause", trial, reason: `question ${asked.id} is decided without it` });
  }
  const keepers = keepersOf(state, [...wanted, ...plan.method.undecided(state.method)]);
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

/** Trials that hold the only solutions, in their shard, of a question that may yet be started from: another question would discard them. */
function keepersOf({ members, ranges }: Readonly<BilevelState<MethodState>>, questions: readonly number[]): ReadonlySet<number> {
  const keepers = new Set<number>();
  for (const id of questions) {
    for (const shard of ranges.keys()) {
      const holders = members.filter((one) => isAlive(one) && one.shard === shard && one.holds.includes(id));
      const [holder] = holders;
      if (holder !== undefined && !holders.some(({ trial }) => keepers.has(trial))) keepers.add(holder.trial);
    }
  }
  return keepers;
}

/** Gives a question of one shard to a trial, unless it is answered or under way. */
function assign<Options, State extends MethodState>(
  plan: BilevelPlan<Options, State>,
  state: Readonly<BilevelState<State>>,
  draft: Draft,
  to: {
    readonly question: OpenQuestion;
    readonly shard: number;
    readonly keepers: ReadonlySet<number>;
    /** Whether everything waits for this question. */
    readonly isFirst: boolean;
  },
): void {
  const { question: open, shard } = to;
  const { id, question, startFrom } = open;
  const range = state.ranges[shard];
  if (draft.left <= 0 || range === undefined || (state.answers[id]?.[shard] ?? null) !== null) return;
  const members = state.members.filter((member) => isAlive(member) && (member.shard === shard || member.shard === noShard));
  if (members.some(({ asked }) => asked?.id === id)) return;
  // Whoever said what the workload is has just taken another shard, and stands in nobody's way here.
  const isFull = members.filter((one) => one.shard === shard || !draft.used.has(one.trial)).length > plan.replicas;
  const canStart = !isFull && mayStart(plan, draft);
  // Where nobody else can be had for what everything waits for, a keeper is better than nobody.
  const isFree = ({ trial }: Member): boolean => !to.keepers.has(trial) || (to.isFirst && !canStart);
  const idle = members
    .filter(({ trial, status, asked }) => status === "paused" && asked === null && !draft.used.has(trial))
    .filter(isFree)
    .sort((a, b) => Number(to.keepers.has(a.trial)) - Number(to.keepers.has(b.trial)));
  const holds = ({ holds: held, saved }: Member): boolean => startFrom !== null && saved >= 0 && held.includes(startFrom);
  const source = startFrom === null ? undefined : state.members.find((one) => one.shard === shard && holds(one));
  const own = startFrom === null ? idle[0] : idle.find(holds);
  // Whoever has just answered is about to say that it saved.
  const soon = members.some(
    ({ asked, answered }) => answered !== null && (asked?.id === startFrom || asked?.startFrom === startFrom),
  );
  if (startFrom !== null && own === undefined && source === undefined && soon) return;
  const member = own ?? idle[0];
  // Where nobody holds the solutions any more the samples' own starts keep every certificate; only the last bits may differ.
  const from = source === undefined ? null : startFrom;
  const options = { shard, shards: plan.shards, ...questionOptions({ id, startFrom: from, question }) };
  const size = range.hi - range.lo;
  const vectors = { theta: question.theta };
  if (member !== undefined) {
    const copied = own === undefined && source !== undefined ? source : undefined;
    const untilStep = Math.max(member.step, copied?.saved ?? 0) + size;
    if (plan.stepsPerTrial > 0 && untilStep > plan.stepsPerTrial) return;
    draft.used.add(member.trial);
    draft.left -= 1;
    const { trial } = member;
    const copy = copied === undefined ? {} : { fromTrial: copied.trial };
    draft.proposals.push({ kind: "resume", trial, untilStep, final: false, options, vectors, ...copy });
    return;
  }
  if (!canStart) return;
  const untilStep = (source?.saved ?? 0) + size;
  start(plan, draft, { options, untilStep, vectors, ...(source === undefined ? {} : { fromTrial: source.trial }) });
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

function isAlive({ status }: Member): boolean {
  return status === "pending" || status === "running" || status === "paused";
}

function mayStart({ trialsMax }: Pick<BilevelPlan<unknown, MethodState>, "trialsMax">, { left, trials }: Draft): boolean {
  return left > 0 && (trialsMax === 0 || trials < trialsMax);
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
  if (!mayStart(plan, draft)) return;
  if (stepsPerTrial > 0 && work.untilStep > stepsPerTrial) return;
  draft.trials += 1;
  draft.left -= 1;
  draft.proposals.push({ kind: "start", procedure: respond.name, parameters, final: false, ...work });
}
