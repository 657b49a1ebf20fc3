/**
 * Conformance suite of an artifact store, which runs over any adapter: whole or not at all, by content, abort, list, reopen.
 * Shipped code, so that an adapter elsewhere can be held to it.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type ArtifactRef, RegulusError } from "@regulus/proto";
import type { ArtifactStore } from "../ports.js";

/** A place that a store can be opened on again and again. */
export interface StorePlace {
  open(): Promise<ArtifactStore>;
  /** Removes what the place holds. */
  clear(): Promise<void>;
}

/** Declares the suite for one adapter. `make` gives a fresh, empty place. */
export function describeStore(name: string, make: () => Promise<StorePlace>): void {
  describe(`artifact store conformance: ${name}`, () => {
    let place: StorePlace;
    let store: ArtifactStore;
    beforeEach(async () => {
      place = await make();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.clear();
    });

    it("gives back what was put, empty and large ones too, also after it was opened again", async () => {
      const all = [Buffer.alloc(0), Buffer.from("small"), Buffer.alloc(1_000_000, "0123456789")];
      for (const bytes of all) assert.deepEqual(await store.put(refOf(bytes), pieces(bytes)), refOf(bytes));
      await store.close();
      store = await place.open();
      for (const bytes of all) assert.ok(bytes.equals(await readAll(store, refOf(bytes).sha256)));
    });

    it("takes the same bytes twice, also at once", async () => {
      const bytes = Buffer.alloc(300_000, 1);
      await Promise.all([1, 2, 3].map(() => store.put(refOf(bytes), pieces(bytes))));
      assert.equal((await listed(store)).length, 1);
      assert.ok(bytes.equals(await readAll(store, refOf(bytes).sha256)));
    });

    it("refuses bytes that are cut short, too many or others, and keeps none of them", async () => {
      const bytes = Buffer.from("the bytes that were announced");
      const wrong = [bytes.subarray(0, 10), Buffer.concat([bytes, bytes]), Buffer.from(bytes.toString().toUpperCase())];
      for (const other of wrong) await assert.rejects(store.put(refOf(bytes), pieces(other)), code("invalid-argument"));
      assert.equal(await store.stat(refOf(bytes).sha256), undefined);
      assert.deepEqual(await listed(store), []);
    });

    it("refuses names that are no sums, which could be paths", async () => {
      for (const sha256 of ["", "../../etc/passwd", "A".repeat(64), "0".repeat(63)]) {
        await assert.rejects(readAll(store, sha256), code("invalid-argument"));
        await assert.rejects(store.put({ sha256, size: 0, kind: "" }, pieces(Buffer.alloc(0))), code("invalid-argument"));
      }
    });

    it("stops when told to, and keeps nothing of what was coming", async () => {
      const bytes = Buffer.alloc(1_000_000, 7);
      const control = new AbortController();
      async function* slow() {
        yield bytes.subarray(0, 100_000);
        control.abort();
        yield bytes.subarray(100_000);
      }
      await assert.rejects(store.put(refOf(bytes), slow(), control.signal), code("cancelled"));
      assert.deepEqual(await listed(store), []);
    });

    it("removes, tells what it has, and answers not-found for what it has not", async () => {
      const [one, two] = [Buffer.from("one"), Buffer.from("two!")];
      await store.put(refOf(one), pieces(one));
      await store.put(refOf(two), pieces(two));
      assert.deepEqual(
        (await listed(store)).sort(),
        [refOf(one), refOf(two)].map(({ sha256, size }) => `${sha256} ${size}`).sort(),
      );
      await store.remove(refOf(one).sha256);
      await store.remove(refOf(one).sha256);
      assert.equal(await store.stat(refOf(one).sha256), undefined);
      assert.equal((await store.stat(refOf(two).sha256))?.size, two.length);
      await assert.rejects(readAll(store, refOf(one).sha256), code("not-found"));
    });
  });
}

function refOf(bytes: Buffer): ArtifactRef {
  return { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, kind: "test" };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function readAll(store: ArtifactStore, sha256: string): Promise<Buffer> {
  const read: Uint8Array[] = [];
  for await (const piece of store.get(sha256)) read.push(piece);
  return Buffer.concat(read);
}

async function listed(store: ArtifactStore): Promise<string[]> {
  const all: string[] = [];
  for await (const { sha256, size, storedMs } of store.list()) {
    assert.ok(Math.abs(storedMs - Date.now()) < 60_000, "stored within the last minute");
    all.push(`${sha256} ${size}`);
  }
  return all;
}

function code(expected: RegulusError["code"]) {
  return (thrown: unknown) => thrown instanceof RegulusError && thrown.code === expected;
}
