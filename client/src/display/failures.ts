/** How trials failed, in lines for people: each way once, with how many failed so, and with the line breaks that the message has. */

import { type FailureGroup, failureSignature, type TrialEnded } from "@regulus/proto";
import { reasonWords } from "./headlines.js";
import { messageLines } from "./message-lines.js";
import { counted } from "./numbers.js";

/** Ways of failing that a list shows. */
const groupsShown = 5;

/** Failures of a search: a heading and the message for each way. */
export function failureLines(groups: readonly FailureGroup[]): string[] {
  const lines = groups.slice(0, groupsShown).flatMap(({ reason, message, trials, firstTrial }) => {
    const who = trials === 1 ? `trial ${firstTrial}` : `${counted(trials, "trial")}, the first of them trial ${firstTrial}`;
    return [`${who}: ${reasonWords(reason)}`, ...messageLines(message)];
  });
  const left = groups.length - groupsShown;
  return left > 0 ? [...lines, `and ${counted(left, "other way", "other ways")} of failing; --json has all`] : lines;
}

/** Tells each way of failing once while a search runs, and at its end how often it came again. */
export class FailureNotes {
  readonly #seen = new Map<string, { readonly first: number; readonly reason: string; again: number }>();

  /** Lines for a trial that failed; nothing where another one failed in the same way. */
  told({ trial, reason, message }: TrialEnded): string | undefined {
    const signature = failureSignature(reason, message);
    const known = this.#seen.get(signature);
    if (known !== undefined) {
      known.again += 1;
      return undefined;
    }
    this.#seen.set(signature, { first: trial, reason: reasonWords(reason), again: 0 });
    return [`trial ${trial} ended: ${reasonWords(reason)}`, ...messageLines(message)].join("\n");
  }

  /** What was not told again. */
  rest(): string[] {
    return [...this.#seen.values()].flatMap(({ first, reason, again }) =>
      again === 0 ? [] : [`${counted(again, "more trial")} ended like trial ${first}: ${reason}`],
    );
  }
}
