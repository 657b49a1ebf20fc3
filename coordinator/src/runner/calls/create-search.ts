/** The creation of a search: its spec is checked and filled in before anything is written, and a repeated request finds the first one. */
import { randomInt, randomUUID } from "node:crypto";
import { resolveSpec } from "@regulus/algorithms/catalog";
import { type CreateSearchRequest, counted, type Fact, limits, RegulusError, type Search, SearchSpec } from "@regulus/proto";
import { SearchState } from "../../search/search-state.js";
import type { Runner } from "../round/runner.js";
import { withoutResults, withResults } from "./pinned-results.js";

/** What a new search gets where its user does not say. */
export interface Fresh {
  readonly newId: () => string;
  /** A whole number from 0. The fact that creates the search keeps it, so that strategies and replays draw from it alone. */
  readonly newSeed: () => number;
}

/** Creates a search, or answers the one that an earlier request with the same key made. Fails with every problem of its spec. */
export async function createSearch(runner: Runner, request: CreateSearchRequest, fresh: Fresh, caller?: string): Promise<Search> {
  const spec = resolved(request.spec);
  if (request.validateOnly) return dryView(withResults(spec, runner.searches));
  const { idempotencyKey } = request;
  return runner.call(() => {
    const known = runner.searches.withKey(idempotencyKey);
    if (known !== undefined) {
      const { state } = known;
      // A repeated request that leaves the seed open asks for the one that the first was given.
      const { createdSpec } = state;
      if (canonical(withoutResults(createdSpec)) === canonical({ ...spec, seed: spec.seed ?? createdSpec.seed }))
        return () => state.view();
      throw new RegulusError(
        "already-exists",
        `the idempotency key ${JSON.stringify(idempotencyKey)} belongs to search ${state.searchId}, which has another spec; use a new key`,
      );
    }
    assertRoom(runner, caller);
    const found = withResults(spec, runner.searches);
    const entry = runner.decisions.create(fresh.newId(), { ...found, seed: spec.seed ?? fresh.newSeed() }, idempotencyKey);
    entry.caller = caller;
    return () => entry.state.view();
  });
}

/** The spec with its defaults; fails with every problem of it. */
function resolved(spec: SearchSpec | undefined): SearchSpec {
  if (spec === undefined) throw RegulusError.invalid([{ field: "spec", seen: "nothing", expected: "a search spec" }]);
  return resolveSpec(spec);
}

/** The search as it would be, for a request that only checks. */
function dryView(spec: SearchSpec): Search {
  const kind: Fact["kind"] = { $case: "searchCreated", value: { spec, idempotencyKey: "" } };
  return { ...new SearchState({ searchId: "", position: 0, timeMs: 0, kind }).view(), position: 0 };
}

/** The same text for equal specs, whatever the order of their maps. */
function canonical(spec: SearchSpec): string {
  const sorted = (_: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return JSON.stringify(SearchSpec.toJSON(SearchSpec.decode(SearchSpec.encode(spec).finish())), sorted);
}

/** Fails where all callers together, or this one, have as many searches as they may. */
function assertRoom(runner: Runner, caller: string | undefined): void {
  let [active, own] = [0, 0];
  for (const entry of runner.searches.all) {
    if (!entry.active) continue;
    active += 1;
    if (caller !== undefined && entry.caller === caller) own += 1;
  }
  const { activeSearchesMax, activeSearchesPerCallerMax } = limits;
  if (active >= activeSearchesMax) {
    throw new RegulusError(
      "exhausted",
      `the limit of ${counted(active, "search", "searches")} not over is reached; wait for one to end or stop one`,
    );
  }
  if (own >= activeSearchesPerCallerMax) {
    const words = `this caller's limit of ${counted(own, "search", "searches")} not over is reached; wait for one to end or stop one`;
    throw new RegulusError("exhausted", words);
  }
}

/** Short enough to be copied from a screen. */
export function newSeed(): number {
  return randomInt(2 ** 32);
}

export function newId(): string {
  return randomUUID().replaceAll("-", "").slice(0, 16);
}
