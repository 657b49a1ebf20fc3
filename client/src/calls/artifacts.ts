/** Bytes to and from the coordinator's artifact store, in pieces, checked against their SHA-256 on this side too. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { type ArtifactRef, limits, RegulusError } from "@regulus/proto";
import type { ArtifactServiceClient } from "@regulus/transport";
import { counted } from "../display/numbers.js";
import { readFailure } from "./cut-connection.js";
import { readStream } from "./stream.js";
import type { CallControl } from "./unary.js";

/** Stores bytes; answers once they are durable. Storing the same bytes again is harmless. */
export async function putArtifact(
  client: ArtifactServiceClient,
  bytes: Uint8Array,
  { kind, signal }: CallControl & { readonly kind: string },
): Promise<ArtifactRef> {
  if (bytes.length > limits.artifactBytesMax) {
    const seen = counted(bytes.length, "byte");
    throw RegulusError.invalid([{ field: "bytes", seen, expected: `at most ${limits.artifactBytesMax} bytes` }]);
  }
  if (signal?.aborted) throw new RegulusError("cancelled", "the call was cancelled before it began");
  const header: ArtifactRef = { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, kind };
  let cancel = () => {};
  const answer = new Promise<ArtifactRef>((resolve, reject) => {
    const call = client.putArtifact((error, response) => {
      if (error !== null) reject(readFailure(error, signal));
      else resolve(response.artifact ?? header);
    });
    cancel = () => call.cancel();
    const send = async () => {
      // `answer` is there once its executor has returned.
      await Promise.resolve();
      call.write({ part: { $case: "header", value: header } });
      for (let start = 0; start < bytes.length; start += limits.artifactChunkBytesMax) {
        const piece = bytes.subarray(start, start + limits.artifactChunkBytesMax);
        const value = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
        if (!call.write({ part: { $case: "data", value } })) await Promise.race([once(call, "drain"), answer]);
      }
      call.end();
    };
    send().catch(reject);
  });
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await answer;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** Bytes of an artifact in order. Fails with "data-loss" at the end where they are not what the name says. */
export async function* getArtifact(
  client: ArtifactServiceClient,
  sha256: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  for await (const { data } of readStream(() => client.getArtifact({ sha256 }), signal)) {
    hash.update(data);
    yield data;
  }
  const seen = hash.digest("hex");
  if (seen !== sha256)
    throw new RegulusError("data-loss", `artifact ${sha256} arrived with the sum ${seen}; expected its own name`);
}
