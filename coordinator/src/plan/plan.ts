/**
 * Who runs what next: pure. Searches with a higher priority come first; between equals the one that uses the fewest slots does, so
 * that each gets its share whatever it asks for. A trial that was on an agent before goes back there where there is room; any other goes to the
 * matching agent with the most free slots that no such trial waits for.
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
  /** The agent that worked on it last and may still hold it: taken where it has room. Empty for none. */
  readonly prefer: string;
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
  const wanted = new Map<string, number>();
  for (const { needs, ready } of searches) for (const { prefer } of ready) add(wanted, prefer, needs.slots);
  const placements: Placement[] = [];
  const unplaced: Unplaced[] = [];
  let waiting = searches.filter((search) => search.ready.length > 0).map((search) => new Waiting(search, agents));
  while (waiting.length > 0) {
    const next = waiting.reduce((best, other) => (other.isBefore(best) ? other : best));
    const placement = next.place(free, wanted);
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

  /** `free` and `wanted`: slots of each agent that are free, and that trials which were there before wait for. */
  place(free: Map<string, number>, wanted: Map<string, number>): Placement | undefined {
    const head = this.head;
    if (head !== undefined) add(wanted, head.prefer, -this.#search.needs.slots);
    const agent = head && this.#pick(head, free, wanted);
    if (head === undefined || agent === undefined) return undefined;
    const { slots } = this.#search.needs;
    add(free, agent.agentId, -slots);
    this.#used += slots;
    this.#placed += 1;
    return { searchId: this.#search.searchId, trial: head.trial, agentId: agent.agentId };
  }

  unplaced(agents: readonly PlanAgent[]): Unplaced {
    const busy = this.#matching.length > 0;
    const reason = busy ? "all slots that could run it are in use" : missing(agents, this.#search.needs).reason;
    return { searchId: this.#search.searchId, trial: this.head?.trial ?? 0, reason, busy };
  }

  /** The agent that it prefers, else the one with the most slots that nobody waits for; one on which the trial failed only where no other has room. */
  #pick(head: ReadyTrial, free: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): PlanAgent | undefined {
    let best: PlanAgent | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const agent of this.#matching) {
      const slots = free.get(agent.agentId) ?? 0;
      if (slots < this.#search.needs.slots) continue;
      const rank = rankOf(head, agent.agentId, slots - (wanted.get(agent.agentId) ?? 0));
      if (rank > most) {
        best = agent;
        most = rank;
      }
    }
    return best;
  }
}

/** How good an agent is for a trial, where `slots` of it are free and nobody else's. */
function rankOf({ avoid, prefer }: ReadyTrial, agentId: string, slots: number): number {
  if (agentId === avoid) return -Number.MAX_VALUE;
  return agentId === prefer ? Number.MAX_VALUE : slots;
}

function add(counts: Map<string, number>, agentId: string, slots: number): void {
  if (agentId !== "") counts.set(agentId, (counts.get(agentId) ?? 0) + slots);
}
