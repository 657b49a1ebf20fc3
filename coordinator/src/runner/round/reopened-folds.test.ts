/** Strategies that are made to open a search again: whatever becomes of the command, only those of searches that run stay open. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { StrategyModule } from "@regulus/algorithms/core";
import { strategies as registered } from "@regulus/algorithms/strategies";
import { RegulusError, SearchStatus } from "@regulus/proto";
import { openMemoryStore } from "../../artifacts/memory-store.js";
import { openMemoryLog } from "../../log/memory-log.js";
import type { EventLog } from "../../ports.js";
import { InlineHost, type StrategyHost } from "../../strategy-host/strategy-host.js";
import { createSearch } from "../calls/create-search.js";
import { SearchDiagnostics } from "../searches/search-diagnostics.js";
import { systemClock } from "../system-clock.js";
import { specOf, start } from "../testing/scripted-coordinator.js";
import { openWith } from "./reopened-searches.js";
import { Runner } from "./runner.js";

describe("the strategies that are open are those of the searches that run", () => {
  let log: EventLog;
  let runner: Runner;
  let open: Set<StrategyHost>;
  let hasMore: boolean;
  /** Called before the log is read, or appended to. */
  let before: { read: () => void; append: () => void };

  const scripted: StrategyModule<unknown> = {
    spec: registered.get("random")?.spec ?? assert.fail("random is registered"),
    create: () => ({ init: () => ({}), tell: (state) => state, ask: () => (hasMore ? [start()] : []) }),
  };
  const host = (): StrategyHost => {
    const inner = new InlineHost(new Map([["random", scripted]]), specOf());
    const counted: StrategyHost = {
      tell: (facts) => inner.tell(facts),
      ask: (limit, answer) => inner.ask(limit, answer),
      close: () => {
        open.delete(counted);
        inner.close();
      },
    };
    open.add(counted);
    return counted;
  };
  const diagnostics = () => new SearchDiagnostics(new Map(), specOf());

  beforeEach(async () => {
    open = new Set();
    hasMore = false;
    before = { read: () => undefined, append: () => undefined };
    const inner = openMemoryLog();
    log = {
      append: async (batch, options) => {
        before.append();
        await inner.append(batch, options);
      },
      read: (searchId, after, options) => {
        before.read();
        return inner.read(searchId, after, options);
      },
      searches: () => inner.searches(),
      remove: (searchId) => inner.remove(searchId),
      close: () => inner.close(),
    };
    runner = new Runner({
      log,
      artifacts: openMemoryStore(),
      feed: { publish: () => undefined, close: async () => undefined },
      clock: systemClock,
      leaseTimeoutMs: 10_000,
      endGraceMs: 1000,
      defer: (call) => void setImmediate(call),
      host,
      diagnostics,
      onLogFailure: () => undefined,
      notify: () => undefined,
    });
    await runner.start();
  });
  afterEach(() => runner.close());

  /** A search that ended because its strategy had nothing for it. */
  const endedSearch = async (): Promise<string> => {
    const request = { spec: specOf({ budget: { trials: 3 } }), idempotencyKey: "", validateOnly: false };
    const { searchId } = await createSearch(runner, request, { newId: () => "s", newSeed: () => 0 });
    while (runner.entry(searchId).active) await runner.call(() => () => undefined);
    assert.equal(open.size, 0);
    return searchId;
  };
  const extend = (searchId: string) => {
    const more = { trials: 1, steps: 0, wallTimeMs: 0, failures: 0 };
    const options = { runner, log, host, diagnostics, nowMs: () => Date.now() };
    return openWith(options, searchId, { kind: "extendSearch", more, key: "", nowMs: 0 }, ({ state }) => state.view().status);
  };

  it("after a command that opens one", async () => {
    const searchId = await endedSearch();
    hasMore = true;
    assert.equal(await extend(searchId), SearchStatus.SEARCH_STATUS_RUNNING);
    assert.equal(open.size, 1);
    assert.ok(open.has(runner.entry(searchId).host ?? assert.fail("it runs")));
  });

  it("after two commands that both open it", async () => {
    const searchId = await endedSearch();
    hasMore = true;
    await Promise.all([extend(searchId), extend(searchId)]);
    assert.equal(open.size, 1);
    assert.ok(open.has(runner.entry(searchId).host ?? assert.fail("it runs")));
  });

  it("after one that is refused because the strategy has nothing more", async () => {
    await assert.rejects(extend(await endedSearch()), { code: "failed-precondition" });
    assert.equal(open.size, 0);
  });

  it("after one that is refused because the search is being deleted by then", async () => {
    const searchId = await endedSearch();
    hasMore = true;
    before.read = () => {
      runner.entry(searchId).leaving = true;
    };
    await assert.rejects(extend(searchId), { code: "not-found" });
    assert.equal(open.size, 0);
  });

  it("after one whose log can't be read", async () => {
    const searchId = await endedSearch();
    before.read = () => {
      throw new RegulusError("unavailable", "the disk is away");
    };
    await assert.rejects(extend(searchId), { code: "unavailable" });
    assert.equal(open.size, 0);
  });

  it("after one whose round the log does not take", async () => {
    const searchId = await endedSearch();
    hasMore = true;
    before.append = () => {
      throw new RegulusError("unavailable", "the disk is away");
    };
    await assert.rejects(extend(searchId), { code: "unavailable" });
    // The searches are read from the log again before anything else is answered.
    await runner.close();
    assert.equal(open.size, 0);
  });

  it("after one that comes while the coordinator closes", async () => {
    const searchId = await endedSearch();
    hasMore = true;
    let closed: Promise<void> | undefined;
    before.read = () => {
      closed ??= runner.close();
    };
    await assert.rejects(extend(searchId), { code: "unavailable" });
    await closed;
    assert.equal(open.size, 0);
  });
});
