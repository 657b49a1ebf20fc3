/**
 * The session of a trial that pauses, held open in its process with what it saved last, so that the trial's next work needs neither a process
 * nor a checkpoint from elsewhere. A session that can't take the work is opened anew from those same bytes.
 */
import type { Session } from "@regulus/algorithms/training";
import type { Work } from "@regulus/proto";

/** What a process holds between two attempts of one trial. */
export interface Held {
  readonly session: Session;
  readonly procedure: string;
  /** What it saved last; undefined where it never did. The session may be further on. */
  readonly bytes: Uint8Array | undefined;
  /** Time at which it saved last, or began, on the clock of `performance.now`. */
  readonly savedMs: number;
  /** Seconds of training that this took over all attempts. */
  readonly seconds: number;
}

/** The session for new work: the held one where it takes the work, else undefined, and the held one is closed. */
export async function resumeHeld({ session, procedure }: Held, work: Work): Promise<Session | undefined> {
  if (procedure === work.procedure && (await session.resume?.(work)) === true) return session;
  session.close();
  return undefined;
}
