/** Errors that the first measurement of a user's code reveals. Reported at once, once per search. Pure. */
import { closestName, cutText, limits, type Measurement } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import type { SearchState } from "./search-state.js";
import { findingSource } from "./search-state.js";
import type { TrialState } from "./trial-state.js";

/** Metrics that the message names. */
const namesShown = 8;
const key = "objective-not-measured";

/** The finding about a trial's first measurement where it lacks the objective; nothing where it has it, or where that was told. */
export function unmeasuredObjective(state: SearchState, trial: TrialState, reported: Measurement): FactKind[] {
  const { metric } = state.objective;
  if (state.told.has(key) || !isUsers(state, trial)) return [];
  const measurement = firstWhole(trial, reported);
  if (measurement === undefined || Object.hasOwn(measurement.metrics, metric)) return [];
  const names = Object.keys(measurement.metrics);
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : "";
  const closest = closestName(metric, names);
  const hint = closest === undefined ? "" : `; did you mean ${closest}?`;
  const seen = `it has ${names.slice(0, namesShown).join(", ")}${more}${hint || "."}`;
  const message = `the first measurement of trial ${trial.number}, at step ${measurement.step}, has no metric ${metric}, which is the search's objective: ${seen} A trial that never measures ${metric} fails`;
  const value = {
    trial: undefined,
    source: findingSource,
    severity: "warning",
    key,
    message: cutText(message, limits.textCharactersMax),
  };
  return [{ $case: "findingReported", value }];
}

/**
 * The first measurement once it is whole. A program may print one step in several lines, so that its first step is over when the next one
 * comes; a module measures a step at once. Undefined where there is none yet, or where it was looked at.
 */
function firstWhole(trial: TrialState, reported: Measurement): Measurement | undefined {
  if (trial.work.procedure !== "command") return trial.last === undefined ? reported : undefined;
  const first = trial.last;
  return first !== undefined && trial.best === undefined && reported.step > first.step ? first : undefined;
}

/** Whether a program or a module of the user's own measures; what built-in procedures measure is known. */
function isUsers(state: SearchState, { work }: TrialState): boolean {
  return work.procedure === "command" || (work.procedure === "fit" && (state.spec.workload?.module ?? "") !== "");
}
