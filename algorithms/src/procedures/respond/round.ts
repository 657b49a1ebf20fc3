/**
 * The solutions of a shard over rounds: those that solves start from, and those of the round under way, which become the next ones to start from
 * where a question says so. Pure: what is solved is given in.
 */
import type { SampleSolve } from "../../solvers/answer-sample.js";
import type { AnsweredSample, SampleAnswer, WarmStart } from "../../solvers/respond.js";
import { upperBoundOf } from "../../solvers/respond.js";
import { isRejected } from "../../solvers/respond-messages.js";

/** The round under way, or the last one. */
export interface Round {
  /** Number of its question; null before the first. */
  question: number | null;
  /** Answers, solutions and hypergradients of the samples that were asked, from the shard's first. */
  answers: SampleAnswer[];
  solutions: WarmStart[];
  hypergradients: Float64Array[];
  /** The sum of upper bounds was above the question's bound. */
  rejected: boolean;
  /** The next sample's solve, where it is on its way. */
  solve?: SampleSolve | undefined;
}

export interface RoundState {
  /** The question whose solutions are started from; null for the samples' own starts, which are then absent. */
  startFrom: number | null;
  starts: readonly WarmStart[] | undefined;
  round: Round;
}

export function emptyRound(question: number | null): Round {
  return { question, answers: [], solutions: [], hypergradients: [], rejected: false };
}

/**
 * The state in which a question is asked. One that is under way, or was answered, stays as it is; whatever was under way for another one is
 * discarded. Undefined where the solutions to start from are not here.
 */
export function beginRound(
  state: RoundState,
  wanted: { question: number | null; startFrom: number | null },
  samples: number,
): RoundState | undefined {
  const { startFrom, round } = state;
  if (round.question === wanted.question && startFrom === wanted.startFrom) return state;
  const next = emptyRound(wanted.question);
  if (wanted.startFrom === null) return { startFrom: null, starts: undefined, round: next };
  if (wanted.startFrom === startFrom) return { ...state, round: next };
  if (wanted.startFrom !== round.question || !isWhole(round, samples)) return undefined;
  return { startFrom: round.question, starts: round.solutions, round: next };
}

/** The questions whose solutions are here, so that others may start from them. */
export function heldQuestions({ startFrom, round }: RoundState, samples: number): readonly number[] {
  return [startFrom, isWhole(round, samples) ? round.question : null].filter((id) => id !== null);
}

function isWhole({ answers, rejected }: Round, samples: number): boolean {
  return answers.length === samples && !rejected;
}

/** Takes in the next sample's answer. */
export function takeSample(
  round: Round,
  { answer, solution, hypergradient }: AnsweredSample,
  rejectAbove: number | undefined,
): void {
  round.solve = undefined;
  round.answers.push(answer);
  round.solutions.push(solution);
  if (hypergradient !== undefined) round.hypergradients.push(hypergradient);
  const sum = round.answers.reduce((total, one) => total + (one.problem === undefined ? upperBoundOf(one) : 0), 0);
  round.rejected = isRejected(sum, rejectAbove);
}
