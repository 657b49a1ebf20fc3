/**
 * The queue of a round: commands of callers, reports, timers. Bounded, and closed with a reason while the log takes nothing or the
 * coordinator ends. While the log is full it takes what makes room.
 */
import { RegulusError } from "@regulus/proto";

/** Commands that wait at once; past it calls are refused. Agents are bounded by their own unacknowledged reports. */
const commandsMax = 100_000;

/** A command that waits for a round. */
export interface Job {
  /** Decides. Answers what to do once it is durable. */
  run(): () => void;
  reject(error: unknown): void;
  /** It makes room in the log, or goes before what does. */
  readonly makesRoom: boolean;
}

export class Inbox {
  #jobs: Job[] = [];
  #refusal: RegulusError | undefined;
  #takesRoomMakers = false;
  readonly #wake: () => void;

  /** `wake` has a round run soon. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Why nothing is taken now; undefined where it is. */
  get refusal(): RegulusError | undefined {
    return this.#refusal;
  }

  get isEmpty(): boolean {
    return this.#jobs.length === 0;
  }

  /** Decides in a round, and answers once that is durable. `work` gives the answer's function. */
  async call<Answer>(work: () => () => Answer, makesRoom = false): Promise<Answer> {
    if (this.#refusal !== undefined && !(makesRoom && this.#takesRoomMakers)) throw this.#refusal;
    if (this.#jobs.length >= commandsMax) {
      throw new RegulusError("exhausted", `${commandsMax} commands wait; try again in a moment`);
    }
    return new Promise((resolve, reject) => {
      const run = () => {
        const answer = work();
        return () => resolve(answer());
      };
      this.#jobs.push({ run, reject, makesRoom });
      this.#wake();
    });
  }

  /** Decides in a round; nobody waits. */
  post(work: () => void): void {
    if (this.#refusal !== undefined) return;
    const run = () => {
      work();
      return () => undefined;
    };
    this.#jobs.push({ run, reject: () => undefined, makesRoom: false });
    this.#wake();
  }

  /** Decides something that makes room; nobody waits. */
  postRoomMaker(work: () => void): void {
    this.call(() => {
      work();
      return () => undefined;
    }, true).catch(() => undefined);
  }

  /** Everything that waits, in order. */
  take(): readonly Job[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    return jobs;
  }

  /** Refuses what waits and what comes, but for what makes room where that is `taken`. */
  close(refusal: RegulusError, roomMakers: "refused" | "taken" = "refused"): void {
    this.#refusal = refusal;
    this.#takesRoomMakers = roomMakers === "taken";
    for (const job of this.take()) {
      if (job.makesRoom && this.#takesRoomMakers) this.#jobs.push(job);
      else job.reject(refusal);
    }
  }

  /** Takes a job that came to nothing once more, before the others. */
  takeAgain(job: Job): void {
    this.#jobs.unshift(job);
  }

  /** Takes commands again. */
  open(): void {
    this.#refusal = undefined;
  }
}
