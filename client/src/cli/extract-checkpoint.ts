/**
 * Restores the files of a checkpoint, which is a plain tar. Regulus's own entry in it is left out. Nothing is written outside of the folder, whatever
 * the archive says, and nothing is written over.
 */
import { mkdir, readdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RegulusError } from "@regulus/proto";
import { extract } from "tar";

/** Entries of Regulus's own. */
const own = /^(\.\/)?\.regulus(\/|$)/;

/** Restores into a folder that is made where it is missing, and is empty else. Answers the paths of its files and links. */
export async function extractCheckpoint(bytes: AsyncIterable<Uint8Array>, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const there = await readdir(folder);
  if (there.length > 0) {
    const seen = `${there.length} ${there.length === 1 ? "file" : "files"} in ${folder}, the first is ${there[0]}`;
    throw new RegulusError("failed-precondition", `--extract: saw ${seen}, expected a new or an empty folder`);
  }
  const paths: string[] = [];
  const unpack = extract({
    cwd: folder,
    strict: true,
    filter: (path) => !own.test(path),
    onReadEntry: (entry) => {
      if (entry.type !== "Directory" && !own.test(entry.path)) paths.push(entry.path.replace(/^\.\//, ""));
    },
  });
  try {
    await pipeline(Readable.from(bytes), unpack);
  } catch (thrown) {
    if (thrown instanceof RegulusError || (thrown instanceof Error && "syscall" in thrown)) throw thrown;
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    throw new RegulusError("failed-precondition", `--extract: saw an artifact that is no tar (${words}), expected a checkpoint`);
  }
  return paths;
}
