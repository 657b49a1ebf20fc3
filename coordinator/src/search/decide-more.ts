/**
 * Decides requests for more: budget, and further lives of its trials that failed or were cut off. Either opens a search that has ended. What would end it
 * again at once is refused, with what stands in the way. Pure.
 */
import { type Budget, formatDuration, limits, RegulusError, type Work } from "@regulus/proto";
import type { FactKind, SearchCommand } from "./commands.js";
import type { SearchState } from "./search-state.js";
import { spentVerdict } from "./verdict.js";

type Extend = Extract<SearchCommand, { kind: "extendSearch" }>;
type Retry = Extract<SearchCommand, { kind: "retryTrials" }>;

/** More budget. */
export function extendSearch(state: SearchState, { more, key, nowMs }: Extend): FactKind[] {
  if (state.keyed.repeated(state.searchId, key, { kind: "extendSearch", more }) !== undefined) return [];
  assertNotStopping(state, "extended");
  const budget = extended(state, more);
  const open = state.status === "ended" ? opened(state, "it got more budget", { budget, failures: state.failures, nowMs }) : [];
  return [...open, { $case: "searchExtended", value: { budget, idempotencyKey: key } }];
}

/** Further lives of trials that ended as failed, or that the end of the failed search cut off. */
export function retryTrials(state: SearchState, { trials, key, nowMs }: Retry): FactKind[] {
  const isAll = trials.length === 0;
  if (state.keyed.repeated(state.searchId, key, { kind: "retryTrials", trials, allFailed: isAll }) !== undefined) return [];
  assertNotStopping(state, "given failed trials again");
  const numbers = isAll ? everyOne(state) : [...new Set(trials)];
  const retried = numbers.map((trial): FactKind => {
    return { $case: "trialRetried", value: { trial, work: workOf(state, trial), idempotencyKey: key, allFailed: isAll } };
  });
  const failures = state.failures - numbers.filter((trial) => state.archive.failed(trial)).length;
  const { budget } = state;
  const open = state.status === "ended" ? opened(state, "failed trials are retried", { budget, failures, nowMs }) : [];
  return [...open, ...retried];
}

const fields = ["trials", "steps", "wallTimeMs", "failures"] as const;

/** The budget with more of the limits that it has. */
function extended(state: SearchState, more: Extend["more"]): Budget {
  const { budget } = state;
  const sums: Budget = { ...budget };
  const most = {
    trials: limits.trialsMax,
    steps: Number.MAX_SAFE_INTEGER,
    wallTimeMs: limits.wallTimeMsMax,
    failures: limits.trialsMax,
  };
  const has = fields.filter((field) => (budget[field] ?? 0) > 0);
  const problems = fields.flatMap((field) => {
    const added = more[field];
    if (added === 0) return [];
    if (!has.includes(field)) return [{ field, seen: amountWords(field, added), expected: `0: ${unlimitedWords(state, field)}` }];
    const sum = (budget[field] ?? 0) + added;
    sums[field] = sum;
    if (sum <= most[field]) return [];
    return [
      {
        field,
        seen: amountWords(field, added),
        expected: `at most ${amountWords(field, most[field] - (budget[field] ?? 0))} beside the ${amountWords(field, budget[field] ?? 0)} that there are`,
      },
    ];
  });
  if (fields.every((field) => more[field] === 0))
    problems.push({ field: "trials", seen: "0", expected: "more than 0, or of another limit" });
  if (problems.length > 0) throw RegulusError.invalid(problems);
  return sums;
}

/** Why there is nothing that could be added to. */
function unlimitedWords({ searchId, budget, spec, news }: SearchState, field: (typeof fields)[number]): string {
  const has = fields.filter((name) => (budget[name] ?? 0) > 0).map((name) => limitWords[name]);
  const strategy = spec.strategy?.name ?? "";
  const others = has.length > 0 ? `its budget is of ${has.join(" and ")}` : `it ends when ${strategy} has nothing more to try`;
  const words = `search ${searchId} has no budget of ${limitWords[field]} to add to; ${others}`;
  const isOwn = field === "steps" && news.stepsAccepted > 0;
  return isOwn ? `${words}; the steps that ${strategy} takes itself are among its options and stay as submitted` : words;
}

const limitWords = { trials: "trials", steps: "steps", wallTimeMs: "wall time", failures: "failures" } as const;

/** A number of trials, steps or failures, or a duration. */
function amountWords(field: (typeof fields)[number], amount: number): string {
  return field === "wallTimeMs" ? formatDuration(amount) : String(amount);
}

/** The fact that opens a search that has ended. Fails where it would end again at once. */
function opened(
  state: SearchState,
  reason: string,
  then: { readonly budget: Budget; readonly failures: number; readonly nowMs: number },
): FactKind[] {
  const again = spentVerdict(state, then);
  if (again === undefined) return [{ $case: "searchReopened", value: { reason } }];
  const words = `search ${state.searchId} would end again at once (${again.reason})`;
  throw new RegulusError("failed-precondition", `${words}; extend the spent limit`);
}

/** All that may be retried, in order, up to a bound. */
function everyOne(state: SearchState): number[] {
  const numbers: number[] = [];
  for (let trial = 0; trial < state.nextTrial && numbers.length < limits.retriedAtOnceMax; trial += 1) {
    if (state.archive.mayRetry(trial)) numbers.push(trial);
  }
  if (numbers.length > 0) return numbers;
  const others = state.failed === 0 ? "" : `; ${state.failed} diverged or were infeasible, which are results`;
  throw new RegulusError("failed-precondition", `search ${state.searchId} has no failed trials${others}`);
}

/** The work that a trial goes on with: its last, from its own checkpoint where it saved one since it got that work. */
function workOf(state: SearchState, number: number): Work {
  if (!state.knows(number)) {
    throw new RegulusError("not-found", `search ${state.searchId} has no trial ${number}; it has ${state.nextTrial} so far`);
  }
  const cutOff = "was stopped without a value because its search failed";
  const only = `only one that was lost, ran out of memory or time, ended by a user error or ${cutOff} can be retried`;
  const live = state.live.get(number);
  if (live !== undefined) throw new RegulusError("failed-precondition", `trial ${number} is ${live.status}; ${only}`);
  const { reason, work } = state.archive.get(state.searchId, number) ?? {};
  if (work === undefined || !state.archive.mayRetry(number)) {
    const how = (reason ?? "").replace("END_REASON_", "").replaceAll("_", " ").toLowerCase();
    throw new RegulusError("failed-precondition", `trial ${number} ended as ${how}, which is a result; ${only}`);
  }
  return state.archive.savedSince(number) ? { ...work, fromTrial: undefined } : work;
}

function assertNotStopping({ status, searchId, reason }: SearchState, what: string): void {
  if (status !== "stopping") return;
  const words = `search ${searchId} is stopping (${reason}) and can't be ${what} before it has ended; try again then`;
  throw new RegulusError("failed-precondition", words);
}
