/**
 * The coordinator's one loop. A round takes all commands that wait (calls, reports, timers), decides them, asks strategies for what is
 * next, plans, appends the facts of all searches at once, and only then speaks: answers, acknowledgements, leases, stops, watchers,
 * feed. So nothing is heard of before it is durable, and the busier the cluster, the larger the batches.
 *
 * Rounds run when there is something to do, never by a timer. States are ahead of the log only while an append is under way; when one
 * fails they are read from the log again, and agents come back and repeat what was not acknowledged.
 */
import { type Fact, RegulusError, type SearchSpec } from "@regulus/proto";
import type { ArtifactStore, Clock, EventFeed, EventLog } from "../ports.js";
import type { FactKind, SearchCommand } from "../search/commands.js";
import { decide } from "../search/decide.js";
import type { StrategyHost } from "../strategy-host/strategy-host.js";
import { AgentDesk } from "./agent-desk.js";
import { Agents } from "./agents.js";
import { Announcing } from "./announcing.js";
import { ArtifactLedger } from "./artifact-ledger.js";
import { Asking } from "./asking.js";
import { Consequences } from "./consequences.js";
import { Counters } from "./counters.js";
import { Inbox, type Job } from "./inbox.js";
import { LeaseDesk } from "./lease-desk.js";
import { LogOutage, refusalFor } from "./log-outage.js";
import type { Notify } from "./notices.js";
import { Outbox } from "./outbox.js";
import { Placing } from "./placing.js";
import { readSearches } from "./recovery.js";
import { Removals } from "./removals.js";
import { closeFolds, type OpenFolds } from "./reopening.js";
import { Rounds } from "./rounds.js";
import type { SearchDiagnostics } from "./search-diagnostics.js";
import type { SearchEntry } from "./search-entry.js";
import { Searches } from "./searches.js";
import { WakeUps } from "./wake-ups.js";

/** What a runner is made of. */
export interface RunnerOptions {
  readonly log: EventLog;
  readonly artifacts: ArtifactStore;
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly leaseTimeoutMs: number;
  readonly endGraceMs: number;
  /** Runs a round soon; setImmediate outside of simulations. */
  readonly defer: (call: () => void) => void;
  /** The strategy of a search. */
  readonly host: (spec: SearchSpec) => StrategyHost;
  /** The diagnostics of a search. */
  readonly diagnostics: (spec: SearchSpec) => SearchDiagnostics;
  /** Told of each failure of the log. */
  readonly onLogFailure: (error: unknown) => void;
  readonly notify: Notify;
}

