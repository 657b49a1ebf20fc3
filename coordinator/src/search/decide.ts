/**
 * Decides commands on a search: state and command in, facts out, nothing changed. What a user may not do fails with a
 * RegulusError; a command that comes too late, or a second time, makes no facts.
 */
import { cutText, EndReason, limits, RegulusError, SearchOutcome } from "@regulus/proto";
import type { FactKind, SearchCommand } from "./commands.js";
import { extendSearch, retryTrials } from "./decide-more.js";
import { takeProposals } from "./decide-proposals.js";
import { attemptFailed } from "./decide-report.js";
import { restEnded, searchEnded, stopRequested, trialEnded } from "./endings.js";
import { resumePoint } from "./resume-point.js";
import type { SearchState } from "./search-state.js";
import { idleVerdict, type Verdict, verdict, withResults } from "./verdict.js";

/** The facts that a command makes. */
export function decide(state: SearchState, command: SearchCommand): readonly FactKind[] {
  switch (command.kind) {
    case "pauseSearch":
      return pauseSearch(state, command.reason);
    case "resumeSearch":
      return resumeSearch(state);
    case "takeUp":
      return state.time.sinceMs === undefined ? [] : [{ $case: "searchTakenUp", value: { awaySinceMs: command.awaySinceMs } }];
    case "stopSearch":
      return state.status === "stopping" || state.status === "ended"
        ? []
        : stopRequested(state, command.reason, command.completes ? "completed" : "stopped");
    case "extendSearch":
      return extendSearch(state, command);
    case "retryTrials":
      return retryTrials(state, command);
    case "stopTrial":
      return stopTrial(state, command.trial, command.reason);
    case "startAttempt":
      return startAttempt(state, command);
    case "deferTrial":
      return state.live.get(command.trial)?.deferred === command.reason
        ? []
        : [{ $case: "trialDeferred", value: { trial: command.trial, reason: command.reason } }];
    case "loseAttempt": {
      const trial = state.live.get(command.trial);
      if (trial?.status !== "running" || trial.attempt !== command.attempt) return [];
      return attemptFailed(state, trial, command);
    }
    case "takeProposals":
      return takeProposals(state, command);
    case "failStrategy":
      return failStrategy(state, command.message);
    case "takeFindings":
      return takeFindings(state, command);
    case "settle":
      return settle(state, command);
    default: {
      const never: never = command;
      return never;
    }
  }
}

function pauseSearch(state: SearchState, reason: string): FactKind[] {
  if (state.status === "paused") return [];
  if (state.status !== "running") throw refused(state, "paused");
  return [{ $case: "searchPaused", value: { reason: reason || "paused by its user" } }];
}

function resumeSearch(state: SearchState): FactKind[] {
  if (state.status === "running") return [];
  if (state.status !== "paused") throw refused(state, "resumed");
  return [{ $case: "searchResumed", value: {} }];
}

function stopTrial(state: SearchState, number: number, reason: string): FactKind[] {
  if (!state.knows(number)) {
    throw new RegulusError("not-found", `search ${state.searchId} has no trial ${number}; it has ${state.nextTrial} so far`);
  }
  const trial = state.live.get(number);
  if (trial === undefined || trial.stopReason !== undefined) return [];
  const request: FactKind = { $case: "trialStopRequested", value: { trial: number, reason } };
  return trial.status === "running" ? [request] : [request, trialEnded(trial, EndReason.END_REASON_STOPPED_EARLY, reason)];
}

function startAttempt(state: SearchState, command: Extract<SearchCommand, { kind: "startAttempt" }>): FactKind[] {
  const trial = state.live.get(command.trial);
  if (state.status !== "running" || trial?.status !== "pending") return [];
  const { agentId, fromStep } = command;
  const started: FactKind = {
    $case: "attemptStarted",
    value: { trial: trial.number, attempt: trial.attempt + 1, agentId, fromStep },
  };
  const { missing, ref } = resumePoint(trial);
  if (missing === undefined) return [started];
  const begins = ref === undefined ? "starts from nothing" : "continues from its own";
  const message = `it should start from the checkpoint of trial ${missing}, which is missing; it ${begins}`;
  const value = { trial: trial.number, source: "coordinator", severity: "warning", message };
  return [started, { $case: "findingReported", value }];
}

function failStrategy(state: SearchState, message: string): FactKind[] {
  if (state.status === "ended" || state.strategyFailure !== "") return [];
  const failed: FactKind = { $case: "strategyFailed", value: { message } };
  return state.status === "stopping" ? [failed] : [failed, ...stopRequested(state, `its strategy failed: ${message}`, "failed")];
}

function takeFindings(state: SearchState, command: Extract<SearchCommand, { kind: "takeFindings" }>): FactKind[] {
  // The end of a search is its last fact, as those who watch it rely on.
  if (state.status === "ended") return [];
  return command.findings.map(({ key, trial, severity, message }) => {
    const text = cutText(message, limits.textCharactersMax);
    return { $case: "findingReported", value: { key, trial, source: command.source, severity, message: text } };
  });
}

function settle(state: SearchState, command: Extract<SearchCommand, { kind: "settle" }>): FactKind[] {
  if (state.status === "ended") return [];
  if (state.status === "stopping") {
    return state.running.size > 0 ? [] : [searchEnded(stopVerdict(state))];
  }
  const found = verdict(state, command.nowMs);
  if (found !== undefined)
    return stopRequested(state, found.reason, found.outcome === SearchOutcome.SEARCH_OUTCOME_FAILED ? "failed" : "completed");
  if (command.idle && state.pending.size + state.running.size === 0) {
    const idle = idleVerdict(state);
    return [...restEnded(state, `the search ends: ${idle.reason}`), searchEnded(idle)];
  }
  return [];
}

function stopVerdict(state: SearchState): Verdict {
  const { reason, endsAs } = state;
  if (state.strategyFailure !== "" || endsAs === "failed") return { outcome: SearchOutcome.SEARCH_OUTCOME_FAILED, reason };
  return endsAs === "completed" ? withResults(state, reason) : { outcome: SearchOutcome.SEARCH_OUTCOME_STOPPED, reason };
}

function refused(state: SearchState, what: string): RegulusError {
  const now = state.status === "ended" ? "has ended" : "is stopping";
  const hint = state.status === "ended" ? "; more budget, or a retried trial, reopens it" : "";
  return new RegulusError("failed-precondition", `search ${state.searchId} ${now} (${state.reason}) and can't be ${what}${hint}`);
}
