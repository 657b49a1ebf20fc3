/** A watch over a coordinator that breaks off, is away or is gone: every fact once, in order, and an end at last. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode, Fact, RegulusError, WatchSearchResponse } from "@regulus/proto";
import fc from "fast-check";
import { watchRetries } from "./retries.js";
import { assertWaits, ended, everything, JumpingClock, ScriptedStream, serviceError } from "./testing/jumping-clock.js";
import { type WatchSource, watchFacts } from "./watch.js";

/** How one connection of a watch goes: facts that come at once, how many of those before are told again, and how it ends. */
interface Connection {
  readonly batches: readonly number[];
  readonly again: number;
  readonly end: "unavailable" | "exhausted" | "deadline" | "silence";
}

const connections = fc.array(
  fc.record({
    batches: fc.array(fc.nat(3), { maxLength: 3 }),
    again: fc.nat(2),
    end: fc.constantFrom<Connection["end"][]>("unavailable", "exhausted", "deadline", "silence"),
  }),
  { maxLength: 12 },
);

function fact(position: number, kind: Fact["kind"] = { $case: "searchResumed", value: {} }): Fact {
  return { searchId: "s", position, timeMs: 0, kind };
}

test("a watch tells every fact once and in order over any breaks, asks from where it was, and tells each absence and return", async () => {
  await fc.assert(
    fc.asyncProperty(connections, fc.nat(3), async (list, after) => {
      const clock = new JumpingClock();
      const script = [...list];
      let told = after;
      let asksForEnd = 0;
      const streaks: number[][] = [[]];
      let backs = 0;
      const source: WatchSource = {
        clock,
        isEnded: async () => {
          asksForEnd += 1;
          return false;
        },
        open: (request) => {
          assert.deepEqual(request, { searchId: "s", after: told });
          const next = script.shift();
          const responses: WatchSearchResponse[] = [];
          // An end that is not the newest fact, or comes while old facts are read, ends no watch.
          for (const count of next?.batches ?? []) {
            const first = responses.length === 0 ? Math.max(1, told - (next?.again ?? 0)) : told + 1;
            const facts = Array.from({ length: told + count - first + 1 }, (_, index) => fact(first + index));
            told += count;
            responses.push({ facts, live: true });
          }
          if (next !== undefined)
            return new ScriptedStream(responses, next.end === "silence" ? undefined : serviceError(next.end)).stream;
          return new ScriptedStream([
            { facts: [fact(told + 1, ended)], live: false },
            { facts: [fact(told + 2, ended), fact(told + 3)], live: true },
            { facts: [fact(told + 4, ended)], live: true },
            { facts: [fact(told + 5)], live: true },
          ]).stream;
        },
      };
      const seen: number[] = [];
      const options = {
        after,
        onAway: (_error: RegulusError, waitMs: number) => void streaks.at(-1)?.push(waitMs),
        onBack: () => {
          backs += 1;
          streaks.push([]);
        },
      };
      for await (const { facts } of watchFacts(source, "s", options)) seen.push(...facts.map(({ position }) => position));
      const last = told + 4;
      assert.deepEqual(
        seen,
        Array.from({ length: last - after }, (_, index) => after + 1 + index),
      );
      assert.deepEqual(streaks.flat(), clock.waits, "the waits that are told are waited");
      assert.equal(clock.waits.length, list.length);
      assert.equal(asksForEnd, list.filter(({ end }) => end === "silence").length);
      // An absence ends with the first message, also one without facts.
      const returns =
        list.filter((_, index) => index > 0 && (list[index]?.batches.length ?? 0) > 0).length + (list.length > 0 ? 1 : 0);
      assert.equal(backs, returns);
      for (const waits of streaks) assertWaits(waits, watchRetries);
    }),
  );
});

test("a watch gives up after its longest absence, counted from the last message, and at once on permanent errors", async () => {
  const away = (code: ErrorCode, every = 0) => {
    const clock = new JumpingClock();
    let opened = 0;
    const open = () => {
      opened += 1;
      const isHeard = every > 0 && opened % every === 0 && opened < 200;
      return new ScriptedStream<WatchSearchResponse>(isHeard ? [{ facts: [], live: false }] : [], serviceError(code)).stream;
    };
    return { clock, opened: () => opened, source: { clock, open, isEnded: async () => false } };
  };
  for (const awayMsMax of [undefined, 20_000]) {
    const { clock, source } = away("unavailable");
    const started = clock.nowMs();
    await assert.rejects(everything(watchFacts(source, "s", awayMsMax === undefined ? {} : { awayMsMax })), {
      code: "unavailable",
    });
    const tookMs = clock.nowMs() - started;
    const longest = awayMsMax ?? 300_000;
    assert.ok(tookMs > longest && tookMs <= longest + 5000, `${tookMs} ms`);
  }
  const heard = away("exhausted", 4);
  await assert.rejects(everything(watchFacts(heard.source, "s", { awayMsMax: 20_000 })), { code: "exhausted" });
  assert.ok(heard.opened() > 200, "a word now and then keeps it");
  for (const code of ["not-found", "invalid-argument", "data-loss"] as const) {
    const { source, opened } = away(code);
    await assert.rejects(everything(watchFacts(source, "s", {})), { code });
    assert.equal(opened(), 1);
  }
  const controller = new AbortController();
  const left = away("unavailable");
  const onAway = () => controller.abort();
  await assert.rejects(everything(watchFacts(left.source, "s", { signal: controller.signal, onAway })), {
    code: "cancelled",
  });
  assert.equal(left.clock.waits.length, 1);
});

test("a watch whose stream ends without the end of its search asks whether it is over, and ends where it is", async () => {
  const source: WatchSource = {
    open: () => new ScriptedStream([{ facts: [fact(1)], live: true }]).stream,
    isEnded: async (signal) => signal === undefined,
  };
  const batches = await everything(watchFacts(source, "s", {}));
  assert.deepEqual(batches, [{ facts: [fact(1)], live: true }]);
});
