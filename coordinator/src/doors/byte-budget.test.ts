/** The budget's promises, for any order of takes, ends of messages and closings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteBudget } from "./byte-budget.js";

const options = { totalMax: 100, perCallerMax: 40 };

test("a piece that went out gives back its own bytes only, not those that were taken since", async () => {
  const budget = new ByteBudget(options);
  const account = budget.open("one");
  await account.take(10);
  const first = account.settle();
  await account.take(20);
  account.settled(first);
  assert.equal(account.settle(), 20);
  account.settled(20);
  assert.equal(budget.held, 0);
});

test("no more is held than the bounds say and the sum is that of the calls", async () => {
  const step = fc.record({
    account: fc.nat(5),
    bytes: fc.integer({ min: 1, max: 40 }),
    act: fc.constantFrom("take", "take", "take", "send", "sent", "give", "close"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const budget = new ByteBudget(options);
      const calls = Array.from({ length: 6 }, (_, index) => ({
        account: budget.open(`caller ${index % 3}`),
        loose: 0,
        out: [] as number[],
        waits: false,
      }));
      for (const { account: index, bytes, act } of steps) {
        const call = calls[index];
        if (call === undefined) continue;
        if (act === "take" && !call.waits) {
          call.waits = true;
          call.account.take(bytes).then(
            () => {
              call.waits = false;
              call.loose += bytes;
            },
            () => undefined,
          );
        } else if (act === "send" && call.loose > 0) {
          assert.equal(call.account.settle(), call.loose);
          call.out.push(call.loose);
          call.loose = 0;
        } else if (act === "sent") call.account.settled(call.out.shift() ?? 0);
        else if (act === "give") {
          call.account.give(call.loose);
          call.loose = 0;
        } else if (act === "close") {
          call.account.close();
          call.loose = 0;
          call.out = [];
          call.waits = true;
        }
        await new Promise((resolve) => setImmediate(resolve));
        const held = calls.map((one) => one.loose + one.out.reduce((sum, part) => sum + part, 0));
        assert.equal(
          budget.held,
          held.reduce((sum, part) => sum + part, 0),
        );
        assert.ok(budget.held <= options.totalMax);
        for (let caller = 0; caller < 3; caller += 1)
          assert.ok((held[caller] ?? 0) + (held[caller + 3] ?? 0) <= options.perCallerMax);
      }
      for (const { account } of calls) account.close();
      assert.equal(budget.held, 0);
      const late = budget.open("late");
      await late.take(1);
      late.close();
    }),
  );
});
