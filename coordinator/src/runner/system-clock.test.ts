/** The real clock: it never wakes early, wakes once, and waits longer than a timer of Node can. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./system-clock.js";

/** Waits by Node's own timer, which `ms` is short enough for. */
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("it wakes once, and not before its time", async () => {
  const began = Date.now();
  const atMs = began + 20;
  let calls = 0;
  await new Promise<void>((resolve) => {
    systemClock.wake(atMs, () => {
      calls += 1;
      resolve();
    });
  });
  assert.ok(Date.now() >= atMs);
  await after(1);
  assert.equal(calls, 1);
  await new Promise<void>((resolve) => systemClock.wake(began - 1000, resolve));
  await new Promise<void>((resolve) => systemClock.wakeAfter(1, resolve));
});

test("a wake-up that is weeks away does not come at once, as Node's own timer would", async () => {
  let calls = 0;
  const call = () => {
    calls += 1;
  };
  const month = 30 * 86_400_000;
  const cancels = [systemClock.wake(Date.now() + month, call), systemClock.wakeAfter(month, call)];
  await after(20);
  assert.equal(calls, 0);
  for (const cancel of cancels) cancel();
});

test("a wake-up past what one timer can wait comes after as many as it takes, and a clock that is set back makes it wait on", ({
  mock,
}) => {
  // Node's own virtual time: nothing else could wait for weeks.
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  let calls = 0;
  const month = 30 * 86_400_000;
  systemClock.wake(1_000_000 + month, () => {
    calls += 1;
  });
  mock.timers.tick(2 ** 31 - 1);
  mock.timers.tick(month - (2 ** 31 - 1) - 1);
  assert.equal(calls, 0);
  mock.timers.tick(1);
  assert.equal(calls, 1);
  systemClock.wake(Date.now() + 1000, () => {
    calls += 1;
  });
  mock.timers.setTime(Date.now() - 500);
  mock.timers.tick(1000);
  assert.equal(calls, 1);
  mock.timers.tick(500);
  assert.equal(calls, 2);
  mock.timers.reset();
});

test("what is cancelled never comes, and keeps no process alive", async () => {
  let calls = 0;
  const call = () => {
    calls += 1;
  };
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const cancels = [systemClock.wake(Date.now() + 5, call), systemClock.wakeAfter(5, call)];
  assert.equal(timers(), before + 2);
  for (const cancel of cancels) cancel();
  assert.equal(timers(), before);
  await after(10);
  assert.equal(calls, 0);
});
