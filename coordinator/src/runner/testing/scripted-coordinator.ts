/** A coordinator over a log in memory whose strategy proposes what a test says, and whose log fails when a test says so. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Proposal, StrategyModule } from "@regulus/algorithms/core";
import { strategies as registered } from "@regulus/algorithms/strategies";
import {
  type ArtifactRef,
  type Fact,
  type Lease,
  ListSearchesRequest,
  parseSearchDocument,
  RegulusError,
  type Search,
  type SearchSpec,
  SearchStatus,
} from "@regulus/proto";
import { MemoryFolder, openMemoryStore } from "../../artifacts/memory-store.js";
import type { Coordinator } from "../../coordinator.js";
import { MemoryLogFile, openMemoryLog } from "../../log/memory-log.js";
import type { EventLog } from "../../ports.js";
import { ProcessClock, VirtualTime } from "../../simulation/virtual-time.js";
import type { UploadBounds } from "../artifacts/upload-quota.js";
import { createCoordinator } from "../create-coordinator.js";
import type { Notice } from "../round/notices.js";
import type { Diagnostics } from "../searches/search-diagnostics.js";
import { Hand, type HandOptions } from "./hand.js";

/** Turns of the event loop without a new fact after which nothing more comes of searches that have all ended. */
const quietTurnsMax = 50_000;
/** Longest wait for anything else. */
const patienceMs = 60_000;
/** The one that was opened last: `until` looks at it. */
let opened: ScriptedCoordinator | undefined;

/** Virtual time in which a call is answered. */
const answerMsMax = 1000;

