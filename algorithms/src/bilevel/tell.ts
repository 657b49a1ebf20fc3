/**
 * Folds the facts of a search into the state of bilevel rounds: who holds which solutions, what was answered, and what the method makes of it.
 * Answers are reduced over all samples in one fixed order, so that neither shards nor the order of arrival change a bit.
 */
import { type Fact, fromVectors, limits, type Measurement, type TrialEnded, type Work } from "@regulus/proto";
import { spec as respond } from "../procedures/respond/spec.js";
import type { BilevelMethod, MethodState, OpenQuestion } from "../solvers/maid/method.js";
import { type ReducedAnswer, reduceAnswers, rejectedAnswer, type SampleAnswer, upperBoundOf } from "../solvers/respond.js";
import { decodeAnswer, isRejected, type ShardAnswer } from "../solvers/respond-messages.js";
import { shardRanges, treeSum } from "../solvers/summation-tree.js";
import { answeredByAll, startedFrom } from "./chain.js";
import {
  describing,
  hasSaved,
  isAlive,
  type Member,
  newMember,
  noShard,
  noteAnswered,
  noteAsked,
  noteMissed,
  noteSaved,
} from "./member.js";
import { endAtBudget, isWithin, type PlacementBounds, shardWords, tooSmall } from "./placement.js";
import { type BilevelState, isOver, report } from "./state.js";

/** More questions than are ever open at once. */
export const allQuestions = 1_000_000;

export interface BilevelSetting<Options, State extends MethodState> extends PlacementBounds {
  readonly method: BilevelMethod<Options, State>;
  readonly options: Options;
  /** Parts that the samples are cut into. */
  readonly shards: number;
  /** Trials of one shard that may end or fall silent in a row before the strategy gives up. */
  readonly replacements: number;
  /** Trials that the budget allows; 0 for any number. */
  readonly trialsMax: number;
}

/** Tells of a fact. Changes the state in place. A fact that was told before changes nothing. */
export function tellBilevel<Options, State extends MethodState>(
  setting: BilevelSetting<Options, State>,
  state: BilevelState<State>,
  fact: Fact,
): void {
  if (fact.position <= state.position) return;
  state.position = fact.position;
  const kind = fact.kind;
  switch (kind?.$case) {
    case "strategyStepped":
      state.reports.shift();
      return;
    case "trialProposed":
      state.trials = Math.max(state.trials, kind.value.trial + 1);
      takeWork(state, kind.value.trial, kind.value.work);
      return;
    case "trialResumed":
      takeWork(state, kind.value.trial, kind.value.work);
      return;
    case "attemptStarted":
      change(state, kind.value.trial, (member) => {
        member.status = "running";
      });
      return;
    case "trialPauseRequested":
      change(state, kind.value.trial, (member) => {
        member.pausing = true;
      });
      return;
    case "trialCheckpointed":
      change(state, kind.value.trial, (member) => noteSaved(member, kind.value.step));
      return;
    case "trialMeasured":
      change(state, kind.value.trial, (member) => measured(setting, state, member, kind.value.measurement));
      break;
    case "attemptEnded":
      change(state, kind.value.trial, (member) => {
        member.status = "pending";
      });
      return;
    case "trialPaused":
      change(state, kind.value.trial, (member) => paused(setting, state, member, kind.value.step));
      break;
    case "trialEnded":
      change(state, kind.value.trial, (member) => ended(setting, state, member, kind.value));
      break;
    default:
      return;
  }
  const [next] = openQuestions(setting, state, 1);
  if (next === undefined || state.method === null) return;
  const { replicas, stepsPerTrial, stepsMax, trialsMax, method } = setting;
  endAtBudget(state, next, { replicas, stepsPerTrial, stepsMax, trialsMax, undecided: method.undecided(state.method) });
}

function change<State extends MethodState>(state: BilevelState<State>, trial: number, how: (member: Member) => void): void {
  const member = state.members.find((one) => one.trial === trial);
  if (member !== undefined && member.status !== "ended") how(member);
}

