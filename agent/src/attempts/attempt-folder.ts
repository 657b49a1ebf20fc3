/** An attempt's own folder: it receives the attempt's inputs and is removed after the attempt. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactRef, LeaseKey, TrialInput } from "@regulus/proto";
import type { Logger } from "pino";
import type { Artifacts } from "../artifacts/artifact-client.js";
import type { InputFile } from "../trial/messages.js";
import { keyFolder } from "./lease-key.js";

export class AttemptFolder {
  readonly path: string;

  readonly #artifacts: Artifacts;
  readonly #log: Logger;

  constructor(scratch: string, key: LeaseKey, artifacts: Artifacts, log: Logger) {
    this.#artifacts = artifacts;
    this.#log = log;
    this.path = join(scratch, keyFolder(key));
  }

  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true });
  }

  /** The file of an artifact that the work begins with, or empty where it has none. */
  async fetch(artifact: ArtifactRef | undefined, name: string, signal: AbortSignal): Promise<string> {
    if (artifact === undefined) return "";
    const path = join(this.path, name);
    await this.#artifacts.getFile(artifact, path, signal);
    return path;
  }

  /** The files of results of other trials. Equal contents are fetched once. */
  async fetchInputs(inputs: readonly TrialInput[], signal: AbortSignal): Promise<readonly InputFile[]> {
    const paths = new Map<string, string>();
    const files: InputFile[] = [];
    for (const { searchId, trial, artifact } of inputs) {
      if (artifact === undefined) continue;
      const { kind, sha256 } = artifact;
      const path = paths.get(sha256) ?? (await this.fetch(artifact, `input-${paths.size}`, signal));
      paths.set(sha256, path);
      files.push({ searchId, trial, kind, path });
    }
    return files;
  }

  /** Never throws. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
      this.#log.warn({ directory: this.path, error: String(error) }, "the attempt's folder could not be removed");
    });
  }
}
