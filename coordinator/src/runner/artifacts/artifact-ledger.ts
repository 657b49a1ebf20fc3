/**
 * Counts who refers to which artifact, and removes those that nobody does any more. A removal waits a while and looks again: the same
 * bytes may have been put by somebody else in between, and an agent may still be reading them.
 */
import { type ArtifactRef, limits } from "@regulus/proto";
import type { Upload } from "../../coordinator.js";
import type { ArtifactStore, Clock } from "../../ports.js";
import type { RemovalCause, RemovedArtifacts } from "./removed-artifacts.js";
import { type UploadBounds, UploadQuota } from "./upload-quota.js";

/** Time between the last reference to an artifact and its removal. */
export const artifactGraceMs = 60_000;
/** Age at which an artifact that nothing refers to is left over from a crash. Agents bring their reports sooner than that. */
export const orphanAgeMs = 24 * 3_600_000;
/** The same while the disk is short of room, or its caller of quota: still much longer than from an upload to its report. */
export const orphanAgeShortMs = 3_600_000;

const unheard: Pick<RemovedArtifacts, "note"> = { note: () => undefined };

/** References to artifacts, over all searches. */
export class ArtifactLedger {
  readonly #artifacts: ArtifactStore;
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  readonly #due = new Map<string, () => void>();
  readonly #uploads: UploadQuota;
  readonly #removed: Pick<RemovedArtifacts, "note">;
  /** How often the bytes of a sum are being brought now. */
  readonly #incoming = new Map<string, number>();
  /** Removals under way, by sum; they never fail. */
  readonly #removals = new Map<string, Promise<void>>();
  /** Clean-ups under way, by caller. */
  readonly #cleanUps = new Map<string, Promise<void>>();
  /** Grows whenever the references are counted anew. */
  #countings = 0;
  /** Whether all references are counted; until then nothing can be told to be without one. */
  #isCounted = true;
  #closed = false;
  #sweptMs: number;
  #isSweeping = false;

  /** @param uploadBounds Other bounds than those of the contract, for tests. @param removed hears of what goes out of the store. */
  constructor(
    artifacts: ArtifactStore,
    clock: Clock,
    uploadBounds?: UploadBounds,
    removed: Pick<RemovedArtifacts, "note"> = unheard,
  ) {
    this.#removed = removed;
    this.#artifacts = artifacts;
    this.#clock = clock;
    const isReferred = (sha256: string): boolean => this.#counts.has(sha256);
    this.#uploads = new UploadQuota({ now: () => clock.now(), isReferred, bounds: uploadBounds });
    this.#sweptMs = clock.now();
  }