export class Runner {
  readonly agents = new Agents();
  readonly ledger: ArtifactLedger;
  readonly counters = new Counters();
  readonly searches = new Searches();
  /** What agents say. */
  readonly desk: AgentDesk;
  readonly #options: RunnerOptions;
  readonly #leases: LeaseDesk;
  readonly #asking: Asking;
  readonly #placing: Placing;
  readonly #consequences: Consequences;
  readonly #removals: Removals;
  readonly #wakeUps: WakeUps;
  readonly #outage: LogOutage;
  readonly #announcing: Announcing;
  readonly #rounds: Rounds;
  readonly #inbox = new Inbox(() => this.#rounds.schedule());
  /** Searches that a round has to look at. */
  readonly #touched = new Set<SearchEntry>();
  #outbox = new Outbox();
  #now = 0;
  #closed = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.ledger = new ArtifactLedger(options.artifacts, options.clock);
    this.#rounds = new Rounds({
      defer: options.defer,
      run: () => this.#runRound(),
      isHeld: () => this.#inbox.refusal !== undefined,
      hasMore: () => !this.#inbox.isEmpty || this.#touched.size > 0,
    });
    this.#announcing = new Announcing({ ...options, ledger: this.ledger, counters: this.counters });
    this.#removals = new Removals(options.log, (entry) => this.#forget(entry));
    this.#leases = new LeaseDesk({
      agents: this.agents,
      ledger: this.ledger,
      leaseTimeoutMs: options.leaseTimeoutMs,
      state: (searchId) => this.searches.get(searchId)?.state,
      outbox: () => this.#outbox,
      endGraceMs: options.endGraceMs,
      nowMs: () => this.#now,
      notify: options.notify,
      lose: ({ key, agentId }, loss) => {
        const entry = this.searches.get(key.searchId);
        const { searchId: search, trial, attempt } = key;
        const fields = { search, trial, attempt, agentId, reason: loss.reason };
        options.notify({ message: `lease lost: ${loss.message}`, fields });
        if (entry !== undefined) this.command(entry, { kind: "loseAttempt", trial, attempt, ...loss, nowMs: this.#now });
      },
    });
    this.#asking = new Asking({
      command: (entry, command) => this.command(entry, command),
      post: (work) => this.post(work),
      isCurrent: (entry) => this.searches.isCurrent(entry),
      touch: (entry) => void this.#touched.add(entry),
      slotsFree: () => this.agents.slotsFree(),
    });
    this.#wakeUps = new WakeUps({
      clock: options.clock,
      leaseTimeoutMs: options.leaseTimeoutMs,
      touch: (entry) => this.#touch(entry),
      sweep: (slept) =>
        this.post(() => {
          this.#placing.lookAgain();
          this.#leases.sweep(this.#now, slept);
        }),
    });
    this.#outage = new LogOutage({
      clock: options.clock,
      load: () => this.#load(),
      resume: () => this.#resume(),
      onLogFailure: options.onLogFailure,
    });
    this.#placing = new Placing({
      agents: this.agents,
      searches: this.searches,
      command: (entry, command) => this.command(entry, command),
    });
    this.desk = new AgentDesk({
      agents: this.agents,
      searches: this.searches,
      leases: this.#leases,
      counters: this.counters,
      roundMs: () => this.#now,
      clockMs: () => options.clock.now(),
      outbox: () => this.#outbox,
      apply: (entry, facts) => this.#apply(entry, facts),
      lookAgain: () => this.#placing.lookAgain(),
    });
    this.#consequences = new Consequences({
      ledger: this.ledger,
      leases: this.#leases,
      outbox: () => this.#outbox,
      retryAt: (entry, atMs) => this.#wakeUps.retry(entry, atMs, this.#now),
      timeMoves: (entry) => this.#wakeUps.wallTime(entry),
    });
  }

  /** Reads the log and begins. */
  async start(): Promise<void> {
    await this.#load();
    this.#wakeUps.startSweeps();
    this.#rounds.schedule();
  }

  /** Takes nothing more, waits for the round that runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wakeUps.close();
    this.#outage.close();
    this.#inbox.close(new RegulusError("unavailable", "the coordinator is closing; try again when it is back"));
    await this.#rounds.settled();
    await this.#removals.settled();
    this.agents.clear("the coordinator is closing");
    this.ledger.close();
    for (const entry of this.searches.all) entry.closeFolds();
  }

  /** Decides in a round, and answers once that is durable. `work` gives the answer's function. */
  call<Answer>(work: () => () => Answer): Promise<Answer> {
    return this.#inbox.call(work);
  }

  /** Decides in a round; nobody waits. */
  post(work: () => void): void {
    this.#inbox.post(work);
  }

  /** The search of an id. Fails with "not-found". */
  entry(searchId: string): SearchEntry {
    this.assertReadable();
    const entry = this.searches.get(searchId);
    if (entry === undefined) throw new RegulusError("not-found", `there is no search ${JSON.stringify(searchId)}`);
    return entry;
  }

  /** Fails while the states may hold what is not in the log. */
  assertReadable(): void {
    if (this.#outage.isStale) throw this.#inbox.refusal ?? new RegulusError("unavailable", "the coordinator reads its log again");
  }

  /** Fails while nothing is taken. */
  assertTaking(): void {
    if (this.#inbox.refusal !== undefined) throw this.#inbox.refusal;
  }

  /** Time of the round. */
  get now(): number {
    return this.#now;
  }

  /** Adds a search. In a round only. */
  create(searchId: string, spec: SearchSpec, idempotencyKey: string): SearchEntry {
    const kind: FactKind = { $case: "searchCreated", value: { spec, idempotencyKey } };
    const fact: Fact = { searchId, position: 1, timeMs: this.#now, kind };
    const entry = this.searches.create(fact);
    entry.host = this.#options.host(spec);
    entry.diagnostics = this.#options.diagnostics(spec);
    entry.take(fact);
    this.#wakeUps.wallTime(entry);
    this.#touched.add(entry);
    this.#placing.lookAgain();
    return entry;
  }

  /** Gives a command to a search. In a round only. */
  command(entry: SearchEntry, command: SearchCommand): void {
    this.#apply(entry, decide(entry.state, command));
  }

  /** Gives a command that may open a search that has ended, and the folds that it then goes on with. In a round only. */
  open(entry: SearchEntry, command: SearchCommand, folds: OpenFolds | undefined): readonly Fact[] {
    const { searchId, position } = entry.state;
    if (entry.leaving) throw new RegulusError("not-found", `search ${searchId} is being deleted`);
    const wasActive = entry.active;
    this.command(entry, command);
    if (!wasActive && entry.active && folds !== undefined) entry.openFolds(folds);
    else closeFolds(folds);
    this.#placing.lookAgain();
    return entry.fresh.filter((fact) => fact.position > position);
  }

  /** Removes a search that is over, once the round that decided it is durable. Fails where the log can't; then it is still there. */
  async remove(entry: SearchEntry): Promise<void> {
    try {
      await this.#removals.remove(entry);
    } catch (thrown) {
      this.#options.onLogFailure(thrown);
      throw refusalFor(thrown);
    }
  }

  /** Says something for the log. */
  get notify(): Notify {
    return this.#options.notify;
  }

  /** Something about the agents changed that may matter to those that wait. */
  agentsChanged(): void {
    this.#placing.lookAgain();
    this.#rounds.schedule();
  }

  async #runRound(): Promise<void> {
    this.#now = this.#options.clock.now();
    const outbox = new Outbox();
    this.#outbox = outbox;
    for (const job of this.#inbox.take()) this.#runJob(job);
    const changed = new Set(this.#touched);
    this.#touched.clear();
    for (const entry of changed) this.#progress(entry);
    this.#placing.place(this.#now);
    for (const entry of this.#touched) changed.add(entry);
    this.#touched.clear();
    const written = [...changed].filter((entry) => entry.fresh.length > 0 && this.searches.isCurrent(entry));
    for (const entry of changed) if (this.#asking.mayHaveMore(entry)) this.#touched.add(entry);
    try {
      await this.#announcing.append(written);
    } catch (thrown) {
      this.#fail(thrown, outbox);
      return;
    }
    this.#outage.over();
    this.#announcing.speak(written, outbox);
  }

  #runJob(job: Job): void {
    try {
      this.#outbox.waiting.push({ resolve: job.run(), reject: job.reject });
    } catch (thrown) {
      if (!(thrown instanceof RegulusError)) throw thrown;
      // The refusal may rest on facts of this very round, so it waits for them like an answer.
      this.#outbox.waiting.push({ resolve: () => job.reject(thrown), reject: job.reject });
    }
  }

  // What a round decides.

  /** Notes what was found, settles what is over and asks the strategy for what is next. */
  #progress(entry: SearchEntry): void {
    for (const { source, findings } of entry.diagnostics?.news() ?? []) {
      this.command(entry, { kind: "takeFindings", source, findings });
    }
    this.command(entry, { kind: "settle", nowMs: this.#now, idle: false });
    this.#asking.ask(entry);
    this.command(entry, { kind: "settle", nowMs: this.#now, idle: entry.idle && !entry.asking });
  }

  // Facts and what follows from them.

  #apply(entry: SearchEntry, kinds: readonly FactKind[]): void {
    for (const kind of kinds) {
      this.#consequences.before(entry, kind);
      const fact = entry.add(kind, this.#now);
      this.#consequences.after(entry, fact);
    }
    if (kinds.length > 0) this.#touched.add(entry);
  }

  #touch(entry: SearchEntry): void {
    if (this.#closed || !this.searches.isCurrent(entry)) return;
    this.#placing.lookAgain();
    this.#touched.add(entry);
    this.#rounds.schedule();
  }

  // Failure and recovery.

  /** The log did not take the round: nobody hears of it, and agents come back to repeat what was not acknowledged. */
  #fail(thrown: unknown, outbox: Outbox): void {
    this.#options.onLogFailure(thrown);
    const error = refusalFor(thrown);
    this.#inbox.close(error);
    for (const waiting of outbox.waiting) waiting.reject(error);
    this.agents.clear(error.message);
    this.#outage.begin();
  }

  #resume(): void {
    this.#inbox.open();
    this.#leases.refresh(this.#options.clock.now());
    this.#placing.lookAgain();
    this.#rounds.schedule();
  }

  /** Reads every search from the log. Those who watch stay. */
  async #load(): Promise<void> {
    const { log, clock, host, diagnostics } = this.#options;
    await this.#removals.settled();
    for (const entry of this.searches.all) entry.closeFolds();
    this.ledger.clear();
    this.#touched.clear();
    const entries = await readSearches({ log, ledger: this.ledger, host, diagnostics, before: this.searches });
    this.#now = clock.now();
    this.searches.replace(entries);
    for (const entry of this.searches.all) this.#takeUp(entry);
  }

  /** Goes on with a search that was read from the log. */
  #takeUp(entry: SearchEntry): void {
    const { state } = entry;
    if (!entry.active) return;
    for (const number of state.running) this.#leases.recall(state, number, this.#now);
    for (const number of state.pending) this.#wakeUps.retry(entry, state.live.get(number)?.retryAtMs ?? 0, this.#now);
    this.#wakeUps.wallTime(entry);
    this.#touched.add(entry);
  }

  /** A search is out of the log: nothing refers to it any more. */
  #forget(entry: SearchEntry): void {
    this.searches.delete(entry);
    this.#touched.delete(entry);
    this.#consequences.forget(entry);
    entry.watchers.remove();
  }
}
