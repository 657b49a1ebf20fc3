/** After which ends of an attempt another one may follow, and their words in a search file. */
import { expectedOneOf } from "./did-you-mean.js";
import { EndReason } from "./gen/regulus/v1/trial.js";

/** By word of a search file. */
const reasonOf = {
  lost: EndReason.END_REASON_LOST,
  "out-of-memory": EndReason.END_REASON_OUT_OF_MEMORY,
  "timed-out": EndReason.END_REASON_TIMED_OUT,
  "user-error": EndReason.END_REASON_USER_ERROR,
} as const;

/** A word of `retries.on`. */
export type RetryWord = keyof typeof reasonOf;

export const retryWords = ["lost", "out-of-memory", "timed-out", "user-error"] as const satisfies readonly RetryWord[];

/** What `retries.on` stands for where it is absent: what is no fault of the trial. */
export const retriedByDefault: readonly EndReason[] = [
  EndReason.END_REASON_LOST,
  EndReason.END_REASON_OUT_OF_MEMORY,
  EndReason.END_REASON_TIMED_OUT,
];

/** Ends that make a trial a failure: it has no result, and trying again may help. Diverged and infeasible ones are results. */
const failures: ReadonlySet<EndReason> = new Set([...retriedByDefault, EndReason.END_REASON_USER_ERROR]);

/** Whether a trial that ended for this reason failed, rather than showed that its configuration is bad. */
export function isTrialFailure(reason: EndReason): boolean {
  return failures.has(reason);
}

/** Why a word or reason can't be in `retries.on`, as what was expected instead; undefined where it can. */
export function retryWordProblem(word: string): string | undefined {
  if (retryWords.some((known) => known === word)) return undefined;
  const expected = expectedOneOf(word, retryWords);
  if (word === "diverged" || word === "infeasible") {
    return `${expected} (a trial that is ${word} is a result: the same configuration ends the same way again)`;
  }
  return expected;
}

/** The reason of a word that was checked. */
export function retryReason(word: string): EndReason {
  return retryWords.some((known) => known === word) ? reasonOf[word as RetryWord] : EndReason.UNRECOGNIZED;
}

/** The word of a reason that was checked. */
export function retryWord(reason: string): string {
  return reason
    .replace(/^END_REASON_/, "")
    .toLowerCase()
    .replaceAll("_", "-");
}
