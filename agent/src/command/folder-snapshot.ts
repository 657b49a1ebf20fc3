/**
 * A folder frozen as it is at one moment. A hard link costs nothing and keeps a file that the program replaces; a copy keeps one that it writes in
 * place, and costs nothing either where the file system shares blocks (reflinks). The caller says which files are worth a copy.
 */
import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { counted, limits, RegulusError, show } from "@regulus/proto";
import { type FileState, isWritten } from "./file-histories.js";
import { stateOf } from "./file-states.js";
import { openFiles } from "./open-files.js";

/** A file of a snapshot as it was when it was frozen. */
interface FrozenFile extends FileState {
  /** Seen from the folder. */
  readonly path: string;
}

export interface FolderSnapshot {
  /** Where the frozen files are. */
  readonly directory: string;
  /** Folders, links and files, each folder before what is in it, in the order of their names. */
  readonly paths: readonly string[];
  readonly files: readonly FrozenFile[];
  /** Files that hold something else than was announced, or half of it: the program wrote to them in place after its announcement. */
  readonly torn: readonly FrozenFile[];
  /** Those of them that the announcement was about; the others were begun after it. */
  readonly broken: readonly string[];
  /** What is no file, folder or link: pipes, sockets and devices are not kept. */
  readonly others: readonly string[];
  /** Files that were copied, as they were in the program's folder. */
  readonly copied: readonly FrozenFile[];
  /** Whether it holds no file and no link at all. */
  readonly isEmpty: boolean;
}

export interface FreezeOptions {
  /** What at its top is left out. */
  readonly without: string;
  /** When the program said that its folder is whole, in milliseconds since 1970; now where absent. */
  readonly announcedMs?: number;
  /** Whether a file is copied, and not linked. */
  isCopied?(path: string, state: FileState): boolean;
  /** Files as they were when it said so, as far as they were looked at. */
  readonly announced?: ReadonlyMap<string, FileState>;
  /** Called for every entry, and after every copy. */
  moved?(): void;
}

/** Entries of a folder at all depths, and its depth. */
const entriesMax = 100_000;
const depthMax = 256;
/** How far behind the clock a file's times may be: they are those of the kernel's last tick. */
const fileClockMs = 20;
/** A line may be read this long after it was printed: what was written within that time before, and is still open, may be a later save. */
const readLateMs = 1_000;

/** Freezes a folder into another one on the same disk. */
export async function freezeFolder(from: string, to: string, options: FreezeOptions): Promise<FolderSnapshot> {
  await checkFolder(from);
  const beganMs = Date.now();
  await mkdir(to, { recursive: true });
  const freezing = new Freezing(from, to, options);
  try {
    return await freezing.freeze(beganMs);
  } catch (error) {
    await rm(to, { recursive: true, force: true });
    throw error;
  }
}

class Freezing {
  readonly #paths: string[] = [];
  readonly #files: FrozenFile[] = [];
  readonly #copied: FrozenFile[] = [];
  readonly #others: string[] = [];
  /** Where the first name of a copied file is, so that further names stay hard links to it. */
  readonly #copies = new Map<bigint, string>();
  readonly #torn = new Map<string, FrozenFile>();
  /** The program's own files as they were seen. */
  readonly #states = new Map<string, FrozenFile>();
  /** Files that only grow are as good with what came after. */
  #appended: ReadonlySet<string> = new Set();
  /** The time of the announcement by the clock of the file system, which may be another machine's. */
  #announcedMs = 0;
  #links = 0;
  #bytes = 0;

  readonly #from: string;
  readonly #to: string;
  readonly #options: FreezeOptions;

