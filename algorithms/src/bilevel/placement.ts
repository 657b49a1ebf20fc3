/**
 * Which trial answers a question of one shard, and at which of its steps it will have done so. Asking proposes from it; telling sees by it that
 * the trials whose turn it is have no steps left (budget.stepsPerTrial). Pure.
 */
import { counted } from "@regulus/proto";
import type { MethodState, OpenQuestion } from "../solvers/maid/method.js";
import { type ChainLink, wayTo } from "./chain.js";
import { hasSaved, isAlive, type Member, noShard } from "./member.js";
import { type BilevelState, report } from "./state.js";

/** What bounds a shard's trials. */
export interface PlacementBounds {
  /** Trials of one shard beyond the first, which answer ahead of what is waited for. */
  readonly replicas: number;
  /** Steps of one trial, and of all together; 0 for any number. */
  readonly stepsPerTrial: number;
  readonly stepsMax: number;
}

/** A question of one shard. */
export interface Wanted {
  readonly question: OpenQuestion;
  readonly shard: number;
  /** Trials whose solutions another question would discard. */
  readonly keepers: ReadonlySet<number>;
  /** Whether everything waits for this question. */
  readonly isFirst: boolean;
}

/** What else is being proposed. */
export interface Room {
  /** Trials that something else was just given to. */
  readonly used: ReadonlySet<number>;
  /** Whether a trial may be started. */
  readonly mayStart: boolean;
}

export interface Placement {
  /** The trial that goes on; undefined where one is started. */
  readonly member: Member | undefined;
  /** Whose checkpoint it takes; undefined for its own, or for none. */
  readonly source: Member | undefined;
  /** What it is asked: the question, or one of the chain that led to its start, where those solutions were lost. */
  readonly question: ChainLink;
  /** The question whose solutions it starts from; null for the samples' own starts. */
  readonly startFrom: number | null;
  /** The question whose solutions it should start from and nobody holds any more; null where that is not so. */
  readonly lost: number | null;
  /** Its step once it has answered. */
  readonly untilStep: number;
}

/** Undefined where the question is answered or under way, or has to wait. */
export function placementOf<State extends MethodState>(
  state: Readonly<BilevelState<State>>,
  { question, shard, keepers, isFirst }: Wanted,
  { replicas, stepsPerTrial }: PlacementBounds,
  { used, mayStart }: Room,
): Placement | undefined {
  const { id, startFrom } = question;
  const range = state.ranges[shard];
  if (range === undefined || (state.answers[id]?.[shard] ?? null) !== null) return undefined;
  const size = range.hi - range.lo;
  // Those with steps left first, and then those that keep nothing.
  const rank = ({ trial, step }: Member): number => (isBeyond(step + size, stepsPerTrial) ? 2 : 0) + (keepers.has(trial) ? 1 : 0);
  const members = state.members.filter((member) => isAlive(member) && (member.shard === shard || member.shard === noShard));
  if (members.some(({ asked }) => asked?.id === id)) return undefined;
  // Whoever said what the workload is has just taken another shard, and stands in nobody's way here.
  const isFull = members.filter((one) => one.shard === shard || !used.has(one.trial)).length > replicas;
  const canStart = !isFull && mayStart;
  // Where nobody else can be had for what everything waits for, a keeper is better than nobody.
  const isFree = ({ trial }: Member): boolean => !keepers.has(trial) || (isFirst && !canStart);
  const idle = members
    .filter(({ trial, status, asked }) => status === "paused" && asked === null && !used.has(trial))
    .filter(isFree)
    .sort((a, b) => rank(a) - rank(b));
  const sourceOf = (wanted: number): Member | undefined =>
    state.members.find((one) => one.shard === shard && hasSaved(one, wanted));
  const own = startFrom === null ? idle[0] : idle.find(({ has }) => has.includes(startFrom));
  if (startFrom !== null && own === undefined && sourceOf(startFrom) === undefined) {
    // Whoever has just answered is about to pause with it, and so is whoever answers again what was lost.
    const links = new Set(state.chain.links.map((link) => link.id));
    const soon = members.some(
      ({ asked, answered }) =>
        asked !== null &&
        (links.has(asked.id) || (answered !== null && (asked.id === startFrom || asked.startFrom === startFrom))),
    );
    if (soon) return undefined;
  }
  const member = own ?? idle[0];
  if (member === undefined && !canStart) return undefined;
  const way = wayTo(state.chain, startFrom, (wanted) => member?.has.includes(wanted) === true || sourceOf(wanted) !== undefined);
  const asked = way.kind === "again" ? way.link : question;
  // Where nobody can have the solutions any more the samples' own starts keep every certificate; only the last bits may differ.
  const from = way.kind === "lost" ? null : asked.startFrom;
  const saved = from === null || member?.has.includes(from) === true ? undefined : sourceOf(from);
  // What a trial saved itself it begins from anyway.
  const source = saved === member ? undefined : saved;
  const lost = way.kind === "lost" ? startFrom : null;
  const untilStep = Math.max(member?.step ?? 0, source?.saved ?? 0) + size;
  return { member, source, question: asked, startFrom: from, lost, untilStep };
}

