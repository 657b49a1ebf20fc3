/**
 * The coordinator's one loop. A round takes all commands that wait (calls, reports, timers), decides them, asks strategies for what is
 * next, plans, appends the facts of all searches at once, and only then speaks: answers, acknowledgements, leases, stops, watchers,
 * feed. So nothing is heard of before it is durable, and the busier the cluster, the larger the batches.
 *
 * Rounds run when there is something to do, never by a timer. States are ahead of the log only while an append is under way; when one
 * fails they are read from the log again, and agents come back and repeat what was not acknowledged.
 */
import { RegulusError } from "@regulus/proto";
import type { SearchState } from "../../search/search-state.js";
import { Agents } from "../agents/agents.js";
import { ArtifactLedger } from "../artifacts/artifact-ledger.js";
import { RemovedArtifacts } from "../artifacts/removed-artifacts.js";
import { refusalFor } from "../searches/log-refusals.js";
import { readSearches } from "../searches/recovery.js";
import { Removals } from "../searches/removals.js";
import type { SearchEntry } from "../searches/search-entry.js";
import { Searches } from "../searches/searches.js";
import { AgentDesk } from "./agent-desk.js";
import { Announcer } from "./announcer.js";
import { Consequences } from "./consequences.js";
import { Counters } from "./counters.js";
import { decideRoom, decideRound } from "./decide-round.js";
import { Decisions } from "./decisions.js";
import { Inbox } from "./inbox.js";
import { LeaseDesk } from "./lease-desk.js";
import { LogOutage } from "./log-outage.js";
import type { Notify } from "./notices.js";
import { Outbox } from "./outbox.js";
import { Placement } from "./placement.js";
import { refuseJobs } from "./refused-jobs.js";
import { RoundTime } from "./round-time.js";
import { Rounds } from "./rounds.js";
import type { RunnerOptions } from "./runner-options.js";
import { StrategyDesk } from "./strategy-desk.js";
import { takeUp } from "./take-up.js";
import { TimeAway } from "./time-away.js";
import { WakeUps } from "./wake-ups.js";

