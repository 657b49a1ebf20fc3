import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Proposal, StrategyModule } from "@regulus/algorithms/core";
import { strategies as registered } from "@regulus/algorithms/strategies";
import {
  type ConnectResponse,
  EndReason,
  type Fact,
  type Finished,
  type Lease,
  parseSearchDocument,
  RegulusError,
  type Report,
  SearchOutcome,
  SearchStatus,
  type StopAttempt,
  TrialStatus,
} from "@regulus/proto";
import { openMemoryStore } from "../artifacts/memory-store.js";
import type { AgentConnection, Coordinator } from "../coordinator.js";
import { MemoryLogFile, openMemoryLog } from "../log/memory-log.js";
import type { EventLog } from "../ports.js";
import { createCoordinator } from "./create-coordinator.js";

let file: MemoryLogFile;
let log: EventLog;
let coordinator: Coordinator;
/** Fails the next appends. */
let appendFault: RegulusError | undefined;
let proposals: (asked: number) => readonly Proposal[] = () => [];
let asked = 0;

/** Proposes what a test says, under the name of a registered strategy, since the catalog checks names. */
const scripted: StrategyModule<unknown> = {
  spec: { ...(registered.get("random")?.spec ?? assert.fail("random is registered")) },
  create: () => ({
    init: () => ({}),
    tell: (state) => state,
    ask: () => {
      asked += 1;
      return proposals(asked);
    },
  }),
};

async function open(leaseTimeoutMs = 10_000): Promise<void> {
  const inner = openMemoryLog(file);
  log = {
    append: async (batch) => {
      if (appendFault !== undefined) throw appendFault;
      await inner.append(batch);
    },
    read: (searchId, after, options) => inner.read(searchId, after, options),
    searches: () => inner.searches(),
    remove: (searchId) => inner.remove(searchId),
    close: () => inner.close(),
  };
  const strategies = new Map(registered).set("random", scripted);
  coordinator = await createCoordinator({ log, artifacts: openMemoryStore(), strategies, leaseTimeoutMs });
}

async function close(): Promise<void> {
  await coordinator.close();
  await log.close();
}

beforeEach(async () => {
  file = new MemoryLogFile();
  appendFault = undefined;
  asked = 0;
  proposals = () => [];
  await open();
});
afterEach(close);

const specOf = (more: Record<string, unknown> = {}) =>
  parseSearchDocument({
    name: "tested",
    command: { argv: ["train"] },
    objective: { metric: "loss", direction: "minimize" },
    strategy: "random",
    space: { rate: { type: "double", min: 0, max: 1 } },
    budget: { trials: 100 },
    parallelism: 2,
    ...more,
  });
const create = (more: Record<string, unknown> = {}, idempotencyKey = "") =>
  coordinator.createSearch({ spec: specOf(more), idempotencyKey, validateOnly: false });
const start = (rate = 0.5, more: Partial<Extract<Proposal, { kind: "start" }>> = {}): Proposal => {
  return { kind: "start", procedure: "command", parameters: { rate }, untilStep: 10, final: true, ...more };
};
const once =
  (...wanted: readonly Proposal[]) =>
  (count: number) =>
    count === 1 ? wanted : [];

/** An agent that a test drives by hand. */
class Hand {
  readonly leases: Lease[] = [];
  readonly stops: StopAttempt[] = [];
  readonly messages: ConnectResponse[] = [];
  acknowledged = 0;
  closedBecause: string | undefined;
  readonly connection: AgentConnection;
  #sequence = 0;

  constructor(agentId = "hand", active: Lease["key"][] = []) {
    const agent = { agentId, slots: 2, backends: ["cpu"], backendReason: "", gpu: "", memoryBytes: 0, labels: {} };
    const more = {
      allowsCommands: true,
      allowsModules: false,
      version: "",
      slotsUsed: 0,
      connectedMs: 0,
      heardMs: 0,
      draining: false,
    };
    const keys = active.flatMap((key) => (key === undefined ? [] : [key]));
    this.connection = coordinator.connectAgent(
      { agent: { ...agent, ...more }, protocol: 1, active: keys },
      (response) => {
        this.messages.push(response);
        const { message } = response;
        if (message?.$case === "leases") this.leases.push(...message.value.leases);
        else if (message?.$case === "stopAttempt") this.stops.push(message.value);
        else if (message?.$case === "acknowledged") this.acknowledged = message.value.throughSequence;
      },
      (reason) => {
        this.closedBecause = reason;
      },
    );
  }

