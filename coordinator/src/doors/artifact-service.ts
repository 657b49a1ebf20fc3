/** The door for bytes: streams in and out of the artifact store, each with its bounds, neither faster than the slower side. */
import type { handleClientStreamingCall, ServerReadableStream } from "@grpc/grpc-js";
import {
  type ArtifactRef,
  ArtifactServiceService,
  GetArtifactResponse,
  limits,
  type PutArtifactRequest,
  type PutArtifactResponse,
  RegulusError,
} from "@regulus/proto";
import type { ArtifactStore } from "../ports.js";
import { bounds } from "./bounds.js";
import { cancellation, checkMetadata, type Incoming, type Route, received, safeDefinition, serverStream } from "./calls.js";
import type { Failures } from "./failures.js";
import type { OpenStreams } from "./open-streams.js";
import { RequestChecks } from "./request-checks.js";

/** What the door opens on. */
export interface ArtifactDoor {
  readonly artifacts: ArtifactStore;
  readonly failures: Failures;
  readonly streams: OpenStreams;
}

type Incomings = AsyncIterator<Incoming<PutArtifactRequest>>;

/** Routes of ArtifactService, by the name of the method. */
export function artifactRoutes(door: ArtifactDoor): Readonly<Record<keyof typeof ArtifactServiceService, Route>> {
  const { artifacts, failures } = door;
  const incoming = new Places("coming in");
  const outgoing = new Places("going out");
  const put: handleClientStreamingCall<Incoming<PutArtifactRequest>, PutArtifactResponse> = (call, answer) => {
    const store = async (): Promise<PutArtifactResponse> => {
      checkMetadata(call);
      const leave = incoming.take();
      try {
        return { artifact: await putArtifact(artifacts, call) };
      } finally {
        leave();
      }
    };
    store().then(
      (response) => answer(null, response),
      (thrown: unknown) => answer(failures(thrown, ArtifactServiceService.putArtifact.path)),
    );
  };
  return {
    putArtifact: { definition: safeDefinition(ArtifactServiceService.putArtifact), handler: put },
    getArtifact: serverStream(
      ArtifactServiceService.getArtifact,
      door,
      (request, checks) => checks.sha256("sha256", request.sha256),
      async function* (request, signal) {
        const leave = outgoing.take();
        try {
          for await (const piece of artifacts.get(request.sha256, signal)) {
            const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
            for (let from = 0; from < bytes.byteLength; from += limits.artifactChunkBytesMax) {
              const data = bytes.subarray(from, from + limits.artifactChunkBytesMax);
              yield GetArtifactResponse.encode({ data }).finish();
            }
          }
        } finally {
          leave();
        }
      },
    ),
  };
}

/** Counts streams that hold a file open. */
class Places {
  readonly #way: string;
  #taken = 0;

  constructor(way: string) {
    this.#way = way;
  }

  take(): () => void {
    if (this.#taken >= bounds.artifactStreamsMax) {
      throw new RegulusError("exhausted", `${this.#taken} artifacts are ${this.#way} at once, which is the most; try again soon`);
    }
    this.#taken += 1;
    return () => {
      this.#taken -= 1;
    };
  }
}

async function putArtifact(
  artifacts: ArtifactStore,
  call: ServerReadableStream<Incoming<PutArtifactRequest>, PutArtifactResponse>,
): Promise<ArtifactRef> {
  const signal = cancellation(call);
  const pieces: Incomings = call[Symbol.asyncIterator]();
  const header = (await nextPiece(pieces, signal))?.part;
  if (header?.$case !== "header") {
    throw RegulusError.invalid([{ field: "part", seen: header?.$case ?? "nothing", expected: "header, as the first message" }]);
  }
  const checks = new RequestChecks();
  checks.artifact("header", header.value);
  checks.done();
  return artifacts.put(header.value, dataOf(pieces, header.value.size, signal), signal);
}

/** The data of the messages after the header; fails as soon as there is more of it than announced. */
async function* dataOf(pieces: Incomings, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for (let piece = await nextPiece(pieces, signal); piece !== undefined; piece = await nextPiece(pieces, signal)) {
    const part = piece.part;
    if (part?.$case !== "data") {
      throw RegulusError.invalid([{ field: "part", seen: part?.$case ?? "nothing", expected: "data, after the header" }]);
    }
    bytes += part.value.byteLength;
    const faults: [boolean, string, string][] = [
      [
        part.value.byteLength > limits.artifactChunkBytesMax,
        `${part.value.byteLength} bytes`,
        `at most ${limits.artifactChunkBytesMax}`,
      ],
      [bytes > size, `${bytes} bytes so far`, `${size} in all, as the header says`],
    ];
    for (const [wrong, seen, expected] of faults) if (wrong) throw RegulusError.invalid([{ field: "data", seen, expected }]);
    yield part.value;
  }
}

/** The next message, undefined at the end. Fails where it does not come in time or the caller is gone. */
async function nextPiece(pieces: Incomings, signal: AbortSignal): Promise<PutArtifactRequest | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new RegulusError("deadline", `no piece of the artifact came within ${bounds.artifactPieceWithinMs} ms`)),
      bounds.artifactPieceWithinMs,
    );
  });
  try {
    const next = await Promise.race([pieces.next(), late]);
    return next.done === true ? undefined : received(next.value);
  } catch (thrown) {
    if (signal.aborted)
      throw new RegulusError("cancelled", "the caller went away before the artifact was whole", { cause: thrown });
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}