function takeWork<State extends MethodState>(state: BilevelState<State>, trial: number, work: Work | undefined): void {
  if (work?.procedure !== respond.name) return;
  const { data } = respond.options.safeParse(work.options ?? {});
  if (data === undefined) return;
  if (data.question === undefined && !data.describe) {
    state.finalTrial = trial;
    return;
  }
  let member = state.members.find((one) => one.trial === trial);
  if (member === undefined) {
    member = newMember(trial);
    state.members.push(member);
  }
  noteAsked(member, data.describe ? noShard : data.shard, { id: data.question ?? describing, startFrom: data.startFrom ?? null });
  const range = state.ranges[member.shard];
  state.steps += range === undefined ? 1 : range.hi - range.lo;
  if (data.describe) return;
  const who = `trial ${trial}${range === undefined ? "" : `, ${shardWords(state, member.shard)}`}`;
  if (data.lost !== undefined) {
    report(state, `${who}: the solutions of question ${data.lost} are lost, and the samples start over`);
  } else if (state.chain.links.some(({ id }) => id === data.question)) {
    report(state, `${who}: question ${data.question} is answered again, because its solutions were lost`);
  }
}

function measured<Options, State extends MethodState>(
  setting: BilevelSetting<Options, State>,
  state: BilevelState<State>,
  member: Member,
  measurement: Measurement | undefined,
): void {
  const { asked } = member;
  if (measurement === undefined || asked === null || member.answered !== null) return;
  member.step = Math.max(member.step, measurement.step);
  const vectors = fromVectors(measurement.vectors);
  if (asked.id === describing) {
    described(setting, state, member, { samples: measurement.metrics.samples, theta: vectors.theta });
    return;
  }
  const answer = decodeAnswer({ metrics: measurement.metrics, vectors });
  const range = state.ranges[member.shard];
  if (answer === undefined || typeof answer === "string") return;
  if (answer.question !== asked.id || answer.range.lo !== range?.lo || answer.range.hi !== range.hi) return;
  if (answer.held !== undefined) {
    noteMissed(member, answer.held);
    return;
  }
  noteAnswered(member, measurement.step, answer.rejected);
  state.failures[member.shard] = 0;
  const open = openQuestions(setting, state).find(({ id }) => id === asked.id);
  if (open === undefined) return;
  const given = state.answers[asked.id] ?? state.ranges.map(() => null);
  given[member.shard] = answer;
  state.answers[asked.id] = given;
  const reduced = reduceShards(given, open);
  if (reduced !== undefined) answerMethod(setting, state, open, reduced);
}

/** The first answer of all: how many samples there are, and where to begin. */
function described<Options, State extends MethodState>(
  { method, options, shards, ...bounds }: BilevelSetting<Options, State>,
  state: BilevelState<State>,
  member: Member,
  { samples = 0, theta = [] }: { samples: number | undefined; theta: readonly number[] | undefined },
): void {
  const isCount = Number.isSafeInteger(samples) && samples >= 1 && samples <= limits.bilevelSamplesMax;
  if (!isCount || theta.length === 0 || !theta.every(Number.isFinite)) return;
  member.answered = member.step;
  if (state.method !== null) return;
  state.samples = samples;
  state.ranges = shardRanges(samples, shards);
  state.failures = {};
  state.gaveUp = tooSmall(state, bounds);
  if (state.gaveUp !== "") {
    report(state, state.gaveUp);
    return;
  }
  state.method = method.init(options, { theta, samples });
}

/** The questions that are open, in order of usefulness. */
export function openQuestions<Options, State extends MethodState>(
  { method }: Pick<BilevelSetting<Options, State>, "method">,
  state: Readonly<BilevelState<State>>,
  limit = allQuestions,
): readonly OpenQuestion[] {
  return state.method === null || state.gaveUp !== "" ? [] : method.questions(state.method, limit);
}

