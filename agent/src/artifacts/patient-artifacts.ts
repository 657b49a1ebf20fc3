/** Artifacts with patience: tries again, with growing waits, while the store is away; what the store refuses is passed on. */
import { type ArtifactRef, type ErrorCode, RegulusError } from "@regulus/proto";
import { Backoff, type Waits } from "@regulus/transport";
import type { Logger } from "pino";
import type { Artifacts } from "./artifact-client.js";

/** First and longest wait between two tries, in milliseconds. */
const retryMs = { firstMs: 200, maxMs: 5000 };
/** Tries to fetch: a trial that can't begin is better begun elsewhere. Storing has no such bound: what was trained is not to be lost. */
const fetchTriesMax = 8;
/** Codes that pass: the coordinator is away, a transfer stood still and was cut, or a disk is full until somebody makes room. */
const passing: readonly ErrorCode[] = ["unavailable", "deadline", "cancelled", "exhausted"];

export class PatientArtifacts implements Artifacts {
  readonly #artifacts: Artifacts;
  readonly #log: Logger;
  readonly #waits: Waits;

  constructor(artifacts: Artifacts, log: Logger, waits: Waits = retryMs) {
    this.#artifacts = artifacts;
    this.#log = log;
    this.#waits = waits;
  }

  /** Ends with the signal or with what the store answers, however long the store is away. */
  putFile(path: string, kind: string, signal: AbortSignal): Promise<ArtifactRef> {
    return this.#patiently(Number.POSITIVE_INFINITY, signal, () => this.#artifacts.putFile(path, kind, signal));
  }

  getFile(artifact: ArtifactRef, path: string, signal: AbortSignal): Promise<void> {
    return this.#patiently(fetchTriesMax, signal, () => this.#artifacts.getFile(artifact, path, signal));
  }

  async #patiently<T>(triesMax: number, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(this.#waits);
    for (let tries = 1; ; tries += 1) {
      try {
        return await call();
      } catch (thrown) {
        const error = RegulusError.from(thrown);
        if (!passing.includes(error.code) || tries >= triesMax || signal.aborted) throw error;
        this.#log.warn({ tries, code: error.code }, `the artifact store is away; retrying: ${error.message}`);
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
  }
}
