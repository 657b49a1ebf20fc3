/**
 * A program's checkpoint folder as one checkpoint file and back: a plain tar without times and owners, so that equal contents give equal bytes;
 * the agent's header is its first entry and is no file of the program's. An archive is read back before anyone counts on it.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { RegulusError } from "@regulus/proto";
import { create, extract, list, type ReadEntry } from "tar";
import { type CheckpointHeader, encodeHeader, ownFolder, readHeader } from "../trial/checkpoint-file.js";

/** An archive that was read back. */
export interface Archive {
  /** Sum of the file. */
  readonly sha256: string;
  /** Sum of what is in it, whatever its header says. */
  readonly contents: string;
}

/** Packs some paths of a folder and reads the archive back. Fails with "data-loss" where it is not what was packed. */
export async function archiveDirectory(
  { directory, paths }: { readonly directory: string; readonly paths: readonly string[] },
  path: string,
  header: CheckpointHeader,
): Promise<Archive> {
  const begin = encodeHeader({ ...header, entries: paths.length });
  const written = createHash("sha256").update(begin);
  const contents = createHash("sha256");
  await writeFile(path, begin);
  // A leading "./" keeps names that begin with "@" from being read as archives to include.
  const named = paths.map((one) => `./${one}`);
  const options = { cwd: directory, portable: true, noMtime: true, noDirRecurse: true, strict: true };
  const bytes = named.length === 0 ? [Buffer.alloc(1024)] : create(options, named);
  const counted = async function* (pieces: AsyncIterable<Buffer> | Iterable<Buffer>) {
    for await (const piece of pieces) {
      written.update(piece);
      contents.update(piece);
      yield piece;
    }
  };
  await pipeline(counted(bytes), createWriteStream(path, { flags: "a" }));
  const read = await checkArchive(path);
  const expected = written.digest("hex");
  if (read !== expected) throw damaged(`sum ${read.slice(0, 12)} where ${expected.slice(0, 12)} was written`);
  return { sha256: read, contents: contents.digest("hex") };
}

/** Restores a folder and answers the checkpoint's header. Fails with "data-loss" where the archive is cut short or damaged. */
export async function restoreDirectory(path: string, directory: string): Promise<CheckpointHeader> {
  const { header, payloadAt } = await readHeader(path);
  await mkdir(directory, { recursive: true });
  const entries = new EntryCount();
  await unpacking(async () => {
    // The header is no file of the program's.
    const into = extract({ cwd: directory, strict: true, onReadEntry: (entry) => entries.add(entry) });
    await pipeline(createReadStream(path, { start: payloadAt }), into);
    entries.check(header);
  });
  return header;
}

/** Reads an archive to its end. Answers its sum; fails with "data-loss" where it would not unpack. */
async function checkArchive(path: string): Promise<string> {
  const { header } = await readHeader(path);
  const hash = createHash("sha256");
  const entries = new EntryCount();
  const bytes = createReadStream(path);
  bytes.on("data", (piece) => void hash.update(piece));
  await unpacking(async () => {
    await pipeline(bytes, list({ strict: true, onReadEntry: (entry) => entries.add(entry) }));
    entries.check(header);
  });
  return hash.digest("hex");
}

/** Counts what is in an archive beside its header. */
class EntryCount {
  private seen = 0;

  add(entry: ReadEntry): void {
    if (!entry.path.startsWith(`${ownFolder}/`)) this.seen += 1;
  }

  check({ entries }: CheckpointHeader): void {
    if (entries !== undefined && entries !== this.seen) throw new Error(`saw ${this.seen} entries, expected ${entries}`);
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
