/** What is kept for a full disk: that it is there, gives way and comes back, and never takes the whole of a small disk. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { searchFacts } from "../simulation/log-damage.js";
import { Reserve } from "./reserve.js";
import { openSqliteLog } from "./sqlite-log.js";

const root = mkdtempSync(join(tmpdir(), "regulus-reserve-"));
after(() => rmSync(root, { recursive: true, force: true }));
const kept = 2 * 1024 * 1024;
const pathAt = (name: string) => join(mkdtempSync(join(root, `${name}-`)), "log.reserve");
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const full = () => new RegulusError("exhausted", "no space");

test("bytes are kept that take room, at most an eighth of what is free, and nobody else may read them", () => {
  const path = pathAt("kept");
  const before = statfsSync(root).bavail * statfsSync(root).bsize;
  assert.ok(before > 16 * kept, "the machine that tests has room");
  new Reserve(path, kept).fill();
  assert.equal(sizeOf(path), kept);
  assert.ok(statSync(path).blocks * 512 >= kept, "they are no hole in a file");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const huge = pathAt("huge");
  const reserve = new Reserve(huge, 0);
  reserve.fill();
  assert.equal(sizeOf(huge), 0, "none where none is asked for");
});

test("work that finds room leaves them alone; work that does not gets them, once, and they come back whatever comes of it", () => {
  const path = pathAt("spent");
  const reserve = new Reserve(path, kept);
  reserve.fill();
  let settled = 0;
  const settle = (): void => {
    settled += 1;
  };
  const plain = reserve.spend((isSpent) => [isSpent, sizeOf(path)], settle);
  assert.deepEqual(plain, [false, kept]);
  const sizes: number[] = [];
  const work = (isSpent: boolean): string => {
    sizes.push(sizeOf(path));
    if (!isSpent) throw full();
    return "done then";
  };
  assert.equal(reserve.spend(work, settle), "done then");
  assert.deepEqual([sizes, settled, sizeOf(path)], [[kept, 0], 1, kept]);
  const fails = () => {
    throw full();
  };
  assert.throws(() => reserve.spend(fails, settle), /no space/);
  assert.equal(sizeOf(path), kept);
  const other = new RegulusError("data-loss", "damaged");
  const spoilt = () => {
    throw other;
  };
  assert.throws(() => reserve.spend(spoilt, () => assert.fail("only a full disk spends them")), other);
  rmSync(path);
  assert.throws(() => new Reserve(path, 0).spend(fails, settle), /no space/);
});

test("a log keeps them while it is open and after, and a log that is opened without them keeps what is there", async () => {
  const path = join(mkdtempSync(join(root, "log-")), "log.sqlite");
  const reserve = path.replace(".sqlite", ".reserve");
  let log = await openSqliteLog({ path, reserveBytes: kept });
  await log.append([{ searchId: "a", expected: 0, facts: searchFacts("a", 1, 10) }]);
  await log.close();
  assert.equal(sizeOf(reserve), kept);
  log = await openSqliteLog({ path });
  assert.equal(sizeOf(reserve), kept);
  await log.close();
});

test("facts that make room and those that do not are the same in the log", async () => {
  const path = join(mkdtempSync(join(root, "same-")), "log.sqlite");
  const log = await openSqliteLog({ path, bytesMax: 64 * 1024, reserveBytes: kept });
  const facts = searchFacts("a", 1, 2000);
  await log.append([{ searchId: "a", expected: 0, facts: facts.slice(0, 10) }], { makesRoom: true });
  // A bound of the log's own is not the disk's: nothing helps, and nothing is lost.
  const more = () => log.append([{ searchId: "a", expected: 10, facts: facts.slice(10) }], { makesRoom: true });
  await assert.rejects(more, (thrown) => thrown instanceof RegulusError && thrown.code === "exhausted");
  await log.append([{ searchId: "a", expected: 10, facts: facts.slice(10, 20) }]);
  const read = [];
  for await (const piece of log.read("a", 0)) read.push(...piece);
  assert.deepEqual(read, facts.slice(0, 20));
  await log.close();
});
