/** Places trials that are ready on agents with free slots, and notes why one that waits can't be placed. */
import { assert } from "@regulus/proto";
import { plan, type Unplaced } from "../../plan/plan.js";
import type { SearchCommand } from "../../search/commands.js";
import { resumePoint } from "../../search/resume-point.js";
import type { Agents } from "../agents/agents.js";
import type { SearchEntry } from "../searches/search-entry.js";
import type { Searches } from "../searches/searches.js";
import { waitingTrials } from "../searches/waiting-trials.js";

/** Time that a trial waits for busy slots before the log says so. */
const busyDeferMs = 5000;

/** What placement needs of the runner. */
export interface PlacementOptions {
  readonly agents: Agents;
  readonly searches: Searches;
  readonly command: (entry: SearchEntry, command: SearchCommand) => void;
}

export class Placement {
  readonly #options: PlacementOptions;
  /** Whether trials that can't be placed are to be looked at although no slot is free. */
  #deferralsDue = true;

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  /** Something changed that may matter to those that wait: agents, searches, time. */
  lookAgain(): void {
    this.#deferralsDue = true;
  }

  /** Plans, and starts what has a place. */
  place(nowMs: number): void {
    const agents = this.#options.agents.forPlan();
    const slotsFree = agents.reduce((sum, agent) => sum + agent.slotsFree, 0);
    if (slotsFree === 0 && !this.#deferralsDue) return;
    this.#deferralsDue = false;
    const searches = waitingTrials(this.#options.searches.all, nowMs, Math.max(1, slotsFree));
    if (searches.every(({ ready }) => ready.length === 0)) return;
    const planned = plan(searches, agents);
    for (const { searchId, trial, agentId } of planned.placements) this.#start(searchId, trial, agentId);
    for (const unplaced of planned.unplaced) this.#defer(unplaced, nowMs);
  }

  #start(searchId: string, number: number, agentId: string): void {
    const entry = this.#options.searches.get(searchId);
    const trial = entry?.state.live.get(number);
    assert(entry && trial, "the plan is about searches and trials that are there");
    const { step } = resumePoint(trial);
    this.#options.command(entry, { kind: "startAttempt", trial: number, agentId, fromStep: step });
  }

  #defer({ searchId, trial: number, reason, busy }: Unplaced, nowMs: number): void {
    const entry = this.#options.searches.get(searchId);
    const trial = entry?.state.live.get(number);
    if (entry === undefined || trial === undefined) return;
    if (busy && nowMs - trial.readyMs < busyDeferMs) return;
    this.#options.command(entry, { kind: "deferTrial", trial: number, reason });
  }
}
