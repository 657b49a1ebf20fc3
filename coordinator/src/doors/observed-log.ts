/**
 * The log with eyes on it: times each append, folds the appended facts into the metrics that are about them, and tells readiness when
 * the log stops or starts taking appends. Changes nothing that passes through.
 */
import { type Fact, RegulusError } from "@regulus/proto";
import type { Append, AppendOptions, EventLog } from "../ports.js";
import type { Metrics } from "./metrics.js";
import type { Readiness } from "./readiness.js";

/** Proposals that may wait for their start in the fold; further ones are not timed. */
const waitingMax = 100_000;

/** Where a log's observations go. */
export interface LogObservers {
  readonly metrics: Pick<Metrics, "appendSeconds" | "appendFacts" | "appendFailures" | "proposalToStartSeconds" | "bilevel">;
  readonly readiness: Readiness;
  readonly rounds: RoundTimer;
}

/** A log whose appends are observed. */
export function observedLog(log: EventLog, { metrics, readiness, rounds }: LogObservers): EventLog {
  const starts = new StartLatency((seconds) => metrics.proposalToStartSeconds.observe(seconds));
  return {
    append: async (batch: readonly Append[], options: AppendOptions = {}): Promise<void> => {
      const stop = metrics.appendSeconds.startTimer();
      const roundIsDurable = rounds.appending();
      try {
        await log.append(batch, options);
      } catch (thrown) {
        const code = thrown instanceof RegulusError ? thrown.code : "internal";
        metrics.appendFailures.inc({ code });
        // A conflict or a wrong batch says nothing about the disk.
        if (code === "exhausted" || code === "unavailable" || code === "data-loss") readiness.set("log can't be written", true);
        throw thrown;
      }
      stop();
      roundIsDurable();
      // What makes room is taken on a full log too, and says nothing about the rest.
      if (options.makesRoom !== true) readiness.set("log can't be written", false);
      let facts = 0;
      for (const append of batch) {
        facts += append.facts.length;
        for (const fact of append.facts) {
          starts.apply(fact);
          metrics.bilevel.observe(fact);
        }
      }
      metrics.appendFacts.observe(facts);
    },
    read: (searchId, after, options) => log.read(searchId, after, options),
    searches: () => log.searches(),
    remove: async (searchId) => {
      await log.remove(searchId);
      starts.forget(searchId);
    },
    close: () => log.close(),
  };
}

/** Times the runner's rounds: each decides in one go, and is over once what it decided is durable. */
export class RoundTimer {
  readonly #observe: (seconds: number) => void;
  #beganMs: number | undefined;

  constructor(observe: (seconds: number) => void) {
    this.#observe = observe;
  }

  /** Runs a round. One that appends nothing is over when the call returns. */
  run(round: () => void): void {
    this.#beganMs = performance.now();
    round();
    this.appending()();
  }

  /** The round that runs has come to its append. Answers what to call once that is durable. */
  appending(): () => void {
    const beganMs = this.#beganMs;
    this.#beganMs = undefined;
    return () => {
      if (beganMs !== undefined) this.#observe((performance.now() - beganMs) / 1000);
    };
  }
}

/** Folds facts into the time that trials wait between their proposal and their first attempt after it. */
class StartLatency {
  readonly #observe: (seconds: number) => void;
  /** When each waiting trial was proposed, by search and trial. */
  readonly #waiting = new Map<string, Map<number, number>>();
  #count = 0;

  constructor(observe: (seconds: number) => void) {
    this.#observe = observe;
  }

  apply(fact: Fact): void {
    switch (fact.kind?.$case) {
      case "trialProposed":
      case "trialResumed":
      case "trialRetried":
        this.#wait(fact.searchId, fact.kind.value.trial, fact.timeMs);
        return;
      case "attemptStarted": {
        const sinceMs = this.#take(fact.searchId, fact.kind.value.trial);
        if (sinceMs !== undefined) this.#observe(Math.max(0, fact.timeMs - sinceMs) / 1000);
        return;
      }
      case "trialEnded":
        this.#take(fact.searchId, fact.kind.value.trial);
        return;
      case "searchEnded":
        this.forget(fact.searchId);
        return;
      default:
        return;
    }
  }

  forget(searchId: string): void {
    this.#count -= this.#waiting.get(searchId)?.size ?? 0;
    this.#waiting.delete(searchId);
  }

  #wait(searchId: string, trial: number, timeMs: number): void {
    if (this.#count >= waitingMax) return;
    let trials = this.#waiting.get(searchId);
    if (trials === undefined) {
      trials = new Map();
      this.#waiting.set(searchId, trials);
    }
    if (!trials.has(trial)) this.#count += 1;
    trials.set(trial, timeMs);
  }

  #take(searchId: string, trial: number): number | undefined {
    const trials = this.#waiting.get(searchId);
    const timeMs = trials?.get(trial);
    if (timeMs !== undefined) {
      trials?.delete(trial);
      this.#count -= 1;
    }
    return timeMs;
  }
}
