/**
 * Pages of searches and trials. A page token says after which row to go on, so that a listing loses nothing and repeats nothing while
 * rows come and go; no order is kept between pages.
 */
import {
  Direction,
  defaults,
  type ListSearchesRequest,
  type ListSearchesResponse,
  type ListTrialsRequest,
  type ListTrialsResponse,
  limits,
  RegulusError,
  type Search,
  type Trial,
  TrialStatus,
} from "@regulus/proto";
import type { SearchState } from "../search/search-state.js";
import type { SearchEntry } from "./search-entry.js";

/** A page of searches, newest first. `entries` come oldest first. */
export function listSearches(entries: readonly SearchEntry[], request: ListSearchesRequest): ListSearchesResponse {
  const size = pageSize(request.pageSize);
  const before = request.pageToken === "" ? Number.POSITIVE_INFINITY : readToken(request.pageToken, 1)[0];
  const searches: Search[] = [];
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index];
    if (entry === undefined || entry.order >= (before ?? 0)) continue;
    const { view } = entry;
    if (view === undefined || !isWanted(view, request)) continue;
    searches.push(view);
    if (searches.length === size) return { searches, nextPageToken: index === 0 ? "" : writeToken([entry.order]) };
  }
  return { searches, nextPageToken: "" };
}

/** A page of trials, by number or the best first. */
export function listTrials(state: SearchState, request: ListTrialsRequest): ListTrialsResponse {
  const size = pageSize(request.pageSize);
  const numbers = request.bestFirst ? bestFirst(state, request, size + 1) : byNumber(state, request, size + 1);
  const page = numbers.slice(0, size);
  const trials = page.map((number) => state.trial(number)).filter((trial): trial is Trial => trial !== undefined);
  const last = page.at(-1);
  if (numbers.length <= size || last === undefined) return { trials, nextPageToken: "" };
  return { trials, nextPageToken: writeToken(request.bestFirst ? rankOf(state, last) : [last]) };
}

/** Place of a trial among the best: tier (0 with a value that counts, 1 with another one, 2 with none), value, number. Least first. */
type Rank = readonly [tier: number, value: number, trial: number];

function byNumber(state: SearchState, request: ListTrialsRequest, count: number): number[] {
  const after = request.pageToken === "" ? -1 : (readToken(request.pageToken, 1)[0] ?? -1);
  const numbers: number[] = [];
  for (let number = after + 1; number < state.nextTrial && numbers.length < count; number += 1) {
    if (hasStatus(state, number, request.statuses)) numbers.push(number);
  }
  return numbers;
}

/** One pass that keeps the least `count` ranks after the token's: no sorting of everything for every page. */
function bestFirst(state: SearchState, request: ListTrialsRequest, count: number): number[] {
  const [tier = -1, value = 0, trial = 0] = request.pageToken === "" ? [] : readToken(request.pageToken, 3);
  const after: Rank = [tier, value, trial];
  let kept: Rank[] = [];
  let bound: Rank | undefined;
  for (let number = 0; number < state.nextTrial; number += 1) {
    if (!hasStatus(state, number, request.statuses)) continue;
    const rank = rankOf(state, number);
    if (compare(rank, after) <= 0 || (bound !== undefined && compare(rank, bound) >= 0)) continue;
    kept.push(rank);
    if (kept.length < 2 * count) continue;
    kept = kept.sort(compare).slice(0, count);
    bound = kept.at(-1);
  }
  return kept
    .sort(compare)
    .slice(0, count)
    .map((rank) => rank[2]);
}

function rankOf(state: SearchState, number: number): Rank {
  const live = state.live.get(number);
  const value = live === undefined ? state.archive.value(number) : live.bestValue;
  if (Number.isNaN(value)) return [2, 0, number];
  const counts = live !== undefined || state.archive.good(number);
  return [counts ? 0 : 1, state.objective.direction === Direction.DIRECTION_MAXIMIZE ? -value : value, number];
}

function compare(a: Rank, b: Rank): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

function hasStatus(state: SearchState, number: number, statuses: readonly TrialStatus[]): boolean {
  if (statuses.length === 0) return true;
  const live = state.live.get(number);
  if (live === undefined) return statuses.includes(TrialStatus.TRIAL_STATUS_ENDED);
  return statuses.includes(liveStatuses[live.status]);
}

const liveStatuses = {
  pending: TrialStatus.TRIAL_STATUS_PENDING,
  running: TrialStatus.TRIAL_STATUS_RUNNING,
  paused: TrialStatus.TRIAL_STATUS_PAUSED,
} as const;

function isWanted(search: Search, request: ListSearchesRequest): boolean {
  if (request.statuses.length > 0 && !request.statuses.includes(search.status)) return false;
  if (!(search.spec?.name ?? "").includes(request.nameContains)) return false;
  return Object.entries(request.labels).every(([name, value]) => search.spec?.labels[name] === value);
}

function pageSize(asked: number): number {
  return Math.min(limits.pageSizeMax, asked > 0 ? asked : defaults.pageSize);
}

/** Numbers as a token that clients have no reason to read. */
function writeToken(numbers: readonly number[]): string {
  return Buffer.from(JSON.stringify(numbers)).toString("base64url");
}

function readToken(token: string, count: number): number[] {
  const numbers = parse(Buffer.from(token, "base64url").toString());
  const valid = Array.isArray(numbers) && numbers.length === count && numbers.every((number) => Number.isFinite(number));
  if (valid) return numbers.map(Number);
  throw RegulusError.invalid([
    {
      field: "pageToken",
      seen: JSON.stringify(token),
      expected: "the nextPageToken of the same listing's last page, or nothing",
    },
  ]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
