/** Readers that take nothing: what they hold is bounded, they are dropped, and honest ones read on beside them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type ClientHttp2Stream, connect, constants } from "node:http2";
import { after, test } from "node:test";
import { credentials } from "@grpc/grpc-js";
import { ExportSearchRequest, Fact, GetArtifactRequest, GetTrialRequest, WatchSearchRequest } from "@regulus/proto";
import { ArtifactServiceService, SearchServiceClient, SearchServiceService } from "@regulus/transport";
import { pino } from "pino";
import { openMemoryStore } from "../artifacts/memory-store.js";
import { openMemoryLog } from "../log/memory-log.js";
import { createCoordinator } from "../runner/create-coordinator.js";
import { CallGuards, type GuardBounds } from "./call-guards.js";
import { openDoors, validSpec } from "./testing/open-doors.js";
import { eventually } from "./testing/real-servers.js";

/** Measurements of the search, and numbers of each: 100 kB. */
const measurements = 60;
const numbers = 12_500;
const facts = measurements + 3;

const log = openMemoryLog();
await log.append([{ searchId: "large", expected: 0, facts: largeSearch() }]);
const artifacts = openMemoryStore();
const artifact = Buffer.alloc(4 * 1024 * 1024, "artifact");
const sha256 = createHash("sha256").update(artifact).digest("hex");
await artifacts.put({ sha256, size: artifact.length, kind: "test" }, pieces(artifact));
const coordinator = await createCoordinator({ log, artifacts });
after(() => coordinator.close());

test("stalled readers hold no more than the bound, are dropped, and keep nobody from reading all", async () => {
  const total = 1024 * 1024;
  const { doors, guards, dropped } = await open({ readersBytesMax: total, crowdedStallMs: 100, guardEveryMs: 20 });
  const asked = [
    { path: SearchServiceService.watchSearch.path, message: WatchSearchRequest.encode({ searchId: "large", after: 0 }).finish() },
    { path: SearchServiceService.exportSearch.path, message: ExportSearchRequest.encode({ searchId: "large" }).finish() },
    { path: ArtifactServiceService.getArtifact.path, message: GetArtifactRequest.encode({ sha256 }).finish() },
  ];
  // Five connections, so that all of them together fill the whole, whatever the share of each.
  const stalled: Stalled[] = [];
  const sessions = Array.from({ length: 5 }, () => connect(`http://${doors.server.address}`));
  for (const session of sessions) for (const call of asked) for (let n = 0; n < 2; n += 1) stalled.push(stall(session, call));
  await eventually("they hold what they may", () => (guards.reading.held > total / 2 ? true : undefined));

  const client = new SearchServiceClient(doors.server.address, credentials.createInsecure());
  const positions: number[] = [];
  for await (const { facts: piece } of client.watchSearch({ searchId: "large", after: 0 })) {
    positions.push(...piece.map((fact: Fact) => fact.position));
    if (positions.length >= facts) break;
  }
  assert.deepEqual(
    positions,
    Array.from({ length: facts }, (_, index) => index + 1),
  );
  let steps = 0;
  for await (const row of client.exportSearch({ searchId: "large" })) steps += row.measurements.length;
  assert.equal(steps, measurements);

  assert.ok(guards.reading.heldMost <= total, `${guards.reading.heldMost} bytes were held, ${total} may be`);
  assert.ok(dropped.length > 0 && dropped.every((reason) => reason === "stalled_reader"), dropped.join(" "));
  for (const session of sessions) session.destroy();
  await eventually("all is given back", () => (guards.reading.held === 0 ? true : undefined));
  const reset = stalled.filter(({ code }) => code === constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(reset.length, dropped.length);
  client.close();
  await doors.close();
});

test("a reader that stalls and reads again in time is told where to continue", async () => {
  const { doors } = await open({ readerStallMs: 100, readerGraceMs: 60_000, guardEveryMs: 20 });
  const session = connect(`http://${doors.server.address}`);
  const message = WatchSearchRequest.encode({ searchId: "large", after: 0 }).finish();
  const stream = request(session, SearchServiceService.watchSearch.path, message);
  const trailers = new Promise<Record<string, unknown>>((resolve) => stream.once("trailers", resolve));
  await eventually("it counts as stalled", () => (doors.logged.some((line) => line.includes("took nothing")) ? true : undefined));
  stream.resume();
  const { "grpc-status": status, "grpc-message": words } = await trailers;
  assert.equal(status, "8", "RESOURCE_EXHAUSTED");
  assert.match(
    decodeURIComponent(String(words)),
    /took nothing for \d+ s; watch again after the last position that it has, at most \d+/,
  );
  session.destroy();
  await doors.close();
});

test("many answers at once that nobody takes are bounded, and so are requests that do not become whole", async () => {
  const { doors, guards, dropped } = await open({ requestsBytesMax: 1024 * 1024, requestWithinMs: 200, guardEveryMs: 20 });
  const session = connect(`http://${doors.server.address}`);
  const trial = GetTrialRequest.encode({ searchId: "large", trial: 0 }).finish();
  const answers = Array.from({ length: 40 }, () => stall(session, { path: SearchServiceService.getTrial.path, message: trial }));
  // 3 MB each, and a quarter of 128 MiB for one caller.
  await eventually("answers wait", () => (guards.answers.held > 8e6 ? true : undefined));
  assert.ok(guards.answers.heldMost <= 32 * 1024 * 1024, `${guards.answers.heldMost} bytes of answers`);
  const unfinished = Array.from({ length: 4 }, () => {
    const stream = request(session, SearchServiceService.createSearch.path, undefined);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(4_000_000, 1);
    stream.write(Buffer.concat([head, Buffer.alloc(60_000)]));
    stream.write(Buffer.alloc(200_000));
    return stream;
  });
  await eventually("they are dropped", () =>
    dropped.includes("slow_request") || dropped.includes("no_room") ? true : undefined,
  );
  assert.ok(guards.requests.heldMost <= 256 * 1024, `${guards.requests.heldMost} bytes of requests`);
  assert.ok(answers.length + unfinished.length === 44);
  session.destroy();
  await doors.close();
});

test("no more connections than the bound are taken", async () => {
  const { doors } = await open({}, 2);
  const sessions = Array.from({ length: 3 }, () => connect(`http://${doors.server.address}`));
  for (const session of sessions) session.on("error", () => undefined);
  await eventually("one is refused", () => (sessions.filter((session) => session.destroyed).length === 1 ? true : undefined));
  for (const session of sessions) session.destroy();
  await doors.close();
});

interface Stalled {
  /** The code of the stream's reset; undefined while it is open. */
  code: number | undefined;
}

type Session = ReturnType<typeof connect>;

function request(session: Session, path: string, message: Uint8Array | undefined): ClientHttp2Stream {
  const head = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(head);
  stream.on("error", () => undefined);
  if (message === undefined) return stream;
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.byteLength, 1);
  stream.end(Buffer.concat([frame, message]));
  return stream;
}

