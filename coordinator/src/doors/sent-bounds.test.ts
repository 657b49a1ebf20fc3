/** How much the server sends and holds: readers that are slow, answers that would be too long for a client. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { ListSearchesRequest, type Search, WatchSearchRequest, WatchSearchResponse } from "@regulus/proto";
import { SearchServiceClient, SearchServiceService } from "@regulus/transport";
import { bounds } from "./bounds.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { openDoors, validSpec } from "./testing/open-doors.js";
import { overriding } from "./testing/overriding.js";
import { eventually } from "./testing/real-servers.js";

const parts = await coordinatorForTests();
after(() => parts.close());

test("a watcher that does not read is not buffered for, and gets everything once it reads", async () => {
  const facts = 40_000;
  let asked = 0;
  const many = overriding(parts.coordinator, {
    async *watchSearch(searchId, from) {
      for (let position = from + 1; position <= facts; position += 100) {
        asked += 100;
        const message = "x".repeat(500);
        const batch = Array.from({ length: 100 }, (_, index) => ({
          searchId,
          position: position + index,
          timeMs: 1,
          kind: { $case: "strategyFailed" as const, value: { message } },
        }));
        yield { facts: batch, live: position + 100 > facts };
      }
    },
  });
  const doors = await openDoors({ ...parts, coordinator: many });
  // A client of grpc-js reads ahead without bound while it is paused, so this one speaks HTTP/2 itself.
  const session = connect(`http://${doors.server.address}`);
  const stream = session.request({
    ":method": "POST",
    ":path": SearchServiceService.watchSearch.path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.end(framed(WatchSearchRequest.encode({ searchId: "a", after: 0 }).finish()));
  let before = -1;
  await eventually("the server stopped reading ahead", async () => {
    await pause(200);
    if (asked > 0 && asked === before) return true;
    before = asked;
    return undefined;
  });
  // 20 MB in all; what may be under way is the bound, one piece of 100 facts, and the window of HTTP/2, which is as large as the bound.
  assert.ok(
    asked * 500 < 2 * bounds.unsentBytesMax + 100 * 600,
    `${asked} facts of ${facts} were read ahead of a watcher that does not read`,
  );
  const bytes: Buffer[] = [];
  for await (const chunk of stream) bytes.push(chunk);
  const responses = unframed(Buffer.concat(bytes)).map((message) => WatchSearchResponse.decode(message));
  const positions = responses.flatMap((response) => response.facts.map((fact) => fact.position));
  assert.deepEqual(
    positions,
    Array.from({ length: facts }, (_, index) => index + 1),
  );
  assert.deepEqual(responses.filter((response) => response.live).length, 1);
  session.close();
  await doors.close();
});

/** A message as gRPC frames it: not compressed, its length, its bytes. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

function unframed(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    messages.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

test("answers stay below what a client takes by default", async () => {
  const reason = "x".repeat(40_000);
  const row: Search = {
    ...(await parts.coordinator.createSearch({ spec: validSpec(), idempotencyKey: "", validateOnly: false })),
    reason,
  };
  const asked: number[] = [];
  const wide = overriding(parts.coordinator, {
    listSearches: (request) => {
      asked.push(request.pageSize);
      return { searches: new Array<Search>(request.pageSize).fill(row), nextPageToken: "more" };
    },
  });
  const doors = await openDoors({ ...parts, coordinator: wide });
  const client = new SearchServiceClient(doors.server.address, credentials.createInsecure());
  const rows = await new Promise<number>((resolve, reject) => {
    client.listSearches(ListSearchesRequest.fromPartial({ pageSize: 1000 }), (error, page) =>
      error === null ? resolve(page.searches.length) : reject(error),
    );
  });
  // 1,000 rows of 40 KB are 40 MB: halved until they are below 3 MiB.
  assert.deepEqual(asked, [1000, 500, 250, 125, 62]);
  assert.equal(rows, 62);
  client.close();
  await doors.close();
});
