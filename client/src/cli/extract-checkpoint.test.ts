/** Whatever an archive says, nothing outside of the folder is written or read through; ordinary checkpoints come back whole. */
import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import fc from "fast-check";
import { Header } from "tar";
import { extractCheckpoint } from "./extract-checkpoint.js";

const root = realpathSync(mkdtempSync(join(tmpdir(), "regulus-hostile-")));
after(() => rmSync(root, { recursive: true }));
let runs = 0;

interface Entry {
  readonly path: string;
  readonly type: "File" | "Directory" | "SymbolicLink" | "Link" | "FIFO";
  readonly linkpath?: string;
  readonly mode?: number;
}

/** A tar as a stranger may write it; files hold their path. */
async function* tarOf(entries: readonly Entry[]): AsyncGenerator<Buffer> {
  for (const { path, type, linkpath = "", mode = 0o755 } of entries) {
    const body = type === "File" ? Buffer.from(path) : Buffer.alloc(0);
    const block = Buffer.alloc(512);
    new Header({ path, type, linkpath: type.endsWith("Link") ? linkpath : "", mode, size: body.length }).encode(block, 0);
    yield block;
    yield Buffer.concat([body, Buffer.alloc(-body.length & 511)]);
  }
  yield Buffer.alloc(1024);
}

/** Extracts into a new folder beside files that are none of its business. */
async function attempt(entries: readonly Entry[]) {
  runs += 1;
  const around = join(root, String(runs));
  const folder = join(around, "to");
  mkdirSync(join(around, "secret"), { recursive: true });
  writeFileSync(join(around, "secret", "key"), "untouched");
  const outcome = await extractCheckpoint(tarOf(entries), folder).catch((error: unknown) => RegulusError.from(error));
  assert.deepEqual([readdirSync(around).sort(), readdirSync(join(around, "secret"))], [["secret", "to"], ["key"]]);
  assert.equal(readFileSync(join(around, "secret", "key"), "utf8"), "untouched");
  return { folder, outcome };
}

/** Every path below a folder, links not followed. */
function below(folder: string, path = ""): string[] {
  return readdirSync(join(folder, path)).flatMap((name) => {
    const one = join(path, name);
    return lstatSync(join(folder, one)).isDirectory() ? [one, ...below(folder, one)] : [one];
  });
}

const names = fc.constantFrom("a", "b", "c", "d", "e", "a", "b", "c", "d", "e", ".", "..", "");
const path = fc
  .tuple(fc.constantFrom("", "", "", "", "", "", "./", "./", "/", "C:\\"), fc.array(names, { minLength: 1, maxLength: 3 }))
  .map(([start, parts]) => start + parts.join("/"));
const entry: fc.Arbitrary<Entry> = fc.record({
  path: path.map((text) => text || "a"),
  type: fc.constantFrom("File", "File", "File", "File", "SymbolicLink", "SymbolicLink", "SymbolicLink", "Directory", "Link"),
  linkpath: fc.oneof(path, fc.constantFrom("../secret", "../secret/key", "/etc/passwd", "a/../..")),
});

test("a hostile archive is refused with a message and leaves nothing, or all that it makes stays inside", async () => {
  let restored = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 5 }), async (entries) => {
      const { folder, outcome } = await attempt(entries);
      if (outcome instanceof RegulusError) {
        assert.equal(outcome.code, "failed-precondition");
        assert.match(outcome.message, /^--extract: saw /);
        assert.deepEqual(readdirSync(folder), []);
        return;
      }
      restored += 1;
      for (const one of below(folder)) {
        const at = join(folder, one);
        const parent = realpathSync(dirname(at));
        assert.ok(`${parent}/`.startsWith(`${folder}/`), `${one} lies in ${parent}`);
        if (lstatSync(at).isFile()) assert.notEqual(readFileSync(at, "utf8"), "untouched", `${one} is a file of outside`);
      }
    }),
    { numRuns: 600 },
  );
  assert.ok(restored > 20, `${restored} were restored`);
});

