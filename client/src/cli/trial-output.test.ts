/** What a program prints, as it is read piece by piece: nothing twice, nothing silently left out, the next attempt from its beginning. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type GetTrialOutputResponse, RegulusError } from "@regulus/proto";
import fc from "fast-check";
import type { CallClock } from "../calls/retries.js";
import type { RegulusClient } from "../connect.js";
import { readOutput } from "./trial-output.js";

/** What happens between two looks. */
const events = fc.array(
  fc.record({
    prints: fc.nat(30),
    /** Bytes at the beginning that are no longer kept. */
    forgets: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(40)),
    next: fc.oneof(
      { weight: 8, arbitrary: fc.constant("continue" as const) },
      fc.constantFrom("another attempt" as const, "away" as const),
    ),
  }),
  { maxLength: 30 },
);

class Program implements CallClock {
  readonly waits: number[] = [];
  /** Bytes of each attempt so far, and how many of them are gone. */
  readonly attempts: { text: string; forgotten: number }[] = [{ text: "", forgotten: 0 }];
  isEnded = false;
  asks = 0;
  #away = false;

  nowMs(): number {
    return 0;
  }

  async wait(ms: number): Promise<void> {
    this.waits.push(ms);
  }

  step({ prints, forgets, next }: { prints: number; forgets: number; next: "continue" | "another attempt" | "away" }): void {
    this.#away = next === "away";
    if (next === "another attempt") this.attempts.push({ text: "", forgotten: 0 });
    const now = this.attempts.at(-1) ?? assert.fail();
    const from = now.text.length;
    now.text += Array.from({ length: prints }, (_, index) => String.fromCharCode(97 + ((from + index) % 26))).join("");
    now.forgotten = Math.min(now.text.length, now.forgotten + forgets);
  }

  async answer(offset: number): Promise<GetTrialOutputResponse> {
    this.asks += 1;
    if (this.#away) throw new RegulusError("unavailable", "restarting");
    const { text, forgotten } = this.attempts.at(-1) ?? assert.fail();
    const at = Math.min(text.length, Math.max(offset, forgotten));
    const data = Buffer.from(text.slice(at, at + 10));
    return {
      data,
      offset: at,
      nextOffset: at + data.length,
      totalBytes: text.length,
      attempt: this.attempts.length,
      ended: this.isEnded,
    };
  }
}

test("a followed output is complete: kept parts once, dropped parts as a count, per attempt", async () => {
  await fc.assert(
    fc.asyncProperty(events, async (list) => {
      const program = new Program();
      const script = [...list];
      const client = {
        getTrialOutput: ({ offset }: { offset: number }) => {
          const event = script.shift();
          if (event !== undefined) program.step(event);
          else program.step({ prints: 0, forgets: 0, next: "continue" });
          program.isEnded = event === undefined;
          return program.answer(offset);
        },
      } as unknown as RegulusClient;
      // Bytes of the attempt that is read now, as far as they were told.
      let told = "";
      let attempt = 0;
      for await (const news of readOutput(client, { searchId: "s", trial: 0 }, { follow: true, clock: program })) {
        if (news.kind === "earlier-not-kept") {
          assert.ok(attempt === 0 && told === "" && news.attempt > 1);
          attempt = news.attempt;
        } else if (news.kind === "attempt") {
          assert.ok(news.attempt > attempt);
          attempt = news.attempt;
          told = "";
        } else if (news.kind === "left-out") {
          assert.ok(news.bytes > 0);
          told += "?".repeat(news.bytes);
        } else told += Buffer.from(news.data).toString();
      }
      const { text } = program.attempts.at(-1) ?? assert.fail();
      assert.equal(told.length, text.length);
      assert.ok(
        [...told].every((one, at) => one === "?" || one === text[at]),
        `${told} of ${text}`,
      );
      if (list.every(({ forgets }) => forgets === 0)) assert.equal(told, text);
      assert.ok(
        program.waits.every((ms, at) => ms === 250 || ms === Math.min(2 * (program.waits[at - 1] ?? 250), 2000)),
        program.waits.join(),
      );
      assert.ok(program.asks >= list.length);
    }),
  );
});

test("without following, what there is now is told to its end and nothing is waited for; an absence is told where nobody follows", async () => {
  const program = new Program();
  program.step({ prints: 35, forgets: 5, next: "continue" });
  const client = { getTrialOutput: ({ offset }: { offset: number }) => program.answer(offset) } as unknown as RegulusClient;
  const read = async (follow: boolean) => {
    const found = [];
    for await (const news of readOutput(client, { searchId: "s", trial: 0 }, { follow, clock: program })) found.push(news.kind);
    return found;
  };
  assert.deepEqual(await read(false), ["left-out", "bytes", "bytes", "bytes"]);
  assert.deepEqual(program.waits, []);
  program.step({ prints: 4, forgets: 0, next: "another attempt" });
  assert.deepEqual(await read(false), ["earlier-not-kept", "bytes"]);
  program.step({ prints: 0, forgets: 0, next: "away" });
  await assert.rejects(read(false), { code: "unavailable" });
});

test("a failure that no wait mends ends following at once", async () => {
  const client = { getTrialOutput: () => Promise.reject(new RegulusError("not-found", "gone")) } as unknown as RegulusClient;
  await assert.rejects(readOutput(client, { searchId: "s", trial: 0 }, { follow: true }).next(), { code: "not-found" });
});
