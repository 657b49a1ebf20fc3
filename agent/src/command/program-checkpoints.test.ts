/** What is packed of a program that saves as programs do: whole or not at all, and nothing that it announced last is lost. */
import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Direction } from "@regulus/proto";
import fc from "fast-check";
import { restoreDirectory } from "./directory-archive.js";
import { begin, contentOf, save, settled, soon, stall } from "./testing/packed-program.js";

test("whenever a program saves, announces and ends, what is packed is whole and the last announcement is among it", async () => {
  const action = fc.constantFrom("save", "announce", "announce", "announce", "stored", "wait", "wait", "settle");
  const how = fc.constantFrom("beside" as const, "in place" as const);
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), how, fc.constantFrom(0, 3, 60_000), async (actions, how, everyMs) => {
      const { directory, folder, checkpoints, saved, isStored } = begin(everyMs);
      let step = 0;
      let announced: number | undefined;
      let isFrozen = false;
      for (const action of actions) {
        if (action === "save") {
          step += 1;
          save(folder, step, how);
          // What it wrote in place and does not announce, or before the folder was frozen, is not whole: nothing may be kept of it.
          if (how === "in place" || !isFrozen) announced = undefined;
        } else if (action === "announce" && step > 0) {
          checkpoints.announce(step);
          announced = step;
          isFrozen = false;
        } else if (action === "settle") {
          await checkpoints.settled();
          isFrozen = true;
        } else if (action === "stored") isStored();
        else await soon();
      }
      await checkpoints.finish();
      for (const [index, { path, step: said }] of saved().entries()) {
        const restored = join(directory, `restored-${index}`);
        const header = await restoreDirectory(path, restored);
        assert.equal(header.step, said);
        for (const name of ["weights", "optimizer"]) {
          const text = readFileSync(join(restored, name), "utf8");
          const held = Number.parseInt(text, 10);
          assert.equal(text, contentOf(held), `${name} is of one step`);
          assert.ok(held >= said, `${name} holds step ${held}, announced was ${said}`);
        }
      }
      assert.equal(new Set(saved().map(({ path }) => path)).size, saved().length, "each archive has its own path");
      if (announced !== undefined) assert.equal(saved().at(-1)?.step, announced);
    }),
    { numRuns: 60 },
  );
});

/** What the files of a program's folder hold, by their names: how many bytes, and the first and the last of them. */
const heldBy = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => {
        const text = readFileSync(join(folder, name), "utf8");
        return [name, `${text.length}: ${text.slice(0, 8)}...${text.slice(-8)}`];
      }),
  );

test("what is stored of a step is what the folder held as its line was said, or nothing is and a warning says so", async () => {
  const name = fc.constantFrom("weights", "optimizer");
  const action = fc.oneof(
    fc.record({ does: fc.constantFrom("in place" as const, "beside" as const, "begin" as const), name }),
    fc.constantFrom({ does: "announce" as const }, { does: "announce" as const }, { does: "settle" as const }),
    fc.constantFrom({ does: "continue" as const }, { does: "close" as const }, { does: "stored" as const }),
  );
  let lost = 0;
  let stored = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 20 }), fc.constantFrom(0, 60_000), async (actions, everyMs) => {
      const { directory, folder, checkpoints, saved, found, isStored } = begin(everyMs);
      const held: Record<string, string>[] = [];
      const open: number[] = [];
      let written = 0;
      const text = () => {
        written += 1;
        return `${written} `.repeat(1_000);
      };
      save(folder, 0, "beside");
      for (const one of actions) {
        // A save that is whole at once can't be told from one before the line, if it comes in the same tick; one that takes a while can.
        if (one.does === "in place" || one.does === "beside") stall();
        if (one.does === "in place") writeFileSync(join(folder, one.name), text());
        else if (one.does === "beside") {
          writeFileSync(join(directory, "new"), text());
          renameSync(join(directory, "new"), join(folder, one.name));
        } else if (one.does === "begin") open.push(openSync(join(folder, one.name), "w"));
        else if (one.does === "continue") for (const file of open) writeSync(file, text());
        else if (one.does === "close") for (const file of open.splice(0)) closeSync(file);
        else if (one.does === "stored") isStored();
        else if (one.does === "settle") await checkpoints.settled();
        else {
          checkpoints.announce(held.length);
          held.push(heldBy(folder));
        }
      }
      await checkpoints.finish();
      for (const file of open) closeSync(file);
      for (const { path, step } of saved()) {
        await restoreDirectory(path, join(directory, `restored-${step}`));
        assert.deepEqual(heldBy(join(directory, `restored-${step}`)), held[step], `step ${step}`);
      }
      stored += saved().length;
      if (saved().at(-1)?.step === held.length - 1 || held.length === 0) return;
      lost += 1;
      assert.match(found().join(), /is not stored: its file "(weights|optimizer)" was written to, or still open/);
    }),
    { numRuns: 80 },
  );
  assert.ok(lost > 5 && stored > 10, `${lost} lost, ${stored} stored`);
});

