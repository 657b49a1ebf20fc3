/**
 * A trial of the procedure `respond` as strategies of bilevel rounds know it: what it was asked, and which questions' solutions it holds, in its newest
 * checkpoint and in its process. Plain data, and how facts change it.
 */

/** What a trial was asked. */
export interface Asked {
  /** Number of the question; `describing` for what the workload is. */
  readonly id: number;
  readonly startFrom: number | null;
}

/** In the place of a question's number: how many samples there are, and which first hyperparameters. */
export const describing = -1;
/** In the place of a shard's number. */
export const noShard = -1;

/** Questions that a trial answers without having lost its process after which what it lost before is forgotten. */
const forgottenAfter = 16;

/** A trial of the procedure `respond`. */
export interface Member {
  readonly trial: number;
  /** `noShard` until it is asked about one. */
  shard: number;
  /** silent: came to the end of its work without an answer that can be read, and is to be stopped. */
  status: "pending" | "running" | "paused" | "silent" | "ended";
  /** Steps of the trial as far as they were told. */
  step: number;
  /** Step of its newest checkpoint; -1 for none. */
  saved: number;
  /** Whether that is since it was asked. */
  savedSince: boolean;
  /** Questions whose solutions its newest checkpoint surely holds. */
  holds: number[];
  /** Questions whose solutions it holds in its process, where that still lives. */
  has: number[];
  /** Times that it was asked to start from solutions which it had held in a process that was gone, but for those that are long past. */
  losses: number;
  /** Questions that it answered since. */
  answeredSince: number;
  /** In place of an answer: the questions whose solutions it holds, where those to start from were not among them; null where they were. */
  missed: number[] | null;
  asked: Asked | null;
  /** Step at which it answered; null while it has not. */
  answered: number | null;
  /** Whether it was asked to pause before it could answer. */
  pausing: boolean;
}

/** A trial that nothing was heard of. */
export function newMember(trial: number): Member {
  return {
    trial,
    shard: noShard,
    status: "pending",
    step: 0,
    saved: -1,
    savedSince: false,
    holds: [],
    has: [],
    losses: 0,
    answeredSince: 0,
    missed: null,
    asked: null,
    answered: null,
    pausing: false,
  };
}

/** Whether a trial may still answer. */
export function isAlive({ status }: Member): boolean {
  return status === "pending" || status === "running" || status === "paused";
}

/** Whether the solutions of a question can be had from a checkpoint of the trial. */
export function hasSaved({ holds, saved }: Member, question: number): boolean {
  return saved >= 0 && holds.includes(question);
}

/** It was given work. */
export function noteAsked(member: Member, shard: number, asked: Asked): void {
  member.shard = shard;
  member.status = "pending";
  member.asked = asked;
  member.answered = null;
  member.missed = null;
  member.savedSince = false;
  member.pausing = false;
}

/** It saved at a step. */
export function noteSaved(member: Member, step: number): void {
  member.saved = step;
  member.step = Math.max(member.step, step);
  member.savedSince = true;
  member.holds = heldBy(member);
  member.has = [...member.holds];
}

/** It answered at a step. One that rejected has no solutions to hold: its answer counts, and its checkpoint holds what it started from. */
export function noteAnswered(member: Member, step: number, rejected: boolean): void {
  member.answered = rejected ? Number.MAX_SAFE_INTEGER : step;
  if (member.saved >= member.answered) member.holds = heldBy(member);
  member.has = heldBy(member, step);
  member.answeredSince += 1;
  if (member.answeredSince >= forgottenAfter) member.losses = 0;
}

/** The process that held the solutions to start from is gone. What this one holds is what the trial saved, and it is asked from there. */
export function noteMissed(member: Member, held: readonly number[]): void {
  const startFrom = member.asked?.startFrom ?? null;
  // One that says to hold what it says to miss can't be helped by asking again: it gave no answer.
  if (startFrom === null || held.includes(startFrom)) return;
  member.answered = Number.MAX_SAFE_INTEGER;
  member.losses += 1;
  member.answeredSince = 0;
  member.missed = [...held];
  member.has = [...held];
  member.holds = member.savedSince ? [...held] : member.holds.filter((id) => id !== startFrom);
}

/** What the newest checkpoint holds of what was asked. It and the answer come in either order. */
function heldBy({ asked, answered, saved, missed: held }: Member, upTo = saved): number[] {
  if (held !== null) return [...held];
  if (asked === null) return [];
  const own = answered !== null && upTo >= answered && asked.id !== describing ? [asked.id] : [];
  return asked.startFrom === null ? own : [asked.startFrom, ...own];
}
