import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, ListSearchesRequest, ListTrialsRequest, RegulusError, SearchSpec, SearchView } from "@regulus/proto";
import fc from "fast-check";
import { nowMs, SearchAt } from "../../search/testing/search-at.js";
import { SearchEntry } from "../searches/search-entry.js";
import { listSearches, listTrials } from "./listings.js";

interface Drawn {
  readonly name: string;
  readonly createdMs: number;
  readonly labels?: Record<string, string> | undefined;
}

const entriesOf = (drawn: readonly Drawn[]): SearchEntry[] =>
  drawn.map(({ name, createdMs, labels = {} }, order) => {
    const spec = SearchSpec.fromPartial({
      name,
      labels,
      command: { argv: ["train"], env: { TOKEN: "secret" } },
      objectives: [{ metric: "loss" }],
      strategy: { name: "random", options: { much: "text" } },
      budget: { trials: 3 },
    });
    const kind = { $case: "searchCreated" as const, value: { spec, idempotencyKey: "" } };
    return new SearchEntry({ searchId: `s${order}`, position: 1, timeMs: createdMs, kind }, order);
  });

/** All pages, one after the other. */
function walk<T>(page: (pageToken: string) => { readonly rows: readonly T[]; readonly nextPageToken: string }): T[] {
  const rows: T[] = [];
  let pageToken = "";
  do {
    const answer = page(pageToken);
    rows.push(...answer.rows);
    pageToken = answer.nextPageToken;
  } while (pageToken !== "");
  return rows;
}

const invalid = (field: string) => (thrown: unknown) =>
  thrown instanceof RegulusError && thrown.code === "invalid-argument" && thrown.problems[0]?.field === field;

const drawnSearches = fc.array(
  fc.record({ name: fc.constantFrom("a", "b", "c"), createdMs: fc.integer({ min: nowMs, max: nowMs + 3 }) }),
  { maxLength: 40 },
);

describe("a listing of searches", () => {
  it("has every search once, in the order that was asked for, whatever the size of its pages", () => {
    const orders = fc.constantFrom("", "created_ms", "created_ms desc", "name", "name desc", "steps desc");
    fc.assert(
      fc.property(drawnSearches, orders, fc.integer({ min: 1, max: 7 }), (drawn, orderBy, pageSize) => {
        const entries = entriesOf(drawn);
        const ids = walk((pageToken) => {
          const request = ListSearchesRequest.fromPartial({ orderBy, pageSize, pageToken });
          const { searches, nextPageToken } = listSearches(entries, request);
          return { rows: searches.map(({ searchId }) => searchId), nextPageToken };
        });
        const value = ({ name, createdMs }: Drawn) => (orderBy.startsWith("name") ? name : orderBy === "" ? 0 : createdMs);
        const sign = orderBy.endsWith("desc") ? -1 : 1;
        const expected = drawn
          .map((search, order) => ({ search, order }))
          .sort((a, b) => {
            if (orderBy === "") return b.order - a.order;
            const [left, right] = orderBy.startsWith("steps") ? [0, 0] : [value(a.search), value(b.search)];
            return left === right ? a.order - b.order : left < right ? -sign : sign;
          })
          .map(({ order }) => `s${order}`);
        assert.deepEqual(ids, expected);
      }),
    );
  });

  it("narrows to what is asked for: name, labels and statuses together", () => {
    const labels = [{ team: "a" }, {}, { team: "b" }];
    const entries = entriesOf(
      ["alpha", "beta", "alphabet"].map((name, index) => ({ name, createdMs: nowMs, labels: labels[index] })),
    );
    entries[2]?.add({ $case: "searchPaused", value: { reason: "" } }, nowMs);
    for (const entry of entries) entry.fresh = [];
    const ids = (more: Partial<ListSearchesRequest>) =>
      listSearches(entries, ListSearchesRequest.fromPartial(more)).searches.map(({ searchId }) => searchId);
    assert.deepEqual(ids({}), ["s2", "s1", "s0"]);
    assert.deepEqual(ids({ nameContains: "alpha" }), ["s2", "s0"]);
    assert.deepEqual(ids({ nameContains: "alpha", labels: { team: "a" } }), ["s0"]);
    assert.deepEqual(ids({ labels: { toString: "x" } }), []);
    assert.deepEqual(ids({ statuses: ["SEARCH_STATUS_PAUSED"] }), ["s2"]);
    assert.deepEqual(ids({ statuses: ["SEARCH_STATUS_PAUSED", "SEARCH_STATUS_RUNNING"], nameContains: "bet" }), ["s2", "s1"]);
  });

  it("takes a page size above the maximum as the maximum", () => {
    const entries = entriesOf(Array.from({ length: 1200 }, () => ({ name: "a", createdMs: nowMs })));
    const { searches } = listSearches(entries, ListSearchesRequest.fromPartial({ pageSize: 4_000_000 }));
    assert.equal(searches.length, 1000);
  });

  it("refuses the token of another question, and takes its own with another page size", () => {
    const entries = entriesOf(Array.from({ length: 9 }, () => ({ name: "a", createdMs: nowMs })));
    const first = ListSearchesRequest.fromPartial({ nameContains: "a", labels: {}, pageSize: 2 });
    const { nextPageToken: pageToken } = listSearches(entries, first);
    assert.equal(listSearches(entries, { ...first, pageToken, pageSize: 100 }).searches.length, 7);
    const others = [
      { nameContains: "" },
      { orderBy: "name" },
      { labels: { team: "vision" } },
      { view: SearchView.SEARCH_VIEW_BASIC },
    ];
    for (const other of others) {
      assert.throws(() => listSearches(entries, { ...first, ...other, pageToken }), invalid("pageToken"), JSON.stringify(other));
    }
  });

  it("leaves the problem out of the basic view", () => {
    const entries = entriesOf([{ name: "a", createdMs: nowMs }]);
    const [basic] = listSearches(entries, ListSearchesRequest.fromPartial({ view: SearchView.SEARCH_VIEW_BASIC })).searches;
    assert.deepEqual([basic?.spec?.name, basic?.spec?.budget?.trials, basic?.spec?.strategy?.name], ["a", 3, "random"]);
    assert.deepEqual([basic?.spec?.command, basic?.spec?.strategy?.options], [undefined, undefined]);
    const [full] = listSearches(entries, ListSearchesRequest.fromPartial({})).searches;
    assert.deepEqual(full?.spec?.command?.argv, ["train"]);
  });
});

