/** How trials failed, in lines for people: each way once, with how many failed so, and with the line breaks that the message has. */
import { type FailureGroup, failureSignature, type TrialEnded } from "@regulus/proto";
import { reasonWords } from "./headlines.js";
import { formatCount, plainText } from "./numbers.js";

/** Lines of one message, the last ones: what failed stands at the end of a traceback. */
const linesMax = 12;
const lineCharactersMax = 400;
/** Ways of failing that a list shows. */
const groupsShown = 5;

/** The lines of a message, indented, without what a terminal would obey. */
export function messageLines(message: string): string[] {
  const lines = message.split(/\r?\n/).map((line) => plainText(line, lineCharactersMax));
  const told = message
    .split(/\r?\n/)
    .map((line, index) => /^\s*/.exec(line)?.[0].replaceAll("\t", "  ").slice(0, 16) + (lines[index] ?? ""));
  const filled = told.filter((line) => line.trim() !== "");
  const cut = filled.length > linesMax ? [filled[0] ?? "", "…", ...filled.slice(2 - linesMax)] : filled;
  return cut.map((line) => `  ${line}`);
}

/** Failures of a search: a heading and the message for each way. */
export function failureLines(groups: readonly FailureGroup[]): string[] {
  const lines = groups.slice(0, groupsShown).flatMap(({ reason, message, trials, firstTrial }) => {
    const who = trials === 1 ? `trial ${firstTrial}` : `${formatCount(trials)} trials, the first of them trial ${firstTrial}`;
    return [`${who}: ${reasonWords(reason)}`, ...messageLines(message)];
  });
  const left = groups.length - groupsShown;
  return left > 0 ? [...lines, `and ${left} other ways of failing; --json has them`] : lines;
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
      again === 0 ? [] : [`${formatCount(again)} more ${again === 1 ? "trial" : "trials"} ended like trial ${first}: ${reason}`],
    );
  }
}