test("paths outside the folder or behind a link are refused by name", async () => {
  const file: Entry = { path: "./model", type: "File" };
  const link = (path: string, linkpath: string): Entry => ({ path, type: "SymbolicLink", linkpath });
  const cases: readonly (readonly [readonly Entry[], RegExp])[] = [
    [[link("out", "../secret"), link("out/x", "y")], /"out\/x" behind "out", which is not a folder; nothing is restored/],
    [[link("out/x", "y"), link("out", "../secret")], /the path "out" twice/],
    [[link("key", "../secret/key"), { path: "key", type: "File" }], /"key" twice/],
    [
      [link("key", "../secret/key"), { path: "x", type: "Link", linkpath: "key" }],
      /a hard link "x" to "key", which is not an earlier file/,
    ],
    [[{ path: "a\\..\\b", type: "File" }], /the path "a.*b", which leads outside/],
    [[link("d", "."), { path: "d/file", type: "File" }], /"d\/file" behind "d", which is not a folder/],
    [[{ path: "/etc/x", type: "File" }], /the path "\/etc\/x", which leads outside/],
    [[file, { path: "../x", type: "File" }], /the path "..\/x"/],
    [
      [{ path: "x", type: "Link", linkpath: "../secret/key" }],
      /a hard link "x" to "..\/secret\/key", which is not an earlier file/,
    ],
    [[file, { path: "pipe", type: "FIFO" }], /"pipe", which is a FIFO/],
  ];
  for (const [entries, words] of cases) {
    const { folder, outcome } = await attempt(entries);
    assert.ok(outcome instanceof RegulusError, JSON.stringify(entries));
    assert.match(outcome.message, words);
    assert.deepEqual(readdirSync(folder), []);
  }
});

test("links lead where the program's led, names may hold a backslash, and no file runs with its owner's rights", async () => {
  const entries: readonly Entry[] = [
    { path: "./model", type: "File", mode: 0o6755 },
    { path: "./a\\b", type: "File" },
    { path: "./latest", type: "SymbolicLink", linkpath: "/abs/outside" },
    { path: "./d/up", type: "SymbolicLink", linkpath: "../../secret/key" },
    { path: "./loop", type: "SymbolicLink", linkpath: "loop" },
  ];
  const { folder, outcome } = await attempt(entries);
  assert.deepEqual(outcome, ["model", "a\\b", "latest", "d/up", "loop"]);
  const targets = ["latest", "d/up", "loop"].map((name) => readlinkSync(join(folder, name)));
  assert.deepEqual(targets, ["/abs/outside", "../../secret/key", "loop"]);
  assert.equal(lstatSync(join(folder, "model")).mode & 0o7777, 0o755);
});

test("an ordinary checkpoint comes back with its folders, its links of both kinds and links that lead nowhere yet", async () => {
  const entries: readonly Entry[] = [
    { path: ".regulus/checkpoint.json", type: "File" },
    { path: "./step-10/", type: "Directory" },
    { path: "./step-10/model", type: "File" },
    { path: "./step-10/best", type: "Link", linkpath: "./step-10/model" },
    { path: "./newest", type: "SymbolicLink", linkpath: "step-10" },
    { path: "./links/model", type: "SymbolicLink", linkpath: "../newest/./model" },
    { path: "./later", type: "SymbolicLink", linkpath: "step-20" },
  ];
  const { folder, outcome } = await attempt(entries);
  assert.deepEqual(outcome, ["step-10/model", "step-10/best", "newest", "links/model", "later"]);
  assert.equal(readFileSync(join(folder, "links", "model"), "utf8"), "./step-10/model");
  assert.equal(lstatSync(join(folder, "step-10", "best")).ino, lstatSync(join(folder, "step-10", "model")).ino);
  assert.equal(existsSync(join(folder, "later")), false);
});
