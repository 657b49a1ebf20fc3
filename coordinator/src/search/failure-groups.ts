/** Failures of a search's trials, folded from their ends. Failures that differ only in numbers, paths and addresses are one group. */
import { type EndReason, type FailureGroup, failureSignature } from "@regulus/proto";

/** Ways of failing that are told apart; what fails in further ways is only counted with the search's other failures. */
export const failureGroupsMax = 20;

export class FailureGroups {
  readonly #groups = new Map<string, FailureGroup>();

  /** A trial ended with this reason and message. */
  add(trial: number, reason: EndReason, message: string): void {
    const signature = failureSignature(reason, message);
    const known = this.#groups.get(signature);
    if (known !== undefined) known.trials += 1;
    else if (this.#groups.size < failureGroupsMax) this.#groups.set(signature, { reason, message, trials: 1, firstTrial: trial });
  }

  /** A trial that ended so is tried again. */
  remove(reason: EndReason, message: string): void {
    const signature = failureSignature(reason, message);
    const known = this.#groups.get(signature);
    if (known === undefined) return;
    known.trials -= 1;
    if (known.trials === 0) this.#groups.delete(signature);
  }

  /** The most frequent first. */
  view(): FailureGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.trials - a.trials).map((group) => ({ ...group }));
  }
}
