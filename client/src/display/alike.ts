/**
 * What happened again and again, told once: by the newest of the facts that are alike, with how many there were. Ends of attempts that differ in numbers,
 * paths and addresses only are alike, and findings that say the same.
 */
import { type Fact, failureSignature } from "@regulus/proto";

/** Facts of one kind that say the same. */
export interface Alike {
  /** The newest of them. */
  readonly fact: Fact;
  readonly count: number;
}

/** Each kind once, in the order of the newest. */
export function newestAlike(facts: readonly Fact[]): Alike[] {
  const told = new Map<string, Alike>();
  for (const fact of facts) {
    const key = signatureOf(fact);
    const count = (told.get(key)?.count ?? 0) + 1;
    told.delete(key);
    told.set(key, { fact, count });
  }
  return [...told.values()];
}

/** "4 alike, the newest: "; nothing for one. */
export function alikeWords(count: number): string {
  return count === 1 ? "" : `${count} alike, the newest: `;
}

/** Same for facts that are alike; of those that always tell something new its own. */
function signatureOf({ kind, position }: Fact): string {
  switch (kind?.$case) {
    case "attemptEnded":
      return `${kind.$case} ${failureSignature(kind.value.reason, kind.value.message)}`;
    case "findingReported":
      return `${kind.$case} ${kind.value.severity} ${kind.value.source} ${kind.value.message}`;
    default:
      return `${position}`;
  }
}
