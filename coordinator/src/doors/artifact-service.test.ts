/** The door for bytes: what goes in comes out, in bounded pieces; what is cut short, too long or out of order is refused. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { type ArtifactRef, limits, type PutArtifactRequest } from "@regulus/proto";
import { ArtifactServiceClient } from "@regulus/transport";
import { bounds } from "./bounds.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { openDoors } from "./testing/open-doors.js";

const parts = await coordinatorForTests();
const doors = await openDoors(parts);
const client = new ArtifactServiceClient(doors.server.address, credentials.createInsecure());
after(async () => {
  client.close();
  await doors.close();
  await parts.close();
});

const bytes = Buffer.from(Array.from({ length: 1_000_003 }, (_, index) => (index * 7919) % 251));
const refOf = (content: Buffer): ArtifactRef => ({
  sha256: createHash("sha256").update(content).digest("hex"),
  size: content.length,
  kind: "checkpoint",
});
const data = (value: Buffer): PutArtifactRequest => ({ part: { $case: "data", value } });
const header = (value: ArtifactRef): PutArtifactRequest => ({ part: { $case: "header", value } });

/** Sends messages and waits for the answer. */
function put(messages: readonly PutArtifactRequest[]): Promise<ArtifactRef | ServiceError> {
  return new Promise((resolve) => {
    const call = client.putArtifact((error, answer) => resolve(error ?? answer.artifact ?? refOf(Buffer.alloc(0))));
    for (const message of messages) call.write(message);
    call.end();
  });
}

async function get(sha256: string): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const message of client.getArtifact({ sha256 })) pieces.push(message.data);
  return pieces;
}

const piecesOf = (content: Buffer, size: number): PutArtifactRequest[] =>
  Array.from({ length: Math.ceil(content.length / size) }, (_, index) =>
    data(content.subarray(index * size, (index + 1) * size)),
  );

async function refused(messages: readonly PutArtifactRequest[]): Promise<ServiceError> {
  const answer = await put(messages);
  assert.ok("code" in answer, "it was refused");
  return answer;
}

test("bytes come back as they went in, in pieces of at most 256 KiB", async () => {
  const ref = refOf(bytes);
  assert.deepEqual(await put([header(ref), ...piecesOf(bytes, 100_000)]), ref);
  const pieces = await get(ref.sha256);
  assert.ok(pieces.every((piece) => piece.length <= limits.artifactChunkBytesMax));
  assert.ok(Buffer.concat(pieces).equals(bytes));
  const empty = refOf(Buffer.alloc(0));
  assert.deepEqual(await put([header(empty)]), empty);
  assert.equal(Buffer.concat(await get(empty.sha256)).length, 0);
});

test("what is not what its header says is refused and not kept", async () => {
  const other = Buffer.from("something else entirely");
  const ref = refOf(other);
  const short = await refused([header(ref), data(other.subarray(0, 5))]);
  assert.equal(short.code, 3, "cut short: INVALID_ARGUMENT");
  const long = await refused([header(ref), data(other), data(other)]);
  assert.equal(long.code, 3);
  assert.match(long.details, /data: saw 46 bytes so far, expected 23 in all/);
  const changed = await refused([header(ref), data(Buffer.from("something else entirelY"))]);
  assert.equal(changed.code, 3);
  await assert.rejects(get(ref.sha256), { code: 5 });
});

test("messages out of order or past their bounds are refused", async () => {
  const ref = refOf(bytes);
  assert.match((await refused([data(bytes.subarray(0, 10))])).details, /part: saw data, expected header/);
  assert.match((await refused([])).details, /part: saw nothing, expected header/);
  assert.match((await refused([header(ref), header(ref)])).details, /part: saw header, expected data/);
  assert.match(
    (await refused([header(ref), data(bytes.subarray(0, 300_000))])).details,
    /data: saw 300000 bytes, expected at most 262144/,
  );
  const wrong = await refused([header({ sha256: "ABC", size: 2 ** 40, kind: "\u0000" })]);
  assert.match(wrong.details, /header\.sha256.*\n.*header\.size.*\n.*header\.kind/);
});

test("a caller that goes away in the middle leaves nothing behind", async () => {
  const ref = refOf(Buffer.from("never whole"));
  const call = client.putArtifact(() => undefined);
  call.on("error", () => undefined);
  call.write(header(ref));
  call.write(data(Buffer.from("never")));
  await new Promise((resolve) => setTimeout(resolve, 100));
  call.cancel();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await parts.artifacts.stat(ref.sha256), undefined);
  assert.deepEqual(await put([header(refOf(bytes)), ...piecesOf(bytes, 200_000)]), refOf(bytes), "the door serves on");
});

test("places are given back however a transfer ends: more than there are, one after the other", async () => {
  const ref = refOf(Buffer.from("small"));
  assert.deepEqual(await put([header(ref), data(Buffer.from("small"))]), ref);
  for (let transfer = 0; transfer <= bounds.artifactStreamsPerCallerMax; transfer += 1) {
    if (transfer % 2 === 0) {
      assert.equal((await refused([header(ref), data(Buffer.from("large one"))])).code, 3);
      assert.equal((await get(ref.sha256)).length, 1);
    } else {
      assert.deepEqual(await put([header(ref), data(Buffer.from("small"))]), ref);
      await assert.rejects(get("0".repeat(64)), { code: 5 });
    }
  }
});
