/**
 * Restores the files of a checkpoint, which is a plain tar. Regulus's own entry in it is left out. Nothing is written outside of the folder, whatever
 * the archive says, nothing is written over, and of an archive that is refused nothing stays.
 */
import { mkdir, readdir, realpath, rm, symlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RegulusError, show } from "@regulus/proto";
import { extract } from "tar";
import { counted } from "../display/numbers.js";
import { ArchiveEntries, type ArchiveEntry, refused } from "./archive-entries.js";

/** Entries of Regulus's own. */
const own = /^(\.\/)?\.regulus(\/|$)/;

/** Restores into a folder that is made where it is missing, and is empty else. Answers the paths of its files and links. */
export async function extractCheckpoint(bytes: AsyncIterable<Uint8Array>, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const there = await readdir(folder);
  if (there.length > 0) {
    const seen = `${counted(there.length, "file")} in ${folder}, the first is ${there[0]}`;
    throw new RegulusError("failed-precondition", `--extract: saw ${seen}, expected a new or an empty folder`);
  }
  try {
    return await unpack(bytes, folder);
  } catch (thrown) {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    if (thrown instanceof RegulusError || (thrown instanceof Error && "syscall" in thrown)) throw thrown;
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    throw new RegulusError(
      "failed-precondition",
      `--extract: saw an artifact that is not a tar (${words}), expected a checkpoint`,
    );
  }
}

async function unpack(bytes: AsyncIterable<Uint8Array>, folder: string): Promise<string[]> {
  const entries = new ArchiveEntries();
  const paths: string[] = [];
  let fault: unknown;
  const isWanted = (path: string, entry: ArchiveEntry & { mode?: number | undefined }) => {
    if (fault !== undefined || own.test(path)) return false;
    try {
      entries.add(entry);
    } catch (error) {
      fault = error;
      return false;
    }
    // What runs with its owner's rights is none of a checkpoint's business.
    if (entry.mode !== undefined) entry.mode &= 0o777;
    if (entry.type !== "Directory") paths.push(path.replace(/^\.\//, ""));
    // Links are made last, so that nothing is written through them.
    return entry.type !== "SymbolicLink";
  };
  const into = extract({ cwd: folder, strict: true, filter: (path, entry) => "type" in entry && isWanted(path, entry) });
  await pipeline(Readable.from(bytes), into);
  if (fault !== undefined) throw fault;
  await makeLinks(folder, entries.links);
  return paths;
}

/** Links may lead anywhere, as the program made them. None is made behind another one, also where two names are one to the disk ("a" and "A"). */
async function makeLinks(folder: string, links: ReadonlyMap<string, string>): Promise<void> {
  for (const path of links.keys()) await mkdir(dirname(join(folder, path)), { recursive: true });
  const top = await realpath(folder);
  for (const [path, target] of links) {
    const parent = await realpath(dirname(join(folder, path)));
    if (parent !== top && !parent.startsWith(top + sep)) throw refused(`a link ${show(path)} behind another one`);
    await symlink(target, join(folder, path));
  }
}
