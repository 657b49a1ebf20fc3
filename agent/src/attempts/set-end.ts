/** An end that is set to an attempt from outside, for where its process does not tell its own in time. Pure. */

/**
 * How long a trial process may take to save and say its last word, in milliseconds: beyond the grace of a program, after a program was killed for a
 * limit, and beyond the last sign that a checkpoint is being packed.
 */
export const lastWordMs = 15_000;

export interface SetEnd<Reason> {
  readonly reason: Reason;
  readonly message: string;
  /** When it comes. */
  readonly deadlineMs: number;
}

/** A checkpoint is on its way to a file, which takes as long as its bounded bytes take: the end waits for that. */
export function whilePacking<Reason>(end: SetEnd<Reason> | undefined, nowMs: number): SetEnd<Reason> | undefined {
  return end && { ...end, deadlineMs: Math.max(end.deadlineMs, nowMs + lastWordMs) };
}
