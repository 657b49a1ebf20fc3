/**
 * Assigns trials to slots. Pure. Searches with a higher priority come first; equals share slots by their weights (share.ts), and who waits longest
 * breaks ties. A trial that was on an agent before goes back there where there is room; any other goes to the
 * matching agent with the most free slots that no such trial waits for.
 */
import { assert } from "@regulus/proto";
import { canRun, inUse, missing, type Needs, type PlanAgent } from "./match.js";
import { burden, type Claim, shares, standing, standingBurden } from "./share.js";

/** A search with trials that run or wait. */
export interface PlanSearch extends Omit<Claim, "slots"> {
  readonly searchId: string;
  readonly priority: number;
  readonly needs: Needs;
  /** Agents on which its trials fail: they get none for as long as another one could run them. */
  readonly keptOff: ReadonlySet<string>;
  /** How long it has waited for a slot, in milliseconds. */
  readonly waitedMs: number;
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
  /** Whether it is to run anywhere but there, for as long as another agent could run it. */
  readonly elsewhere: boolean;
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

/** Agents that a reason names. */
const agentsShown = 3;
/** Time that a trial of several slots waits before slots are kept free for it, in milliseconds. */
const reserveAfterMs = 30_000;

/** Plans. Agents that take no leases are left out by the caller. */
export function plan(searches: readonly PlanSearch[], agents: readonly PlanAgent[]): Plan {
  const free = new Map(agents.map((agent) => [agent.agentId, agent.slotsFree]));
  const wanted = new Map<string, number>();
  for (const { needs, ready } of searches) for (const { prefer } of ready) add(wanted, prefer, needs.slots);
  const placements: Placement[] = [];
  const unplaced: Unplaced[] = [];
  let waiting = withShares(searches, agents).filter((search) => search.head !== undefined);
  while (waiting.length > 0) {
    const next = waiting.reduce((best, other) => (other.isBefore(best) ? other : best));
    const placement = next.place(free, wanted);
    if (placement !== undefined) placements.push(placement);
    else unplaced.push(next.unplaced(agents, free));
    if (placement === undefined || next.head === undefined) waiting = waiting.filter((other) => other !== next);
  }
  return { placements, unplaced };
}

/** Every search with what is fair to it. */
function withShares(searches: readonly PlanSearch[], agents: readonly PlanAgent[]): Waiting[] {
  const all: Waiting[] = [];
  for (const { equals, entitled } of shares(searches, slotsOf(searches, agents))) {
    const claims = equals.map((search) => ({ ...search, slots: search.needs.slots }));
    const burdens = claims.map((claim, index) => burden(claim, entitled[index] ?? 0));
    const least = Math.min(...burdens);
    const mean = burdens.reduce((sum, one) => sum + one, 0) / burdens.length;
    for (const [index, claim] of claims.entries()) {
      const mine = entitled[index] ?? 0;
      const isOwed = (burdens[index] ?? 0) <= mean;
      all.push(new Waiting(claim, agents, { entitled: mine, burden: standingBurden(claim, mine, least), isOwed }));
    }
  }
  return all;
}

/** Slots that there are: those in use and those that are free. */
export function slotsOf(searches: readonly PlanSearch[], agents: readonly PlanAgent[]): number {
  const used = searches.reduce((sum, { slotsUsed }) => sum + slotsUsed, 0);
  return agents.reduce((sum, { slotsFree }) => sum + slotsFree, used);
}

/** What is fair to a search. */
interface Share {
  /** Slots. */
  readonly entitled: number;
  /** Slot-seconds of late for its weight, as it ranks by. */
  readonly burden: number;
  /** Whether that is below the average. */
  readonly isOwed: boolean;
}

/** A search while its trials are being placed. */
class Waiting {
  readonly #search: PlanSearch;
  readonly #matching: readonly PlanAgent[];
  readonly #share: Share;
  /** Whether it is owed slots, and never found enough of them at once. */
  readonly #waitsTooLong: boolean;
  readonly #claim: Claim & { slotsUsed: number };
  #placed = 0;

  constructor(search: PlanSearch, agents: readonly PlanAgent[], share: Share) {
    const { needs, waitedMs } = search;
    this.#search = search;
    this.#matching =
      search.ready.length === 0
        ? []
        : trusted(
            agents.filter((agent) => canRun(agent, needs)),
            search.keptOff,
          );
    this.#share = share;
    this.#claim = { ...search, slots: needs.slots };
    this.#waitsTooLong = share.isOwed && needs.slots > 1 && waitedMs >= reserveAfterMs;
  }

