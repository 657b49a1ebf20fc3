/** Failures of trials in lines for people: each kind once, with its count and the message's line breaks. */

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
  readonly #seen = new Map<string, Way>();

  /** Lines for a trial that failed; nothing where another one failed in the same way. */
  told({ trial, reason, message }: TrialEnded): string | undefined {
    const signature = failureSignature(reason, message);
    const known = this.#seen.get(signature);
    if (known !== undefined) {
      known.trials.add(trial);
      return undefined;
    }
    const way = { trials: new Set([trial]), reason: reasonWords(reason), message };
    this.#seen.set(signature, way);
    return wayLines(way);
  }

  /** A trial that is tried again has not failed. The lines of its way of failing, told of the next trial that is left, where it was told of this one. */
  retried(trial: number): string | undefined {
    for (const [signature, way] of this.#seen) {
      const [first] = way.trials;
      if (!way.trials.delete(trial)) continue;
      if (way.trials.size === 0) this.#seen.delete(signature);
      return way.trials.size > 0 && first === trial ? wayLines(way) : undefined;
    }
    return undefined;
  }

  /** What was not told again. */
  rest(): string[] {
    return [...this.#seen.values()].flatMap(({ trials, reason }) =>
      trials.size < 2 ? [] : [`${counted(trials.size - 1, "more trial")} ended like trial ${[...trials][0]}: ${reason}`],
    );
  }
}

/** A way of failing: the trials that failed so, in order, and what the first of them said. */
interface Way {
  readonly trials: Set<number>;
  readonly reason: string;
  readonly message: string;
}

function wayLines({ trials, reason, message }: Way): string {
  return [`trial ${[...trials][0]} ended: ${reason}`, ...messageLines(message)].join("\n");
}
