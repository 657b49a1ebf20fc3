/** Only a file that was seen replaced, and never written in place, is kept by a link. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FileHistories, type FileState } from "./file-histories.js";

test("a link is trusted exactly after a replacement was seen and no write in place", () => {
  const deed = fc.constantFrom("replace", "replace, same number", "write", "nothing");
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 12 }), (deeds) => {
      const histories = new FileHistories();
      let now: FileState = { inode: 1n, bornMs: 1, size: 10, modifiedMs: 1 };
      assert.equal(histories.isKeptByLink("a", now), false);
      for (const [index, deed] of deeds.entries()) {
        const atMs = index + 2;
        if (deed === "replace") now = { inode: now.inode + 1n, bornMs: atMs, size: 10, modifiedMs: atMs };
        if (deed === "replace, same number") now = { ...now, bornMs: atMs, modifiedMs: atMs };
        if (deed === "write") now = { ...now, modifiedMs: atMs };
        const seen = deeds.slice(0, index + 1);
        const expected = seen.some((one) => one.startsWith("replace")) && !seen.includes("write");
        assert.equal(histories.isKeptByLink("a", now), expected, seen.join());
      }
    }),
  );
});
