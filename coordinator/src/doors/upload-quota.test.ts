/** Uploads that no search refers to, through the door: a caller fills its own quota and nothing else, and a restart holds nothing against anybody. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import type { ArtifactRef } from "@regulus/proto";
import { ArtifactServiceClient } from "@regulus/transport";
import { once, ScriptedCoordinator, start, until } from "../runner/testing/scripted-coordinator.js";
import { type OpenDoors, openDoors } from "./testing/open-doors.js";

let at: ScriptedCoordinator;
let doors: OpenDoors;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  at.uploadBounds = { bytesMax: 20, artifactsMax: 3 };
  await open();
});
afterEach(close);

async function open(): Promise<void> {
  await at.open();
  doors = await openDoors({ coordinator: at.coordinator, artifacts: at.artifacts });
}

async function close(): Promise<void> {
  await doors.close();
  await at.close();
}

/** Stores a text, each time over a connection of its own. Answers what was stored, or why not. */
async function put(text: string): Promise<ArtifactRef | string> {
  const value = { sha256: createHash("sha256").update(text).digest("hex"), size: text.length, kind: "checkpoint" };
  const client = new ArtifactServiceClient(doors.server.address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  try {
    return await new Promise<ArtifactRef>((resolve, reject) => {
      const call = client.putArtifact((error: ServiceError | null, answer) =>
        error === null ? resolve(answer.artifact ?? assert.fail("it answers the artifact")) : reject(error),
      );
      call.write({ part: { $case: "header", value } });
      call.end({ part: { $case: "data", value: Buffer.from(text) } });
    });
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } finally {
    client.close();
  }
}

async function stored(text: string): Promise<ArtifactRef> {
  const answer = await put(text);
  return typeof answer === "string" ? assert.fail(answer) : answer;
}

const refusal = /^8 RESOURCE_EXHAUSTED: no room for an artifact of 10 bytes: .* 2 artifacts of 19 bytes .* 20 bytes are allowed/;

test("a caller that opens connection after connection is refused once it has stored its share, and a search makes room by taking", async () => {
  const checkpoint = await stored("checkpoint");
  await stored("left over");
  assert.match(`${await put("ten letter")}`, refusal);
  at.proposals = once(start());
  const hand = at.hand();
  const { searchId } = await at.create();
  await until("a lease", () => hand.leases.length === 1);
  hand.report(hand.leases[0], { $case: "checkpointed", value: { step: 1, checkpoint } });
  await until("the acknowledgement", () => hand.acknowledged === 1);
  assert.equal((await at.coordinator.getTrial(searchId, 0)).trial?.checkpoint?.sha256, checkpoint.sha256);
  await stored("ten letter");
  assert.match(`${await put("ten liters")}`, refusal);
});

test("uploads that fail count for nothing", async () => {
  for (let tries = 0; tries < 5; tries += 1) {
    const client = new ArtifactServiceClient(doors.server.address, credentials.createInsecure());
    const value = { sha256: "ab".repeat(32), size: 20, kind: "checkpoint" };
    await new Promise<void>((resolve) => {
      const call = client.putArtifact((error) => {
        assert.equal(error?.code, 3, "INVALID_ARGUMENT, and not for want of room");
        resolve();
      });
      call.write({ part: { $case: "header", value } });
      call.end({ part: { $case: "data", value: Buffer.from("not what it says ...") } });
    });
    client.close();
  }
  await stored("twenty characters ..");
});

test("a coordinator that starts again holds nothing that is stored against its callers", async () => {
  await stored("checkpoint");
  await stored("left over");
  await close();
  await open();
  await stored("twenty characters ..");
});
