/**
 * Each caller's unreferred artifacts and open uploads: bounded in bytes and in number, so that nobody fills the disk with
 * what nobody needs. What a search refers to counts no more. All of this is forgotten with the process: what is stored then counts for nobody, and the
 * sweep takes it.
 */
import { counted, limits, RegulusError } from "@regulus/proto";
import type { Upload } from "../../coordinator.js";

/** What one caller may have. */
export interface UploadBounds {
  readonly bytesMax: number;
  readonly artifactsMax: number;
}

const uploadBounds: UploadBounds = {
  bytesMax: limits.unreferencedBytesPerCallerMax,
  artifactsMax: limits.unreferencedArtifactsPerCallerMax,
};

/** What a quota looks at. */
export interface UploadQuotaOptions {
  readonly now: () => number;
  /** Whether something refers to the artifact of a sum. */
  readonly isReferred: (sha256: string) => boolean;
  /** Other bounds than those of the contract, for tests. */
  readonly bounds?: UploadBounds | undefined;
}

interface Loose {
  readonly caller: string;
  readonly size: number;
  readonly sinceMs: number;
}

interface Account {
  bytes: number;
  artifacts: number;
}

export class UploadQuota {
  readonly #bounds: UploadBounds;
  readonly #options: UploadQuotaOptions;
  /** Stored and not referred to, by sum, the oldest first. */
  readonly #loose = new Map<string, Loose>();
  /** What counts for each caller: what it brings and what is loose. */
  readonly #accounts = new Map<string, Account>();

  constructor(options: UploadQuotaOptions) {
    this.#options = options;
    this.#bounds = options.bounds ?? uploadBounds;
  }

  /** Whether a caller may bring so many bytes more. */
  hasRoom(caller: string, size: number): boolean {
    const { bytes, artifacts } = this.#of(caller);
    return bytes + size <= this.#bounds.bytesMax && artifacts + 1 <= this.#bounds.artifactsMax;
  }

  /** Takes room for an upload. Fails with "exhausted" where the caller has no more. */
  begin(caller: string, { sha256, size }: { readonly sha256: string; readonly size: number }): Upload {
    if (!this.hasRoom(caller, size)) throw this.#refusal(caller, size);
    this.#add(caller, size, 1);
    let isOpen = true;
    const leave = (): void => {
      if (isOpen) this.#add(caller, -size, -1);
      isOpen = false;
    };
    return {
      stored: () => {
        if (!isOpen || this.#options.isReferred(sha256)) return;
        const known = this.#loose.get(sha256);
        // Of equal bytes one copy is stored: they count once, for whoever brought them first.
        this.#loose.delete(sha256);
        this.#loose.set(sha256, { caller: known?.caller ?? caller, size, sinceMs: this.#options.now() });
        if (known === undefined) isOpen = false;
      },
      leave,
    };
  }

  /** Something refers to an artifact, or it is out of the store. */
  forget(sha256: string): void {
    const loose = this.#loose.get(sha256);
    if (loose === undefined) return;
    this.#loose.delete(sha256);
    this.#add(loose.caller, -loose.size, -1);
  }

  /** What is loose of a caller since before a time, the oldest first. */
  olderThan(caller: string, beforeMs: number): readonly string[] {
    const own: string[] = [];
    for (const [sha256, loose] of this.#loose) {
      if (loose.sinceMs >= beforeMs) break;
      if (loose.caller === caller) own.push(sha256);
    }
    return own;
  }

  /** What counts for a caller now. */
  #of(caller: string): Readonly<Account> {
    return this.#accounts.get(caller) ?? { bytes: 0, artifacts: 0 };
  }

  #add(caller: string, size: number, artifacts: number): void {
    const before = this.#of(caller);
    const after = { bytes: before.bytes + size, artifacts: before.artifacts + artifacts };
    if (after.artifacts === 0) this.#accounts.delete(caller);
    else this.#accounts.set(caller, after);
  }

  #refusal(caller: string, size: number): RegulusError {
    const { bytes, artifacts } = this.#of(caller);
    const { bytesMax, artifactsMax } = this.#bounds;
    const seen = `${counted(artifacts, "artifact")} of ${counted(bytes, "byte")} in all`;
    const allowed = `${counted(artifactsMax, "artifact")} and ${counted(bytesMax, "byte")} are allowed`;
    return new RegulusError(
      "exhausted",
      `no room for an artifact of ${counted(size, "byte")}: this caller stored or is storing ${seen} that no search refers to, and ${allowed}; ` +
        "try again once a search refers to them; others are removed after an hour if space is needed",
    );
  }
}
