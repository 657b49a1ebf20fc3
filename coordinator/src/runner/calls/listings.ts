/**
 * Pages of searches and trials. A page token says after which row to go on, so that a listing loses nothing and repeats nothing while
 * rows come and go; no order is kept between pages.
 */
import {
  type Agent,
  Direction,
  defaults,
  expectedOneOf,
  type ListAgentsRequest,
  type ListAgentsResponse,
  type ListSearchesRequest,
  type ListSearchesResponse,
  type ListTrialsRequest,
  type ListTrialsResponse,
  limits,
  RegulusError,
  type Search,
  SearchSpec,
  SearchView,
  type Trial,
  TrialStatus,
} from "@regulus/proto";
import type { SearchState } from "../../search/search-state.js";
import type { SearchEntry } from "../searches/search-entry.js";
import { keyOrder, type RowKey, readPageToken, writePageToken } from "./page-token.js";

/** A row with what it is ordered by. */
interface Row<T> {
  readonly item: T;
  readonly key: RowKey;
}

/** What searches can be ordered by. */
const searchFields: Readonly<Record<string, (search: Search) => number | string>> = {
  created_ms: (search) => search.createdMs,
  ended_ms: (search) => search.endedMs,
  name: (search) => search.spec?.name ?? "",
  steps: (search) => search.steps,
  slot_seconds: (search) => search.slotSeconds,
};

/** What trials can be ordered by, beside the best first. */
const trialFields: Readonly<Record<string, (trial: Trial) => number>> = {
  trial: (trial) => trial.trial,
  proposed_ms: (trial) => trial.proposedMs,
  started_ms: (trial) => trial.startedMs,
  ended_ms: (trial) => trial.endedMs,
};

/** A page of searches, newest first unless another order is asked for. `entries` come oldest first. */
export function listSearches(entries: readonly SearchEntry[], request: ListSearchesRequest): ListSearchesResponse {
  const { of, descending } = readOrder(request.orderBy, searchFields);
  const rows = wantedSearches(entries, request, (view, order) => (of === undefined ? [-order] : [of(view), order]));
  const { items, nextPageToken } = pageOf(rows, request, descending);
  const full = request.view !== SearchView.SEARCH_VIEW_BASIC;
  return { searches: full ? items : items.map(basicView), nextPageToken };
}

/** A page of trials, the best first or in the order that is asked for, else by number. */
export function listTrials(state: SearchState, request: ListTrialsRequest): ListTrialsResponse {
  const { of, descending } = readOrder(request.orderBy, trialFields);
  if (request.bestFirst && of !== undefined) {
    throw RegulusError.invalid([
      { field: "orderBy", seen: JSON.stringify(request.orderBy), expected: "nothing beside bestFirst" },
    ]);
  }
  const keyOf = (number: number): RowKey => {
    if (request.bestFirst) return rankOf(state, number);
    const trial = of === undefined ? undefined : state.trial(number);
    return of === undefined || trial === undefined ? [number] : [of(trial), number];
  };
  const { items, nextPageToken } = pageOf(wantedTrials(state, request.statuses, keyOf), request, descending);
  const trials = items.map((number) => state.trial(number)).filter((trial): trial is Trial => trial !== undefined);
  return { trials, nextPageToken };
}

function* wantedSearches(
  entries: readonly SearchEntry[],
  request: ListSearchesRequest,
  keyOf: (view: Search, order: number) => RowKey,
): Generator<Row<Search>> {
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const view = entries[index]?.view;
    if (view !== undefined && isWanted(view, request)) yield { item: view, key: keyOf(view, entries[index]?.order ?? 0) };
  }
}

function* wantedTrials(
  state: SearchState,
  statuses: readonly TrialStatus[],
  keyOf: (number: number) => RowKey,
): Generator<Row<number>> {
  for (let number = 0; number < state.nextTrial; number += 1) {
    if (hasStatus(state, number, statuses)) yield { item: number, key: keyOf(number) };
  }
}

/** A page of connected agents, by id. */
export function listAgents(agents: readonly Agent[], request: ListAgentsRequest): ListAgentsResponse {
  const rows = agents.map((agent) => ({ item: agent, key: [agent.agentId] }));
  const { items, nextPageToken } = pageOf(rows, request, false);
  return { agents: items, nextPageToken };
}

/** The rows after the token's, at most a page of them. One pass that keeps what may be on the page: nothing sorts everything. */
function pageOf<T>(
  rows: Iterable<Row<T>>,
  request: { readonly pageSize: number; readonly pageToken: string },
  descending: boolean,
): { readonly items: T[]; readonly nextPageToken: string } {
  const compare = keyOrder(descending);
  const byKey = (a: Row<T>, b: Row<T>): number => compare(a.key, b.key);
  const size = Math.min(limits.pageSizeMax, request.pageSize || defaults.pageSize);
  const after = readPageToken(request);
  let kept: Row<T>[] = [];
  let bound: RowKey | undefined;
  for (const row of rows) {
    if (after !== undefined && compare(row.key, after) <= 0) continue;
    if (bound !== undefined && compare(row.key, bound) >= 0) continue;
    kept.push(row);
    if (kept.length < 2 * (size + 1)) continue;
    kept = kept.sort(byKey).slice(0, size + 1);
    bound = kept.at(-1)?.key;
  }
  kept.sort(byKey);
  const page = kept.slice(0, size);
  const last = page.at(-1);
  const more = kept.length > size && last !== undefined;
  return { items: page.map(({ item }) => item), nextPageToken: more ? writePageToken(request, last.key) : "" };
}

/** Reads `field` or `field desc`; without `of` where nothing is asked for. */
function readOrder<T, Value>(
  orderBy: string,
  fields: Readonly<Record<string, (row: T) => Value>>,
): { readonly of: ((row: T) => Value) | undefined; readonly descending: boolean } {
  if (orderBy.trim() === "") return { of: undefined, descending: false };
  const [field = "", way = "asc", ...rest] = orderBy.trim().split(/\s+/);
  const of = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (of !== undefined && (way === "asc" || way === "desc") && rest.length === 0) return { of, descending: way === "desc" };
  const expected = `${expectedOneOf(field, Object.keys(fields))}, alone or with " desc" after it`;
  throw RegulusError.invalid([{ field: "orderBy", seen: JSON.stringify(orderBy), expected }]);
}

/** A search without its problem, but for what a list shows of it. */
function basicView(search: Search): Search {
  const { spec } = search;
  if (spec === undefined) return search;
  const { name, labels, priority, weight, objectives, budget, parallelism, strategy } = spec;
  const kept = { name, labels, priority, weight, objectives, budget, parallelism, strategy: strategy && { name: strategy.name } };
  return { ...search, spec: SearchSpec.fromPartial(kept) };
}

/**
 * Place of a trial among the best: tier (0 with a value that counts, 1 without), value, number. Least first.
 */
function rankOf(state: SearchState, number: number): RowKey {
  const live = state.live.get(number);
  const value = live === undefined ? state.archive.value(number) : live.counted.value;
  if (Number.isNaN(value)) return [1, 0, number];
  return [0, state.objective.direction === Direction.DIRECTION_MAXIMIZE ? -value : value, number];
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
  const labels = search.spec?.labels ?? {};
  return Object.entries(request.labels).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}
