/** Counts and sums bytes on their way into a store, and refuses those that are not what was announced. */
import { createHash } from "node:crypto";
import { type ArtifactRef, counted, limits, RegulusError } from "@regulus/proto";

const sha256Pattern = /^[0-9a-f]{64}$/;

/** Sums pieces; `done` fails with "invalid-argument" where size or sum are not those that the caller announced. */
export class CheckedBytes {
  readonly #expected: ArtifactRef;
  readonly #hash = createHash("sha256");
  #size = 0;

  constructor(expected: ArtifactRef) {
    checkRef(expected);
    this.#expected = expected;
  }

  add(piece: Uint8Array): void {
    this.#size += piece.byteLength;
    if (this.#size > this.#expected.size) {
      throw unlike("size", `more than ${this.#expected.size} bytes`, `${counted(this.#expected.size, "byte")}, as announced`);
    }
    this.#hash.update(piece);
  }

  done(): void {
    if (this.#size !== this.#expected.size) {
      throw unlike("size", counted(this.#size, "byte"), `${counted(this.#expected.size, "byte")}, as announced`);
    }
    const sum = this.#hash.digest("hex");
    if (sum !== this.#expected.sha256) throw unlike("sha256", sum, `${this.#expected.sha256}, as announced`);
  }
}

/** Fails where a reference can't be one. */
export function checkRef(ref: ArtifactRef): void {
  checkSha256(ref.sha256);
  if (Number.isSafeInteger(ref.size) && ref.size >= 0 && ref.size <= limits.artifactBytesMax) return;
  throw RegulusError.invalid([{ field: "size", seen: String(ref.size), expected: `0 to ${limits.artifactBytesMax} bytes` }]);
}

/** Fails where a text is no sum: it becomes a file's name. */
export function checkSha256(sha256: string): void {
  if (sha256Pattern.test(sha256)) return;
  throw RegulusError.invalid([
    { field: "sha256", seen: JSON.stringify(sha256.slice(0, 80)), expected: "64 lower-case hexadecimal digits" },
  ]);
}

function unlike(field: string, seen: string, expected: string): RegulusError {
  return RegulusError.invalid([{ field: `header.${field}`, seen, expected }]);
}

/** The error for bytes in the store that are not what was put. */
export function damaged(sha256: string, what: string): RegulusError {
  return new RegulusError("data-loss", `the bytes of artifact ${sha256} are ${what}; put them again`);
}

export function missing(sha256: string): RegulusError {
  return new RegulusError("not-found", `there is no artifact ${sha256}`);
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RegulusError("cancelled", "the transfer was cancelled by its caller");
}
