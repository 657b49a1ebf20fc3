/** The door for bytes: streams in and out of the artifact store, each with its bounds, neither faster than the slower side. */
import type { handleClientStreamingCall, ServerReadableStream } from "@grpc/grpc-js";
import {
  type ArtifactRef,
  counted,
  GetArtifactResponse,
  limits,
  type PutArtifactRequest,
  type PutArtifactResponse,
  RegulusError,
} from "@regulus/proto";
import { ArtifactServiceService } from "@regulus/transport";
import type { Coordinator, Upload } from "../coordinator.js";
import type { ArtifactStore } from "../ports.js";
import { ArtifactPlaces, type Transfer } from "./artifact-places.js";
import type { CallGuard, CallGuards } from "./call-guards.js";
import { lastingCallerOf } from "./callers.js";
import { cancellation, checkMetadata, type Incoming, type Route, received, safeDefinition, serverStream } from "./calls.js";
import type { Failures } from "./failures.js";
import type { OpenStreams } from "./open-streams.js";
import { RequestChecks } from "./request-checks.js";
import { UploadPace } from "./upload-pace.js";

/** What the door opens on. */
export interface ArtifactDoor {
  readonly coordinator: Pick<Coordinator, "beginUpload">;
  readonly artifacts: ArtifactStore;
  readonly failures: Failures;
  readonly streams: OpenStreams;
  readonly guards: CallGuards;
}

/** Routes of ArtifactService, by the name of the method. */
export function artifactRoutes(door: ArtifactDoor): Readonly<Record<keyof typeof ArtifactServiceService, Route>> {
  const { coordinator, artifacts, failures, guards } = door;
  const incoming = new ArtifactPlaces("coming in");
  const outgoing = new ArtifactPlaces("going out");
  const put: handleClientStreamingCall<Incoming<PutArtifactRequest>, PutArtifactResponse> = (call, answer) => {
    const store = async (): Promise<PutArtifactResponse> => {
      checkMetadata(call);
      const evicted = new AbortController();
      const transfer = incoming.take(guards.of(call).caller, (error) => evicted.abort(error));
      try {
        const begin = (header: ArtifactRef) => coordinator.beginUpload(lastingCallerOf(call), header);
        return { artifact: await putArtifact(artifacts, call, { transfer, evicted: evicted.signal, begin }) };
      } finally {
        transfer.leave();
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
      (request, signal, guard) => ({ pieces: fetched(artifacts, request.sha256, { outgoing, signal, guard }) }),
    ),
  };
}

/** An artifact's bytes, encoded. Each piece is read once there is room for it. */
async function* fetched(
  artifacts: ArtifactStore,
  sha256: string,
  call: { readonly outgoing: ArtifactPlaces; readonly signal: AbortSignal; readonly guard: CallGuard },
): AsyncGenerator<Uint8Array> {
  const evicted = new AbortController();
  const transfer = call.outgoing.take(call.guard.caller, (error) => {
    evicted.abort(error);
    call.guard.end(error);
  });
  const pieces = artifacts.get(sha256, AbortSignal.any([call.signal, evicted.signal]))[Symbol.asyncIterator]();
  try {
    for (;;) {
      await call.guard.room.take(limits.artifactChunkBytesMax);
      const piece = await pieces.next();
      if (piece.done === true) return;
      const bytes = Buffer.from(piece.value.buffer, piece.value.byteOffset, piece.value.byteLength);
      for (let from = 0; from < bytes.byteLength; from += limits.artifactChunkBytesMax) {
        const data = bytes.subarray(from, from + limits.artifactChunkBytesMax);
        yield GetArtifactResponse.encode({ data }).finish();
        transfer.moved(data.byteLength);
      }
    }
  } finally {
    transfer.leave();
    await pieces.return?.();
  }
}

/** A place among the artifacts that come in. */
interface Place {
  readonly transfer: Transfer;
  /** Aborts with an error where the place went to another one. */
  readonly evicted: AbortSignal;
  /** Takes room for it. */
  readonly begin: (header: ArtifactRef) => Promise<Upload>;
}

async function putArtifact(
  artifacts: ArtifactStore,
  call: ServerReadableStream<Incoming<PutArtifactRequest>, PutArtifactResponse>,
  { transfer, evicted, begin }: Place,
): Promise<ArtifactRef> {
  const gone = cancellation(call);
  const source = new UploadPieces(call[Symbol.asyncIterator](), gone, evicted);
  const header = (await source.next())?.part;
  if (header?.$case !== "header") {
    throw RegulusError.invalid([{ field: "part", seen: header?.$case ?? "nothing", expected: "header, as the first message" }]);
  }
  const checks = new RequestChecks();
  checks.artifact("header", header.value);
  checks.done();
  const upload = await begin(header.value);
  try {
    const stored = await artifacts.put(header.value, dataOf(source, header.value.size, transfer), gone);
    upload.stored();
    return stored;
  } finally {
    upload.leave();
  }
}

/** The data of the messages after the header; fails as soon as there is more of it than announced. */
async function* dataOf(source: UploadPieces, size: number, transfer: Transfer): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for (let piece = await source.next(); piece !== undefined; piece = await source.next()) {
    const part = piece.part;
    if (part?.$case !== "data") {
      throw RegulusError.invalid([{ field: "part", seen: part?.$case ?? "nothing", expected: "data, after the header" }]);
    }
    bytes += part.value.byteLength;
    const faults: [boolean, string, string][] = [
      [
        part.value.byteLength > limits.artifactChunkBytesMax,
        counted(part.value.byteLength, "byte"),
        `at most ${limits.artifactChunkBytesMax}`,
      ],
      [bytes > size, `${counted(bytes, "byte")} so far`, `${size} in all, as the header says`],
    ];
    for (const [wrong, seen, expected] of faults) if (wrong) throw RegulusError.invalid([{ field: "data", seen, expected }]);
    transfer.moved(part.value.byteLength);
    yield part.value;
  }
}

/** The messages of an upload, each waited for as long as its pace allows. */
class UploadPieces {
  readonly #pieces: AsyncIterator<Incoming<PutArtifactRequest>>;
  readonly #gone: AbortSignal;
  readonly #evicted: AbortSignal;
  readonly #pace = new UploadPace();

  constructor(pieces: AsyncIterator<Incoming<PutArtifactRequest>>, gone: AbortSignal, evicted: AbortSignal) {
    this.#pieces = pieces;
    this.#gone = gone;
    this.#evicted = evicted;
  }

  /** The next message, undefined at the end. Fails where it does not come in time, the caller is gone or the place is another's. */
  async next(): Promise<PutArtifactRequest | undefined> {
    const began = performance.now();
    const waited = (): number => performance.now() - began;
    let stop = (): void => undefined;
    const over = new Promise<never>((_resolve, reject) => {
      const timer = setTimeout(() => reject(this.#pace.tooSlow(waited())), this.#pace.patienceMs);
      const evict = (): void => reject(this.#evicted.reason);
      this.#evicted.addEventListener("abort", evict);
      stop = () => {
        clearTimeout(timer);
        this.#evicted.removeEventListener("abort", evict);
      };
    });
    try {
      this.#evicted.throwIfAborted();
      const next = await Promise.race([this.#pieces.next(), over]);
      if (next.done === true) return undefined;
      const message = received(next.value);
      this.#pace.came(message.part?.$case === "data" ? message.part.value.byteLength : 0, waited());
      return message;
    } catch (thrown) {
      if (!this.#gone.aborted) throw thrown;
      throw new RegulusError("cancelled", "the caller went away before the artifact was whole", { cause: thrown });
    } finally {
      stop();
    }
  }
}
