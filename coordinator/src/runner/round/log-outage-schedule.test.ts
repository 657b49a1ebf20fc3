/** How long the coordinator waits before it tries its log again, and that it does nothing more once it is closed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { ProcessClock, VirtualTime } from "../../simulation/virtual-time.js";
import { refusalFor } from "../searches/log-refusals.js";
import { LogOutage } from "./log-outage.js";

function begin() {
  const time = new VirtualTime();
  const startMs = time.nowMs;
  const story: string[] = [];
  const at = { canRead: true };
  const say = (what: string) => void story.push(`${time.nowMs - startMs} ${what}`);
  const outage = new LogOutage({
    clock: new ProcessClock(time),
    load: async () => {
      say("load");
      if (!at.canRead) throw new Error("the disk is away");
    },
    loaded: () => undefined,
    resume: () => say("resume"),
    onLogFailure: () => say("failed"),
  });
  const run = async (events: number) => {
    for (let event = 0; event < events; event += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      time.step();
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { outage, story, at, run };
}

test("a log that is read again takes commands after half a second, and after a round that it took the next wait is as short", async () => {
  const { outage, story, run } = begin();
  assert.ok(!outage.isStale);
  outage.begin();
  assert.ok(outage.isStale);
  await run(0);
  assert.ok(!outage.isStale, "what is durable is known again");
  await run(1);
  outage.begin();
  await run(1);
  outage.over();
  outage.begin();
  await run(1);
  assert.deepEqual(story, ["0 load", "500 resume", "500 load", "1500 resume", "1500 load", "2000 resume"]);
});

test("a log that can't be read is retried ever later, up to half a minute apart, and nothing is taken meanwhile", async () => {
  const { outage, story, at, run } = begin();
  at.canRead = false;
  outage.begin();
  await run(9);
  assert.ok(outage.isStale);
  const loads = story.filter((line) => line.endsWith("load")).map((line) => Number.parseInt(line, 10));
  assert.deepEqual(
    loads.map((ms, index) => ms - (loads[index - 1] ?? 0)),
    [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
  assert.equal(story.filter((line) => line.endsWith("failed")).length, loads.length);
  at.canRead = true;
  await run(2);
  assert.deepEqual(
    story.slice(-2).map((line) => line.split(" ")[1]),
    ["load", "resume"],
  );
});

test("a coordinator that closes in an outage takes nothing up any more", async () => {
  const waiting = begin();
  waiting.outage.begin();
  await waiting.run(0);
  waiting.outage.close();
  await waiting.run(2);
  const reading = begin();
  reading.outage.begin();
  reading.outage.close();
  await reading.run(2);
  const before = begin();
  before.outage.close();
  before.outage.begin();
  await before.run(2);
  assert.deepEqual([waiting.story, reading.story, before.story], [["0 load"], ["0 load"], []]);
});

test("callers learn what they can do about it: free space, restore a copy, or try again", () => {
  const codeOf = (thrown: unknown) => refusalFor(thrown).code;
  assert.equal(codeOf(new RegulusError("exhausted", "full")), "exhausted");
  assert.equal(codeOf(new RegulusError("data-loss", "torn")), "data-loss");
  for (const code of ["conflict", "failed-precondition", "internal"] as const) {
    assert.equal(codeOf(new RegulusError(code, "x")), "unavailable");
  }
  assert.equal(codeOf(new TypeError("x")), "unavailable");
  assert.match(refusalFor(new RegulusError("exhausted", "disk full")).message, /nothing was changed: disk full/);
});
