/**
 * Repeated events, reported once: with their number, by the newest. Messages that differ in numbers, paths and addresses only are
 * the same.
 */
import { EndReason, type Explanation, endedWell, type Fact, failureSignature } from "@regulus/proto";

/** Kinds of happenings that are told, the newest last. */
const toldMax = 5;
/** Kinds that are told apart; of more, the one that was seen least lately is forgotten, count and all. */
const kindsMax = 100;

type Kind = NonNullable<Fact["kind"]>;
type Failure = Extract<Kind, { $case: "attemptEnded" | "trialEnded" }>;
type Finding = Extract<Kind, { $case: "findingReported" }>;

/** What there may be many of. */
const nouns = { trialEnded: "trials", attemptEnded: "attempts", findingReported: "findings" } as const;

interface Told {
  readonly count: number;
  readonly kind: Failure | Finding;
  readonly words: string;
  readonly position: number;
}

export class ToldOnce {
  /** The one seen last stands last. */
  readonly #told = new Map<string, Told>();

  /** Tells of a failure or a finding, given in words. */
  tell(kind: Failure | Finding, words: string, position: number): void {
    const how = kind.$case === "findingReported" ? `${kind.value.severity} ${kind.value.source}` : kind.value.reason;
    const signature = `${kind.$case} ${failureSignature(how, kind.value.message)}`;
    const count = (this.#told.get(signature)?.count ?? 0) + 1;
    this.#told.delete(signature);
    this.#told.set(signature, { count, kind, words, position });
    const [oldest] = this.#told.keys();
    if (this.#told.size > kindsMax && oldest !== undefined) this.#told.delete(oldest);
  }

  /** The newest of each kind. */
  view(): Explanation[] {
    return [...this.#told.values()].slice(-toldMax).map(({ count, kind, words, position }) => {
      const trial = kind.value.trial === undefined ? "" : `trial ${kind.value.trial}`;
      const of = trial === "" || kind.$case === "trialEnded" ? trial : `of ${trial}`;
      const who = count === 1 ? trial : `${count} ${nouns[kind.$case]} alike, the newest ${of}`.trimEnd();
      return { text: who === "" ? words : `${who}: ${words}`, position };
    });
  }
}

/** Whether a fact is an end that is no result, unless the attempt only gave its slot back. */
export function isFailure(kind: Kind): kind is Failure {
  if (kind.$case === "attemptEnded") return kind.value.reason !== EndReason.END_REASON_PREEMPTED;
  return kind.$case === "trialEnded" && !endedWell(kind.value.reason);
}
