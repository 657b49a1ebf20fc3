/**
 * Which facts are worth a line of their own while a search runs: what was refused, retried, failed or found. Ordinary progress is not.
 */
import type { Fact } from "@regulus/proto";
import { messageLines } from "./message-lines.js";
import { plainText } from "./numbers.js";

/** A line for people, or undefined for a fact that needs none. */
export function headline(fact: Fact): string | undefined {
  const kind = fact.kind;
  switch (kind?.$case) {
    case "attemptEnded":
      if (kind.value.reason === "END_REASON_PREEMPTED") return undefined;
      return withWords(
        `trial ${kind.value.trial}: attempt ${kind.value.attempt} ${reasonWords(kind.value.reason)}, will be retried`,
        kind.value.message,
      );
    case "trialEnded":
      if (kind.value.reason === "END_REASON_DONE" || kind.value.reason === "END_REASON_STOPPED_EARLY") return undefined;
      return withWords(`trial ${kind.value.trial} ended: ${reasonWords(kind.value.reason)}`, kind.value.message);
    case "strategyFailed":
      return withWords("the strategy failed", kind.value.message);
    case "findingReported": {
      if (kind.value.severity === "info") return undefined;
      const about = kind.value.trial === undefined ? "" : `trial ${kind.value.trial}: `;
      return withWords(`${about}${plainText(kind.value.severity)} of ${plainText(kind.value.source)}`, kind.value.message);
    }
    case "searchEnded":
      return kind.value.outcome === "SEARCH_OUTCOME_FAILED" ? withWords("the search failed", kind.value.reason) : undefined;
    default:
      return undefined;
  }
}

/** An end reason in words: END_REASON_OUT_OF_MEMORY gives "out of memory". */
export function reasonWords(reason: string): string {
  return reason
    .replace(/^END_REASON_/, "")
    .toLowerCase()
    .replaceAll("_", " ");
}

/** Words of one line stand behind the text; several lines keep their breaks below it. */
function withWords(text: string, words: string): string {
  if (words === "") return text;
  const lines = messageLines(words);
  return lines.length > 1 ? [`${text}:`, ...lines].join("\n") : `${text} (${plainText(words, 400)})`;
}