test("a checkpoint announced early is packed when its time has come, not dropped", async () => {
  const { folder, checkpoints, saved } = begin(50);
  save(folder, 1, "beside");
  checkpoints.announce(1);
  assert.equal(saved().length, 0);
  while (saved().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(saved()[0]?.step, 1);
  await checkpoints.finish();
  assert.equal(saved().length, 1);
});

test("before its time, and while the store lacks the one before, nothing is packed; then only the newest", async () => {
  const early = begin(1_000_000);
  for (const step of [1, 2, 3]) {
    save(early.folder, step, "beside");
    early.checkpoints.announce(step);
    await settled(early.directory);
  }
  assert.deepEqual(early.saved(), []);
  await early.checkpoints.finish();
  assert.deepEqual(
    early.saved().map(({ step }) => step),
    [3],
  );
  const slow = begin(0);
  for (const step of [1, 2, 3]) {
    save(slow.folder, step, "beside");
    slow.checkpoints.announce(step);
    while (slow.saved().length === 0) await soon();
    await settled(slow.directory);
  }
  const steps = () => slow.saved().map(({ step }) => step);
  assert.deepEqual(steps(), [1]);
  slow.isStored();
  while (steps().length === 1) await soon();
  assert.deepEqual(steps(), [1, 3]);
  await slow.checkpoints.finish();
});

test("however its measurements go and it writes its files, a program leaves its best announcement and its newest, best first, and keeps two at most", async () => {
  const value = fc.integer({ min: 1, max: 5 });
  const how = fc.constantFrom("beside" as const, "in place" as const);
  const direction = fc.constantFrom(Direction.DIRECTION_MAXIMIZE, Direction.DIRECTION_MINIMIZE);
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      direction,
      how,
      async (values, measuresFirst, to, how) => {
        const { directory, folder, checkpoints, saved, found } = begin(60_000, 0, to);
        for (const [index, value] of values.entries()) {
          save(folder, index + 1, how);
          if (measuresFirst) checkpoints.measured(index + 1, value);
          checkpoints.announce(index + 1);
          if (!measuresFirst) checkpoints.measured(index + 1, value);
          await checkpoints.settled();
          const kept = readdirSync(directory).filter((name) => name.startsWith("frozen-"));
          assert.ok(kept.length <= 2, kept.join());
        }
        await checkpoints.finish();
        const best = values.indexOf(to === Direction.DIRECTION_MAXIMIZE ? Math.max(...values) : Math.min(...values)) + 1;
        const isNewestAsGood = values.at(-1) === values[best - 1];
        assert.deepEqual(
          saved().map(({ step }) => step),
          isNewestAsGood ? [values.length] : [best, values.length],
        );
        assert.deepEqual(found(), []);
        for (const { path, step } of saved()) {
          await restoreDirectory(path, join(directory, `restored-${step}`));
          assert.equal(Number.parseInt(readFileSync(join(directory, `restored-${step}`, "weights"), "utf8"), 10), step);
        }
        assert.equal(readdirSync(directory).filter((name) => name.startsWith("frozen-")).length, 0);
      },
    ),
    { numRuns: 20 },
  );
});

test("the newest follows the best once that is stored, and what is no better than what was packed is not packed for its value", async () => {
  const { folder, checkpoints, saved, isStored } = begin(150);
  const say = async (step: number, value: number) => {
    save(folder, step, "beside");
    checkpoints.measured(step, value);
    checkpoints.announce(step);
    await checkpoints.settled();
  };
  const steps = () => saved().map(({ step }) => step);
  for (const [step, value] of [0.9, 0.3].entries()) await say(step + 1, value);
  while (steps().length === 0) await soon();
  assert.deepEqual(steps(), [1]);
  isStored();
  while (steps().length === 1) await soon();
  for (const [step, value] of [0.8, 0.2].entries()) await say(step + 3, value);
  await checkpoints.finish();
  assert.deepEqual(steps(), [1, 2, 4]);
});

test("a program that replaces its files costs links after the first announcements, one that writes in place costs copies", async () => {
  const { directory, folder, checkpoints } = begin(60_000);
  const linksOf = async (step: number) => {
    save(folder, step, "beside");
    writeFileSync(join(folder, "log"), contentOf(step));
    checkpoints.measured(step, step);
    checkpoints.announce(step);
    await checkpoints.settled();
    return ["weights", "log"].map((name) => statSync(join(folder, name)).nlink);
  };
  assert.deepEqual(
    [await linksOf(1), await linksOf(2), await linksOf(3)],
    [
      [1, 1],
      [2, 1],
      [2, 1],
    ],
  );
  // No better than the one before: the next announcement supersedes it, and nothing is copied.
  save(folder, 4, "in place");
  checkpoints.measured(4, 0);
  checkpoints.announce(4);
  await checkpoints.settled();
  assert.equal(statSync(join(folder, "log")).nlink, 2);
  await checkpoints.finish();
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith("frozen-")),
    [],
  );
});

test("the end of a program waits for what is packed, and the same folder is not sent twice", async () => {
  const { folder, checkpoints, saved } = begin(0);
  save(folder, 7, "beside");
  checkpoints.announce(7);
  save(folder, 7, "beside");
  checkpoints.announce(7);
  await checkpoints.finish();
  assert.deepEqual(
    saved().map(({ step }) => step),
    [7],
  );
});
