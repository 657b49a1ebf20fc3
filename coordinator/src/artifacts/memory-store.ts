/** The in-memory twin of the artifact store: the same promises but durability. */
import { type ArtifactRef, limits } from "@regulus/proto";
import type { ArtifactStore, StoredArtifact } from "../ports.js";
import { CheckedBytes, checkSha256, missing, throwIfAborted } from "./checked-bytes.js";

/** What a folder is to the real store: it outlives the store that was opened on it. */
export class MemoryFolder {
  readonly artifacts = new Map<string, { readonly bytes: Uint8Array; storedMs: number }>();
}

/** Opens a store in memory. `now` tells when an artifact was stored. */
export function openMemoryStore(folder: MemoryFolder = new MemoryFolder(), now: () => number = Date.now): ArtifactStore {
  return {
    put: async (expected: ArtifactRef, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal) => {
      const checked = new CheckedBytes(expected);
      const pieces: Uint8Array[] = [];
      for await (const piece of bytes) {
        throwIfAborted(signal);
        checked.add(piece);
        pieces.push(piece.slice());
      }
      throwIfAborted(signal);
      checked.done();
      folder.artifacts.set(expected.sha256, { bytes: Buffer.concat(pieces), storedMs: now() });
      return expected;
    },
    async *get(sha256: string, signal?: AbortSignal) {
      checkSha256(sha256);
      const stored = folder.artifacts.get(sha256);
      if (stored === undefined) throw missing(sha256);
      for (let at = 0; at < stored.bytes.length; at += limits.artifactChunkBytesMax) {
        throwIfAborted(signal);
        yield stored.bytes.slice(at, at + limits.artifactChunkBytesMax);
      }
    },
    stat: async (sha256: string) => {
      const stored = folder.artifacts.get(sha256);
      return stored && { sha256, size: stored.bytes.length, storedMs: stored.storedMs };
    },
    remove: async (sha256: string) => {
      folder.artifacts.delete(sha256);
    },
    async *list(): AsyncGenerator<StoredArtifact> {
      for (const [sha256, { bytes, storedMs }] of [...folder.artifacts]) yield { sha256, size: bytes.length, storedMs };
    },
    isShort: async () => false,
    close: async () => undefined,
  };
}
