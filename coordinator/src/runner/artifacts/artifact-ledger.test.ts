/** When artifacts go: a while after the last reference, never while one is there, and what a crash left once it is old. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type ArtifactRef, limits } from "@regulus/proto";
import type { ArtifactStore, Clock, StoredArtifact } from "../../ports.js";
import { ArtifactLedger, artifactGraceMs, orphanAgeMs, orphanAgeShortMs } from "./artifact-ledger.js";
import { RemovedArtifacts, tellAfterMs } from "./removed-artifacts.js";

/** A store that keeps when things were put, by a clock that only the test moves. */
class Place {
  nowMs = 1_000_000_000;
  isShort = false;
  readonly stored = new Map<string, StoredArtifact>();
  #wakes: { readonly atMs: number; readonly call: () => void }[] = [];
  readonly clock: Clock = {
    now: () => this.nowMs,
    wake: (atMs, call) => {
      const wake = { atMs, call };
      this.#wakes.push(wake);
      return () => {
        this.#wakes = this.#wakes.filter((other) => other !== wake);
      };
    },
    wakeAfter: (ms, call) => this.clock.wake(this.nowMs + ms, call),
  };
  readonly store: ArtifactStore = {
    put: async (expected) => expected,
    async *get() {},
    stat: async (sha256) => this.stored.get(sha256),
    remove: async (sha256) => void this.stored.delete(sha256),
    list: () => this.#list(),
    isShort: async () => this.isShort,
    close: async () => undefined,
  };

  put(text: string): ArtifactRef {
    const sha256 = createHash("sha256").update(text).digest("hex");
    this.stored.set(sha256, { sha256, size: text.length, storedMs: this.nowMs });
    return { sha256, size: text.length, kind: "checkpoint" };
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    const due = this.#wakes.filter(({ atMs }) => atMs <= this.nowMs);
    this.#wakes = this.#wakes.filter(({ atMs }) => atMs > this.nowMs);
    for (const { call } of due) call();
    await new Promise((resolve) => setImmediate(resolve));
  }

  has({ sha256 }: ArtifactRef): boolean {
    return this.stored.has(sha256);
  }

  async *#list(): AsyncGenerator<StoredArtifact> {
    yield* [...this.stored.values()];
  }
}

test("an artifact has a minute to be named again, and what a crash left has a day", () => {
  assert.deepEqual([artifactGraceMs, orphanAgeMs], [60_000, 86_400_000]);
});

test("an artifact goes a minute after its last reference, and not before", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const ref = at.put("kept");
  ledger.retain(ref);
  ledger.retain(ref);
  ledger.release(ref);
  await at.pass(10 * artifactGraceMs);
  assert.ok(at.has(ref), "one reference is left");
  ledger.release(ref);
  await at.pass(artifactGraceMs - 1);
  assert.ok(at.has(ref));
  await at.pass(1);
  assert.ok(!at.has(ref));
});

test("bytes that are put or referred to again within the minute stay", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const [again, held] = [at.put("again"), at.put("held")];
  for (const ref of [again, held]) {
    ledger.retain(ref);
    ledger.release(ref);
  }
  await at.pass(artifactGraceMs / 2);
  at.put("again");
  const giveBack = ledger.hold(held);
  await at.pass(artifactGraceMs / 2);
  assert.deepEqual([at.has(again), at.has(held)], [true, true]);
  await at.pass(artifactGraceMs);
  assert.deepEqual([at.has(again), at.has(held)], [false, true], "nobody took what was put again");
  giveBack();
  await at.pass(artifactGraceMs);
  assert.ok(!at.has(held));
});

test("an artifact that is named in the very moment at which it would go stays", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const ref = at.put("late");
  ledger.retain(ref);
  ledger.release(ref);
  const look = at.store.stat;
  Object.assign(at.store, {
    stat: async (sha256: string) => {
      ledger.retain(ref);
      return await look(sha256);
    },
  });
  await at.pass(artifactGraceMs);
  assert.ok(at.has(ref));
});

