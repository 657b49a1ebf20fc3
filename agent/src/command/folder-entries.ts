/**
 * Paths of a folder as the entries of a tar, one after the other, without times and owners. Every failure is one of the iteration: nothing is left
 * running behind it. Further names of one file are hard links to the first, so that a best model that is the newest one is packed once.
 */
import { type BigIntStats, createReadStream } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import { counted, limits, RegulusError, show } from "@regulus/proto";
import { Header, Pax } from "tar";

/** Bytes read at once. */
const readBytes = 1024 * 1024;
const blockBytes = 512;
/** Zero bytes that end a tar. */
const endBytes = 2 * blockBytes;
/** Numbers of files may be larger than a double holds exactly. */
const exact = { bigint: true } as const;

interface EntryHead {
  /** Seen from the folder, with a leading "./". */
  readonly path: string;
  readonly type: "File" | "Directory" | "SymbolicLink" | "Link";
  readonly mode: number;
  readonly size: number;
  readonly linkpath?: string;
}

/** Each folder comes before what is in it. Fails before anything is read where it would be larger than an artifact. */
export async function* folderEntries(directory: string, paths: readonly string[]): AsyncGenerator<Buffer> {
  const firstNames = new Map<string, string>();
  await checkSize(directory, paths);
  for (const path of paths) {
    const at = join(directory, path);
    const stat = await lstat(at, exact);
    const named = { path: `./${path}`, mode: modeOf(stat), size: 0 };
    const inode = inodeOf(stat);
    const first = firstNames.get(inode);
    if (stat.isDirectory()) yield headOf({ ...named, path: `./${path}/`, type: "Directory" });
    else if (stat.isSymbolicLink()) yield headOf({ ...named, type: "SymbolicLink", linkpath: await readlink(at) });
    else if (first !== undefined) yield headOf({ ...named, type: "Link", linkpath: first });
    else {
      firstNames.set(inode, named.path);
      yield headOf({ ...named, type: "File", size: Number(stat.size) });
      yield* fileBytes(at, path, Number(stat.size));
    }
  }
  yield Buffer.alloc(endBytes);
}

/** As many bytes as the head says, and zeros up to a whole block. */
async function* fileBytes(at: string, path: string, size: number): AsyncGenerator<Buffer> {
  let left = size;
  if (size > 0) {
    for await (const piece of createReadStream(at, { end: size - 1, highWaterMark: readBytes })) {
      left -= piece.length;
      yield piece;
    }
  }
  if (left > 0)
    throw new RegulusError("unavailable", `${show(path)} lost ${left} of its ${counted(size, "byte")} while it was read`);
  const more = -size & (blockBytes - 1);
  if (more > 0) yield Buffer.alloc(more);
}

async function checkSize(directory: string, paths: readonly string[]): Promise<void> {
  let bytes = 0;
  const seen = new Set<string>();
  for (const path of paths) {
    const stat = await lstat(join(directory, path), exact);
    const inode = inodeOf(stat);
    if (stat.isFile() && !seen.has(inode)) bytes += Number(stat.size);
    seen.add(inode);
  }
  const most = limits.artifactBytesMax;
  if (bytes > most) throw new RegulusError("invalid-argument", `it holds ${counted(bytes, "byte")}, expected at most ${most}`);
}

/** Without what the owner's group and others may write, so that the agent's umask does not show. */
function modeOf({ mode }: BigIntStats): number {
  return (Number(mode) & 0o755) | 0o600;
}

function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** What unpacks a tar takes a backslash for a slash where it looks for "..": on some systems it is one. */
function checkName(name: string): void {
  if (!name.split(/[/\\]/).includes("..")) return;
  throw new RegulusError("invalid-argument", `the name ${show(name)} has ".." beside a backslash and can't be restored`);
}

function headOf(head: EntryHead): Buffer {
  checkName(head.path);
  const block = Buffer.alloc(blockBytes);
  if (!new Header(head).encode(block, 0)) return block;
  const { path, linkpath, size } = head;
  // A line end would end the field that holds a long name.
  for (const name of [path, linkpath ?? ""]) {
    if (name.includes("\n")) throw new RegulusError("invalid-argument", `the name ${show(name)} has a line end and is too long`);
  }
  const further = new Pax({ path, size, ...(linkpath === undefined ? {} : { linkpath }) }).encode();
  return Buffer.concat([further, block]);
}
