/** Removals that take a while: who wants the same bytes meanwhile waits and is told the truth, and nothing is removed or counted twice. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { ArtifactRef, Report } from "@regulus/proto";
import { MemoryFolder, openMemoryStore } from "../../artifacts/memory-store.js";
import type { ArtifactStore, Clock } from "../../ports.js";
import { ArtifactLedger, artifactGraceMs, orphanAgeShortMs } from "./artifact-ledger.js";
import { checkArtifacts } from "./reported-artifacts.js";

/** A store on a disk that takes its time to remove a file. */
class SlowPlace {
  nowMs = 1_000_000_000;
  removed: string[] = [];
  /** Lets removals end. */
  readonly goOn: (() => void)[] = [];
  wake: () => void = () => undefined;
  readonly clock: Clock = {
    now: () => this.nowMs,
    wake: (_atMs, call) => {
      this.wake = call;
      return () => undefined;
    },
    wakeAfter: (ms, call) => this.clock.wake(this.nowMs + ms, call),
  };
  readonly #inner = openMemoryStore(new MemoryFolder(), () => this.nowMs);
  readonly store: ArtifactStore = {
    ...this.#inner,
    remove: async (sha256) => {
      this.removed.push(sha256);
      await new Promise<void>((resolve) => this.goOn.push(resolve));
      await this.#inner.remove(sha256);
    },
  };

  async put(text: string): Promise<ArtifactRef> {
    const bytes = Buffer.from(text);
    const ref = { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, kind: "checkpoint" };
    await this.store.put(
      ref,
      (async function* () {
        yield bytes;
      })(),
    );
    return ref;
  }

  async endRemovals(): Promise<void> {
    while (this.goOn.length > 0) {
      this.goOn.shift()?.();
      await turns();
    }
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

async function withRemovalUnderWay(): Promise<{
  readonly at: SlowPlace;
  readonly ledger: ArtifactLedger;
  readonly ref: ArtifactRef;
}> {
  const at = new SlowPlace();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const ref = await at.put("bytes");
  ledger.retain(ref);
  ledger.release(ref);
  at.nowMs += 2 * artifactGraceMs;
  at.wake();
  await turns();
  assert.deepEqual(at.removed, [ref.sha256]);
  return { at, ledger, ref };
}

test("a report of bytes that are being removed is answered once they are gone: not taken", async () => {
  const { at, ledger, ref } = await withRemovalUnderWay();
  const report: Report = {
    lease: undefined,
    event: { $case: "checkpointed", value: { step: 1, checkpoint: ref } },
  };
  let isAnswered = false;
  const checking = checkArtifacts([report], at.store, ledger).finally(() => {
    isAnswered = true;
  });
  await turns();
  assert.equal(isAnswered, false, "it waits for the removal");
  await at.endRemovals();
  const { reports } = await checking;
  assert.equal(reports[0]?.event?.$case, "found");
});

test("an upload of bytes that are being removed begins once they are gone, and stays", async () => {
  const { at, ledger, ref } = await withRemovalUnderWay();
  let hasBegun = false;
  const beginning = ledger.beginUpload("caller", ref).then((upload) => {
    hasBegun = true;
    return upload;
  });
  await turns();
  assert.equal(hasBegun, false, "it waits for the removal");
  await at.endRemovals();
  const upload = await beginning;
  await at.put("bytes");
  upload.stored();
  upload.leave();
  at.wake();
  await turns();
  assert.ok(await at.store.stat(ref.sha256));
});

test("what is old and being uploaded again is not removed in the midst of it", async () => {
  const at = new SlowPlace();
  const ledger = new ArtifactLedger(at.store, at.clock);
  const ref = await at.put("bytes");
  at.nowMs += 30 * 86_400_000;
  const upload = await ledger.beginUpload("caller", ref);
  await ledger.sweep();
  assert.deepEqual(at.removed, []);
  upload.leave();
  const sweeping = ledger.sweep();
  await turns();
  await at.endRemovals();
  await sweeping;
  assert.deepEqual(at.removed, [ref.sha256], "an upload that was given up protects nothing");
});

test("a caller at its bound has each old artifact removed and counted once, however many uploads ask for room at the same time", async () => {
  const at = new SlowPlace();
  const noted: number[] = [];
  const ledger = new ArtifactLedger(
    at.store,
    at.clock,
    { bytesMax: 1000, artifactsMax: 4 },
    { note: (_, size) => void noted.push(size) },
  );
  const refs: ArtifactRef[] = [];
  for (const text of ["a", "bb", "ccc", "dddd"]) {
    const ref = await at.put(text);
    const upload = await ledger.beginUpload("caller", ref);
    upload.stored();
    upload.leave();
    refs.push(ref);
  }
  at.nowMs += orphanAgeShortMs + 1;
  // One of them is stored anew: it is young again.
  await at.put("dddd");
  const uploads = ["e", "f", "g"].map(async (text) => ledger.beginUpload("caller", await at.put(text)));
  await turns();
  await at.endRemovals();
  await Promise.all(uploads);
  assert.deepEqual([noted, at.removed], [[1, 2, 3], refs.slice(0, 3).map(({ sha256 }) => sha256)]);
  assert.ok(await at.store.stat(refs[3]?.sha256 ?? ""));
});
