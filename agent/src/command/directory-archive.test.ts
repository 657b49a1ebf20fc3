import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import fc from "fast-check";
import { Header, type HeaderData } from "tar";
import { encodeHeader } from "../trial/checkpoint-file.js";
import { archiveDirectory, restoreDirectory } from "./directory-archive.js";
import { type FolderSnapshot, freezeFolder } from "./folder-snapshot.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-archive-"));
after(() => rmSync(folder, { recursive: true }));
const header = { step: 5, seconds: 2, procedure: "command" };

/** A folder with a file in another one, frozen. */
async function fill(name: string): Promise<FolderSnapshot> {
  const directory = join(folder, name);
  mkdirSync(join(directory, "inner"), { recursive: true });
  mkdirSync(join(directory, ".regulus"));
  writeFileSync(join(directory, "weights.bin"), Buffer.alloc(100_000, 7));
  writeFileSync(join(directory, "inner", "état.json"), "{}");
  writeFileSync(join(directory, "@odd name"), "@");
  writeFileSync(join(directory, ".regulus", "checkpoint.json"), "not a header");
  symlinkSync("weights.bin", join(directory, "newest"));
  return await freezeFolder(directory, `${directory}-frozen`, { without: ".regulus" });
}

test("a folder comes back, and equal contents give equal bytes whatever their times", async () => {
  const source = await fill("source");
  const first = await archiveDirectory(source, join(folder, "a.tar"), header);
  utimesSync(join(source.directory, "weights.bin"), 1, 1);
  assert.deepEqual(await archiveDirectory(source, join(folder, "b.tar"), header), first);
  const later = await archiveDirectory(source, join(folder, "c.tar"), { ...header, step: 6 });
  assert.deepEqual([later.contents === first.contents, later.sha256 === first.sha256], [true, false]);
  const restored = join(folder, "restored");
  assert.deepEqual(await restoreDirectory(join(folder, "a.tar"), restored), { ...header, entries: 5 });
  assert.deepEqual(readdirSync(restored).sort(), ["@odd name", "inner", "newest", "weights.bin"], "and nothing of ours");
  assert.ok(readFileSync(join(restored, "newest")).equals(Buffer.alloc(100_000, 7)));
  assert.equal(readFileSync(join(restored, "inner", "état.json"), "utf8"), "{}");
});

test("an archive is a plain tar that any tar unpacks", async () => {
  await archiveDirectory(await fill("plain"), join(folder, "plain.tar"), header);
  const names = execFileSync("tar", ["-tf", join(folder, "plain.tar")], { encoding: "utf8" }).split("\n");
  assert.equal(names[0], ".regulus/checkpoint.json");
  assert.ok(names.includes("./weights.bin"), names.join(" "));
});

test("an archive that holds more than its header tells, or less, is data loss", async () => {
  await archiveDirectory(await fill("count"), join(folder, "count.tar"), header);
  const whole = readFileSync(join(folder, "count.tar"));
  for (const count of ["4", "6"]) {
    const changed = Buffer.from(whole);
    changed.write(count, whole.indexOf('"entries":5') + '"entries":'.length);
    writeFileSync(join(folder, "count.tar"), changed);
    const restoring = restoreDirectory(join(folder, "count.tar"), join(folder, `count-${count}`));
    await assert.rejects(restoring, { code: "data-loss", message: new RegExp(`saw 5 entries, expected ${count}`) });
  }
});

test("an archive that is cut anywhere is data loss, not half a folder", async () => {
  await archiveDirectory(await fill("cut"), join(folder, "cut.tar"), header);
  const whole = readFileSync(join(folder, "cut.tar"));
  // Without its end, a run of zeros, it still holds everything.
  for (let bytes = 0; bytes < whole.length - 1024; bytes += 4096 - 512) {
    writeFileSync(join(folder, "cut.tar"), whole.subarray(0, bytes));
    await assert.rejects(
      restoreDirectory(join(folder, "cut.tar"), join(folder, `half-${bytes}`)),
      (error) => error instanceof RegulusError && error.code === "data-loss",
      `cut at ${bytes} of ${whole.length}`,
    );
  }
});

test("an archive that reaches out of its folder is data loss, and nothing is written there", async () => {
  const outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "mine");
  const entry = (head: Pick<HeaderData, "path" | "type" | "linkpath">) => {
    const block = Buffer.alloc(512);
    new Header({ mode: 0o644, size: 0, ...head }).encode(block, 0);
    return block;
  };
  const link = (path: string, linkpath: string) => entry({ path, type: "SymbolicLink", linkpath });
  const cases: readonly (readonly Buffer[])[] = [
    [link("./../escaped", "x")],
    [link("./out", outside), link("./out/escaped", "x")],
    [link("./near", "../near-beside"), link("./../near-beside", "x")],
    [entry({ path: "./../escaped", type: "File" })],
    [entry({ path: "./stolen", type: "Link", linkpath: "../outside/secret" })],
  ];
  for (const [index, entries] of cases.entries()) {
    const path = join(folder, `reaches-${index}.tar`);
    const begin = encodeHeader({ ...header, entries: entries.length });
    writeFileSync(path, Buffer.concat([begin, ...entries, Buffer.alloc(1024)]));
    const into = join(folder, "reaches", String(index));
    await assert.rejects(restoreDirectory(path, into), { code: "data-loss" }, `case ${index}`);
    assert.deepEqual([readdirSync(outside), existsSync(join(folder, "reaches", "escaped"))], [["secret"], false]);
    assert.equal(existsSync(join(into, "stolen")), false);
  }
});

