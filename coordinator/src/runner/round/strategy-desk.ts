/**
 * Asks strategies for what is next: when there is news or more room than last time, and never for more than can soon run, so that a
 * late proposal knows as much as possible.
 */

import { limits } from "@regulus/proto";
import type { SearchCommand } from "../../search/commands.js";
import { stepsAhead } from "../../search/steps-ahead.js";
import type { StrategyAnswer } from "../../strategy-host/strategy-host.js";
import type { SearchEntry } from "../searches/search-entry.js";

/** Trials of one search that wait for slots beyond those that are free: enough that no slot waits for a strategy. */
const lookAheadMax = 16;

/** What the desk needs of the runner. */
export interface StrategyDeskOptions {
  readonly command: (entry: SearchEntry, command: SearchCommand) => void;
  /** Runs in a later round: for answers that take their time. */
  readonly post: (work: () => void) => void;
  /** Whether an entry still stands for its search; it does not once it was removed or read again. */
  readonly isCurrent: (entry: SearchEntry) => boolean;
  /** Has a round look at a search. */
  readonly touch: (entry: SearchEntry) => void;
  readonly slotsFree: () => number;
}

export class StrategyDesk {
  readonly #options: StrategyDeskOptions;

  constructor(options: StrategyDeskOptions) {
    this.#options = options;
  }

  /** Tells a search's strategy what is new and asks it, where that may change something. */
  ask(entry: SearchEntry): void {
    const { host, state } = entry;
    if (host === undefined) return;
    if (entry.untold.length > 0) host.tell(entry.untold);
    entry.untold = [];
    if (entry.asking || state.status !== "running") return;
    const limit = this.capacity(entry);
    if (!entry.hasNews && limit <= entry.askedLimit) return;
    entry.hasNews = false;
    entry.askedLimit = limit;
    entry.asking = true;
    const asked = state.position;
    let inRound = true;
    host.ask(limit, (answer) => {
      // A host that was closed and replaced has nothing to say any more.
      if (entry.host !== host) return;
      if (inRound) this.#take(entry, answer, limit, asked);
      else this.#options.post(() => this.#take(entry, answer, limit, asked));
    });
    inRound = false;
  }

  /**
   * Whether a strategy that has answered is to be asked again without waiting for anything: it filled its limit, and the round has placed what it gave; or
   * what it reported is news to it, and it may be done or go on now.
   */
  mayHaveMore(entry: SearchEntry): boolean {
    if (entry.host === undefined || entry.asking || entry.state.status !== "running") return false;
    return entry.hasNews || (entry.askedLimit === 0 && this.capacity(entry) > 0);
  }

  /** Starts and resumes that a strategy may be asked for now. */
  capacity({ state }: SearchEntry): number {
    if (state.status !== "running") return 0;
    const parallelism = Math.max(1, state.spec.parallelism) - state.pending.size - state.running.size;
    const ahead = Math.max(lookAheadMax, Math.floor(this.#options.slotsFree() / state.slots)) - state.pending.size;
    const wanted = Math.max(0, Math.min(limits.askMax, parallelism, ahead));
    const { steps } = state.budget;
    if (wanted > 0 && steps > 0 && state.steps + stepsAhead(state) >= steps) return 0;
    return wanted;
  }

  #take(entry: SearchEntry, answer: StrategyAnswer, limit: number, asked: number): void {
    if (!this.#options.isCurrent(entry)) return;
    entry.asking = false;
    this.#options.touch(entry);
    if ("failure" in answer) {
      this.#options.command(entry, { kind: "failStrategy", message: answer.failure });
      return;
    }
    const { state } = entry;
    const before = state.position;
    this.#options.command(entry, { kind: "takeProposals", proposals: answer.proposals, limit, asked });
    const wanted = answer.proposals.filter(({ kind }) => kind === "start" || kind === "resume").length;
    const reports = answer.proposals.some(({ kind }) => kind === "report");
    entry.reportsInARow = wanted === 0 && reports ? entry.reportsInARow + 1 : 0;
    if (entry.reportsInARow > limits.reportsInARowMax) {
      const message = `it only reported in ${entry.reportsInARow} answers one after the other, at most ${limits.reportsInARowMax} were expected: it neither starts a trial nor ends`;
      this.#options.command(entry, { kind: "failStrategy", message });
    }
    // Who filled the limit may have more; who did not, or gave only what no budget has room for, has nothing until there is news.
    const filled = wanted >= limit && state.position > before;
    entry.askedLimit = filled ? 0 : Math.max(limit - wanted, state.position > before ? 0 : limit);
    entry.idle = state.position === before && !entry.hasNews && state.pending.size + state.running.size === 0;
  }
}
