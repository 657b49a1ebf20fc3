/**
 * Requests with an idempotency key, folded from a search's facts. So a repeated call is known from one that uses its key for
 * something else. The oldest keys are forgotten first.
 */
import { type Budget, type Fact, limits, RegulusError } from "@regulus/proto";

/** Amounts that a call adds to a budget. */
export interface MoreBudget {
  readonly trials: number;
  readonly steps: number;
  readonly wallTimeMs: number;
  readonly failures: number;
}

/** What a call asked for. */
export type KeyedCall =
  | { readonly kind: "extendSearch"; readonly more: MoreBudget }
  /** The trials of its list, or all that had failed where it named none. */
  | { readonly kind: "retryTrials"; readonly trials: readonly number[]; readonly allFailed: boolean };

export class KeyedCalls {
  readonly #calls = new Map<string, KeyedCall>();

  get size(): number {
    return this.#calls.size;
  }

  /** Tells of the next fact. `before`: the budget until then. */
  tell({ kind }: Fact, before: Budget): void {
    if (kind?.$case === "searchExtended") {
      this.#keep(kind.value.idempotencyKey, { kind: "extendSearch", more: differenceOf(before, kind.value.budget ?? before) });
    }
    if (kind?.$case !== "trialRetried") return;
    const { idempotencyKey: key, trial, allFailed } = kind.value;
    const known = this.#calls.get(key);
    const earlier = known?.kind === "retryTrials" ? known.trials : [];
    this.#keep(key, { kind: "retryTrials", trials: [...earlier, trial], allFailed });
  }

  /** What the first call with a key asked for, where this one asks for the same; undefined for a new key. Fails with "already-exists" where it does not. */
  repeated(searchId: string, key: string, asked: KeyedCall): KeyedCall | undefined {
    const first = this.#calls.get(key);
    if (first === undefined || isSame(first, asked)) return first;
    throw new RegulusError(
      "already-exists",
      `the idempotency key ${JSON.stringify(key)} of search ${searchId} belongs to a call that ${wordsOf(first)}; use a new key`,
    );
  }

  /** The trials that the call with a key gave another life. */
  retriedWith(key: string): readonly number[] {
    const call = this.#calls.get(key);
    return call?.kind === "retryTrials" ? call.trials : [];
  }

  #keep(key: string, call: KeyedCall): void {
    if (key === "") return;
    this.#calls.set(key, call);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > limits.keysKeptMax && oldest !== undefined) this.#calls.delete(oldest);
  }
}

function differenceOf(before: Budget, after: Budget): MoreBudget {
  return {
    trials: after.trials - before.trials,
    steps: after.steps - before.steps,
    wallTimeMs: after.wallTimeMs - before.wallTimeMs,
    failures: (after.failures ?? 0) - (before.failures ?? 0),
  };
}

function isSame(first: KeyedCall, asked: KeyedCall): boolean {
  if (first.kind === "extendSearch") {
    if (asked.kind !== "extendSearch") return false;
    const { trials, steps, wallTimeMs, failures } = first.more;
    const { more } = asked;
    return more.trials === trials && more.steps === steps && more.wallTimeMs === wallTimeMs && more.failures === failures;
  }
  if (asked.kind !== "retryTrials" || first.allFailed !== asked.allFailed) return false;
  const [a, b] = [new Set(first.trials), new Set(asked.trials)];
  return first.allFailed || (a.size === b.size && [...a].every((trial) => b.has(trial)));
}

function wordsOf(call: KeyedCall): string {
  if (call.kind === "retryTrials") return call.allFailed ? "tried all failed trials again" : "tried other trials again";
  return "added another amount to the budget";
}
