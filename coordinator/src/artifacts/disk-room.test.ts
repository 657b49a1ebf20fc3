/** Uploads leave the log its room, whatever comes in at once, and take no more of it than they bring. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { limits, RegulusError } from "@regulus/proto";
import fc from "fast-check";
import { openDirectoryStore } from "./directory-store.js";
import { DiskRoom, type Room } from "./disk-room.js";

const root = mkdtempSync(join(tmpdir(), "regulus-room-"));
after(() => rmSync(root, { recursive: true, force: true }));
const isFull = (thrown: unknown) => thrown instanceof RegulusError && thrown.code === "exhausted";

test("however uploads come and go, what the log is kept is never taken, and a disk that is left is all there again", async () => {
  const uploads = fc.array(fc.record({ size: fc.nat({ max: 400 }), brought: fc.nat({ max: 400 }), leaves: fc.boolean() }), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(uploads, async (some) => {
      const total = 1000;
      const kept = total * limits.diskKeptPart;
      let free = total;
      const room = new DiskRoom(root, async () => ({ free, total }));
      const open: { readonly place: Room; left: number }[] = [];
      for (const { size, brought, leaves } of some) {
        const awaited = open.reduce((sum, { left }) => sum + left, 0);
        const fits = free - awaited - size >= kept;
        const place = await room.take(size).catch((thrown: unknown) => assert.ok(isFull(thrown)));
        assert.equal(place !== undefined, fits);
        if (!place) continue;
        const bytes = Math.min(size, brought);
        place.came(bytes);
        free -= bytes;
        if (leaves) place.leave();
        else open.push({ place, left: size - bytes });
        assert.ok(free >= kept);
      }
      for (const { place } of open) place.leave();
      assert.equal(await room.isShort(), free < 2 * kept);
    }),
  );
});

test("a store on a disk with the log's room alone refuses an upload before a byte of it is written", async () => {
  let free = limits.diskKeptBytesMax + 4;
  const store = await openDirectoryStore(join(root, "store"), async () => ({ free, total: 1e12 }));
  const put = (text: string) =>
    store.put(
      { sha256: createHash("sha256").update(text).digest("hex"), size: text.length, kind: "checkpoint" },
      (async function* () {
        yield Buffer.from(text);
      })(),
    );
  await assert.rejects(put("fives"), isFull);
  assert.deepEqual(readdirSync(join(root, "store")), ["incoming"]);
  await put("four");
  assert.equal(await store.isShort(), true);
  free = 1e11;
  await put("fives");
  assert.equal(await store.isShort(), false);
});
