/**
 * The whole cluster in one process under virtual time, with faults as data: one seed is one life of a search, and the same seed is the
 * same life again. Checks what Regulus promises (ARCHITECTURE.md, what must always hold) whatever happened on the way.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { createRng, type Rng } from "@regulus/algorithms/core";
import { assert, type Fact, parseSearchDocument, RegulusError, type Report, type Search, SearchStatus } from "@regulus/proto";
import { MemoryFolder, openMemoryStore } from "../artifacts/memory-store.js";
import type { Coordinator } from "../coordinator.js";
import { MemoryLogFile, openMemoryLog } from "../log/memory-log.js";
import { createCoordinator } from "../runner/create-coordinator.js";
import { type MortalLog, openFaultyLog } from "./faulty-log.js";
import type { Life, LifeResult } from "./life.js";
import { checkAcknowledged, checkArtifacts, checkPromises } from "./promises.js";
import { SimulatedAgent } from "./simulated-agent.js";
import { openFunction } from "./simulated-session.js";
import { ProcessClock, VirtualTime } from "./virtual-time.js";

/** Events after which a life that has not ended counts as stuck. */
const eventsMax = 100_000;
/** Time in which a dead process comes back, at most. */
const downMsMax = 3000;

/** Lives it. Fails where a promise is broken. */
export async function live(life: Life): Promise<LifeResult> {
  const world = new World(life);
  return world.run();
}

class World {
  readonly #life: Life;
  readonly #rng: Rng;
  readonly #time = new VirtualTime();
  readonly #file = new MemoryLogFile();
  readonly #folder = new MemoryFolder();
  readonly #agents: SimulatedAgent[] = [];
  readonly #acknowledged: Report[] = [];
  #coordinator: Coordinator | undefined;
  #clock = new ProcessClock(this.#time);
  #log: MortalLog | undefined;
  #kills = 0;
  #searchId = "";
  #creating = false;
  /** What the user still has to ask for once the search has ended. */
  #later: ((coordinator: Coordinator) => Promise<unknown>)[] = [];
  #asking = false;

  constructor(life: Life) {
    this.#life = life;
    this.#rng = createRng(life.seed).fork("world");
    const { trialsAdded = 0, wallTimeAddedMs = 0, retriesAsked = 0 } = life;
    const extend = { trials: trialsAdded, steps: 0, wallTimeMs: wallTimeAddedMs, failures: 0, idempotencyKey: "more" };
    if (trialsAdded + wallTimeAddedMs > 0)
      this.#later.push((coordinator) => coordinator.extendSearch({ ...extend, searchId: this.#searchId }));
    if (trialsAdded + retriesAsked > 0) this.#later.push((coordinator) => this.#retry(coordinator, "again"));
  }

