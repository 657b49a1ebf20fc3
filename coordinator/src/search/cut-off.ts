/**
 * Trials that the end of a failed search cut off before they had a value: they are no results, and may be retried like failed ones. Pure.
 */
import { EndReason, type SearchCourse } from "@regulus/proto";
import type { TrialState } from "./trial-state.js";

/** Whether a trial that has just ended was cut off. One that its user or its strategy stopped was not, and one with a value has a result. */
export function isCutOff({ status, endsAs }: Pick<SearchCourse, "status" | "endsAs">, trial: TrialState): boolean {
  const isOfSearch = status === "stopping" && endsAs === "failed" && trial.stopReason === undefined;
  const hasValue = trial.best !== undefined || !Number.isNaN(trial.counted.value);
  return isOfSearch && !hasValue && trial.end?.reason === EndReason.END_REASON_STOPPED_EARLY;
}
