/** What one life of a simulated search is: its document, its agents and its faults, all from one seed. */
import { createRng } from "@regulus/algorithms/core";
import type { Fact, Search } from "@regulus/proto";
import type { DiskFaults } from "./faulty-log.js";
import type { WireFaults } from "./simulated-agent.js";
import type { OpenSession } from "./simulated-session.js";

/** Faults of one life, all of them. Rates are events in 10 s of virtual time. */
export interface Faults extends WireFaults, DiskFaults {
  readonly agentKills: number;
  readonly coordinatorKills: number;
  readonly wireBreaks: number;
  readonly clockJumps: number;
}

/** One life of a search. */
export interface Life {
  readonly seed: number;
  /** Parts of its search document. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Trials that it has when it is over; absent where the strategy ends by itself. */
  readonly trials?: number;
  readonly agents: number;
  readonly faults: Faults;
  /** Whether its user, at its end, has failed trials tried again and adds this many trials to its budget; 0 for neither. */
  readonly trialsAdded?: number;
  /** How often its user has all failed trials tried again while it runs, in 10 s of virtual time; then also once it has ended. Absent for never. */
  readonly retriesAsked?: number;
  /** Wall time that its user adds to its budget once it has ended, in milliseconds; absent for none. */
  readonly wallTimeAddedMs?: number;
  /** What its agents work with; absent for a function of trial and step. */
  readonly open?: OpenSession;
}

/** What came of it. */
export interface LifeResult {
  readonly search: Search;
  readonly facts: readonly Fact[];
  /** Virtual time from the creation to the end, in milliseconds. */
  readonly virtualMs: number;
  readonly acknowledged: number;
  readonly coordinatorKills: number;
}

/** Nothing goes wrong. */
export const quietFaults: Faults = {
  delayMsMax: 1,
  dropProbability: 0,
  duplicateProbability: 0,
  damageProbability: 0,
  appendMsMax: 0,
  fullProbability: 0,
  agentKills: 0,
  coordinatorKills: 0,
  wireBreaks: 0,
  clockJumps: 0,
};

/** The life that belongs to a seed: faults from none to many. */
export function lifeOf(seed: number): Life {
  const rng = createRng(seed).fork("life");
  const often = (most: number) => (rng.uniform() < 0.3 ? 0 : rng.uniform() * most);
  const strategy = rng.uniform() < 0.5 ? "random" : "asha";
  const trials = 6 + rng.integer(10);
  const trialsAdded = rng.uniform() < 0.5 ? 0 : 1 + rng.integer(4);
  return {
    seed,
    // Where failed trials are tried again at the end, some have to fail.
    document: { ...blackBoxDocument(strategy, trials), ...(trialsAdded > 0 ? { retries: { max: 2, backoff: "100ms" } } : {}) },
    trials: trials + trialsAdded,
    trialsAdded,
    agents: 1 + rng.integer(4),
    faults: {
      delayMsMax: 1 + often(400),
      dropProbability: often(0.05),
      duplicateProbability: often(0.2),
      damageProbability: 0.02,
      appendMsMax: often(50),
      fullProbability: often(0.03),
      agentKills: often(3),
      coordinatorKills: often(2),
      wireBreaks: often(4),
      clockJumps: often(1),
    },
  };
}

/** A search of a black-box strategy over trials that are functions. */
export function blackBoxDocument(strategy: "random" | "asha", trials: number): Readonly<Record<string, unknown>> {
  return {
    command: { argv: ["train"] },
    objective: { metric: "loss", direction: "minimize" },
    strategy,
    space: { rate: { type: "double", min: 0.001, max: 1, scale: "log" } },
    budget: { trials, stepsPerTrial: 27 },
    parallelism: 4,
  };
}