test("what was held before the references were counted anew takes none of the new ones away", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const ref = at.put("counted");
  const due = at.put("due");
  ledger.retain(due);
  ledger.release(due);
  const giveBack = ledger.hold(ref);
  ledger.clear();
  ledger.retain(ref);
  giveBack();
  await at.pass(10 * artifactGraceMs);
  assert.ok(at.has(ref));
  assert.ok(at.has(due), "it may be referred to while the log is read again; the sweep takes it");
});

test("while it runs it looks every hour for what is a day old, and on a disk that is short for what is an hour old", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const [loose, used, young] = [at.put("loose"), at.put("used"), at.put("young")];
  ledger.retain(used);
  const ten = async () => {
    await at.pass(limits.sweepShortEveryMs);
    await ledger.sweepAgain();
  };
  for (let minutes = 0; minutes <= 60; minutes += 10) await ten();
  assert.ok(at.has(loose), "a disk with room keeps it for a day");
  at.put("young");
  const giveBack = ledger.hold(at.put("reported"));
  at.isShort = true;
  await ten();
  assert.deepEqual([at.has(loose), at.has(used), at.has(young)], [false, true, true]);
  for (let minutes = 0; minutes <= 60; minutes += 10) await ten();
  assert.deepEqual([at.has(young), at.has(used), at.stored.size], [false, true, 2], "one of a report in flight stays");
  giveBack();
  at.isShort = false;
  const old = at.put("old");
  at.nowMs += orphanAgeMs;
  for (let minutes = 0; minutes <= 60; minutes += 10) await ten();
  assert.ok(!at.has(old));
});

test("nothing is swept while the references are counted anew, also where the sweep began before", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const [first, second] = [at.put("first"), at.put("second")];
  at.nowMs += 2 * orphanAgeMs;
  ledger.clear();
  await ledger.sweepAgain();
  assert.deepEqual([at.has(first), at.has(second)], [true, true]);
  for (const ref of [first, second]) ledger.retain(ref);
  ledger.counted();
  const { list } = at.store;
  const cutShort = async function* () {
    ledger.clear();
    yield* list();
  };
  Object.assign(at.store, { list: cutShort });
  await ledger.sweepAgain();
  assert.deepEqual([at.has(first), at.has(second)], [true, true]);
});

test("a sweep removes what is older than a day and what nothing refers to, and only that", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const [referred, forgotten, orphan] = [at.put("referred"), at.put("forgotten"), at.put("orphan")];
  for (const ref of [referred, referred, forgotten]) ledger.retain(ref);
  ledger.forget(referred);
  ledger.forget(forgotten);
  at.nowMs += orphanAgeMs;
  await ledger.sweep();
  assert.ok(at.has(orphan), "it is a day old and no older");
  at.nowMs += 1;
  const young = at.put("young");
  await ledger.sweep();
  assert.deepEqual(
    [referred, forgotten, orphan, young].map((ref) => at.has(ref)),
    [true, false, false, true],
  );
});

test("a sweep tells what is referred to and not stored, and only that", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const [there, gone, forgotten] = [at.put("there"), at.put("gone"), at.put("forgotten")];
  for (const ref of [there, gone, gone, forgotten]) ledger.retain(ref);
  ledger.forget(forgotten);
  for (const { sha256 } of [gone, forgotten]) at.stored.delete(sha256);
  assert.deepEqual(await ledger.sweep(), [gone.sha256]);
});

/** Stores a text as a caller's upload. */
async function upload(at: Place, ledger: ArtifactLedger, caller: string, text: string): Promise<ArtifactRef> {
  const coming = { sha256: createHash("sha256").update(text).digest("hex"), size: text.length, kind: "checkpoint" };
  const begun = await ledger.beginUpload(caller, coming);
  const ref = at.put(text);
  begun.stored();
  begun.leave();
  return ref;
}

