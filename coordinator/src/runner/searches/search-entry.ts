/**
 * One search at work: its state, its strategy and what a round made of it. Facts are told to both at once and appended with the rest
 * of the round; until then nobody outside hears of them.
 */
import type { Fact, Search } from "@regulus/proto";
import type { FactKind } from "../../search/commands.js";
import { SearchState } from "../../search/search-state.js";
import type { StrategyHost } from "../../strategy-host/strategy-host.js";
import type { OpenFolds } from "./open-folds.js";
import type { SearchDiagnostics } from "./search-diagnostics.js";
import { SearchWatchers } from "./watchers.js";

/** Kinds of facts that may change what a strategy wants. */
const news: ReadonlySet<FactKind["$case"]> = new Set([
  "searchCreated",
  "searchResumed",
  "searchExtended",
  "searchReopened",
  "trialRetried",
  "strategyStepped",
  "trialMeasured",
  "trialCheckpointed",
  "attemptEnded",
  "trialPaused",
  "trialEnded",
  "findingReported",
]);

export class SearchEntry {
  /** Ahead of the log while a round is being appended; clients see `view`. */
  readonly state: SearchState;
  /** Rank by creation, from 0. */
  readonly order: number;
  readonly watchers: SearchWatchers;
  /** Position of the newest durable fact. */
  durable: number;
  /** Facts of this round. */
  fresh: Fact[] = [];
  /** Facts that the strategy was not told of yet. */
  untold: Fact[] = [];
  /** Its strategy; absent once the search is over. */
  host: StrategyHost | undefined;
  /** Its diagnostics; absent once the search is over. */
  diagnostics: SearchDiagnostics | undefined;
  /** Whether facts came that the strategy may want to act on. */
  hasNews = true;
  /** Starts and resumes that the strategy was last asked for, and whether the question is still open. */
  askedLimit = 0;
  asking = false;
  /** Answers of the strategy, one after the other, that only reported. */
  reportsInARow = 0;
  /** Whether the strategy, asked for more with nothing running, had nothing. */
  idle = false;
  /** Who created it, for that caller's share; unknown after a restart of the coordinator. */
  caller: string | undefined;
  /** Since when there was no coordinator, where the search was left running and its facts do not say so yet. */
  awaySinceMs: number | undefined;
  /** The search as it was before this round. */
  #before: Search | undefined;
  /** Whether it is being removed. */
  leaving = false;
  /** Cancels the wake-up at the end of the budget of wall time. */
  cancelWallTime: (() => void) | undefined;

  constructor(created: Fact, order: number, watchers = new SearchWatchers()) {
    this.state = new SearchState(created);
    this.order = order;
    this.watchers = watchers;
    this.durable = 0;
  }

  get active(): boolean {
    return this.state.status !== "ended";
  }

  /** The search as clients may see it: what is durable. Undefined while its creation is not. */
  get view(): Search | undefined {
    return this.fresh.length === 0 ? this.state.view() : this.#before;
  }

  /** Takes a new fact into the round. */
  add(kind: FactKind, timeMs: number): Fact {
    if (this.fresh.length === 0) this.#before = this.state.view();
    const fact: Fact = { searchId: this.state.searchId, position: this.state.position + 1, timeMs, kind };
    this.state.tell(fact);
    this.take(fact);
    return fact;
  }

  /** Takes the round's fact that the state already knows. */
  take(fact: Fact): void {
    this.fresh.push(fact);
    if (this.host !== undefined) this.untold.push(fact);
    this.diagnostics?.tell([fact]);
    if (fact.kind !== undefined && news.has(fact.kind.$case)) {
      this.hasNews = true;
      this.idle = false;
    }
  }

  /** Takes the strategy and the diagnostics of a search that is opened again. They know all of its facts. */
  openFolds({ host, diagnostics }: OpenFolds): void {
    this.host = host;
    this.diagnostics = diagnostics;
    this.untold = [];
    this.askedLimit = 0;
    this.asking = false;
    this.reportsInARow = 0;
  }

  /** Ends the strategy and the diagnostics: nothing will be asked any more. */
  closeFolds(): void {
    this.host?.close();
    this.host = undefined;
    this.diagnostics = undefined;
    this.untold = [];
    this.cancelWallTime?.();
    this.cancelWallTime = undefined;
  }
}