  /** Room for an artifact that a caller brings. Fails with "exhausted" where it has stored too much that nothing refers to. */
  async beginUpload(caller: string, artifact: ArtifactRef): Promise<Upload> {
    if (!this.#uploads.hasRoom(caller, artifact.size)) await this.#removeOld(caller);
    const { sha256 } = artifact;
    await this.settled(sha256);
    const { stored, leave } = this.#uploads.begin(caller, artifact);
    this.#incoming.set(sha256, (this.#incoming.get(sha256) ?? 0) + 1);
    let isOpen = true;
    return {
      stored,
      leave: () => {
        leave();
        if (!isOpen) return;
        isOpen = false;
        const others = (this.#incoming.get(sha256) ?? 0) - 1;
        if (others > 0) this.#incoming.set(sha256, others);
        else this.#incoming.delete(sha256);
      },
    };
  }

  /** Resolves when no removal of these bytes is under way. Who held them before is told by the store then whether they are there. */
  async settled(sha256: string): Promise<void> {
    await this.#removals.get(sha256);
  }

  retain(ref: ArtifactRef | undefined): void {
    if (ref === undefined) return;
    this.#count(ref);
    this.#uploads.forget(ref.sha256);
  }

  /** A reference for a while, from before anything in the log refers to it. Answers how to give it back. */
  hold(ref: ArtifactRef): () => void {
    const counting = this.#countings;
    this.#count(ref);
    return () => {
      if (counting === this.#countings) this.release(ref);
    };
  }

  release(ref: ArtifactRef | undefined): void {
    if (ref === undefined) return;
    const count = (this.#counts.get(ref.sha256) ?? 0) - 1;
    if (count > 0) {
      this.#counts.set(ref.sha256, count);
      return;
    }
    this.#counts.delete(ref.sha256);
    this.#removeLater(ref.sha256);
  }

  /** Takes back a reference that a replay passed: what is not referred to in the end is left to the sweep. */
  forget(ref: ArtifactRef | undefined): void {
    if (ref === undefined) return;
    const count = (this.#counts.get(ref.sha256) ?? 0) - 1;
    if (count > 0) this.#counts.set(ref.sha256, count);
    else this.#counts.delete(ref.sha256);
  }

  /**
   * Removes what a crash left behind: old artifacts that nothing refers to. Answers the sums of those that are referred to and missing. Failures are
   * left for the next start.
   */
  async sweep(ageMs = orphanAgeMs): Promise<readonly string[]> {
    const before = this.#clock.now() - ageMs;
    const unseen = new Set(this.#counts.keys());
    const counting = this.#countings;
    for await (const stored of this.#artifacts.list()) {
      if (this.#closed || counting !== this.#countings) return [];
      unseen.delete(stored.sha256);
      if (stored.storedMs < before) await this.#take(stored.sha256, before, "left_over");
    }
    return this.#missing(unseen);
  }

  /** Sweeps where it is time to, sooner and more where the disk is short of room: clients can store what no search ever names. */
  async sweepAgain(): Promise<void> {
    if (this.#isSweeping || this.#closed || !this.#isCounted) return;
    this.#isSweeping = true;
    try {
      const isShort = await this.#artifacts.isShort();
      if (!isShort && this.#clock.now() - this.#sweptMs < limits.sweepEveryMs) return;
      this.#sweptMs = this.#clock.now();
      if (this.#isCounted) await this.sweep(isShort ? orphanAgeShortMs : orphanAgeMs);
    } finally {
      this.#isSweeping = false;
    }
  }

  /** Forgets all references, to count them anew. Nothing is swept until `counted`. */
  clear(): void {
    this.#countings += 1;
    this.#isCounted = false;
    this.#counts.clear();
    for (const cancel of this.#due.values()) cancel();
    this.#due.clear();
  }

  /** Says that all references are counted again. */
  counted(): void {
    this.#isCounted = true;
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }

  /** Those of some sums that are not stored, though there are references to them. */
  async #missing(sums: Iterable<string>): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const sha256 of sums) {
      const stored = await this.#artifacts.stat(sha256);
      if (stored === undefined && this.#counts.has(sha256)) missing.push(sha256);
    }
    return missing;
  }

  #removeLater(sha256: string): void {
    if (this.#due.has(sha256) || this.#closed) return;
    const cancel = this.#clock.wake(this.#clock.now() + artifactGraceMs, () => {
      this.#due.delete(sha256);
      // What can't be removed now is an orphan, and goes with the sweep of a later start.
      this.#remove(sha256).catch(() => undefined);
    });
    this.#due.set(sha256, cancel);
  }

  /** Removes what nobody refers to, unless the same bytes were put again meanwhile by somebody who is about to. */
  async #remove(sha256: string): Promise<void> {
    const left = await this.#take(sha256, this.#clock.now() - artifactGraceMs + 1, "released");
    if (left === "young") this.#removeLater(sha256);
  }

  /** Removes what a caller stored long ago and nothing refers to. Calls of one caller at the same time share the work. */
  async #removeOld(caller: string): Promise<void> {
    const underWay = this.#cleanUps.get(caller);
    if (underWay !== undefined) return underWay;
    const own = this.#removeOlder(caller).finally(() => this.#cleanUps.delete(caller));
    this.#cleanUps.set(caller, own);
    return own;
  }

  async #removeOlder(caller: string): Promise<void> {
    const beforeMs = this.#clock.now() - orphanAgeShortMs;
    for (const sha256 of this.#uploads.olderThan(caller, beforeMs)) {
      if (this.#closed || !this.#isCounted) return;
      if ((await this.#take(sha256, beforeMs, "quota")) === "missing") this.#uploads.forget(sha256);
    }
  }

  /**
   * Takes an artifact out of the store that was stored before a time, that nothing refers to and nobody brings again. Nothing waits between the last
   * look and the removal, and who wants the bytes from then on waits for its end (`settled`). Answers what became of it.
   */
  async #take(sha256: string, beforeMs: number, cause: RemovalCause): Promise<"taken" | "missing" | "young" | "wanted"> {
    const isWanted = (): boolean =>
      this.#counts.has(sha256) || this.#incoming.has(sha256) || this.#removals.has(sha256) || this.#closed;
    if (isWanted()) return "wanted";
    const stored = await this.#artifacts.stat(sha256);
    if (isWanted()) return "wanted";
    if (stored === undefined) return "missing";
    if (stored.storedMs >= beforeMs) return "young";
    const removal = this.#artifacts.remove(sha256).finally(() => this.#removals.delete(sha256));
    this.#removals.set(
      sha256,
      removal.catch(() => undefined),
    );
    await removal;
    this.#uploads.forget(sha256);
    this.#removed.note(cause, stored.size);
    return "taken";
  }

  #count({ sha256 }: ArtifactRef): void {
    this.#counts.set(sha256, (this.#counts.get(sha256) ?? 0) + 1);
  }
}
