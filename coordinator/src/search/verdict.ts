/**
 * Whether a search is over by what its facts tell: a goal reached, a budget spent, too many failures. Pure. Says in words why, and how the
 * search then ends.
 */
import { configurationsToTry, resultArm } from "@regulus/algorithms/catalog";
import { type Budget, counted, cutText, Direction, formatDuration, limits, type Objective, SearchOutcome } from "@regulus/proto";
import type { SearchState } from "./search-state.js";

/** The end that a search has come to. */
export interface Verdict {
  readonly outcome: SearchOutcome;
  readonly reason: string;
}

/** What ends the search although trials run; undefined for nothing. */
export function verdict(state: SearchState, nowMs: number): Verdict | undefined {
  return tooManyFailures(state) ?? goalReached(state) ?? spentBudget(state, nowMs);
}

/** What would end a search anew that is opened again: what is spent of a budget, or its goal; undefined for nothing. */
export function spentVerdict(
  state: SearchState,
  then: { readonly budget: Budget; readonly failures: number; readonly nowMs: number },
): Verdict | undefined {
  const { budget, failures, nowMs } = then;
  if (budget.failures !== undefined && failures >= budget.failures) return failuresSpent(failures, budget.failures);
  if (budget.wallTimeMs > 0 && state.time.at(nowMs) >= budget.wallTimeMs) return timeSpent(budget);
  if (budget.steps > 0 && state.steps >= budget.steps) return completed(stepsSpent(state));
  return goalReached(state);
}

/** The end of a search in which nothing runs and for which its strategy has nothing. */
export function idleVerdict(state: SearchState): Verdict {
  return withResults(state, idleReason(state));
}

/**
 * The end of a search whose budget or goal ended it: one that came to nothing because its trials failed has failed, and so has one in which
 * only the trials did well that were to be combined.
 */
export function withResults(state: SearchState, reason: string): Verdict {
  const arm = resultArm(state.spec);
  const failure = arm === undefined ? undefined : state.arms.failure(arm);
  if (failure !== undefined) {
    const said = `no trial of the arm ${arm}, which is the search's result, has a value: ${failure}; ${reason}`;
    return { outcome: SearchOutcome.SEARCH_OUTCOME_FAILED, reason: cutText(said, limits.textCharactersMax) };
  }
  if (state.done > 0 || state.bestTrial !== undefined || state.failed === 0 || hasSteps(state)) return completed(reason);
  const words = `no trial was measured: ${endedWords(state)}; ${reason}`;
  return { outcome: SearchOutcome.SEARCH_OUTCOME_FAILED, reason: cutText(words, limits.textCharactersMax) };
}

/** Whether its strategy took steps of its own: they are the result of a bilevel search, whatever became of the trials that answered. */
function hasSteps({ news }: SearchState): boolean {
  return news.stepsAccepted > 0;
}

/** "16 failed, 2 stopped". */
function endedWords({ failed, failures, stopped, live }: SearchState): string {
  const counts = { failed: failures, "diverged or infeasible": failed - failures, stopped: stopped + live.size };
  const words = Object.entries(counts).filter(([, count]) => count > 0);
  return words.map(([name, count]) => `${count} ${name}`).join(", ");
}

function tooManyFailures(state: SearchState): Verdict | undefined {
  const { failures } = state.budget;
  const outcome = SearchOutcome.SEARCH_OUTCOME_FAILED;
  if (failures !== undefined && state.failures >= failures) return failuresSpent(state.failures, failures);
  const first = state.firstTrials.allFailed;
  if (first === 0 || hasSteps(state)) return undefined;
  const [group] = state.failureGroups.view();
  const how = (group?.reason ?? "").replace("END_REASON_", "").replaceAll("_", " ").toLowerCase();
  return { outcome, reason: `the first ${counted(first, "trial")} all failed in the same way: ${how}` };
}

function failuresSpent(failed: number, most: number): Verdict {
  const reason = `budget of failures spent: ${failed} of ${most} trials failed`;
  return { outcome: SearchOutcome.SEARCH_OUTCOME_FAILED, reason };
}

function timeSpent({ wallTimeMs }: Budget): Verdict {
  return completed(`budget spent: ${formatDuration(wallTimeMs)} of wall time`);
}

function goalReached(state: SearchState): Verdict | undefined {
  const { metric, goal } = state.objective;
  if (goal === undefined || state.bestTrial === undefined || !isReached(state.bestValue, goal, state.objective)) return undefined;
  return completed(`goal reached: ${metric} ${state.bestValue} of trial ${state.bestTrial}, the goal is ${goal}`);
}

function isReached(value: number, goal: number, { direction }: Objective): boolean {
  return direction === Direction.DIRECTION_MAXIMIZE ? value >= goal : value <= goal;
}

/** The budget whose end stops what runs; undefined while there is none. */
function spentBudget(state: SearchState, nowMs: number): Verdict | undefined {
  const { steps, wallTimeMs } = state.budget;
  if (wallTimeMs > 0 && state.time.at(nowMs) >= wallTimeMs) return timeSpent(state.budget);
  if (steps === 0 || state.steps < steps) return undefined;
  // Trials that have reached their step only have to say so: stopping them would turn a done trial into a stopped one.
  const unfinished = [...state.running, ...state.pending].some((number) => {
    const trial = state.live.get(number);
    return trial !== undefined && (trial.work.untilStep === 0 || trial.step < trial.work.untilStep);
  });
  return unfinished ? completed(stepsSpent(state)) : undefined;
}

function completed(reason: string): Verdict {
  return { outcome: SearchOutcome.SEARCH_OUTCOME_COMPLETED, reason };
}

function idleReason(state: SearchState): string {
  const { steps, trials } = state.budget;
  if (steps > 0 && state.steps >= steps) return stepsSpent(state);
  if (trials > 0 && state.nextTrial >= trials) return `budget spent: ${state.nextTrial} of ${counted(trials, "trial")}`;
  const configurations = configurationsToTry(state.spec);
  if (state.arms.trials("") >= configurations) return `the space is exhausted: ${allTried(configurations)}`;
  const said = state.done > 0 ? "" : state.news.said;
  // Where no trial came to its end, what the strategy said last is why.
  return cutText(`the strategy has nothing left to try${said === "" ? "" : `: ${said}`}`, limits.textCharactersMax);
}

function allTried(configurations: number): string {
  return configurations === 1 ? "its one configuration was tried" : `all ${counted(configurations, "configuration")} were tried`;
}

function stepsSpent({ steps, budget }: SearchState): string {
  return `budget spent: ${steps} of ${counted(budget.steps, "step")}`;
}