/** A coordinator that a test opens, closes and opens again. */
export class ScriptedCoordinator {
  /** Seeds that were drawn for searches that gave none: 1, 2 ... */
  seedsDrawn = 0;
  /** Fails the next appends, or the next removals. */
  appendFault: RegulusError | undefined;
  /** The disk is full: only what makes room is appended. */
  isFull = false;
  removeFault: RegulusError | undefined;
  /** Readings of the whole log wait for it. */
  readGate: Promise<void> | undefined;
  /** Removals wait for it. */
  removeGate: Promise<void> | undefined;
  /** What the strategy proposes, by how often it was asked, from 1, and for how many trials at most. */
  proposals: (asked: number, limit: number) => readonly Proposal[] = () => [];
  asked = 0;
  diagnostics: Diagnostics | undefined;
  /** What callers may store, in place of the contract's bounds. */
  uploadBounds: UploadBounds | undefined;
  /** Time that only `advance` moves, and the clock that shows it. */
  readonly time = new VirtualTime();
  readonly clock = new ProcessClock(this.time);
  /** What it said for a log, and each failure of its own log with the time. */
  readonly notices: Notice[] = [];
  /** Facts that were appended. */
  appended = 0;
  /** Facts that its feed was told. */
  readonly published: Fact[] = [];
  readonly failures: { readonly atMs: number; readonly error: unknown }[] = [];
  #virtual = false;
  /** Where artifacts are kept, by the same clock. */
  readonly artifacts = openMemoryStore(new MemoryFolder(), () => (this.#virtual ? this.clock.now() : Date.now()));
  readonly #file = new MemoryLogFile();
  #log: EventLog | undefined;
  #coordinator: Coordinator | undefined;

  get coordinator(): Coordinator {
    return this.#coordinator ?? assert.fail("the coordinator is open");
  }

  get log(): EventLog {
    return this.#log ?? assert.fail("the log is open");
  }

  /** Opens it on virtual time. */
  async openVirtual(leaseTimeoutMs?: number): Promise<void> {
    this.#virtual = true;
    await this.open(leaseTimeoutMs);
  }

  /** Lets virtual time pass, with all that happens in it. */
  async advance(ms: number): Promise<void> {
    let over = false;
    this.time.after(ms, () => {
      over = true;
    });
    while (!over) {
      assert.ok(this.time.step());
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The answer to a call, which needs a moment of virtual time, or a few where it reads the log first. */
  async answer<T>(call: Promise<T>): Promise<T> {
    let settled = false;
    const note = () => {
      settled = true;
    };
    call.then(note, note);
    for (let moments = 0; !settled && moments < answerMsMax; moments += 1) await this.advance(1);
    return await call;
  }

  async open(leaseTimeoutMs = 10_000): Promise<void> {
    const inner = openMemoryLog(this.#file);
    const log: EventLog = {
      append: async (batch, options) => {
        if (this.appendFault !== undefined) throw this.appendFault;
        if (this.isFull && options?.makesRoom !== true) throw new RegulusError("exhausted", "no space for the log; free some");
        await inner.append(batch, options);
        this.appended += batch.reduce((sum, { facts }) => sum + facts.length, 0);
      },
      read: (searchId, after, options) => inner.read(searchId, after, options),
      searches: async () => {
        await this.readGate;
        return inner.searches();
      },
      remove: async (searchId) => {
        await this.removeGate;
        if (this.removeFault !== undefined) throw this.removeFault;
        await inner.remove(searchId);
      },
      close: () => inner.close(),
    };
    this.#log = log;
    opened = this;
    // Under the names of registered strategies, since the catalog checks names: one that takes no inputs, and one that does.
    const strategies = new Map(registered).set("random", this.#scripted()).set("ensemble", this.#scripted());
    const { diagnostics, uploadBounds } = this;
    this.#coordinator = await createCoordinator({
      newSeed: () => {
        this.seedsDrawn += 1;
        return this.seedsDrawn;
      },
      log,
      artifacts: this.artifacts,
      feed: { publish: (facts) => void this.published.push(...facts), close: async () => undefined },
      strategies,
      leaseTimeoutMs,
      notify: (notice) => void this.notices.push(notice),
      onLogFailure: (error) => void this.failures.push({ atMs: this.time.nowMs, error }),
      ...(this.#virtual ? { clock: this.clock, defer: (call: () => void) => void this.time.after(0, call) } : {}),
      ...(diagnostics === undefined ? {} : { diagnostics }),
      ...(uploadBounds === undefined ? {} : { uploadBounds }),
    });
  }

  async close(): Promise<void> {
    await this.coordinator.close();
    await this.log.close();
  }

  /** Its searches, as of now. */
  get searches(): readonly Search[] {
    return this.#coordinator?.listSearches(ListSearchesRequest.fromPartial({})).searches ?? [];
  }

  create(more: Record<string, unknown> = {}, idempotencyKey = ""): Promise<Search> {
    return this.coordinator.createSearch({ spec: specOf(more), idempotencyKey, validateOnly: false });
  }

  /** Stores an artifact that holds a text. */
  async put(text: string, kind = "checkpoint"): Promise<ArtifactRef> {
    const bytes = Buffer.from(text);
    const ref = { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, kind };
    return await this.artifacts.put(
      ref,
      (async function* () {
        yield bytes;
      })(),
    );
  }

  hand(agentId = "hand", active: readonly Lease["key"][] = [], more: HandOptions = {}): Hand {
    return new Hand(this.coordinator, agentId, active, more);
  }

  async factsOf(searchId: string): Promise<Fact[]> {
    const facts: Fact[] = [];
    for await (const piece of this.log.read(searchId, 0)) facts.push(...piece);
    return facts;
  }

  #scripted(): StrategyModule<unknown> {
    return {
      spec: registered.get("random")?.spec ?? assert.fail("random is registered"),
      create: () => ({
        init: () => ({}),
        tell: (state) => state,
        ask: (_state, limit) => {
          this.asked += 1;
          return this.proposals(this.asked, limit);
        },
      }),
    };
  }
}

/** A search over one parameter, `rate`, that minimizes `loss`; with more of a search document. */
export function specOf(more: Record<string, unknown> = {}): SearchSpec {
  return parseSearchDocument({
    name: "tested",
    command: { argv: ["train"] },
    objective: { metric: "loss", direction: "minimize" },
    strategy: "random",
    space: { rate: { type: "double", min: 0, max: 1 } },
    budget: { trials: 100 },
    parallelism: 2,
    ...more,
  });
}

/** Proposes a trial of ten steps. */
export function start(rate = 0.5, more: Partial<Extract<Proposal, { kind: "start" }>> = {}): Proposal {
  return { kind: "start", procedure: "command", parameters: { rate }, untilStep: 10, final: true, ...more };
}

/** Proposes something when asked for the first time, and nothing later. */
export function once(...wanted: readonly Proposal[]): (asked: number) => readonly Proposal[] {
  return (asked) => (asked === 1 ? wanted : []);
}

/** Waits until something holds. Gives up once nothing happens any more, else after a minute, and says how things stand. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const at = opened;
  let [quietTurns, appended] = [0, 0];
  for (const end = performance.now() + patienceMs; !holds(); ) {
    quietTurns = at?.appended === appended ? quietTurns + 1 : 0;
    appended = at?.appended ?? 0;
    const isOver = quietTurns % quietTurnsMax === quietTurnsMax - 1 && (at?.searches ?? []).every(hasEnded);
    assert.ok(!isOver, `${what} can't come any more: ${stateOf(at)}`);
    assert.ok(performance.now() < end, `${what} did not come within ${patienceMs} ms: ${stateOf(at)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function hasEnded({ status }: Search): boolean {
  return status === SearchStatus.SEARCH_STATUS_ENDED;
}

function stateOf(at: ScriptedCoordinator | undefined): string {
  const lines = (at?.searches ?? []).map(
    ({ searchId, status, reason, position }) => `${searchId} ${status} ${reason} ${position}`,
  );
  return lines.join("; ") || "there is no search";
}
