/**
 * Callers that hurt: each opens calls and reads nothing of them, or uploads a byte now and then, and opens another call wherever one was ended.
 * Run by the hostile bench as a process of its own, so that what it costs them is not in the figures: ADDRESS SEARCH SHA256.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { ExportSearchRequest, GetArtifactRequest, PutArtifactRequest, WatchSearchRequest } from "@regulus/proto";
import { ArtifactServiceService, SearchServiceService } from "@regulus/transport";

/** Connections, and calls of each: 1,000 in all. */
const connections = 20;
const callsOfEach = { watch: 20, export: 15, get: 8, put: 7 };
/** How often an upload sends one byte. */
const trickleMs = 2000;
/** Wait before an ended call is opened again. */
const againMs = 200;

const [address, searchId = "", sha256 = ""] = process.argv.slice(2);
if (address === undefined) throw new Error("expected ADDRESS SEARCH SHA256");

const header = { sha256: "0".repeat(64), size: 1_000_000_000, kind: "checkpoint" };
const calls = {
  watch: { path: SearchServiceService.watchSearch.path, message: WatchSearchRequest.encode({ searchId, after: 0 }).finish() },
  export: { path: SearchServiceService.exportSearch.path, message: ExportSearchRequest.encode({ searchId }).finish() },
  get: { path: ArtifactServiceService.getArtifact.path, message: GetArtifactRequest.encode({ sha256 }).finish() },
  put: {
    path: ArtifactServiceService.putArtifact.path,
    message: PutArtifactRequest.encode({ part: { $case: "header", value: header } }).finish(),
  },
};
const oneByte = framed(PutArtifactRequest.encode({ part: { $case: "data", value: Buffer.from("x") } }).finish());

// They end with the bench, however it ends.
process.once("disconnect", () => process.exit(0));

let opened = 0;
let ended = 0;
for (let index = 0; index < connections; index += 1) connectAgain();
setInterval(() => process.send?.({ open: opened - ended, ended }), 500);

function connectAgain(): void {
  const session = connect(`http://${address}`);
  session.setMaxListeners(0);
  session.on("error", () => undefined);
  session.once("close", () => setTimeout(connectAgain, againMs));
  for (const [kind, count] of Object.entries(callsOfEach)) {
    for (let n = 0; n < count; n += 1) callAgain(session, kind as keyof typeof calls);
  }
}

function callAgain(session: ClientHttp2Session, kind: keyof typeof calls): void {
  if (session.destroyed || session.closed) return;
  const { path, message } = calls[kind];
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
  opened += 1;
  stream.on("error", () => undefined);
  const over = new AbortController();
  // A call that got its status but is not read to its end never closes by itself.
  stream.once("response", (headers) => {
    if (headers["grpc-status"] !== undefined) stream.destroy();
  });
  stream.once("close", () => {
    ended += 1;
    over.abort();
    setTimeout(() => callAgain(session, kind), againMs);
  });
  if (kind === "put") trickle(stream, framed(message), over.signal);
  else stream.end(framed(message));
}

function trickle(stream: ClientHttp2Stream, head: Buffer, over: AbortSignal): void {
  stream.write(head);
  const timer = setInterval(() => stream.write(oneByte), trickleMs);
  over.addEventListener("abort", () => clearInterval(timer));
}

/** A message as gRPC frames it. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}
