/**
 * Bytes to and from the coordinator's artifact store, by files, so that a checkpoint of any size passes through the agent in pieces.
 * What comes back is checked against its sum and size before anyone reads it. One try each; whoever calls knows whether to try again.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { type ArtifactRef, counted, limits, type PutArtifactRequest, RegulusError } from "@regulus/proto";
import { ArtifactServiceClient } from "@regulus/transport";
import { channelOptions } from "../link/channel.js";

/** Longest silence of a transfer, in milliseconds, before it is given up. */
const silenceMsMax = 30_000;

/** Where artifacts go to and come from. */
export interface Artifacts {
  /** Stores a file. Resolves once its bytes are durable. */
  putFile(path: string, kind: string, signal: AbortSignal): Promise<ArtifactRef>;
  /**
   * Fetches into a file that appears only when it is whole. Fails with "not-found" or "data-loss" where the store does not have it whole, and
   * with "internal" where the bytes that came are not those of the reference.
   */
  getFile(artifact: ArtifactRef, path: string, signal: AbortSignal): Promise<void>;
}

export class ArtifactClient implements Artifacts {
  /** Bytes that were sent so far. */
  sentBytes = 0;
  #client: ArtifactServiceClient;

  readonly #address: string;
  readonly #credentials: () => ChannelCredentials;

  constructor(address: string, credentials: () => ChannelCredentials) {
    this.#address = address;
    this.#credentials = credentials;
    this.#client = this.#open();
  }

  /** Begins a new connection, for calls from now on; calls under way end on the old one. */
  reopen(): void {
    this.#client.close();
    this.#client = this.#open();
  }

  #open(): ArtifactServiceClient {
    return new ArtifactServiceClient(this.#address, this.#credentials(), channelOptions);
  }

  close(): void {
    this.#client.close();
  }

  async putFile(path: string, kind: string, signal: AbortSignal): Promise<ArtifactRef> {
    const header = await describeFile(path, kind);
    return await new Promise<ArtifactRef>((resolve, reject) => {
      const call = this.#client.putArtifact((error, response) => {
        silence.end();
        if (error !== null) reject(RegulusError.from(error));
        else resolve(response.artifact ?? header);
      });
      const silence = watchSilence(() => call.cancel(), signal);
      // The callback tells what went wrong; without a listener the same error would end the process.
      call.on("error", () => undefined);
      const sent = (bytes: number): void => {
        this.sentBytes += bytes;
        silence.heard();
      };
      send(call, header, path, sent).then(
        () => call.end(),
        (error: unknown) => {
          call.cancel();
          reject(RegulusError.from(error));
        },
      );
    });
  }

  async getFile(artifact: ArtifactRef, path: string, signal: AbortSignal): Promise<void> {
    const part = `${path}.part`;
    const file = await open(part, "w");
    const call = this.#client.getArtifact({ sha256: artifact.sha256 });
    const silence = watchSilence(() => call.cancel(), signal);
    const hash = createHash("sha256");
    let size = 0;
    try {
      for await (const message of call) {
        silence.heard();
        const data: Uint8Array = message.data;
        size += data.length;
        if (size > artifact.size) break;
        hash.update(data);
        await file.write(data);
      }
      checkWhole(artifact, size, hash.digest("hex"));
      await file.close();
      await rename(part, path);
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(part, { force: true });
      throw RegulusError.from(error);
    } finally {
      silence.end();
      call.cancel();
    }
  }
}

/** Whether the store itself says that it does not have an artifact whole; what went wrong on the way is no reason to give it up. */
export function isStoreLoss(error: unknown): error is RegulusError {
  return error instanceof RegulusError && (error.code === "not-found" || error.code === "data-loss");
}

/** Sum and size of a file. */
async function describeFile(path: string, kind: string): Promise<ArtifactRef> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    size += chunk.length;
  }
  if (size > limits.artifactBytesMax) {
    const most = limits.artifactBytesMax;
    throw new RegulusError(
      "invalid-argument",
      `${kind} of ${counted(size, "byte")} is too large: an artifact holds at most ${most} bytes`,
    );
  }
  return { sha256: hash.digest("hex"), size, kind };
}

interface PutCall {
  write(message: PutArtifactRequest): boolean;
  once(event: "drain" | "close", call: () => void): unknown;
  readonly destroyed: boolean;
}

async function send(call: PutCall, header: ArtifactRef, path: string, sent: (bytes: number) => void): Promise<void> {
  call.write({ part: { $case: "header", value: header } });
  for await (const chunk of createReadStream(path, { highWaterMark: limits.artifactChunkBytesMax })) {
    if (call.destroyed) return;
    if (!call.write({ part: { $case: "data", value: chunk } })) {
      await new Promise<void>((resolve) => {
        call.once("drain", resolve);
        call.once("close", resolve);
      });
    }
    sent(chunk.length);
  }
}

function checkWhole(artifact: ArtifactRef, size: number, sha256: string): void {
  if (size === artifact.size && sha256 === artifact.sha256) return;
  const seen =
    size > artifact.size ? `more than ${artifact.size} bytes` : `${counted(size, "byte")} with sum ${sha256.slice(0, 12)}`;
  const expected = `${counted(artifact.size, "byte")} with sum ${artifact.sha256.slice(0, 12)}`;
  throw new RegulusError("internal", `${artifact.kind} is cut short or damaged: saw ${seen}, expected ${expected}`);
}

/** Cancels a call when nothing moved for long, or when the signal says so. */
function watchSilence(cancel: () => void, signal: AbortSignal): { heard: () => void; end: () => void } {
  let timer = setTimeout(cancel, silenceMsMax);
  let isOver = false;
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  return {
    heard: () => {
      clearTimeout(timer);
      // A file may still be read when its call has failed.
      if (!isOver) timer = setTimeout(cancel, silenceMsMax);
    },
    end: () => {
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    },
  };
}