  /** The trial that is next; undefined when all are placed. */
  get head(): ReadyTrial | undefined {
    return this.#search.ready[this.#placed];
  }

  isBefore(other: Waiting): boolean {
    const order =
      other.#search.priority - this.#search.priority ||
      this.#rank() - other.#rank() ||
      (this.#rank() === 1 ? 0 : this.#inUse() - other.#inUse()) ||
      this.#share.burden - other.#share.burden ||
      other.#search.waitedMs - this.#search.waitedMs;
    return order < 0;
  }

  /** `free` and `wanted`: slots of each agent that are free, and that trials which were there before wait for. */
  place(free: Map<string, number>, wanted: Map<string, number>): Placement | undefined {
    const head = this.head;
    assert(head, "a search whose trials are all placed waits no more");
    const { slots } = this.#search.needs;
    add(wanted, head.prefer, -slots);
    const agent = this.#pick(head, free, wanted);
    if (agent === undefined) return undefined;
    add(free, agent.agentId, -slots);
    this.#claim.slotsUsed += slots;
    this.#placed += 1;
    return { searchId: this.#search.searchId, trial: head.trial, agentId: agent.agentId };
  }

  /** Why its next trial has no place. One that is overdue has the agent on which most is free to itself from now on. */
  unplaced(agents: readonly PlanAgent[], free: Map<string, number>): Unplaced {
    const busy = this.#matching.length > 0;
    if (this.#isOverdue) {
      const freest = this.#matching.reduce<PlanAgent | undefined>((best, agent) => {
        const more = (free.get(agent.agentId) ?? 0) > (best === undefined ? -1 : (free.get(best.agentId) ?? 0));
        return more ? agent : best;
      }, undefined);
      if (freest !== undefined) free.set(freest.agentId, 0);
    }
    const reason = busy
      ? inUse(this.#matching, this.#search.needs) + offWords(this.#search.keptOff)
      : missing(agents, this.#search.needs).reason;
    return { searchId: this.#search.searchId, trial: this.head?.trial ?? 0, reason, busy };
  }

  /** Whether slots are kept free for it: until it has one of its trials placed. */
  get #isOverdue(): boolean {
    return this.#waitsTooLong && this.#placed === 0;
  }

  #rank(): number {
    return this.#isOverdue ? -1 : standing(this.#claim, this.#share.entitled);
  }

  /** Slots in use for its weight, with one more trial. */
  #inUse(): number {
    return (this.#claim.slotsUsed + this.#claim.slots) / this.#search.weight;
  }

  /** The agent that it prefers, else the one with the most slots that nobody waits for; one on which the trial failed only where no other has room. */
  #pick(head: ReadyTrial, free: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): PlanAgent | undefined {
    let best: PlanAgent | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const agent of this.#matching) {
      const slots = free.get(agent.agentId) ?? 0;
      if (slots < this.#search.needs.slots) continue;
      if (head.elsewhere && agent.agentId === head.avoid && this.#matching.length > 1) continue;
      const rank = rankOf(head, agent.agentId, slots - (wanted.get(agent.agentId) ?? 0));
      if (rank > most) {
        best = agent;
        most = rank;
      }
    }
    return best;
  }
}

/** Those that a search does not keep off, where there are any. */
function trusted(matching: readonly PlanAgent[], keptOff: ReadonlySet<string>): readonly PlanAgent[] {
  if (keptOff.size === 0) return matching;
  const others = matching.filter(({ agentId }) => !keptOff.has(agentId));
  return others.length === 0 ? matching : others;
}

function offWords(keptOff: ReadonlySet<string>): string {
  return keptOff.size === 0 ? "" : `; its trials fail on ${[...keptOff].slice(0, agentsShown).join(", ")}`;
}

/** How good an agent is for a trial, where `slots` of it are free and nobody else's. */
function rankOf({ avoid, prefer }: ReadyTrial, agentId: string, slots: number): number {
  if (agentId === avoid) return -Number.MAX_VALUE;
  return agentId === prefer ? Number.MAX_VALUE : slots;
}

function add(counts: Map<string, number>, agentId: string, slots: number): void {
  counts.set(agentId, (counts.get(agentId) ?? 0) + slots);
}
