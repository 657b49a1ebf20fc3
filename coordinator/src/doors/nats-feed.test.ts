/** The event feed against a real nats-server: every fact once and in order, whatever happens to the server or the coordinator. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Fact } from "@regulus/proto";
import { connect } from "nats";
import { pino } from "pino";
import { openMemoryLog } from "../log/memory-log.js";
import type { EventLog } from "../ports.js";
import { bodyBytesMax, eventOf, subjectOf } from "./fact-event.js";
import { type NatsFeed, startNatsFeed } from "./nats-feed.js";
import { answersOk, eventually, freePort, natsServer, scratchFolder } from "./testing/real-servers.js";

const scratch = scratchFolder();
const client = await freePort();
const monitor = await freePort();
const url = `nats://127.0.0.1:${client}`;
const server = natsServer(join(scratch.path, "nats"), { client, monitor });
const startServer = () => server.start(() => answersOk(`http://127.0.0.1:${monitor}/healthz`));
const logger = pino({ level: "silent" });

after(async () => {
  await server.kill();
  scratch.remove();
});

const measured = (searchId: string, position: number, loss = 0.5): Fact => ({
  searchId,
  position,
  timeMs: 1_700_000_000_000 + position,
  kind: {
    $case: "trialMeasured",
    value: {
      trial: 3,
      attempt: 1,
      measurement: {
        step: position,
        metrics: { validLoss: loss },
        learned: {},
        scales: {},
        hypergradients: {},
        vectors: {},
        seconds: 1,
      },
    },
  },
});

/** Appends facts and tells the feed, as the coordinator does. */
async function happen(log: EventLog, feed: NatsFeed, searchId: string, from: number, count: number): Promise<void> {
  const facts = Array.from({ length: count }, (_, index) => measured(searchId, from + index));
  await log.append([{ searchId, expected: from - 1, facts }]);
  feed.publish(facts);
}

/** Ids of all messages of a search in the stream, in the stream's order. */
async function stored(searchId: string): Promise<string[]> {
  const connection = await connect({ servers: url });
  try {
    const manager = await connection.jetstreamManager();
    const state = (await manager.streams.info("REGULUS")).state;
    const ids: string[] = [];
    for (let seq = state.first_seq; seq > 0 && seq <= state.last_seq; seq += 1) {
      const message = await manager.streams.getMessage("REGULUS", { seq });
      if (message.subject.startsWith(`regulus.${searchId}.`)) ids.push(message.header.get("Nats-Msg-Id"));
    }
    return ids;
  } finally {
    await connection.close();
  }
}

const ids = (searchId: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${searchId}:${index + 1}`);

test("a fact's event: subject, id, JSON body, and a short body where it is too large", () => {
  const event = eventOf(measured("mnist-1", 7, Number.NaN));
  assert.equal(event.subject, "regulus.mnist-1.trial-measured");
  assert.equal(event.id, "mnist-1:7");
  assert.deepEqual(JSON.parse(event.body), {
    searchId: "mnist-1",
    position: 7,
    timeMs: 1_700_000_000_007,
    trialMeasured: { trial: 3, attempt: 1, measurement: { step: 7, metrics: { validLoss: "NaN" }, seconds: 1 } },
  });
  assert.equal(subjectOf("a.b", "searchStopRequested"), "regulus.a_b.search-stop-requested");
  const large: Fact = { ...measured("s", 1), kind: { $case: "strategyFailed", value: { message: "x".repeat(bodyBytesMax) } } };
  const short: unknown = JSON.parse(eventOf(large).body);
  assert.ok(typeof short === "object" && short !== null && "omittedBytes" in short);
});

test("NATS away at the start, killed in the middle, a restarted coordinator: every fact is there once, in order", async () => {
  const log = openMemoryLog();
  const cursorPath = join(scratch.path, "cursors.json");
  const feed = startNatsFeed({ url, log, cursorPath, logger });
  await happen(log, feed, "one", 1, 600);
  assert.equal(feed.numbers().connected, false);
  assert.equal(feed.numbers().lagFacts, 600);

  await startServer();
  await eventually("the feed caught up", () => (feed.numbers().publishedTotal === 600 ? true : undefined), [server]);
  assert.deepEqual(await stored("one"), ids("one", 600));
  assert.equal(feed.numbers().lagFacts, 0);

  await happen(log, feed, "one", 601, 300);
  await happen(log, feed, "two", 1, 5);
  await server.kill();
  await eventually("the feed noticed", () => (feed.numbers().connected ? undefined : true));
  await happen(log, feed, "one", 901, 100);
  await startServer();
  await eventually("the feed caught up", () => (feed.numbers().connected && feed.numbers().lagFacts === 0 ? true : undefined), [
    server,
  ]);
  await feed.close();
  assert.deepEqual(await stored("one"), ids("one", 1000));
  assert.deepEqual(await stored("two"), ids("two", 5));

  // A new process: the log went on while no feed ran, and the cursor file is older than the stream.
  const more = Array.from({ length: 50 }, (_, index) => measured("one", 1001 + index));
  await log.append([{ searchId: "one", expected: 1000, facts: more }]);
  const again = startNatsFeed({ url, log, cursorPath: join(scratch.path, "no-such-file.json"), logger });
  await eventually("the new feed caught up", () => (again.numbers().publishedTotal === 50 ? true : undefined), [server]);
  await again.close();
  assert.deepEqual(await stored("one"), ids("one", 1050));
  assert.equal((await stored("two")).length, 5);
  await log.close();
});

test("a deleted search leaves no lag behind, and the stream is created with bounds", async () => {
  const log = openMemoryLog();
  const feed = startNatsFeed({ url, log, cursorPath: join(scratch.path, "cursors-3.json"), logger });
  await eventually("connected", () => (feed.numbers().connected ? true : undefined));
  feed.publish([measured("gone", 4)]);
  await eventually("the feed gave up on it", () => (feed.numbers().lagFacts === 0 ? true : undefined));
  await feed.close();
  await log.close();
  const connection = await connect({ servers: url });
  const { config } = await (await connection.jetstreamManager()).streams.info("REGULUS");
  await connection.close();
  assert.deepEqual(config.subjects, ["regulus.>"]);
  assert.ok(config.max_age > 0 && config.max_bytes > 0, "what the stream keeps is bounded");
});