/** A call whose answer is never read. */
function stall(session: Session, call: { readonly path: string; readonly message: Uint8Array }): Stalled {
  const seen: Stalled = { code: undefined };
  const stream = request(session, call.path, call.message);
  stream.once("close", () => {
    seen.code = stream.rstCode;
  });
  return seen;
}

async function open(guardBounds: Partial<GuardBounds>, connectionsMax = 1000) {
  const dropped: string[] = [];
  const guards = new CallGuards({
    log: pino({ level: "silent" }),
    dropped: (reason) => dropped.push(reason),
    bounds: guardBounds,
  });
  const doors = await openDoors({ coordinator, artifacts }, { guards, connectionsMax });
  return { doors, guards, dropped };
}

function largeSearch(): Fact[] {
  const kinds: unknown[] = [
    { $case: "searchCreated", value: { spec: validSpec(), idempotencyKey: "" } },
    { $case: "searchPaused", value: { reason: "so that nothing is proposed" } },
    { $case: "trialProposed", value: { trial: 0, work: { procedure: "fit", untilStep: 100, parameters: { weightDecay: 0.1 } } } },
  ];
  for (let step = 1; step <= measurements; step += 1) {
    const vectors = { weights: { values: Array.from({ length: numbers }, (_, index) => index / step) } };
    const measurement = { step, metrics: { validLoss: 1 / step }, vectors };
    kinds.push({ $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement } });
  }
  return kinds.map((kind, index) =>
    Fact.fromPartial({ searchId: "large", position: index + 1, timeMs: index, kind } as Parameters<typeof Fact.fromPartial>[0]),
  );
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
