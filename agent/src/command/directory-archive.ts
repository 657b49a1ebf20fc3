/**
 * A program's checkpoint folder as one checkpoint file and back: a plain tar without times and owners, so that equal contents give equal bytes;
 * the agent's header is its first entry and is no file of the program's. An archive is read back before anyone counts on it.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { counted, RegulusError } from "@regulus/proto";
import { extract, list, type ReadEntry } from "tar";
import { type CheckpointHeader, encodeHeader, ownFolder, readHeader } from "../trial/checkpoint-file.js";
import { folderEntries } from "./folder-entries.js";

/** An archive that was read back. */
export interface Archive {
  /** Sum of the file. */
  readonly sha256: string;
  /** Sum of what is in it, whatever its header says. */
  readonly contents: string;
}

/**
 * Packs some paths of a folder and reads the archive back. Fails with "data-loss" where it is not what was packed. `moved` is called as bytes are
 * written and read: so often at most as an artifact has pieces.
 */
export async function archiveDirectory(
  { directory, paths }: { readonly directory: string; readonly paths: readonly string[] },
  path: string,
  header: CheckpointHeader,
  moved: () => void = () => undefined,
): Promise<Archive> {
  const begin = encodeHeader({ ...header, entries: paths.length });
  const written = createHash("sha256").update(begin);
  const contents = createHash("sha256");
  await writeFile(path, begin);
  const pieces = async function* () {
    for await (const piece of folderEntries(directory, paths)) {
      written.update(piece);
      contents.update(piece);
      moved();
      yield piece;
    }
  };
  await pipeline(pieces, createWriteStream(path, { flags: "a" }));
  const read = await checkArchive(path, moved);
  const expected = written.digest("hex");
  if (read !== expected) throw damaged(`sum ${read.slice(0, 12)} where ${expected.slice(0, 12)} was written`);
  return { sha256: read, contents: contents.digest("hex") };
}

/** Restores a folder and answers the checkpoint's header. Fails with "data-loss" where the archive is cut short or damaged. */
export async function restoreDirectory(path: string, directory: string): Promise<CheckpointHeader> {
  const { header, payloadAt } = await readHeader(path);
  await mkdir(directory, { recursive: true });
  const entries = new EntryCount();
  const links: { readonly at: string; readonly to: string }[] = [];
  await unpacking(async () => {
    const into = extract({
      cwd: directory,
      strict: true,
      filter: (name, entry) => {
        // What runs with its owner's rights is none of a checkpoint's business.
        if (entry.mode !== undefined) entry.mode &= 0o777;
        if (!("linkpath" in entry) || entry.type !== "SymbolicLink") return true;
        entries.add(entry);
        links.push({ at: join(directory, name), to: entry.linkpath ?? "" });
        return false;
      },
      // The header is no file of the program's.
      onReadEntry: (entry) => entries.add(entry),
    });
    await pipeline(createReadStream(path, { start: payloadAt }), into);
    for (const link of links) await makeLink(directory, link);
    entries.check(header);
  });
  return header;
}

/**
 * Links are made last, so that nothing is written through them. They may lead anywhere, as the program made them: it has the rights that its agent's
 * user has, whatever its links say.
 */
async function makeLink(directory: string, { at, to }: { readonly at: string; readonly to: string }): Promise<void> {
  const [top, folder] = [await realpath(directory), await realpath(dirname(at))];
  if (folder !== top && !folder.startsWith(`${top}/`)) throw new Error(`a link at ${at} lies outside`);
  await symlink(to, at);
}

/** Reads an archive to its end. Answers its sum; fails with "data-loss" where it would not unpack. */
async function checkArchive(path: string, moved: () => void): Promise<string> {
  const { header } = await readHeader(path);
  const hash = createHash("sha256");
  const entries = new EntryCount();
  const bytes = createReadStream(path);
  bytes.on("data", (piece) => {
    hash.update(piece);
    moved();
  });
  await unpacking(async () => {
    await pipeline(bytes, list({ strict: true, onReadEntry: (entry) => entries.add(entry) }));
    entries.check(header);
  });
  return hash.digest("hex");
}

/** Counts what is in an archive beside its header. */
class EntryCount {
  #seen = 0;

  add(entry: ReadEntry): void {
    if (!entry.path.startsWith(`${ownFolder}/`)) this.#seen += 1;
  }

  check({ entries }: CheckpointHeader): void {
    if (entries !== undefined && entries !== this.#seen)
      throw new Error(`saw ${counted(this.#seen, "entry", "entries")}, expected ${entries}`);
  }
}

async function unpacking(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // A full or broken disk says nothing of the archive.
    if (error instanceof Error && "syscall" in error) throw error;
    throw damaged(error instanceof Error ? error.message : String(error), error);
  }
}

function damaged(words: string, cause?: unknown): RegulusError {
  return new RegulusError("data-loss", `the checkpoint folder can't be restored from its archive: ${words}`, { cause });
}