/** What all shards said; undefined while that is open. A trial that certainly failed has failed, whatever the rest may say. */
function reduceShards(shards: readonly (ShardAnswer | null)[], { question }: OpenQuestion): ReducedAnswer | undefined {
  const given = shards.filter((shard) => shard !== null);
  if (given.some(({ rejected }) => rejected)) return rejectedAnswer;
  const answers = given.flatMap((shard) => shard.answers);
  const sound = answers.every(({ problem }) => problem === undefined);
  if (sound && isRejected(sumOfUpperBounds(answers), question.rejectAbove)) return rejectedAnswer;
  if (given.length < shards.length) return undefined;
  return reduceAnswers(
    answers,
    given.flatMap(({ nodes }) => nodes),
  );
}

function sumOfUpperBounds(answers: readonly SampleAnswer[]): number {
  return treeSum(answers.map(upperBoundOf));
}

function answerMethod<Options, State extends MethodState>(
  setting: BilevelSetting<Options, State>,
  state: BilevelState<State>,
  open: OpenQuestion,
  answer: ReducedAnswer,
): void {
  const { method } = state;
  if (method === null) return;
  if (answer.rejected !== true) state.chain = answeredByAll(state.chain, open);
  for (const record of setting.method.tell(method, open.id, answer)) {
    state.reports.push(record);
    state.accuracy = record.metrics.accuracy ?? state.accuracy;
  }
  if (method.finished !== null) {
    const { reason, message } = method.finished;
    report(state, `it ends (${reason}): ${message}`, reason === "converged" || reason === "budget");
  }
  const left = openQuestions(setting, state);
  const [first] = left;
  if (first !== undefined) state.chain = startedFrom(state.chain, first.startFrom, (id) => isSavedByAll(state, id));
  const ids = new Set(left.map(({ id }) => String(id)));
  state.answers = Object.fromEntries(Object.entries(state.answers).filter(([question]) => ids.has(question)));
}

function isSavedByAll<State extends MethodState>({ ranges, members }: BilevelState<State>, question: number): boolean {
  return ranges.every((_, shard) => members.some((one) => one.shard === shard && hasSaved(one, question)));
}

function paused<Options, State extends MethodState>(
  setting: BilevelSetting<Options, State>,
  state: BilevelState<State>,
  member: Member,
  step: number,
): void {
  member.status = "paused";
  member.step = Math.max(member.step, step);
  const silent = member.asked !== null && member.answered === null && !member.pausing;
  member.asked = null;
  member.pausing = false;
  if (!silent || isOver(state)) return;
  // It would do so again: another one takes its place.
  member.status = "silent";
  failed(setting, state, member, "gave no answer that can be read");
}

function ended<Options, State extends MethodState>(
  setting: BilevelSetting<Options, State>,
  state: BilevelState<State>,
  member: Member,
  { reason, message }: TrialEnded,
): void {
  const owed = member.asked !== null && member.answered === null;
  member.status = "ended";
  member.asked = null;
  if (!owed || isOver(state)) return;
  const words = reason.replace("END_REASON_", "").replaceAll("_", " ").toLowerCase();
  failed(setting, state, member, `ended (${words}${message === "" ? "" : `: ${message}`})`);
}

function failed<Options, State extends MethodState>(
  { replacements, trialsMax }: BilevelSetting<Options, State>,
  state: BilevelState<State>,
  { trial, shard, holds }: Member,
  what: string,
): void {
  const failures = (state.failures[shard] ?? 0) + 1;
  state.failures[shard] = failures;
  const who = `trial ${trial}${shard === noShard ? "" : `, which answered for ${shardWords(state, shard)},`} ${what}`;
  if (failures > replacements) {
    state.gaveUp = `${who}, and so did ${replacements} before it: the strategy gives up`;
    report(state, state.gaveUp);
    return;
  }
  const alone = !state.members.some((one) => one.trial !== trial && one.shard === shard && isAlive(one));
  if (alone && !isWithin(state.trials, trialsMax)) {
    const words = `${who}, and of the ${trialsMax} trials that budget.trials allows one is kept for the end`;
    if (state.method === null) state.gaveUp = words;
    else state.method.finished = { reason: "budget", message: words };
    report(state, `it ends (budget): ${words}`);
    return;
  }
  const from =
    holds.length === 0 ? "from the start or another trial's solutions" : `from the solutions of question ${holds.at(-1)}`;
  report(state, `${who}: another trial replaces it ${from}`);
}