export class Runner {
  readonly agents = new Agents();
  readonly ledger: ArtifactLedger;
  /** What went out of the artifact store. */
  readonly removed: RemovedArtifacts;
  readonly counters = new Counters();
  readonly searches = new Searches();
  /** What rounds decide. Its commands in a round only. */
  readonly decisions: Decisions;
  /** What agents say. */
  readonly desk: AgentDesk;
  /** Says something for the log. */
  readonly notify: Notify;
  readonly #options: RunnerOptions;
  readonly #leases: LeaseDesk;
  readonly #strategyDesk: StrategyDesk;
  readonly #placement: Placement;
  readonly #consequences: Consequences;
  readonly #removals: Removals;
  readonly #wakeUps: WakeUps;
  readonly #outage: LogOutage;
  readonly #announcer: Announcer;
  readonly #rounds: Rounds;
  readonly #inbox = new Inbox(() => this.#rounds.schedule());
  #outbox = new Outbox();
  readonly #away = new TimeAway();
  readonly #time: RoundTime;
  #closed = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.notify = options.notify;
    this.#time = new RoundTime({ clockMs: () => options.clock.now(), leaseTimeoutMs: options.leaseTimeoutMs });
    this.removed = new RemovedArtifacts(options.clock, options.notify);
    this.ledger = new ArtifactLedger(options.artifacts, options.clock, options.uploadBounds, this.removed);
    this.decisions = new Decisions({
      ...options,
      searches: this.searches,
      nowMs: () => this.#time.nowMs,
      consequences: () => this.#consequences,
      ask: (entry) => this.#strategyDesk.ask(entry),
      lookAgain: () => this.#placement.lookAgain(),
      timeMoves: (entry) => this.#wakeUps.wallTime(entry),
    });
    this.#rounds = new Rounds({
      defer: options.defer,
      run: () => this.#runRound(),
      isHeld: () => this.#inbox.refusal !== undefined && (this.#inbox.isEmpty || this.#outage.isStale),
      hasMore: () => !this.#inbox.isEmpty || this.decisions.hasTouched,
    });
    this.#announcer = new Announcer({ ...options, ledger: this.ledger, counters: this.counters });
    this.#removals = new Removals({ ...options, forget: (entry) => this.#forget(entry) });
    this.#leases = new LeaseDesk({
      agents: this.agents,
      ledger: this.ledger,
      leaseTimeoutMs: options.leaseTimeoutMs,
      state: (searchId) => this.searches.get(searchId)?.state,
      outbox: () => this.#outbox,
      endGraceMs: options.endGraceMs,
      nowMs: () => this.#time.nowMs,
      notify: options.notify,
      lose: (held, loss) => this.decisions.lose(held, loss),
    });
    this.#strategyDesk = new StrategyDesk({
      command: (entry, command) => this.decisions.command(entry, command),
      post: (work) => this.post(work),
      isCurrent: (entry) => this.searches.isCurrent(entry),
      touch: (entry) => this.decisions.touch(entry),
      slotsFree: () => this.agents.slotsFree(),
    });
    this.#wakeUps = new WakeUps({
      clock: options.clock,
      leaseTimeoutMs: options.leaseTimeoutMs,
      touch: (entry) => this.#touch(entry),
      sweep: (slept) =>
        this.post(() => {
          this.#placement.lookAgain();
          this.#leases.sweep(this.#time.nowMs, slept);
        }),
    });
    this.#outage = new LogOutage({
      clock: options.clock,
      load: () => this.#load(),
      loaded: () => this.#rounds.schedule(),
      resume: () => this.#resume(),
      onLogFailure: options.onLogFailure,
    });
    this.#placement = new Placement({
      agents: this.agents,
      searches: this.searches,
      command: (entry, command) => this.decisions.command(entry, command),
    });
    this.desk = new AgentDesk({
      agents: this.agents,
      searches: this.searches,
      leases: this.#leases,
      counters: this.counters,
      roundMs: () => this.#time.nowMs,
      clockMs: () => options.clock.now(),
      outbox: () => this.#outbox,
      apply: (entry, facts) => this.decisions.apply(entry, facts),
      lookAgain: () => this.#placement.lookAgain(),
    });
    this.#consequences = new Consequences({
      ledger: this.ledger,
      leases: this.#leases,
      outbox: () => this.#outbox,
      retryAt: (entry, atMs) => this.#wakeUps.retry(entry, atMs, this.#time.nowMs),
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
    this.removed.tell();
    for (const entry of this.searches.all) entry.closeFolds();
  }

  /**
   * Decides in a round, and answers once that is durable. `work` gives the answer's function. `makesRoom`: taken on a full log too, where the search
   * that it touches ends what it can.
   */
  call<Answer>(work: () => () => Answer, { makesRoom = false } = {}): Promise<Answer> {
    return this.#inbox.call(work, makesRoom);
  }

  /** Decides in a round; nobody waits. */
  post(work: () => void): void {
    this.#inbox.post(work);
  }

  /** The search of an id. Fails with "not-found". After a round that the log did not take its state may be ahead; `view` never is. */
  entry(searchId: string): SearchEntry {
    return this.searches.known(searchId, { isStale: this.#outage.isStale });
  }

  /** The state of a search, for those who read its trials. Fails while it may hold what the log did not take, until it is read again. */
  stateToRead(searchId: string): SearchState {
    return this.searches.stateToRead(searchId, { isStale: this.#outage.isStale });
  }

  /** Fails while nothing is taken. */
  assertTaking(): void {
    if (this.#inbox.refusal !== undefined) throw this.#inbox.refusal;
  }

  /** Time of the round. */
  get now(): number {
    return this.#time.nowMs;
  }

  /** Removes a search that is over, once the round that decided it is durable. Fails where the log can't; then it is still there. */
  async remove(entry: SearchEntry): Promise<void> {
    await this.#removals.remove(entry);
    this.#outage.hasRoom();
  }

  /** Something about the agents changed that may matter to those that wait. */
  agentsChanged(): void {
    this.#placement.lookAgain();
    this.#rounds.schedule();
  }

  async #runRound(): Promise<void> {
    this.#lookAtClock();
    const outbox = new Outbox();
    this.#outbox = outbox;
    // Rounds on a full log take nothing else.
    const makesRoom = this.#inbox.refusal !== undefined;
    const parts = { inbox: this.#inbox, decisions: this.decisions, placement: this.#placement, nowMs: this.#time.nowMs };
    const changed = makesRoom ? decideRoom(parts, outbox) : decideRound(parts, outbox);
    const written = [...changed].filter((entry) => entry.fresh.length > 0 && this.searches.isCurrent(entry));
    for (const entry of changed) if (!makesRoom && this.#strategyDesk.mayHaveMore(entry)) this.decisions.touch(entry);
    try {
      await this.#announcer.append(written, { makesRoom });
    } catch (thrown) {
      this.#fail(thrown, outbox, makesRoom);
      return;
    }
    // A round without facts says nothing of the log.
    if (!makesRoom && written.length > 0) this.#outage.over();
    this.#announcer.speak(written, outbox);
  }

  /** Takes the time of a round. Time in which nobody looked is none in which searches ran. */
  #lookAtClock(): void {
    const before = this.#time.look();
    if (before === undefined) return;
    for (const entry of this.searches.all) {
      if (!entry.active) continue;
      entry.awaySinceMs ??= before;
      this.decisions.touch(entry);
    }
  }

  #touch(entry: SearchEntry): void {
    if (this.#closed || !this.searches.isCurrent(entry)) return;
    this.#placement.lookAgain();
    this.decisions.touch(entry);
    this.#rounds.schedule();
  }

  /** The log did not take the round: nobody hears of it, and agents come back to repeat what was not acknowledged. */
  #fail(thrown: unknown, outbox: Outbox, madeRoom: boolean): void {
    this.#options.onLogFailure(thrown);
    const error = refusalFor(thrown);
    const isFull = error.code === "exhausted";
    this.#inbox.close(error, isFull ? "taken" : "refused");
    const goesOn = isFull && !madeRoom;
    refuseJobs(outbox, { inbox: this.#inbox, error, goesOn });
    if (goesOn) this.#inbox.postRoomMaker(() => this.decisions.touchStopped());
    this.agents.clear(error.message);
    this.#outage.begin();
  }

  #resume(): void {
    this.#inbox.open();
    this.#leases.refresh(this.#options.clock.now());
    this.#placement.lookAgain();
    this.#rounds.schedule();
  }

  /** Reads every search from the log. Those who watch stay. */
  async #load(): Promise<void> {
    const { log, host, diagnostics } = this.#options;
    await this.#removals.settled();
    for (const entry of this.searches.all) entry.closeFolds();
    this.ledger.clear();
    this.decisions.takeTouched();
    const entries = await readSearches({ log, ledger: this.ledger, host, diagnostics, before: this.searches });
    this.#time.take();
    this.searches.replace(entries);
    this.#away.note(entries.values(), this.#time.nowMs);
    const parts = { leases: this.#leases, wakeUps: this.#wakeUps, away: this.#away, decisions: this.decisions, nowMs: this.now };
    for (const entry of this.searches.all) takeUp(entry, parts);
    this.ledger.counted();
  }

  /** A search is out of the log: nothing refers to it any more. */
  #forget(entry: SearchEntry): void {
    this.searches.delete(entry);
    this.decisions.forget(entry);
    this.#consequences.forget(entry);
    entry.watchers.remove();
  }
}