test("who may run and read a file is kept, and nobody else may write it", async () => {
  const from = join(folder, "modes");
  mkdirSync(from);
  const modes = { owner: [0o6755, 0o755], open: [0o777, 0o755], bare: [0o000, 0o600], plain: [0o664, 0o644] } as const;
  for (const [name, [mode]] of Object.entries(modes)) {
    writeFileSync(join(from, name), "");
    chmodSync(join(from, name), mode);
  }
  await archiveDirectory(await freezeFolder(from, `${from}-frozen`, { without: ".regulus" }), join(folder, "modes.tar"), header);
  await restoreDirectory(join(folder, "modes.tar"), `${from}-back`);
  for (const [name, [, expected]] of Object.entries(modes))
    assert.equal(lstatSync(join(`${from}-back`, name)).mode & 0o7777, expected, name);
});

test("an archive whose files run with their owner's rights is restored without those", async () => {
  const entry = (path: string, type: "File" | "Directory", mode: number) => {
    const block = Buffer.alloc(512);
    new Header({ path, type, mode, size: 0 }).encode(block, 0);
    return block;
  };
  const path = join(folder, "owner.tar");
  const entries = [entry("./d/", "Directory", 0o3755), entry("./d/run", "File", 0o6755)];
  writeFileSync(path, Buffer.concat([encodeHeader({ ...header, entries: 2 }), ...entries, Buffer.alloc(1024)]));
  await restoreDirectory(path, join(folder, "owner"));
  const modes = ["d", "d/run"].map((name) => lstatSync(join(folder, "owner", name)).mode & 0o7777);
  assert.deepEqual(modes, [0o755, 0o755]);
});

/** What a program may do in its folder, by names that are few, so that it happens to the same file twice. */
const nameOf = fc.constantFrom(
  "latest.pt",
  "step5.pt",
  "zbest.pt",
  "a\nb",
  "état",
  "@x",
  "-x",
  " ",
  "\\",
  "..\\x",
  "a\\..\\b",
  "c:\\x",
  "x".repeat(200),
);
const inside = fc.array(nameOf, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const deed = fc.oneof(
  fc.record({ does: fc.constant("write" as const), path: inside, bytes: fc.constantFrom(0, 1, 511, 512, 513, 3_000_000) }),
  fc.record({ does: fc.constant("link" as const), path: inside, to: inside }),
  fc.record({
    does: fc.constant("symlink" as const),
    path: inside,
    to: fc.oneof(inside, fc.constantFrom("/etc", "../../..", "gone", "x/".repeat(200), ".")),
  }),
  fc.record({ does: fc.constant("mkdir" as const), path: inside }),
);

test("whatever files, links and folders a program makes, they come back as they were, or packing says why not", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 12 }), async (deeds) => {
      runs += 1;
      const own = join(folder, `deeds-${runs}`);
      mkdirSync(join(own, "from"), { recursive: true });
      for (const one of deeds) attempt(() => perform(join(own, "from"), one));
      const snapshot = await freezeFolder(join(own, "from"), join(own, "frozen"), { without: ".regulus" });
      if (snapshot.isEmpty) return;
      let pieces = 0;
      const packed = archiveDirectory(snapshot, join(own, "a.tar"), header, () => {
        pieces += 1;
      });
      const failure = await packed.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined) {
        assert.ok(
          failure instanceof RegulusError && /has a line end and is too long|has ".." beside a backslash/.test(failure.message),
          String(failure),
        );
        return;
      }
      assert.ok(pieces > snapshot.paths.length, "each entry is told of as it is written, and what is read back");
      await restoreDirectory(join(own, "a.tar"), join(own, "to"));
      assert.deepEqual(look(join(own, "to")), look(join(own, "from")));
      rmSync(own, { recursive: true });
    }),
    { numRuns: 100 },
  );
});

type Deed = typeof deed extends fc.Arbitrary<infer One> ? One : never;

function perform(directory: string, one: Deed): void {
  const path = join(directory, one.path);
  mkdirSync(dirname(path), { recursive: true });
  if (one.does === "mkdir") mkdirSync(path);
  else if (one.does === "write") writeFileSync(path, Buffer.alloc(one.bytes, one.path));
  else if (one.does === "link") linkSync(join(directory, one.to), path);
  else symlinkSync(one.to, path);
}

/** A deed that the folder's state does not allow is not done. */
function attempt(call: () => void): void {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof Error && "syscall" in error, String(error));
  }
}

/** All that is in a folder, links not followed: kind and content by path; of files also which of them are the same one. */
function look(directory: string): Record<string, string> {
  const seen: Record<string, string> = {};
  const firstNames = new Map<number, string>();
  const visit = (folder: string): void => {
    for (const name of readdirSync(join(directory, folder)).sort()) {
      const path = join(folder, name);
      const at = join(directory, path);
      const stat = lstatSync(at);
      if (stat.isSymbolicLink()) seen[path] = `link to ${readlinkSync(at)}`;
      else if (stat.isDirectory()) {
        seen[path] = "folder";
        visit(path);
      } else {
        const first = firstNames.get(stat.ino) ?? path;
        firstNames.set(stat.ino, first);
        seen[path] = `${createHash("sha256").update(readFileSync(at)).digest("hex")}, the same file as ${first}`;
      }
    }
  };
  visit("");
  return seen;
}
