/**
 * The coordinator's one loop. A round takes all commands that wait (calls, reports, timers), decides them, asks strategies for what is
 * next, plans, appends the facts of all searches at once, and only then speaks: answers, acknowledgements, leases, stops, watchers,
 * feed. So nothing is heard of before it is durable, and the busier the cluster, the larger the batches.
 *
 * Rounds run when there is something to do, never by a timer. States are ahead of the log only while an append is under way; when one
 * fails they are read from the log again, and agents come back and repeat what was not acknowledged.
 */
import {
  assert,
  type ConnectResponse,
  EndReason,
  type Fact,
  type LeaseKey,
  type Register,
  RegulusError,
  type Report,
  type SearchSpec,
} from "@regulus/proto";
import { plan, type Unplaced } from "../plan/plan.js";
import type { ArtifactStore, Clock, EventFeed, EventLog } from "../ports.js";
import type { FactKind, SearchCommand } from "../search/commands.js";
import { decide } from "../search/decide.js";
import { decideReport } from "../search/decide-report.js";
import type { StrategyHost } from "../strategy-host/strategy-host.js";
import { Agents, type KnownAgent, type OpenConnection } from "./agents.js";
import { ArtifactLedger } from "./artifact-ledger.js";
import { Asking } from "./asking.js";
import { Counters } from "./gauges.js";
import { LeaseDesk } from "./lease-desk.js";
import { Outbox } from "./outbox.js";
import { readSearches } from "./recovery.js";
import { Removals } from "./removals.js";
import { resumePoint } from "./resume-point.js";
import type { SearchDiagnostics } from "./search-diagnostics.js";
import { SearchEntry } from "./search-entry.js";
import { waitingTrials } from "./waiting-trials.js";

/** Time that a trial waits for busy slots before the log says so. */
const busyDeferMs = 5000;
/** Commands that wait at once; past it calls are refused. Agents are bounded by their own unacknowledged reports. */
const inboxMax = 100_000;
/** Waits before the log is tried again after a failure. */
const retryMs = { first: 500, max: 30_000 };

/** What a runner is made of. */
export interface RunnerOptions {
  readonly log: EventLog;
  readonly artifacts: ArtifactStore;
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly leaseTimeoutMs: number;
  /** Runs a round soon; setImmediate outside of simulations. */
  readonly defer: (call: () => void) => void;
  /** The strategy of a search. */
  readonly host: (spec: SearchSpec) => StrategyHost;
  /** The diagnostics of a search. */
  readonly diagnostics: (spec: SearchSpec) => SearchDiagnostics;
  /** Told of each failure of the log. */
  readonly onLogFailure: (error: unknown) => void;
}

/** A command that waits for a round. */
interface Job {
  /** Decides. Answers what to do once it is durable. */
  run(): () => void;
  reject(error: unknown): void;
}