  constructor(from: string, to: string, options: FreezeOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  async freeze(beganMs: number): Promise<FolderSnapshot> {
    this.#announcedMs = await this.#byFileClock(beganMs);
    this.#appended = openFiles(this.#from).appended;
    await this.#visit("");
    const { written } = openFiles(this.#from);
    for (const path of written) {
      const state = this.#states.get(path);
      if (state !== undefined && state.modifiedMs > this.#announcedMs - readLateMs) this.#torn.set(path, state);
    }
    for (const file of await writtenFiles(this.#from, this.#copied)) {
      if (!this.#appended.has(file.path)) this.#torn.set(file.path, file);
    }
    const directory = this.#to;
    const paths = this.#paths;
    const files = this.#files;
    const copied = this.#copied;
    const others = this.#others;
    const torn = [...this.#torn.values()];
    const broken = torn.filter((file) => this.#isAnnounced(file)).map(({ path }) => path);
    return { directory, paths, files, torn, broken, others, copied, isEmpty: files.length + this.#links === 0 };
  }

  /** Whether a file, or the one that it replaces, was there when the folder was announced. */
  #isAnnounced({ path, bornMs }: FrozenFile): boolean {
    return bornMs <= this.#announcedMs || (this.#options.announced?.has(path) ?? false);
  }

  /** A file's time after this one is a write after the announcement. The clock of another machine is known to some ticks only. */
  async #byFileClock(beganMs: number): Promise<number> {
    const { mtimeMs } = await lstat(this.#to);
    const now = Date.now();
    const announcedMs = this.#options.announcedMs ?? now;
    // The clock that is read has whole milliseconds.
    if (mtimeMs >= beganMs - fileClockMs && mtimeMs <= now + 1) return announcedMs + 1;
    return announcedMs + mtimeMs - now + 2 * fileClockMs;
  }

  async #visit(folder: string): Promise<void> {
    const entries = await readdir(join(this.#from, folder), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (path === this.#options.without) continue;
      this.#options.moved?.();
      checkEntry(path, this.#paths.length);
      if (entry.isDirectory()) {
        this.#paths.push(path);
        await mkdir(join(this.#to, path));
        await ifThere(() => this.#visit(path));
      } else if (entry.isSymbolicLink()) {
        const isThere = await ifThere(async () => symlink(await readlink(join(this.#from, path)), join(this.#to, path)));
        if (isThere) this.#paths.push(path);
        this.#links += 1;
      } else if (!entry.isFile()) this.#others.push(path);
      else if (await ifThere(() => this.#file(path))) {
        this.#paths.push(path);
        this.#files.push(await frozen(this.#to, path));
      }
    }
  }

  async #file(path: string): Promise<void> {
    const [source, target] = [join(this.#from, path), join(this.#to, path)];
    const state = await frozen(this.#from, path);
    const first = this.#copies.get(state.inode);
    if (first !== undefined) return link(first, target);
    this.#states.set(path, state);
    const before = this.#options.announced?.get(path);
    const isOther = before !== undefined && (before.inode !== state.inode || isWritten(before, state));
    if ((isOther || state.modifiedMs > this.#announcedMs) && !this.#appended.has(path)) this.#torn.set(path, state);
    const isCopied = this.#options.isCopied?.(path, state) ?? false;
    if (!isCopied && !this.#appended.has(path) && (await isLinked(source, target))) return;
    this.#room(state.size);
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    this.#copies.set(state.inode, target);
    this.#copied.push(state);
    this.#options.moved?.();
  }

  /** What is too large for an artifact is not copied either. */
  #room(size: number): void {
    this.#bytes += size;
    const most = limits.artifactBytesMax;
    if (this.#bytes > most)
      throw new RegulusError("invalid-argument", `it holds ${counted(this.#bytes, "byte")} and more, expected at most ${most}`);
  }
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

/** Of some files of a folder those that were written to since, by whoever saves there. */
export async function writtenFiles(folder: string, files: readonly FrozenFile[]): Promise<readonly FrozenFile[]> {
  const written: FrozenFile[] = [];
  for (const file of files) {
    await ifThere(async () => {
      if (isWritten(file, await frozen(folder, file.path))) written.push(file);
    });
  }
  return written;
}

/** Files of a snapshot that were written to since it was made. */
export async function changedFiles({ directory, files }: FolderSnapshot): Promise<readonly FrozenFile[]> {
  const changed: FrozenFile[] = [];
  for (const file of files) if (isWritten(file, await frozen(directory, file.path))) changed.push(file);
  return changed;
}

/** The snapshot without some of its files. */
export function withoutFiles(snapshot: FolderSnapshot, unwanted: readonly Pick<FrozenFile, "path">[]): FolderSnapshot {
  if (unwanted.length === 0) return snapshot;
  const names = new Set(unwanted.map(({ path }) => path));
  const files = snapshot.files.filter(({ path }) => !names.has(path));
  const paths = snapshot.paths.filter((path) => !names.has(path));
  const copied = snapshot.copied.filter(({ path }) => !names.has(path));
  const torn = snapshot.torn.filter(({ path }) => !names.has(path));
  return { ...snapshot, paths, files, copied, torn, isEmpty: files.length === 0 };
}

export async function removeSnapshot({ directory }: FolderSnapshot): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

async function frozen(directory: string, path: string): Promise<FrozenFile> {
  return { path, ...stateOf(await lstat(join(directory, path), { bigint: true })) };
}

/** False where the disk has no hard links, or the file too many of them. */
async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isGone(error)) throw error;
    return false;
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