  report(lease: Lease | undefined, event: NonNullable<Report["event"]>): void {
    this.#sequence += 1;
    this.connection.reports({ firstSequence: this.#sequence, reports: [{ lease: lease?.key, event }] });
  }

  measure(lease: Lease | undefined, step: number, loss: number): void {
    this.report(lease, { $case: "measured", value: measurement(step, { loss }) });
  }

  finish(lease: Lease | undefined, reason: EndReason, more: Partial<Finished> = {}): void {
    const value = { reason, message: "", step: 10, final: undefined, artifacts: [], startedMs: 0, ...more };
    this.report(lease, { $case: "finished", value });
  }
}

const measurement = (step: number, metrics: Record<string, number>) => {
  return { step, metrics, learned: {}, scales: {}, hypergradients: {}, seconds: 0 };
};

/** Waits, at most 5 s, until something holds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; !holds(); ) {
    assert.ok(Date.now() < end, `${what} within 5 s`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function factsOf(searchId: string): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const piece of log.read(searchId, 0)) facts.push(...piece);
  return facts;
}

const kinds = (facts: readonly Fact[]) => facts.map((fact) => fact.kind?.$case);
const code =
  (expected: RegulusError["code"], words = /./) =>
  (thrown: unknown) =>
    thrown instanceof RegulusError && thrown.code === expected && words.test(thrown.message);

describe("coordinator", () => {
  it("carries a trial from its proposal to its end", async () => {
    proposals = once(start(0.25));
    const hand = new Hand();
    const { searchId } = await create();
    await until("a lease", () => hand.leases.length === 1);
    const [lease] = hand.leases;
    assert.equal(lease?.spec?.name, "tested");
    assert.deepEqual(lease?.work?.parameters, { rate: 0.25 });
    hand.measure(lease, 5, 0.5);
    hand.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: 0.25 }) });
    await until("the end", () => coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.equal(hand.acknowledged, 2);
    const search = coordinator.getSearch(searchId);
    assert.deepEqual(
      [search.outcome, search.bestTrial, search.bestValue, search.steps],
      [SearchOutcome.SEARCH_OUTCOME_COMPLETED, 0, 0.25, 10],
    );
    const wanted = ["searchCreated", "trialProposed", "attemptStarted", "trialMeasured", "trialEnded", "searchEnded"];
    assert.deepEqual(kinds(await factsOf(searchId)), wanted);
    const { trial, facts } = await coordinator.getTrial(searchId, 0);
    assert.deepEqual([trial?.status, trial?.best?.step, facts.length], [TrialStatus.TRIAL_STATUS_ENDED, 10, 4]);
    const rows = [];
    for await (const row of coordinator.exportSearch(searchId, new AbortController().signal)) rows.push(row);
    assert.deepEqual(
      rows.map((row) => row.measurements.map(({ step }) => step)),
      [[5, 10]],
    );
  });

  it("answers a repeated request with the first search, and refuses the key for another spec", async () => {
    const [first, second] = await Promise.all([create({}, "key"), create({}, "key")]);
    assert.equal(first.searchId, second.searchId);
    await close();
    await open();
    assert.equal((await create({}, "key")).searchId, first.searchId);
    await assert.rejects(create({ parallelism: 3 }, "key"), code("already-exists"));
    assert.notEqual((await create()).searchId, first.searchId);
  });

  it("refuses wrong specs with every problem and only checks where asked to", async () => {
    const spec = { ...specOf(), parallelism: 1_000_000, seed: -1 };
    await assert.rejects(coordinator.createSearch({ spec, idempotencyKey: "", validateOnly: false }), (thrown) => {
      assert.ok(thrown instanceof RegulusError && thrown.code === "invalid-argument");
      assert.deepEqual(thrown.problems.map((problem) => problem.field).sort(), ["parallelism", "seed"]);
      return true;
    });
    const dry = await coordinator.createSearch({ spec: specOf(), idempotencyKey: "", validateOnly: true });
    assert.deepEqual([dry.searchId, dry.spec?.retries?.max], ["", 3]);
    assert.deepEqual(await log.searches(), []);
  });

  it("ends a search whose strategy proposes outside of the space, with words", async () => {
    for (const [wrong, words] of [
      [start(7), /rate: saw 7/],
      [{ kind: "resume", trial: 4, untilStep: 1, final: true }, /no trial 4/],
      [start(0.5, { procedure: "magic" }), /"magic", expected/],
    ] as const) {
      asked = 0;
      proposals = once(wrong);
      const { searchId } = await create();
      await until("the end", () => coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
      const search = coordinator.getSearch(searchId);
      assert.equal(search.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
      assert.match(search.reason, words);
    }
  });

  it("refuses the reports of an attempt that lost its lease, and tries the trial again from its checkpoint", async () => {
    await close();
    await open(200);
    proposals = once(start());
    const first = new Hand("first");
    const { searchId } = await create({ retries: { backoff: 1 } });
    await until("a lease", () => first.leases.length === 1);
    const checkpoint = { sha256: "ab".repeat(32), size: 1, kind: "checkpoint" };
    first.report(first.leases[0], { $case: "checkpointed", value: { step: 4, checkpoint } });
    await until("the checkpoint", () => first.acknowledged === 1);
    const second = new Hand("second");
    const beat = setInterval(
      () => second.connection.heartbeat({ active: second.leases.flatMap(({ key }) => key ?? []), sentMs: 0 }),
      50,
    );
    await until("the second lease", () => second.leases.length === 1);
    clearInterval(beat);
    const [lease] = second.leases;
    assert.deepEqual([lease?.key?.attempt, lease?.resumeStep, lease?.resumeFrom], [2, 4, checkpoint]);
    assert.equal(lease?.seed, first.leases[0]?.seed);
    assert.match(first.closedBecause ?? "", /nothing was heard/);
    const refusedBefore = coordinator.gauges.reportsRefusedTotal;
    const late = new Hand("first");
    late.finish(first.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 0 }) });
    await until("an acknowledgement", () => late.acknowledged === 1);
    assert.equal(coordinator.gauges.reportsRefusedTotal, refusedBefore + 1);
    assert.equal(coordinator.getSearch(searchId).counts?.done, 0);
  });

  it("ends trials for their reasons and never retries those that are the trial's own fault", async () => {
    const reasons = [EndReason.END_REASON_DIVERGED, EndReason.END_REASON_INFEASIBLE, EndReason.END_REASON_USER_ERROR];
    proposals = once(start(), start(), start(), start(), start());
    const hand = new Hand();
    const { searchId } = await create({ parallelism: 5 });
    for (const [index, reason] of reasons.entries()) {
      await until("a lease", () => hand.leases.length > index);
      hand.finish(hand.leases[index], reason);
    }
    await until("two more leases", () => hand.leases.length === 5);
    hand.finish(hand.leases[3], EndReason.END_REASON_DONE);
    hand.finish(hand.leases[4], EndReason.END_REASON_DONE, { final: measurement(3, { cost: 1 }) });
    await until("the end", () => coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const { trials } = coordinator.listTrials({ searchId, statuses: [], bestFirst: false, pageSize: 0, pageToken: "" });
    const userError = EndReason.END_REASON_USER_ERROR;
    assert.deepEqual(
      trials.map((trial) => trial.reason),
      [...reasons, userError, userError],
    );
    assert.match(trials[3]?.message ?? "", /without a final measurement/);
    assert.match(trials[4]?.message ?? "", /no metric loss.*it has: cost/);
  });

  it("stops, pauses and resumes", async () => {
    proposals = once(start(), start());
    const hand = new Hand();
    const { searchId } = await create();
    await until("leases", () => hand.leases.length === 2);
    await coordinator.pauseSearch(searchId, "lunch");
    assert.deepEqual(
      hand.stops.map((stop) => stop.reason),
      [EndReason.END_REASON_PREEMPTED, EndReason.END_REASON_PREEMPTED],
    );
    for (const lease of hand.leases.slice(0, 2)) hand.finish(lease, EndReason.END_REASON_PREEMPTED);
    await until("both pending", () => coordinator.getSearch(searchId).counts?.pending === 2);
    assert.equal(hand.leases.length, 2);
    assert.match((await coordinator.explainSearch(searchId, 0)).summary, /its search is paused/);
    await coordinator.resumeSearch(searchId);
    await until("leases again", () => hand.leases.length === 4);
    await coordinator.stopTrial(searchId, 0, "enough");
    const stopping = await coordinator.stopSearch(searchId, "done");
    assert.equal(stopping.status, SearchStatus.SEARCH_STATUS_STOPPING);
    await assert.rejects(coordinator.deleteSearch(searchId), code("failed-precondition"));
    for (const lease of hand.leases.slice(2)) hand.finish(lease, EndReason.END_REASON_STOPPED_EARLY);
    await until("the end", () => coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.equal(coordinator.getSearch(searchId).outcome, SearchOutcome.SEARCH_OUTCOME_STOPPED);
    await assert.rejects(coordinator.pauseSearch(searchId, ""), code("failed-precondition", /has ended/));
    await coordinator.deleteSearch(searchId);
    assert.throws(() => coordinator.getSearch(searchId), code("not-found"));
    assert.deepEqual(await log.searches(), []);
  });

  it("spends a budget of steps exactly: what has reached its step is done, the rest stops", async () => {
    proposals = once(start(), start());
    const hand = new Hand();
    const { searchId } = await create({ budget: { steps: 15 } });
    await until("leases", () => hand.leases.length === 2);
    hand.measure(hand.leases[0], 10, 1);
    hand.measure(hand.leases[1], 5, 1);
    await until("a stop", () => hand.stops.length === 1);
    assert.equal(hand.stops[0]?.lease?.trial, 1);
    hand.finish(hand.leases[1], EndReason.END_REASON_STOPPED_EARLY);
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the end", () => coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const search = coordinator.getSearch(searchId);
    assert.deepEqual(
      [search.counts?.done, search.counts?.stopped, search.outcome],
      [1, 1, SearchOutcome.SEARCH_OUTCOME_COMPLETED],
    );
  });

  it("does not ask again and again a strategy that proposes past its budget", async () => {
    proposals = () => [start(), start(), start()];
    const hand = new Hand();
    const { searchId } = await create({ budget: { trials: 1 } });
    await until("a lease", () => hand.leases.length === 1);
    const before = asked;
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(asked - before <= 2, `${asked - before} questions in a hundred turns in which nothing happened`);
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the end", () => coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.match(coordinator.getSearch(searchId).reason, /budget of 1 trials is spent/);
  });

  it("says why nothing runs, from the log alone", async () => {
    proposals = once(start());
    const { searchId } = await create();
    await until("the reason", () => coordinator.getSearch(searchId).position === 3);
    const { summary, explanations } = await coordinator.explainSearch(searchId, undefined);
    assert.match(summary, /waits: trial 0 can't be placed: no agent takes leases/);
    assert.ok(explanations.some(({ position }) => position === 3));
    assert.equal(coordinator.getSearch(searchId).position, 3);
  });

  it("answers a full disk clearly, takes nothing for true that the log did not, and goes on by itself", async () => {
    proposals = once(start());
    const hand = new Hand();
    const { searchId } = await create();
    await until("a lease", () => hand.leases.length === 1);
    appendFault = new RegulusError("exhausted", "no space for the log");
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the connection to be closed", () => hand.closedBecause !== undefined);
    await assert.rejects(create(), code("exhausted", /can't be written, nothing was changed/));
    assert.throws(() => new Hand(), code("exhausted"));
    assert.equal(hand.acknowledged, 0);
    await until("the search to be read again", () => isReadable(searchId));
    assert.equal(coordinator.getSearch(searchId).counts?.running, 1);
    appendFault = undefined;
    let back: Hand | undefined;
    await until("the door to open", () => {
      try {
        back ??= new Hand("hand", []);
      } catch {
        return false;
      }
      return true;
    });
    back?.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the end", () => coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.equal(coordinator.getSearch(searchId).counts?.done, 1);
  });

  it("goes on after a restart: an agent that comes back keeps its attempt, and a watcher its place", async () => {
    proposals = once(start());
    const hand = new Hand();
    const { searchId } = await create();
    await until("a lease", () => hand.leases.length === 1);
    await close();
    await open();
    const back = new Hand("hand", [hand.leases[0]?.key]);
    await until("a registration", () => back.messages.length > 0);
    const [registered] = back.messages;
    assert.ok(registered?.message?.$case === "registered");
    assert.deepEqual(registered.message.value.revoked, []);
    const seen: (string | undefined)[] = [];
    const watching = (async () => {
      for await (const { facts } of coordinator.watchSearch(searchId, 2, new AbortController().signal))
        seen.push(...kinds(facts));
    })();
    back.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await watching;
    assert.deepEqual(seen, ["attemptStarted", "trialEnded", "searchEnded"]);
  });

  it("pages through trials, the best first, without losing or repeating one", async () => {
    const many = 250;
    proposals = (count) => (count <= many ? [start((count % 97) / 97)] : []);
    const hand = new Hand();
    const { searchId } = await create({ budget: { trials: many } });
    for (let done = 0; done < many; done += 1) {
      await until("a lease", () => hand.leases.length > done);
      const lease = hand.leases[done];
      const rate = Number(lease?.work?.parameters?.rate);
      hand.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: rate }) });
    }
    await until("the end", () => coordinator.getSearch(searchId).counts?.done === many);
    const losses: number[] = [];
    const numbers = new Set<number>();
    let pageToken = "";
    do {
      const page = coordinator.listTrials({ searchId, statuses: [], bestFirst: true, pageSize: 37, pageToken });
      for (const trial of page.trials) {
        losses.push(trial.best?.metrics.loss ?? Number.NaN);
        numbers.add(trial.trial);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.equal(numbers.size, many);
    assert.deepEqual(
      losses,
      [...losses].sort((a, b) => a - b),
    );
    const wrong = { searchId, statuses: [], bestFirst: true, pageSize: 1, pageToken: "nonsense" };
    assert.throws(() => coordinator.listTrials(wrong), code("invalid-argument", /pageToken/));
  });
});

function isReadable(searchId: string): boolean {
  try {
    return coordinator.getSearch(searchId) !== undefined;
  } catch {
    return false;
  }
}
