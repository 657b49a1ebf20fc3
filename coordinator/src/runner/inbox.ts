/**
 * What waits for a round: commands of callers, reports, timers. Bounded, and closed with a reason while the log takes nothing or the
 * coordinator ends.
 */
import { RegulusError } from "@regulus/proto";

/** Commands that wait at once; past it calls are refused. Agents are bounded by their own unacknowledged reports. */
const commandsMax = 100_000;

/** A command that waits for a round. */
export interface Job {
  /** Decides. Answers what to do once it is durable. */
  run(): () => void;
  reject(error: unknown): void;
}

export class Inbox {
  #jobs: Job[] = [];
  #refusal: RegulusError | undefined;
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
  async call<Answer>(work: () => () => Answer): Promise<Answer> {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#jobs.length >= commandsMax) {
      throw new RegulusError("exhausted", `${commandsMax} commands wait; try again in a moment`);
    }
    return new Promise((resolve, reject) => {
      const run = () => {
        const answer = work();
        return () => resolve(answer());
      };
      this.#jobs.push({ run, reject });
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
    this.#jobs.push({ run, reject: () => undefined });
    this.#wake();
  }

  /** Everything that waits, in order. */
  take(): readonly Job[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    return jobs;
  }

  /** Refuses what waits and what comes. */
  close(refusal: RegulusError): void {
    this.#refusal = refusal;
    for (const job of this.take()) job.reject(refusal);
  }

  /** Takes commands again. */
  open(): void {
    this.#refusal = undefined;
  }
}
