/**
 * A folder frozen as it is at one moment, by hard links: nothing is copied, and a program that writes files beside and renames them may go on at
 * once. One that writes into its files changes the snapshot too; `changedFiles` tells.
 */
import { copyFile, link, lstat, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { RegulusError, show } from "@regulus/proto";

/** A file of a snapshot as it was when it was frozen. */
interface FrozenFile {
  /** Seen from the folder. */
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly bornMs: number;
}

export interface FolderSnapshot {
  /** Where the frozen files are. */
  readonly directory: string;
  /** Folders, links and files, each folder before what is in it, in the order of their names. */
  readonly paths: readonly string[];
  readonly files: readonly FrozenFile[];
  /** Whether it holds no file and no link at all. */
  readonly isEmpty: boolean;
}

/** Entries of a folder at all depths, and its depth. */
const entriesMax = 100_000;
const depthMax = 256;

/** Freezes a folder into another one on the same disk, but for what is called `without` at its top. `moved` is called for every entry. */
export async function freezeFolder(
  from: string,
  to: string,
  without: string,
  moved: () => void = () => undefined,
): Promise<FolderSnapshot> {
  const paths: string[] = [];
  const files: FrozenFile[] = [];
  let links = 0;
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(join(from, folder), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (path === without) continue;
      moved();
      checkEntry(path, paths.length);
      if (entry.isDirectory()) {
        paths.push(path);
        await mkdir(join(to, path));
        await ifThere(() => visit(path));
      } else if (entry.isSymbolicLink()) {
        if (await ifThere(async () => symlink(await readlink(join(from, path)), join(to, path)))) paths.push(path);
        links += 1;
      } else if (entry.isFile() && (await ifThere(() => linkOrCopy(join(from, path), join(to, path))))) {
        paths.push(path);
        files.push(await frozen(to, path));
      }
    }
  };
  await checkFolder(from);
  await mkdir(to, { recursive: true });
  try {
    await visit("");
  } catch (error) {
    await rm(to, { recursive: true, force: true });
    throw error;
  }
  return { directory: to, paths, files, isEmpty: files.length + links === 0 };
}

/** A link in the folder's place would pack what the program never saved. */
async function checkFolder(from: string): Promise<void> {
  const stat = await lstat(from);
  if (stat.isDirectory()) return;
  const seen = stat.isSymbolicLink() ? "a symbolic link" : "a file";
  throw new RegulusError("failed-precondition", `saw ${seen} at ${from}, expected the folder that the agent made`);
}

function checkEntry(path: string, before: number): void {
  const expected = (words: string) => new RegulusError("failed-precondition", `${words} (${show(path)})`);
  if (before >= entriesMax) throw expected(`saw more than ${entriesMax} files, links and folders`);
  if (path.split("/").length > depthMax) throw expected(`saw a folder deeper than ${depthMax} levels`);
  // A name that is not UTF-8 can't be opened by what is left of it.
  if (path.includes("\uFFFD")) throw expected("saw a name that is not UTF-8");
}

/** Files of a snapshot that were written to since it was made. */
export async function changedFiles({ directory, files }: FolderSnapshot): Promise<readonly FrozenFile[]> {
  const changed: FrozenFile[] = [];
  for (const file of files) {
    const { size, modifiedMs } = await frozen(directory, file.path);
    if (size !== file.size || modifiedMs !== file.modifiedMs) changed.push(file);
  }
  return changed;
}

/** The snapshot without some of its files. */
export function withoutFiles(snapshot: FolderSnapshot, unwanted: readonly FrozenFile[]): FolderSnapshot {
  const names = new Set(unwanted.map(({ path }) => path));
  const files = snapshot.files.filter(({ path }) => !names.has(path));
  const paths = snapshot.paths.filter((path) => !names.has(path));
  return { ...snapshot, paths, files, isEmpty: files.length === 0 };
}

export async function removeSnapshot({ directory }: FolderSnapshot): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

async function frozen(directory: string, path: string): Promise<FrozenFile> {
  const { size, mtimeMs, birthtimeMs } = await lstat(join(directory, path));
  return { path, size, modifiedMs: mtimeMs, bornMs: birthtimeMs };
}

/** A disk without hard links, or a file with too many of them, costs a copy. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (isGone(error)) throw error;
    await copyFile(from, to);
  }
}

/** False where what was listed a moment ago is gone: a temporary file that got its name. */
async function ifThere(call: () => Promise<void>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