test("what a caller stored counts until a search refers to it, a report that is refused gives nothing, and others have their own room", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock, { bytesMax: 1000, artifactsMax: 2 });
  const first = await upload(at, ledger, "a", "first");
  const second = await upload(at, ledger, "a", "second");
  await assert.rejects(upload(at, ledger, "a", "third"), { code: "exhausted" });
  await upload(at, ledger, "b", "another's");
  const giveBack = ledger.hold(first);
  await assert.rejects(upload(at, ledger, "a", "third"), { code: "exhausted" }, "a report names it, and no search yet");
  giveBack();
  ledger.retain(second);
  const third = await upload(at, ledger, "a", "third");
  await assert.rejects(upload(at, ledger, "a", "fourth"), { code: "exhausted" });
  await assert.rejects(upload(at, ledger, "a", "second"), { code: "exhausted" }, "it counts while it is on its way");
  await at.pass(artifactGraceMs);
  assert.deepEqual([at.has(first), at.has(second), at.has(third)], [false, true, true]);
  await upload(at, ledger, "a", "second");
  await upload(at, ledger, "a", "second");
  await upload(at, ledger, "a", "fourth");
});

test("what a caller stored an hour ago for nobody makes room for what it brings, and a sweep gives room back", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock, { bytesMax: 20, artifactsMax: 9 });
  const [left, held] = [await upload(at, ledger, "a", "left"), await upload(at, ledger, "a", "held")];
  const giveBack = ledger.hold(held);
  await at.pass(orphanAgeShortMs);
  const young = await upload(at, ledger, "a", "young");
  await assert.rejects(upload(at, ledger, "a", "too long"), { code: "exhausted" }, "an hour and no more");
  await at.pass(1);
  const last = await upload(at, ledger, "a", "too long");
  assert.deepEqual(
    [left, held, young, last].map((ref) => at.has(ref)),
    [false, true, true, true],
  );
  giveBack();
  await at.pass(orphanAgeMs + 1);
  await ledger.sweep();
  assert.equal(at.stored.size, 0);
  await upload(at, ledger, "a", "twenty characters ..");
});

test("a ledger that is closed removes nothing more", async () => {
  const at = new Place();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const [due, late, orphan] = [at.put("due"), at.put("late"), at.put("orphan")];
  ledger.retain(due);
  ledger.release(due);
  ledger.close();
  ledger.release(late);
  await at.pass(2 * orphanAgeMs);
  await ledger.sweep();
  for (const ref of [due, late, orphan]) assert.ok(at.has(ref));
});

test("what was removed is told by cause a minute later, in one line for many, and counted", async () => {
  const at = new Place();
  const lines: string[] = [];
  const removed = new RemovedArtifacts(at.clock, ({ message, fields }) => void lines.push(`${message}; ${fields.bytes}`));
  const ledger = new ArtifactLedger(at.store, at.clock, { bytesMax: 100, artifactsMax: 1 }, removed);
  const released = ["a", "bc"].map((text) => at.put(text));
  for (const ref of released) ledger.retain(ref);
  for (const ref of released) ledger.release(ref);
  at.put("left over");
  await at.pass(artifactGraceMs);
  assert.deepEqual(lines, [], "nothing is told at once");
  await at.pass(tellAfterMs);
  assert.deepEqual(lines.splice(0), ["2 artifacts removed from the store: no search refers to them any more; 3"]);
  at.nowMs += orphanAgeMs;
  await ledger.sweep();
  const upload = await ledger.beginUpload("caller", at.put("in the way"));
  upload.stored();
  upload.leave();
  at.nowMs += orphanAgeShortMs + 1;
  await ledger.beginUpload("caller", at.put("wanted"));
  await at.pass(tellAfterMs);
  const [swept, forQuota] = lines;
  assert.match(swept ?? "", /^1 artifact removed from the store: no search ever referred .*; 9$/);
  assert.match(forQuota ?? "", /^1 artifact removed from the store: .* their caller needed the room; 10$/);
  assert.deepEqual(removed.artifactsTotal, { released: 2, left_over: 1, quota: 1 });
  assert.deepEqual(removed.bytesTotal, { released: 3, left_over: 9, quota: 10 });
});