describe("a listing of trials", () => {
  const at = new SearchAt({ budget: { trials: 9 } });
  for (let trial = 0; trial < 9; trial += 1) {
    at.running(trial);
    if (trial === 8) continue;
    const loss = [0.5, 0.1, Number.NaN, 0.1, 0.9, 0.3, Number.POSITIVE_INFINITY, 0.7][trial] ?? 0;
    const measurement = { step: 10, metrics: { loss }, learned: {}, scales: {}, hypergradients: {}, seconds: 1, vectors: {} };
    const reason = trial === 0 ? EndReason.END_REASON_USER_ERROR : EndReason.END_REASON_DONE;
    const final = Number.isFinite(loss) ? measurement : undefined;
    at.tell({ $case: "trialEnded", value: { trial, attempt: 1, reason, message: "", final, artifacts: [], startedMs: 0 } });
  }
  const numbers = (more: Partial<ListTrialsRequest>) =>
    walk((pageToken) => {
      const request = ListTrialsRequest.fromPartial({ searchId: "s", pageSize: 2, ...more, pageToken });
      const { trials, nextPageToken } = listTrials(at.state, request);
      return { rows: trials.map(({ trial }) => trial), nextPageToken };
    });

  it("comes by number, backwards, or the best first with failed and unmeasured trials last", () => {
    assert.deepEqual(numbers({}), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(numbers({ orderBy: "trial desc" }), [8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert.deepEqual(numbers({ orderBy: "ended_ms" }), [8, 0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(numbers({ bestFirst: true }), [1, 3, 5, 7, 4, 0, 2, 6, 8]);
  });

  it("narrows to statuses", () => {
    assert.deepEqual(numbers({ statuses: ["TRIAL_STATUS_RUNNING"] }), [8]);
    assert.deepEqual(numbers({ statuses: ["TRIAL_STATUS_ENDED"], orderBy: "trial desc" }), [7, 6, 5, 4, 3, 2, 1, 0]);
    assert.deepEqual(numbers({ statuses: ["TRIAL_STATUS_PENDING", "TRIAL_STATUS_PAUSED"] }), []);
  });

  it("refuses an order that it does not have, and two orders at once", () => {
    const ask = (more: Partial<ListTrialsRequest>) => () => listTrials(at.state, ListTrialsRequest.fromPartial(more));
    assert.throws(ask({ orderBy: "toString" }), invalid("orderBy"));
    assert.throws(ask({ orderBy: "trial upwards" }), invalid("orderBy"));
    assert.throws(ask({ orderBy: "trial", bestFirst: true }), invalid("orderBy"));
  });
});
