/**
 * Fair shares of searches of one priority. Pure. Each is entitled to slots in proportion to its weight, and to no more than it wants; what one
 * does not want the others share. Trials take whole slots for as long as they take, so what the slots in use can't even out, slot-seconds of
 * late do.
 */

/** A search as far as its share goes. */
export interface Claim {
  readonly weight: number;
  /** Slots of one of its trials. */
  readonly slots: number;
  readonly slotsUsed: number;
  /** Slots that it would use if there were enough. */
  readonly slotsWanted: number;
  /** Slot-seconds of late. */
  readonly slotSeconds: number;
  /** Mean seconds of one attempt; 0 where that is not known. */
  readonly attemptSeconds: number;
}

/** What shares between priorities rest on. */
type Claims = Pick<Claim, "weight" | "slotsWanted" | "slotsUsed"> & { readonly priority: number };

/** Slots that each claim is entitled to, in order; not whole numbers. */
export function entitlements(claims: readonly Pick<Claim, "weight" | "slotsWanted">[], slots: number): number[] {
  const entitled = claims.map(() => 0);
  let left = slots;
  let weightLeft = claims.reduce((sum, { weight }) => sum + weight, 0);
  const modestFirst = [...claims.entries()].sort(([, a], [, b]) => a.slotsWanted / a.weight - b.slotsWanted / b.weight);
  for (const [index, { weight, slotsWanted }] of modestFirst) {
    const mine = Math.max(0, Math.min(slotsWanted, (left * weight) / weightLeft));
    entitled[index] = mine;
    left -= mine;
    weightLeft -= weight;
  }
  return entitled;
}

/** Claims of one priority, with the slots that each is entitled to. */
export interface Equals<T> {
  readonly equals: readonly T[];
  readonly entitled: readonly number[];
}

/** Claims by priority, the highest first: those of one priority share what those above do not use of `slots`. */
export function shares<T extends Claims>(claims: readonly T[], slots: number): Equals<T>[] {
  const byPriority = new Map<number, T[]>();
  for (const claim of claims) {
    const equals = byPriority.get(claim.priority);
    if (equals === undefined) byPriority.set(claim.priority, [claim]);
    else equals.push(claim);
  }
  let left = slots;
  return [...byPriority]
    .sort(([a], [b]) => b - a)
    .map(([, equals]) => {
      const entitled = entitlements(equals, left);
      left -= equals.reduce((sum, { slotsUsed }) => sum + slotsUsed, 0);
      return { equals, entitled };
    });
}

/**
 * Where a claim stands after one more trial: 0 within its whole slots, 1 within the part of a trial that rounds its entitlement up, 2 beyond.
 * The slack is for sums of fractions.
 */
export function standing({ slots, slotsUsed }: Claim, entitled: number): 0 | 1 | 2 {
  const next = slotsUsed + slots;
  const slack = 1e-9;
  if (next <= Math.floor(entitled / slots + slack) * slots) return 0;
  return next <= Math.ceil(entitled / slots - slack) * slots ? 1 : 2;
}

/** Slot-seconds that a claim may be ahead of the least one, besides those of one of its trials, and still be counted one by one. */
const aheadMax = 60;

/**
 * Slot-seconds of late for its weight: the less, the more a claim is owed. Half of what one more trial will take beyond the entitlement counts already,
 * so that long trials are as often ahead of their share as behind it; else searches with long trials get more.
 */
export function burden({ weight, slots, slotSeconds, attemptSeconds }: Claim, entitled: number): number {
  return (slotSeconds + (Math.max(0, slots - entitled) * attemptSeconds) / 2) / weight;
}

/**
 * The burden that ranks a claim, where `least` is that of the least burdened one. Whoever is far ahead, since it had the slots to itself for a while,
 * counts as not so far, and by its wait works off even that: a search pays back what it used, but never stands still for it.
 */
export function standingBurden(claim: Claim & { readonly waitedMs: number }, entitled: number, least: number): number {
  const { weight, slots, attemptSeconds, waitedMs } = claim;
  const most = least + (aheadMax + slots * attemptSeconds) / weight;
  const own = burden(claim, entitled);
  return own <= most ? own : most - (Math.min(slots, entitled) * waitedMs) / 1000 / weight;
}
