/**
 * Reports of an attempt, in a fixed order: checkpoints and the end go through one chain, so that a checkpoint is stored before it
 * is reported, and reported before the end. Measurements do not wait in it: while the coordinator is away only the link's buffer holds them.
 */
import { rm } from "node:fs/promises";
import { type ArtifactRef, type Finished, limits, type Measurement } from "@regulus/proto";
import type { Artifacts } from "../artifacts/artifact-client.js";
import type { AttemptListener } from "./running-attempt.js";

export class AttemptReports {
  /** Content of the newest checkpoint that is stored, the one that the attempt began from included; undefined where the store would not have it. */
  storedSha256: string | undefined;
  readonly #startedMs = Date.now();
  #chain: Promise<void> = Promise.resolve();

  /** @param taken aborts once the attempt was taken away: nothing is told after that. */
  readonly #artifacts: Artifacts;
  readonly #listener: AttemptListener;
  readonly #taken: AbortSignal;

  constructor(artifacts: Artifacts, listener: AttemptListener, taken: AbortSignal) {
    this.#artifacts = artifacts;
    this.#listener = listener;
    this.#taken = taken;
  }

  /** Does something after everything before it, unless the attempt was taken away. */
  after(call: () => Promise<void> | void): void {
    this.#chain = this.#chain.then(async () => {
      if (!this.#taken.aborted) await call();
    });
  }

  measured(measurement: Measurement): void {
    this.#listener.event({ $case: "measured", value: measurement });
  }

  found(source: string, severity: string, message: string): void {
    const value = { source, severity, message: message.slice(0, limits.textCharactersMax) };
    this.#listener.event({ $case: "found", value });
  }

  /** Stores a checkpoint and reports it, where what is stored has the sum that was saved. In the chain only. */
  async checkpoint({
    path,
    step,
    sha256,
  }: {
    readonly path: string;
    readonly step: number;
    readonly sha256: string;
  }): Promise<void> {
    const checkpoint = await this.storeFile(path, "checkpoint");
    this.storedSha256 = checkpoint?.sha256;
    if (checkpoint === undefined) return;
    if (checkpoint.sha256 !== sha256) {
      const sums = `saw sum ${checkpoint.sha256.slice(0, 12)}, expected ${sha256.slice(0, 12)}`;
      this.found("agent", "warning", `the checkpoint at step ${step} changed on the agent's disk and is not used: ${sums}`);
      this.storedSha256 = undefined;
      return;
    }
    this.#listener.event({ $case: "checkpointed", value: { step, checkpoint } });
  }

  /** Files as artifacts, those left out that the store will not have. */
  async storeFiles(files: readonly { readonly path: string; readonly kind: string }[]): Promise<ArtifactRef[]> {
    const artifacts: ArtifactRef[] = [];
    for (const { path, kind } of files) {
      const artifact = await this.storeFile(path, kind);
      if (artifact !== undefined) artifacts.push(artifact);
    }
    return artifacts;
  }

  /** A file as an artifact; waits while the coordinator is away. Undefined where the store will not have it, which is told. */
  async storeFile(path: string, kind: string): Promise<ArtifactRef | undefined> {
    try {
      return await this.#artifacts.putFile(path, kind, this.#taken);
    } catch (error) {
      if (this.#taken.aborted) return undefined;
      const words = error instanceof Error ? error.message : String(error);
      this.found("agent", "warning", `${kind} could not be stored: ${words}`);
      return undefined;
    } finally {
      await rm(path, { force: true });
    }
  }

  /** The checkpoint to go on from is damaged or gone; the end follows. */
  unrestorable(checkpoint: ArtifactRef, message: string): void {
    const value = { checkpoint, message: message.slice(0, limits.textCharactersMax) };
    this.#listener.event({ $case: "unrestorable", value });
  }

  finished(end: Omit<Finished, "startedMs">): void {
    const value = { ...end, message: end.message.slice(0, limits.textCharactersMax), startedMs: this.#startedMs };
    this.#listener.event({ $case: "finished", value });
  }
}
