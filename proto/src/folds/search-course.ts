/** The course of a search as a whole: paused, stopped, ended, opened again, and with which budget. Folded from the facts that are about no trial. */
import { type Fact, SearchOutcome } from "../gen/regulus/v1/fact.js";
import type { Budget, SearchSpec } from "../gen/regulus/v1/search.js";
import { RunningTime } from "./running-time.js";

/** What a search's state holds of it. */
export interface SearchCourse {
  status: "running" | "paused" | "stopping" | "ended";
  outcome: SearchOutcome;
  /** Why it is paused, stops or ended. */
  reason: string;
  /** As what a stop counts; meaningful while stopping. */
  endsAs: "completed" | "stopped" | "failed";
  /** What its strategy did wrong; empty for nothing. */
  strategyFailure: string;
  endedMs: number;
  /** Wall time in which it ran. */
  readonly time: RunningTime;
  budget: Budget;
  /** The problem, with the budget of now. */
  spec: SearchSpec;
}

/** The course of a search that was created. */
export function newCourse(spec: SearchSpec, createdMs: number): SearchCourse {
  return {
    status: "running",
    outcome: SearchOutcome.SEARCH_OUTCOME_UNSPECIFIED,
    reason: "",
    endsAs: "stopped",
    strategyFailure: "",
    endedMs: 0,
    time: new RunningTime(createdMs),
    budget: spec.budget ?? { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 },
    spec,
  };
}

/** Tells a course of a later fact. Changes it in place; facts about trials change nothing. */
export function tellCourse(course: SearchCourse, { kind, timeMs }: Fact): void {
  switch (kind?.$case) {
    case "searchPaused":
      course.status = "paused";
      course.reason = kind.value.reason;
      course.time.halt(timeMs);
      return;
    case "searchResumed":
      course.status = "running";
      course.reason = "";
      course.time.run(timeMs);
      return;
    case "searchStopRequested":
      course.status = "stopping";
      course.reason = kind.value.reason;
      course.endsAs = kind.value.failed ? "failed" : kind.value.completed ? "completed" : "stopped";
      return;
    case "searchEnded":
      course.status = "ended";
      course.outcome = kind.value.outcome;
      course.reason = kind.value.reason;
      course.endedMs = timeMs;
      course.time.halt(timeMs);
      return;
    case "searchReopened":
      course.status = "running";
      course.outcome = SearchOutcome.SEARCH_OUTCOME_UNSPECIFIED;
      course.reason = "";
      course.strategyFailure = "";
      course.endedMs = 0;
      course.time.run(timeMs);
      return;
    case "searchTakenUp":
      course.time.away(kind.value.awaySinceMs, timeMs);
      return;
    case "searchExtended":
      course.budget = kind.value.budget ?? course.budget;
      course.spec = { ...course.spec, budget: course.budget };
      return;
    case "strategyFailed":
      course.strategyFailure = kind.value.message;
      return;
    default:
      return;
  }
}