export class Runner {
  readonly agents = new Agents();
  readonly ledger: ArtifactLedger;
  readonly counters = new Counters();
  /** Searches by id, oldest first. */
  entries = new Map<string, SearchEntry>();
  /** Searches by idempotency key. */
  readonly keys = new Map<string, string>();
  readonly #options: RunnerOptions;
  readonly #leases: LeaseDesk;
  readonly #asking: Asking;
  readonly #removals: Removals;
  #inbox: Job[] = [];
  /** Searches that a round has to look at. */
  readonly #touched = new Set<SearchEntry>();
  #outbox = new Outbox();
  #now = 0;
  #scheduled = false;
  #round: Promise<void> | undefined;
  /** Why nothing is taken now: the log failed, or the coordinator closes. */
  #refusal: RegulusError | undefined;
  /** Whether the states hold what may not be in the log. */
  #stale = false;
  #failures = 0;
  #closed = false;
  /** Whether trials that can't be placed are to be looked at although no slot is free. */
  #deferralsDue = true;
  #nextOrder = 0;
  #cancelSweep: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.ledger = new ArtifactLedger(options.artifacts, options.clock);
    this.#removals = new Removals(options.log, (entry) => this.#forget(entry));
    this.#leases = new LeaseDesk({
      agents: this.agents,
      ledger: this.ledger,
      leaseTimeoutMs: options.leaseTimeoutMs,
      state: (searchId) => this.entries.get(searchId)?.state,
      outbox: () => this.#outbox,
      lose: ({ key, agentId }, silentMs) => {
        const entry = this.entries.get(key.searchId);
        const message = `agent ${agentId} did not name it for ${silentMs} ms`;
        const { trial, attempt } = key;
        if (entry !== undefined) this.command(entry, { kind: "loseAttempt", trial, attempt, message, nowMs: this.#now });
      },
    });
    this.#asking = new Asking({
      command: (entry, command) => this.command(entry, command),
      post: (work) => this.post(work),
      isCurrent: (entry) => this.#isCurrent(entry),
      touch: (entry) => void this.#touched.add(entry),
      slotsFree: () => this.#slotsFree(),
    });
  }

  /** Reads the log and begins. */
  async start(): Promise<void> {
    await this.#load();
    this.#armSweep();
    this.#schedule();
  }

  /** Takes nothing more, waits for the round that runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#refusal = new RegulusError("unavailable", "the coordinator is closing; try again when it is back");
    this.#cancelSweep?.();
    this.#cancelRetry?.();
    this.#rejectAll(this.#refusal);
    await this.#round;
    await this.#removals.settled();
    this.agents.clear("the coordinator is closing");
    this.ledger.close();
    for (const entry of this.entries.values()) entry.closeFolds();
  }

  /** Decides in a round, and answers once that is durable. `work` gives the answer's function. */
  async call<Answer>(work: () => () => Answer): Promise<Answer> {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#inbox.length >= inboxMax) {
      throw new RegulusError("exhausted", `${inboxMax} commands wait; try again in a moment`);
    }
    return new Promise((resolve, reject) => {
      const run = () => {
        const answer = work();
        return () => resolve(answer());
      };
      this.#inbox.push({ run, reject });
      this.#schedule();
    });
  }

  /** Decides in a round; nobody waits. */
  post(work: () => void): void {
    if (this.#refusal !== undefined) return;
    const run = () => {
      work();
      return () => undefined;
    };
    this.#inbox.push({ run, reject: () => undefined });
    this.#schedule();
  }

  /** The search of an id. Fails with "not-found". */
  entry(searchId: string): SearchEntry {
    if (this.#stale) throw this.#refusal ?? new RegulusError("unavailable", "the coordinator reads its log again");
    const entry = this.entries.get(searchId);
    if (entry === undefined) throw new RegulusError("not-found", `there is no search ${JSON.stringify(searchId)}`);
    return entry;
  }

  /** Fails while the states may hold what is not in the log. */
  assertReadable(): void {
    if (this.#stale) throw this.#refusal ?? new RegulusError("unavailable", "the coordinator reads its log again");
  }

  /** Fails while nothing is taken. */
  assertTaking(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Time of the round. */
  get now(): number {
    return this.#now;
  }

  /** Adds a search. In a round only. */
  create(searchId: string, spec: SearchSpec, idempotencyKey: string): SearchEntry {
    const kind: FactKind = { $case: "searchCreated", value: { spec, idempotencyKey } };
    const fact: Fact = { searchId, position: 1, timeMs: this.#now, kind };
    const entry = new SearchEntry(fact, this.#nextOrder);
    this.#nextOrder += 1;
    this.entries.set(searchId, entry);
    if (idempotencyKey !== "") this.keys.set(idempotencyKey, searchId);
    entry.host = this.#options.host(spec);
    entry.diagnostics = this.#options.diagnostics(spec);
    entry.take(fact);
    this.#armWallTime(entry);
    this.#touched.add(entry);
    this.#deferralsDue = true;
    return entry;
  }

  /** Gives a command to a search. In a round only. */
  command(entry: SearchEntry, command: SearchCommand): void {
    this.#apply(entry, decide(entry.state, command));
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

  /** Takes an agent's reports. In a round only. */
  takeReports(agentId: string, connection: OpenConnection, reports: readonly Report[], throughSequence: number): void {
    for (const report of reports) {
      const entry = this.entries.get(report.lease?.searchId ?? "");
      const answer = entry && decideReport(entry.state, agentId, report, this.#now);
      if (entry === undefined || answer === undefined || answer.refused) {
        this.counters.reportsRefusedTotal += 1;
        if (report.event?.$case !== "finished" && report.lease) this.#leases.revoke(connection, report.lease);
        continue;
      }
      const held = this.agents.lease(entry.state.searchId, report.lease?.trial ?? -1);
      if (held !== undefined) held.confirmedMs = this.#now;
      this.#apply(entry, answer.facts);
    }
    this.#outbox.acknowledge(connection, throughSequence);
  }

  /** Takes an agent's registration. In a round only. */
  register(register: Register, connection: OpenConnection, answer: (revoked: LeaseKey[]) => ConnectResponse): void {
    if (!connection.open) return;
    this.#leases.register(register, connection, this.#now, answer);
    this.#deferralsDue = true;
  }

  /** Notes what a heartbeat names, at once. */
  confirm(agent: KnownAgent, connection: OpenConnection, active: readonly LeaseKey[]): void {
    this.#leases.confirm(agent, connection, active, this.#options.clock.now());
  }

  /** Something about the agents changed that may matter to those that wait. */
  agentsChanged(): void {
    this.#deferralsDue = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#refusal !== undefined) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      if (this.#round !== undefined || this.#refusal !== undefined) return;
      this.#round = this.#runRound().finally(() => {
        this.#round = undefined;
        if (this.#inbox.length > 0 || this.#touched.size > 0) this.#schedule();
      });
    });
  }

  async #runRound(): Promise<void> {
    this.#now = this.#options.clock.now();
    const outbox = new Outbox();
    this.#outbox = outbox;
    const jobs = this.#inbox;
    this.#inbox = [];
    for (const job of jobs) this.#runJob(job);
    const changed = new Set(this.#touched);
    this.#touched.clear();
    for (const entry of changed) this.#progress(entry);
    this.#plan();
    for (const entry of this.#touched) changed.add(entry);
    this.#touched.clear();
    const written = [...changed].filter((entry) => entry.fresh.length > 0 && this.#isCurrent(entry));
    // A strategy that filled its limit may have more, now that the round has placed what it gave.
    for (const entry of changed) {
      if (entry.host && !entry.asking && entry.askedLimit === 0 && this.#asking.capacity(entry) > 0) this.#touched.add(entry);
    }
    try {
      if (written.length > 0) {
        await this.#options.log.append(
          written.map((entry) => ({ searchId: entry.state.searchId, expected: entry.durable, facts: entry.fresh })),
        );
        this.counters.appendsTotal += 1;
      }
    } catch (thrown) {
      this.#fail(thrown, outbox);
      return;
    }
    this.#failures = 0;
    this.#speak(written, outbox);
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

  /** The round is durable: everybody may hear of it. */
  #speak(written: readonly SearchEntry[], outbox: Outbox): void {
    for (const entry of written) {
      const facts = entry.fresh;
      entry.fresh = [];
      entry.durable = entry.state.position;
      this.counters.count(facts);
      this.#options.feed.publish(facts);
      entry.watchers.publish(facts);
    }
    outbox.deliver();
    for (const waiting of outbox.waiting) waiting.resolve();
    for (const ref of outbox.released) this.ledger.release(ref);
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

  #slotsFree(): number {
    let free = 0;
    for (const agent of this.agents.all) {
      if (agent.connection && !agent.draining) free += Math.max(0, (agent.info?.slots ?? 0) - agent.slotsUsed);
    }
    return free;
  }

  #plan(): void {
    const agents = this.agents.forPlan();
    const slotsFree = agents.reduce((sum, agent) => sum + agent.slotsFree, 0);
    if (slotsFree === 0 && !this.#deferralsDue) return;
    this.#deferralsDue = false;
    const searches = waitingTrials(this.entries.values(), this.#now, Math.max(1, slotsFree));
    if (searches.length === 0) return;
    const planned = plan(searches, agents);
    for (const { searchId, trial, agentId } of planned.placements) this.#startAttempt(searchId, trial, agentId);
    for (const unplaced of planned.unplaced) this.#deferTrial(unplaced);
  }

  #startAttempt(searchId: string, number: number, agentId: string): void {
    const entry = this.entries.get(searchId);
    const trial = entry?.state.live.get(number);
    assert(entry && trial, "the plan is about searches and trials that are there");
    const { step } = resumePoint(entry.state, trial);
    this.command(entry, { kind: "startAttempt", trial: number, agentId, fromStep: step });
  }

  #deferTrial({ searchId, trial: number, reason, busy }: Unplaced): void {
    const entry = this.entries.get(searchId);
    const trial = entry?.state.live.get(number);
    if (entry === undefined || trial === undefined) return;
    if (busy && this.#now - trial.readyMs < busyDeferMs) return;
    this.command(entry, { kind: "deferTrial", trial: number, reason });
  }

  // Facts and what follows from them.

  #apply(entry: SearchEntry, kinds: readonly FactKind[]): void {
    for (const kind of kinds) {
      this.#before(entry, kind);
      const fact = entry.add(kind, this.#now);
      this.#after(entry, fact);
    }
    if (kinds.length > 0) this.#touched.add(entry);
  }

  /** What a fact ends, while the state still knows it. */
  #before(entry: SearchEntry, kind: FactKind): void {
    const { state } = entry;
    switch (kind.$case) {
      case "trialCheckpointed": {
        const old = state.live.get(kind.value.trial)?.checkpoint?.ref;
        this.ledger.retain(kind.value.checkpoint);
        if (old !== undefined) this.#outbox.released.push(old);
        return;
      }
      case "attemptEnded":
      case "trialPaused":
      case "trialEnded": {
        if (state.live.get(kind.value.trial)?.status !== "running") return;
        const lost = kind.$case !== "trialPaused" && kind.value.reason === EndReason.END_REASON_LOST;
        this.#leases.end(state.searchId, kind.value.trial, lost);
        return;
      }
      default:
        return;
    }
  }

  /** What a fact begins. */
  #after(entry: SearchEntry, fact: Fact): void {
    const { state } = entry;
    const kind = fact.kind;
    switch (kind?.$case) {
      case "attemptStarted":
        this.#leases.give(state, kind.value.trial, this.#now);
        return;
      case "attemptEnded":
        this.#armRetry(entry, kind.value.retryAtMs);
        return;
      case "trialEnded":
        for (const ref of kind.value.artifacts) this.ledger.retain(ref);
        return;
      case "trialStopRequested":
      case "searchPaused":
      case "searchStopRequested":
        this.#leases.stopWhatStops(state);
        return;
      case "searchEnded":
        entry.closeFolds();
        return;
      default:
        return;
    }
  }

  // Time.

  #armWallTime(entry: SearchEntry): void {
    const { wallTimeMs } = entry.state.budget;
    if (wallTimeMs > 0)
      entry.cancelWallTime = this.#options.clock.wake(entry.state.createdMs + wallTimeMs, () => this.#touch(entry));
  }

  #armRetry(entry: SearchEntry, retryAtMs: number): void {
    if (retryAtMs > this.#now) this.#options.clock.wake(retryAtMs, () => this.#touch(entry));
  }

  #touch(entry: SearchEntry): void {
    if (this.#closed || !this.#isCurrent(entry)) return;
    this.#deferralsDue = true;
    this.#touched.add(entry);
    this.#schedule();
  }

  /** Looks for silent agents now and then: four times in a lease's timeout. */
  #armSweep(): void {
    const { clock, leaseTimeoutMs } = this.#options;
    const due = clock.now() + leaseTimeoutMs / 4;
    this.#cancelSweep = clock.wake(due, () => {
      this.#armSweep();
      // Late by so much, this process slept; the agents could not have been heard of.
      const slept = clock.now() - due > leaseTimeoutMs / 2;
      this.post(() => {
        this.#deferralsDue = true;
        this.#leases.sweep(this.#now, slept);
      });
    });
  }

  // Failure and recovery.

  /** The log did not take the round: nobody heard of it, so it never was. Reads the log again and tries anew after a while. */
  #fail(thrown: unknown, outbox: Outbox): void {
    this.#options.onLogFailure(thrown);
    const error = refusalFor(thrown);
    this.#refusal = error;
    this.#stale = true;
    for (const waiting of outbox.waiting) waiting.reject(error);
    this.#rejectAll(error);
    this.agents.clear(error.message);
    this.#failures += 1;
    const waitMs = Math.min(retryMs.max, retryMs.first * 2 ** (this.#failures - 1));
    void this.#reload(waitMs);
  }

  async #reload(waitMs: number): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#load();
    } catch (thrown) {
      this.#options.onLogFailure(thrown);
    }
    if (this.#closed) return;
    const { clock } = this.#options;
    this.#cancelRetry = clock.wake(clock.now() + waitMs, () => {
      if (this.#stale) {
        void this.#reload(Math.min(retryMs.max, 2 * waitMs));
        return;
      }
      this.#refusal = undefined;
      this.#leases.refresh(clock.now());
      this.#deferralsDue = true;
      this.#schedule();
    });
  }

  /** Reads every search from the log. Those who watch stay. */
  async #load(): Promise<void> {
    const { log, clock, host, diagnostics } = this.#options;
    await this.#removals.settled();
    for (const entry of this.entries.values()) entry.closeFolds();
    this.ledger.clear();
    this.keys.clear();
    this.#touched.clear();
    const entries = await readSearches({ log, ledger: this.ledger, host, diagnostics, before: this.entries });
    this.#now = clock.now();
    this.entries = entries;
    this.#nextOrder = entries.size;
    for (const entry of entries.values()) this.#takeUp(entry);
    this.#stale = false;
  }

  /** Goes on with a search that was read from the log. */
  #takeUp(entry: SearchEntry): void {
    const { state } = entry;
    if (state.idempotencyKey !== "") this.keys.set(state.idempotencyKey, state.searchId);
    if (!entry.active) return;
    for (const number of state.running) this.#leases.recall(state, number, this.#now);
    for (const number of state.pending) this.#armRetry(entry, state.live.get(number)?.retryAtMs ?? 0);
    this.#armWallTime(entry);
    this.#touched.add(entry);
  }

  /** A search is out of the log: nothing refers to it any more. */
  #forget(entry: SearchEntry): void {
    const { state } = entry;
    this.entries.delete(state.searchId);
    if (state.idempotencyKey !== "") this.keys.delete(state.idempotencyKey);
    this.#touched.delete(entry);
    for (let number = 0; number < state.nextTrial; number += 1) {
      const trial = state.trial(number);
      this.ledger.release(trial?.checkpoint);
      for (const ref of trial?.artifacts ?? []) this.ledger.release(ref);
    }
    entry.watchers.remove();
  }

  #isCurrent(entry: SearchEntry): boolean {
    return this.entries.get(entry.state.searchId) === entry;
  }

  #rejectAll(error: RegulusError): void {
    const jobs = this.#inbox;
    this.#inbox = [];
    for (const job of jobs) job.reject(error);
  }
}

/** What callers hear while the log takes nothing. */
function refusalFor(thrown: unknown): RegulusError {
  if (!(thrown instanceof RegulusError)) {
    return new RegulusError("unavailable", `the log failed: ${String(thrown)}; nothing was changed, try again`, {
      cause: thrown,
    });
  }
  const code = thrown.code === "exhausted" || thrown.code === "data-loss" ? thrown.code : "unavailable";
  return new RegulusError(code, `the log can't be written, nothing was changed: ${thrown.message}`, { cause: thrown });
}
