/**
 * Decisions of a round about searches: commands become facts, facts are told to the search and have their consequences, and the search is
 * noted as one that the round has to look at. Nothing here is durable yet; the runner appends what was decided.
 */
import { configurationsToTry } from "@regulus/algorithms/catalog";
import { EndReason, type Fact, RegulusError, type SearchSpec } from "@regulus/proto";
import type { FactKind, SearchCommand } from "../../search/commands.js";
import { decide } from "../../search/decide.js";
import type { HeldLease } from "../agents/agents.js";
import type { Loss } from "../agents/overdue.js";
import { closeFolds, type OpenFolds } from "../searches/open-folds.js";
import type { SearchEntry } from "../searches/search-entry.js";
import type { Searches } from "../searches/searches.js";
import type { Consequences } from "./consequences.js";
import type { RunnerOptions } from "./runner-options.js";

/** What decisions need of the runner. */
export interface DecisionsOptions extends Pick<RunnerOptions, "host" | "diagnostics" | "notify"> {
  readonly searches: Searches;
  /** Time of the round. */
  readonly nowMs: () => number;
  readonly consequences: () => Consequences;
  /** Asks the strategy of a search for what is next. */
  readonly ask: (entry: SearchEntry) => void;
  /** Trials that wait for a place may find one. */
  readonly lookAgain: () => void;
  /** The end of a search's budget of wall time moved. */
  readonly timeMoves: (entry: SearchEntry) => void;
}

export class Decisions {
  readonly #options: DecisionsOptions;
  /** Searches that a round has to look at. */
  #touched = new Set<SearchEntry>();

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  get hasTouched(): boolean {
    return this.#touched.size > 0;
  }

  /** Has a round look at a search. */
  touch(entry: SearchEntry): void {
    this.#touched.add(entry);
  }

  /** Has a round look at the searches that stop because somebody asked for it. */
  touchStopped(): void {
    for (const entry of this.#options.searches.all) {
      if (entry.state.status === "stopping" && entry.state.endsAs === "stopped") this.touch(entry);
    }
  }

  /** Notes of each search that was left running how long there was no coordinator. Before anything else that a round decides. */
  takeUp(): void {
    for (const entry of this.#touched) {
      const { awaySinceMs } = entry;
      entry.awaySinceMs = undefined;
      if (awaySinceMs !== undefined) this.command(entry, { kind: "takeUp", awaySinceMs });
    }
  }

  /** The searches to look at; from here on there are none. */
  takeTouched(): Set<SearchEntry> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** A search is gone. */
  forget(entry: SearchEntry): void {
    this.#touched.delete(entry);
  }

  /** Adds a search. */
  create(searchId: string, spec: SearchSpec, idempotencyKey: string): SearchEntry {
    const { searches, host, diagnostics, nowMs, timeMoves, lookAgain } = this.#options;
    const all = configurationsToTry(spec);
    const configurations = all <= Number.MAX_SAFE_INTEGER ? all : undefined;
    const kind: FactKind = { $case: "searchCreated", value: { spec, idempotencyKey, configurations } };
    const fact: Fact = { searchId, position: 1, timeMs: nowMs(), kind };
    const entry = searches.create(fact);
    entry.host = host(spec);
    entry.diagnostics = diagnostics(spec);
    entry.take(fact);
    this.#options.consequences().created(entry);
    timeMoves(entry);
    this.#touched.add(entry);
    lookAgain();
    return entry;
  }

  /** Gives a command to a search. */
  command(entry: SearchEntry, command: SearchCommand): void {
    this.apply(entry, decide(entry.state, command));
  }

  /** Gives a command that may open a search that has ended, and the folds that it then goes on with. */
  open(entry: SearchEntry, command: SearchCommand, folds: OpenFolds | undefined): readonly Fact[] {
    const { searchId, position } = entry.state;
    if (entry.leaving) throw new RegulusError("not-found", `search ${searchId} is being deleted`);
    const wasActive = entry.active;
    this.command(entry, command);
    if (!wasActive && entry.active && folds !== undefined) entry.openFolds(folds);
    else closeFolds(folds);
    this.#options.lookAgain();
    return entry.fresh.filter((fact) => fact.position > position);
  }

  /** Takes an attempt back from its agent. */
  lose({ key, agentId }: HeldLease, loss: Loss): void {
    const { searches, notify, nowMs } = this.#options;
    const { searchId: search, trial, attempt } = key;
    notify({ message: `lease lost: ${loss.message}`, fields: { search, trial, attempt, agentId, reason: loss.reason } });
    const entry = searches.get(search);
    if (entry !== undefined) this.command(entry, { kind: "loseAttempt", trial, attempt, ...loss, nowMs: nowMs() });
  }

  /** Notes what was found, settles what is over and asks the strategy for what is next. */
  progress(entry: SearchEntry): void {
    const { nowMs, ask } = this.#options;
    for (const { source, findings } of entry.diagnostics?.news() ?? []) {
      this.command(entry, { kind: "takeFindings", source, findings });
    }
    this.command(entry, { kind: "settle", nowMs: nowMs(), idle: false });
    ask(entry);
    this.command(entry, { kind: "settle", nowMs: nowMs(), idle: entry.idle && !entry.asking });
  }

  /** Takes from their agents what is to stop, and ends a search that stops. For a full log: agents can't report, and what has ended can be deleted. */
  endStopped(entry: SearchEntry): void {
    const { state } = entry;
    const nowMs = this.#options.nowMs();
    const message = "the log is full, so nothing more is heard of it";
    for (const number of [...state.running]) {
      const trial = state.live.get(number);
      if (trial === undefined || (state.status !== "stopping" && trial.stopReason === undefined)) continue;
      const { attempt } = trial;
      this.command(entry, { kind: "loseAttempt", trial: number, attempt, reason: EndReason.END_REASON_LOST, message, nowMs });
    }
    if (state.status === "stopping") this.command(entry, { kind: "settle", nowMs, idle: false });
  }

  /** Tells facts to a search, one after the other, each with what follows from it. */
  apply(entry: SearchEntry, kinds: readonly FactKind[]): void {
    const consequences = this.#options.consequences();
    for (const kind of kinds) {
      consequences.before(entry, kind);
      const fact = entry.add(kind, this.#options.nowMs());
      consequences.after(entry, fact);
    }
    if (kinds.length > 0) this.#touched.add(entry);
  }
}
