/**
 * Who runs what next: pure. Searches with a higher priority come first; between equals the one that uses the fewest slots does, so
 * that each gets its share whatever it asks for. A trial goes to the matching agent with the most free slots.
 */
import { canRun, missing, type Needs, type PlanAgent } from "./match.js";

/** A search with trials that are ready to run. */
export interface PlanSearch {
  readonly searchId: string;
  readonly priority: number;
  readonly slotsUsed: number;
  readonly needs: Needs;
  /** Ready trials, the one that waits longest first. */
  readonly ready: readonly ReadyTrial[];
}

/** A trial that waits. */
export interface ReadyTrial {
  readonly trial: number;
  /** An agent on which it failed: another one is taken where there is one. Empty for none. */
  readonly avoid: string;
}

/** A trial and the agent that gets its lease. */
export interface Placement {
  readonly searchId: string;
  readonly trial: number;
  readonly agentId: string;
}

/** A trial that found no place. */
export interface Unplaced {
  readonly searchId: string;
  readonly trial: number;
  readonly reason: string;
  /** Whether it only waits for slots that are in use; else nothing that is connected can ever run it. */
  readonly busy: boolean;
}

/** What is to be done. */
export interface Plan {
  readonly placements: readonly Placement[];
  /** At most one a search: the trial of it that waits longest. */
  readonly unplaced: readonly Unplaced[];
}

/** Plans. Agents that take no leases are left out by the caller. */
export function plan(searches: readonly PlanSearch[], agents: readonly PlanAgent[]): Plan {
  const free = new Map(agents.map((agent) => [agent.agentId, agent.slotsFree]));
  const placements: Placement[] = [];
  const unplaced: Unplaced[] = [];
  let waiting = searches.filter((search) => search.ready.length > 0).map((search) => new Waiting(search, agents));
  while (waiting.length > 0) {
    const next = waiting.reduce((best, other) => (other.isBefore(best) ? other : best));
    const placement = next.place(free);
    if (placement !== undefined) placements.push(placement);
    else unplaced.push(next.unplaced(agents));
    if (placement === undefined || next.head === undefined) waiting = waiting.filter((other) => other !== next);
  }
  return { placements, unplaced };
}

/** A search while its trials are being placed. */
class Waiting {
  readonly #search: PlanSearch;
  readonly #matching: readonly PlanAgent[];
  #used: number;
  #placed = 0;

  constructor(search: PlanSearch, agents: readonly PlanAgent[]) {
    this.#search = search;
    this.#matching = agents.filter((agent) => canRun(agent, search.needs));
    this.#used = search.slotsUsed;
  }

  /** The trial that is next; undefined when all are placed. */
  get head(): ReadyTrial | undefined {
    return this.#search.ready[this.#placed];
  }

  isBefore(other: Waiting): boolean {
    const priority = this.#search.priority - other.#search.priority;
    return priority !== 0 ? priority > 0 : this.#used < other.#used;
  }

  place(free: Map<string, number>): Placement | undefined {
    const head = this.head;
    const agent = head && this.#pick(head, free);
    if (head === undefined || agent === undefined) return undefined;
    const { slots } = this.#search.needs;
    free.set(agent.agentId, (free.get(agent.agentId) ?? 0) - slots);
    this.#used += slots;
    this.#placed += 1;
    return { searchId: this.#search.searchId, trial: head.trial, agentId: agent.agentId };
  }

  unplaced(agents: readonly PlanAgent[]): Unplaced {
    const busy = this.#matching.length > 0;
    const reason = busy ? "all slots that could run it are in use" : missing(agents, this.#search.needs);
    return { searchId: this.#search.searchId, trial: this.head?.trial ?? 0, reason, busy };
  }

  /** The agent with the most free slots; one on which the trial failed only where no other has room. */
  #pick(head: ReadyTrial, free: ReadonlyMap<string, number>): PlanAgent | undefined {
    let best: PlanAgent | undefined;
    let most = 0;
    for (const agent of this.#matching) {
      const slots = free.get(agent.agentId) ?? 0;
      if (slots < this.#search.needs.slots) continue;
      const rank = agent.agentId === head.avoid ? 0.5 : slots;
      if (rank > most) {
        best = agent;
        most = rank;
      }
    }
    return best;
  }
}
