/**
 * Which entries of an archive may be restored into a folder: files, folders, and links. A symbolic link may lead anywhere, but nothing may lie behind
 * one. Pure. An archive may come from a stranger: what would be written outside is refused, never mended.
 */
import { sep } from "node:path";
import { RegulusError, show } from "@regulus/proto";

/** An entry as a tar has it. */
export interface ArchiveEntry {
  readonly path: string;
  readonly type: string;
  readonly linkpath?: string | undefined;
}

const separatorIsBackslash = sep === "\\";
const fileTypes: readonly string[] = ["File", "OldFile", "ContiguousFile"];

export class ArchiveEntries {
  readonly #files = new Set<string>();
  /** Folders with those that paths imply, the top among them. */
  readonly #folders = new Set<string>([""]);
  /** Targets of symbolic links by their paths. */
  readonly #symbolic = new Map<string, string>();

  /** Symbolic links, which are to be made last. */
  get links(): ReadonlyMap<string, string> {
    return this.#symbolic;
  }

  /** Notes an entry. Fails where it would be written outside. */
  add({ path, type, linkpath = "" }: ArchiveEntry): void {
    const own = inside(path);
    if (own === undefined || path.includes("\0")) throw refused(`the path ${show(path)}, which leads outside of its folder`);
    const parents = parentsOf(own);
    const behind = parents.find((parent) => this.#isTaken(parent));
    if (behind !== undefined) throw refused(`${show(path)} behind ${show(behind)}, which is not a folder`);
    if (this.#isTaken(own) || (type !== "Directory" && this.#folders.has(own))) throw refused(`the path ${show(path)} twice`);
    for (const parent of parents) this.#folders.add(parent);
    if (type === "Directory") {
      this.#folders.add(own);
      return;
    }
    if (type === "SymbolicLink") this.#symbolic.set(own, linkpath);
    else if (fileTypes.includes(type) || (type === "Link" && this.#files.has(inside(linkpath) ?? ""))) this.#files.add(own);
    else if (type === "Link") throw refused(`a hard link ${show(path)} to ${show(linkpath)}, which is not an earlier file`);
    else throw refused(`${show(path)}, which is a ${type}`);
  }

  #isTaken(path: string): boolean {
    return this.#files.has(path) || this.#symbolic.has(path);
  }
}

/** The path without "." and double slashes; undefined where it is absolute or has a "..". */
function inside(path: string): string | undefined {
  const parts = path.split("/");
  // A backslash is part of a name on some systems and a slash on others.
  const isOutside =
    /^[/\\]|^[a-z]:/i.test(path) || path.split(/[/\\]/).includes("..") || (separatorIsBackslash && path.includes("\\"));
  return isOutside ? undefined : parts.filter((part) => part !== "" && part !== ".").join("/");
}

function parentsOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

export function refused(seen: string): RegulusError {
  const words = `--extract: saw ${seen}; nothing is restored. --output FILE fetches the archive itself`;
  return new RegulusError("failed-precondition", words);
}
