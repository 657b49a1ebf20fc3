/**
 * Artifacts as files of a folder, named by their sums, 256 subfolders wide. Bytes go to a temporary file, are flushed, and get their
 * name last: a name always stands for whole and durable bytes, whenever the process or the machine dies.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ArtifactRef, limits, RegulusError } from "@regulus/proto";
import { fileMode, folderMode, tighten } from "../file-modes.js";
import type { ArtifactStore, StoredArtifact } from "../ports.js";
import { CheckedBytes, checkSha256, damaged, missing, throwIfAborted } from "./checked-bytes.js";
import { DiskRoom, diskBytesOf, type Room } from "./disk-room.js";

/** Folder for files that are being written. What a crash leaves there goes at the next start. */
const temporary = "incoming";

/** Opens a store in a folder, which is made where it is missing. Fails with "unavailable" where it can't be. */
export async function openDirectoryStore(folder: string, look = diskBytesOf): Promise<ArtifactStore> {
  const store = new DirectoryStore(folder, look);
  await store.open();
  return store;
}

/** A store in a folder as it is, for those who only look: nothing is made and nothing is cleared away. */
export function directoryStoreToRead(folder: string): Pick<ArtifactStore, "get" | "stat" | "list" | "close"> {
  return new DirectoryStore(folder);
}

class DirectoryStore implements ArtifactStore {
  readonly #folder: string;
  readonly #room: DiskRoom;
  #open = true;

  constructor(folder: string, look = diskBytesOf) {
    this.#folder = folder;
    this.#room = new DiskRoom(folder, look);
  }

  async open(): Promise<void> {
    await this.#guard(async () => {
      const incoming = join(this.#folder, temporary);
      await rm(incoming, { recursive: true, force: true });
      await mkdir(incoming, { recursive: true, mode: folderMode });
      tighten(this.#folder, folderMode);
    });
  }

  async put(expected: ArtifactRef, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<ArtifactRef> {
    this.#assertOpen();
    const checked = new CheckedBytes(expected);
    const path = join(this.#folder, temporary, randomUUID());
    return this.#guard(async () => {
      const room = await this.#room.take(expected.size);
      try {
        await writeDurably(path, counting(bytes, room), checked, signal);
        const parent = join(this.#folder, expected.sha256.slice(0, 2));
        await mkdir(parent, { recursive: true, mode: folderMode });
        await rename(path, join(parent, expected.sha256));
        await syncFolder(parent);
        return expected;
      } finally {
        room.leave();
        await rm(path, { force: true });
      }
    });
  }

  async *get(sha256: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#assertOpen();
    checkSha256(sha256);
    const hash = createHash("sha256");
    try {
      const stream = createReadStream(this.#path(sha256), { highWaterMark: limits.artifactChunkBytesMax });
      for await (const piece of stream) {
        throwIfAborted(signal);
        hash.update(piece);
        yield piece;
      }
    } catch (thrown) {
      throw codeOf(thrown) === "ENOENT" ? missing(sha256) : this.#failure(thrown);
    }
    if (hash.digest("hex") !== sha256) throw damaged(sha256, "not what was stored");
  }

  async stat(sha256: string): Promise<StoredArtifact | undefined> {
    checkSha256(sha256);
    try {
      const { size, mtimeMs: storedMs } = await stat(this.#path(sha256));
      return { sha256, size, storedMs };
    } catch (thrown) {
      if (codeOf(thrown) === "ENOENT") return undefined;
      throw this.#failure(thrown);
    }
  }

  async remove(sha256: string): Promise<void> {
    checkSha256(sha256);
    await this.#guard(() => rm(this.#path(sha256), { force: true }));
  }

  async *list(): AsyncGenerator<StoredArtifact> {
    this.#assertOpen();
    for (const name of await this.#guard(() => readdir(this.#folder))) {
      if (!/^[0-9a-f]{2}$/.test(name)) continue;
      for await (const { name: sha256 } of await opendir(join(this.#folder, name))) {
        const stored = await stat(join(this.#folder, name, sha256)).catch(() => undefined);
        if (stored !== undefined) yield { sha256, size: stored.size, storedMs: stored.mtimeMs };
      }
    }
  }

  async isShort(): Promise<boolean> {
    return this.#guard(() => this.#room.isShort());
  }

  async close(): Promise<void> {
    this.#open = false;
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  #failure(thrown: unknown): unknown {
    const code = codeOf(thrown);
    if (thrown instanceof RegulusError || code === undefined) return thrown;
    const seen = thrown instanceof Error ? thrown.message : String(thrown);
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG") {
      const words = `no space for artifacts in ${this.#folder} (${seen}); free some, what was stored is whole`;
      return new RegulusError("exhausted", words, { cause: thrown });
    }
    const advice = "check the disk and its permissions";
    return new RegulusError("unavailable", `the artifact folder ${this.#folder} can't be used (${seen}); ${advice}`, {
      cause: thrown,
    });
  }

  #assertOpen(): void {
    if (!this.#open) throw new RegulusError("unavailable", "the artifact store is closed");
  }
}

async function writeDurably(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  checked: CheckedBytes,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file: FileHandle = await open(path, "wx", fileMode);
  try {
    for await (const piece of bytes) {
      throwIfAborted(signal);
      checked.add(piece);
      await file.writeFile(piece);
    }
    throwIfAborted(signal);
    checked.done();
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Pieces, each counted once the next is asked for: then it is written. */
async function* counting(bytes: AsyncIterable<Uint8Array>, room: Room): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    yield piece;
    room.came(piece.byteLength);
  }
}

/** Makes a new name in a folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}
