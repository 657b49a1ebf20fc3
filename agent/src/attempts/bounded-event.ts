/**
 * The last check of an attempt's events before they go to the coordinator: what is past the bounds that the coordinator holds it to is left out, and a
 * warning says so. Whatever runs in a trial process, its words never cost the agent its connection. Pure.
 */
import { cutText, eventProblems, isStep, limits, problemWords, type ReportEvent } from "@regulus/proto";

export function boundedEvent(event: ReportEvent): ReportEvent {
  const problems = eventProblems(event);
  if (problems.length === 0) return event;
  const faults = problemWords(problems);
  if (event.$case !== "finished") {
    const message = cutText(`a report of the trial (${event.$case}) is left out: ${faults}`, limits.textCharactersMax);
    return { $case: "found", value: { source: "agent", severity: "warning", message } };
  }
  const { final, message, step } = event.value;
  const isMeasured = final !== undefined && eventProblems({ $case: "measured", value: final }).length === 0;
  const words = `${message}${message === "" ? "" : "; "}left out of its end: ${faults}`;
  return {
    $case: "finished",
    value: {
      ...event.value,
      message: cutText(words, limits.textCharactersMax),
      step: isStep(step) ? step : 0,
      final: isMeasured ? final : undefined,
    },
  };
}
