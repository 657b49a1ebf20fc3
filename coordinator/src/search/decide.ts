/**
 * Decides what a command makes of a search: state and command in, facts out, nothing changed. What a user may not do fails with a
 * RegulusError; a command that comes too late, or a second time, makes no facts.
 */
import { cutText, EndReason, limits, RegulusError, SearchOutcome } from "@regulus/proto";
import type { FactKind, SearchCommand } from "./commands.js";
import { takeProposals } from "./decide-proposals.js";
import { attemptFailed } from "./decide-report.js";
import { restEnded, searchEnded, stopRequested, trialEnded } from "./endings.js";
import { resumePoint } from "./resume-point.js";
import type { SearchState } from "./search-state.js";

/** The facts that a command makes. */
export function decide(state: SearchState, command: SearchCommand): readonly FactKind[] {
  switch (command.kind) {
    case "pauseSearch":
      return pauseSearch(state, command.reason);
    case "resumeSearch":
      return resumeSearch(state);
    case "stopSearch":
      return state.status === "stopping" || state.status === "ended"
        ? []
        : stopRequested(state, command.reason, command.completes);
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
  const begins = ref === undefined ? "begins from nothing" : "goes on from its own";
  const message = `it was to start from the checkpoint of trial ${missing}, which never saved one, and ${begins}`;
  const value = { trial: trial.number, source: "coordinator", severity: "warning", message };
  return [started, { $case: "findingReported", value }];
}

function failStrategy(state: SearchState, message: string): FactKind[] {
  if (state.status === "ended" || state.strategyFailure !== "") return [];
  const failed: FactKind = { $case: "strategyFailed", value: { message } };
  return state.status === "stopping" ? [failed] : [failed, ...stopRequested(state, `its strategy failed: ${message}`, false)];
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
    return state.running.size > 0 ? [] : [searchEnded(stopOutcome(state), state.reason)];
  }
  const spent = spentBudget(state, command.nowMs);
  if (spent !== undefined) return stopRequested(state, spent, true);
  if (command.idle && state.pending.size + state.running.size === 0) {
    const reason = idleReason(state);
    return [...restEnded(state, `the search ends: ${reason}`), searchEnded(SearchOutcome.SEARCH_OUTCOME_COMPLETED, reason)];
  }
  return [];
}

/** The budget whose end stops what runs, in words; undefined while there is none. */
function spentBudget(state: SearchState, nowMs: number): string | undefined {
  const { steps, wallTimeMs } = state.budget;
  if (wallTimeMs > 0 && nowMs >= state.createdMs + wallTimeMs) return `the budget of ${wallTimeMs} ms wall time is spent`;
  if (steps === 0 || state.steps < steps) return undefined;
  // Trials that have reached their step only have to say so: stopping them would turn a done trial into a stopped one.
  const unfinished = [...state.running, ...state.pending].some((number) => {
    const trial = state.live.get(number);
    return trial !== undefined && (trial.work.untilStep === 0 || trial.step < trial.work.untilStep);
  });
  return unfinished ? `the budget of ${steps} steps is spent` : undefined;
}

function idleReason(state: SearchState): string {
  const { steps, trials } = state.budget;
  if (steps > 0 && state.steps >= steps) return `the budget of ${steps} steps is spent`;
  if (trials > 0 && state.nextTrial >= trials) return `the budget of ${trials} trials is spent`;
  const said = state.done > 0 ? "" : state.news.said;
  // Where no trial came to its end, what the strategy said last is why.
  return cutText(`the strategy has nothing more to try${said === "" ? "" : `: ${said}`}`, limits.textCharactersMax);
}

function stopOutcome(state: SearchState): SearchOutcome {
  if (state.strategyFailure !== "") return SearchOutcome.SEARCH_OUTCOME_FAILED;
  return state.completes ? SearchOutcome.SEARCH_OUTCOME_COMPLETED : SearchOutcome.SEARCH_OUTCOME_STOPPED;
}

function refused(state: SearchState, what: string): RegulusError {
  const now = state.status === "ended" ? "has ended" : "is stopping";
  return new RegulusError("failed-precondition", `search ${state.searchId} ${now} (${state.reason}) and can't be ${what}`);
}