/** Trials that hold the only solutions, in their shard, of a question that may yet be started from: another question would discard them. */
export function keepersOf(
  { members, ranges }: Readonly<BilevelState<MethodState>>,
  questions: readonly number[],
): ReadonlySet<number> {
  const keepers = new Set<number>();
  for (const id of questions) {
    for (const shard of ranges.keys()) {
      const holders = members.filter((one) => isAlive(one) && one.shard === shard && (one.has.includes(id) || hasSaved(one, id)));
      const [holder] = holders;
      if (holder !== undefined && !holders.some(({ trial }) => keepers.has(trial))) keepers.add(holder.trial);
    }
  }
  return keepers;
}

/** Why a budget has no room for one question of all samples and the last trial; empty where it has. */
export function tooSmall(
  { samples, ranges }: Readonly<BilevelState<MethodState>>,
  { stepsPerTrial, stepsMax }: Pick<PlacementBounds, "stepsPerTrial" | "stepsMax">,
): string {
  // The describing trial has one step behind it when it goes on as a shard's, and the last trial solves all samples.
  const least = Math.max(samples, 1 + Math.max(...ranges.map(({ lo, hi }) => hi - lo)));
  if (isBeyond(least, stepsPerTrial)) {
    return (
      `saw budget.stepsPerTrial ${stepsPerTrial}, expected at least ${least}, or none: a question takes a trial as many steps as its shard has samples, ` +
      `and the last trial solves all ${samples}`
    );
  }
  if (!isBeyond(1 + 2 * samples, stepsMax)) return "";
  return `saw budget.steps ${stepsMax}, expected at least ${1 + 2 * samples}, or none: one question and the last trial take ${samples} each`;
}

/** Ends the method where the trial that its next question falls to has no steps left; what was found is then solved as ever. */
export function endAtBudget<State extends MethodState>(
  state: BilevelState<State>,
  question: OpenQuestion,
  bounds: PlacementBounds & { readonly trialsMax: number; readonly undecided: readonly number[] },
): void {
  const { method, ranges } = state;
  if (method === null) return;
  const steps = stepsLeftOf(state, question) + state.samples;
  if (isBeyond(state.steps + steps, bounds.stepsMax)) {
    const words = `the next question and the last trial would take ${counted(steps, "step")} after ${state.steps}`;
    finish(state, method, `${words}, and budget.steps is ${bounds.stepsMax}`);
    return;
  }
  if (bounds.stepsPerTrial === 0) return;
  const keepers = keepersOf(state, [question.id, ...bounds.undecided]);
  const room = { used: new Set<number>(), mayStart: isWithin(state.trials, bounds.trialsMax) };
  for (const shard of ranges.keys()) {
    const placement = placementOf(state, { question, shard, keepers, isFirst: true }, bounds, room);
    if (placement === undefined || !isBeyond(placement.untilStep, bounds.stepsPerTrial)) continue;
    const who = placement.member === undefined ? "a trial" : `trial ${placement.member.trial}`;
    const words = `the next question to ${shardWords(state, shard)} would take ${who} to step ${placement.untilStep}`;
    finish(state, method, `${words}, and budget.stepsPerTrial is ${bounds.stepsPerTrial}`);
    return;
  }
}

function finish<State extends MethodState>(state: BilevelState<State>, method: MethodState, words: string): void {
  const message = `${words}; accepted steps: ${method.step}`;
  method.finished = { reason: "budget", message };
  report(state, `it ends (budget): ${message}`, true);
}

/** Steps of a question for shards that have neither answered it nor work on it. */
function stepsLeftOf<State extends MethodState>({ ranges, answers, members }: BilevelState<State>, { id }: OpenQuestion): number {
  const isOpen = (shard: number) =>
    (answers[id]?.[shard] ?? null) === null && !members.some((one) => one.shard === shard && one.asked?.id === id);
  return ranges.reduce((sum, { lo, hi }, shard) => sum + (isOpen(shard) ? hi - lo : 0), 0);
}

/** A shard in words, counted from 1. */
export function shardWords({ ranges }: Readonly<Pick<BilevelState<MethodState>, "ranges">>, shard: number): string {
  return `shard ${shard + 1} of ${ranges.length}`;
}

/** Whether steps lie beyond what a budget allows; 0 allows any number. */
export function isBeyond(steps: number, allowed: number): boolean {
  return allowed > 0 && steps > allowed;
}

/** Whether the budget allows a trial beside those that there are; one is kept for the end. */
export function isWithin(trials: number, trialsMax: number, isFinal = false): boolean {
  return trialsMax === 0 || trials < trialsMax - (isFinal ? 0 : 1);
}