  async run(): Promise<LifeResult> {
    const { faults, agents } = this.#life;
    await this.#startCoordinator();
    for (let index = 0; index < agents; index += 1) this.#startAgent(index);
    this.#often("agent kills", faults.agentKills, () => this.#killAgent());
    this.#often("coordinator kills", faults.coordinatorKills, () => void this.#killCoordinator());
    this.#often("wire breaks", faults.wireBreaks, () => this.#pick(this.#agents)?.breakWire());
    this.#often("clock jumps", faults.clockJumps, () => {
      this.#clock.shiftMs += (this.#rng.uniform() - 0.5) * 60_000;
    });
    this.#often("retries", this.#life.retriesAsked ?? 0, () => {
      const coordinator = this.#coordinator;
      if (coordinator !== undefined && this.#searchId !== "" && !this.#hasEnded())
        this.#retry(coordinator, "").catch(() => undefined);
    });
    const startMs = this.#time.nowMs;
    for (let events = 0; !this.#isOver(); events += 1) {
      assert(events < eventsMax, `the search ended within ${eventsMax} events: ${JSON.stringify(this.#seen())}`);
      this.#create();
      this.#askForMore();
      assert(this.#time.step(), "something is still to happen");
      await nextTurn();
      await this.#time.settled();
    }
    return this.#check(this.#time.nowMs - startMs);
  }

  async #startCoordinator(): Promise<void> {
    const clock = new ProcessClock(this.#time);
    clock.shiftMs = this.#clock.shiftMs;
    this.#clock = clock;
    const log = openFaultyLog(this.#file, this.#time, this.#rng.fork("log", this.#kills), this.#life.faults);
    this.#log = log;
    const coordinator = await createCoordinator({
      log: log.log,
      artifacts: openMemoryStore(this.#folder, () => this.#time.nowMs),
      clock,
      leaseTimeoutMs: 2000,
      heartbeatEveryMs: 500,
      newId: () => "simulated",
      newSeed: () => this.#life.seed,
      defer: (call) => void this.#time.after(0, () => clock.alive && call()),
    });
    if (clock.alive) this.#coordinator = coordinator;
  }

  async #killCoordinator(): Promise<void> {
    const log = this.#log;
    if (this.#coordinator === undefined || log === undefined) return;
    this.#kills += 1;
    this.#coordinator = undefined;
    this.#creating = false;
    this.#asking = false;
    this.#clock.alive = false;
    await log.kill();
    for (const agent of this.#agents) agent.breakWire();
    this.#time.after(this.#rng.uniform() * downMsMax, () => void this.#startCoordinator());
  }

  #startAgent(index: number): void {
    this.#agents[index] = new SimulatedAgent(`agent-${index}`, 2, {
      time: this.#time,
      rng: this.#rng.fork("agent", index, this.#time.nowMs),
      artifacts: openMemoryStore(this.#folder, () => this.#time.nowMs),
      faults: this.#life.faults,
      open: this.#life.open ?? openFunction,
      coordinator: () => this.#coordinator,
      acknowledged: (report) => this.#acknowledged.push(report),
    });
  }

  #killAgent(): void {
    const index = this.#rng.integer(this.#life.agents);
    this.#agents[index]?.kill();
    this.#time.after(this.#rng.uniform() * downMsMax, () => {
      // It may have been killed a second time meanwhile, and be back already.
      this.#agents[index]?.kill();
      this.#startAgent(index);
    });
  }

  /** A client that asks again, with the same key, until it has its search. */
  #create(): void {
    if (this.#searchId !== "" || this.#creating || this.#coordinator === undefined) return;
    this.#creating = true;
    const { document, seed } = this.#life;
    const spec = parseSearchDocument({ name: "simulated", retries: { max: 1000, backoff: "100ms" }, seed, ...document });
    this.#coordinator.createSearch({ spec, idempotencyKey: "once", validateOnly: false }).then(
      (search) => {
        this.#searchId = search.searchId;
      },
      () => {
        this.#creating = false;
      },
    );
  }

  /** Its user asks again, with the same key, until there is an answer; that no trial failed is one. */
  #askForMore(): void {
    const [next] = this.#later;
    const coordinator = this.#coordinator;
    if (next === undefined || this.#asking || coordinator === undefined || !this.#hasEnded()) return;
    this.#asking = true;
    next(coordinator)
      .then(
        () => true,
        (thrown: unknown) => thrown instanceof RegulusError && thrown.code === "failed-precondition",
      )
      .then((answered) => {
        this.#asking = false;
        if (answered) this.#later.shift();
      });
  }

  async #retry(coordinator: Coordinator, idempotencyKey: string): Promise<unknown> {
    return coordinator.retryTrials({ searchId: this.#searchId, trials: [], idempotencyKey });
  }

  #isOver(): boolean {
    return this.#hasEnded() && this.#later.length === 0;
  }

  #hasEnded(): boolean {
    return this.#seen()?.status === SearchStatus.SEARCH_STATUS_ENDED;
  }

  #seen(): Search | undefined {
    try {
      return this.#searchId === "" ? undefined : this.#coordinator?.getSearch(this.#searchId);
    } catch {
      return undefined;
    }
  }

  async #check(virtualMs: number): Promise<LifeResult> {
    const search = this.#seen();
    assert(search, "the search is there");
    const coordinatorKills = this.#kills;
    await this.#killCoordinator();
    const log = openMemoryLog(this.#file);
    const facts: Fact[] = [];
    for await (const piece of log.read(this.#searchId, 0)) facts.push(...piece);
    assert((await log.searches()).length === 1, "a repeated request made no second search");
    checkPromises(facts, search, this.#life.trials);
    checkAcknowledged(facts, this.#acknowledged);
    checkArtifacts(facts, this.#folder);
    return { search, facts, virtualMs, acknowledged: this.#acknowledged.length, coordinatorKills };
  }

  #often(key: string, rate: number, call: () => void): void {
    if (rate === 0) return;
    const rng = this.#rng.fork(key);
    const again = () => {
      const waitMs = (-Math.log(1 - rng.uniform()) * 10_000) / rate;
      this.#time.after(waitMs, () => {
        call();
        again();
      });
    };
    again();
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#rng.integer(Math.max(1, list.length))];
  }
}
