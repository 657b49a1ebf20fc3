/** The output of a running trial comes from its agent, within bounds; that of an ended one from the store; nobody else's answer counts. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  type ConnectResponse,
  leftOutLine,
  outputHeadBytesMax,
  outputPieceBytes,
  Register,
  RegulusError,
  Trial,
  type TrialStatus,
} from "@regulus/proto";
import { openMemoryStore } from "../../artifacts/memory-store.js";
import { ProcessClock, VirtualTime } from "../../simulation/virtual-time.js";
import { Agents, type OpenConnection } from "../agents/agents.js";
import { OutputDesk } from "./output-desk.js";

function begin(status: TrialStatus = "TRIAL_STATUS_RUNNING") {
  const agents = new Agents();
  const time = new VirtualTime();
  const artifacts = openMemoryStore();
  const sent: ConnectResponse[] = [];
  const open = (): OpenConnection => ({
    send: (message) => void sent.push(message),
    close: () => undefined,
    instance: "",
    specs: new Set(),
    received: 0,
    open: true,
  });
  const connection = open();
  agents.connect(Register.fromPartial({ agent: { agentId: "a", slots: 1 } }), connection, 0);
  const at = { trial: Trial.fromPartial({ searchId: "s", trial: 3, status, attempts: 2, agentId: "a" }) };
  const desk = new OutputDesk({ agents, artifacts, clock: new ProcessClock(time), trial: () => at.trial });
  const requests = () => sent.flatMap(({ message }) => (message?.$case === "outputRequest" ? [message.value] : []));
  const read = (offset = 0, bytesMax = 0) => desk.read({ searchId: "s", trial: 3, offset, bytesMax });
  return { desk, connection, stranger: open(), requests, read, at, artifacts, time, agents, open };
}
const found = (requestId: number, text: string, offset = 0) => ({
  requestId,
  found: true,
  offset,
  data: Buffer.from(text),
  totalBytes: offset + text.length,
});
const isRegulus = (code: string) => (error: unknown) => error instanceof RegulusError && error.code === code;

test("a running trial's agent is asked for its current attempt, and its answer is given on", async () => {
  const { desk, connection, requests, read } = begin();
  const answer = read(5);
  const [request] = requests();
  assert.ok(request);
  const { requestId, ...rest } = request;
  assert.deepEqual(rest, { lease: { searchId: "s", trial: 3, attempt: 2 }, offset: 5, bytesMax: outputPieceBytes });
  desk.answer(connection, found(requestId, "hello", 5));
  const { data, ...more } = await answer;
  assert.equal(Buffer.from(data).toString(), "hello");
  assert.deepEqual(more, { offset: 5, nextOffset: 10, totalBytes: 10, attempt: 2, ended: false });
});

test("answers from another connection, or to no question, are dropped", async () => {
  const { desk, connection, stranger, requests, read } = begin();
  const answer = read();
  const requestId = requests()[0]?.requestId ?? 0;
  desk.answer(stranger, found(requestId, "forged"));
  desk.answer(connection, found(requestId + 7, "nobody asked"));
  desk.answer(connection, found(requestId, "true"));
  assert.equal(Buffer.from((await answer).data).toString(), "true");
  desk.answer(connection, found(requestId, "again"));
});

test("an agent that is silent, leaves or does not know fails the call as unavailable", async () => {
  const { desk, connection, requests, read, time, at } = begin();
  const silent = assert.rejects(read(), isRegulus("unavailable"));
  while (time.step());
  await silent;
  const left = assert.rejects(read(), isRegulus("unavailable"));
  desk.closed(connection);
  await left;
  const unknown = assert.rejects(read(), isRegulus("unavailable"));
  desk.answer(connection, { ...found(requests().at(-1)?.requestId ?? 0, ""), found: false });
  await unknown;
  at.trial = { ...at.trial, agentId: "nobody" };
  await assert.rejects(read(), isRegulus("unavailable"), "an agent that is not connected");
  at.trial = { ...at.trial, agentId: "a" };
  connection.open = false;
  const before = requests().length;
  await assert.rejects(read(), isRegulus("unavailable"));
  assert.equal(requests().length, before, "a connection that is gone is not asked");
});

test("a trial that ends while its agent is asked is served from the store", async () => {
  const { desk, connection, requests, read, at, artifacts } = begin();
  const bytes = Buffer.from("all of it");
  const ref = { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, kind: "output" };
  await artifacts.put(
    ref,
    (async function* () {
      yield bytes;
    })(),
  );
  const answer = read();
  at.trial = { ...at.trial, status: "TRIAL_STATUS_ENDED", artifacts: [ref] };
  desk.answer(connection, { ...found(requests()[0]?.requestId ?? 0, ""), found: false });
  const { data, ended } = await answer;
  assert.deepEqual([Buffer.from(data).toString(), ended], ["all of it", true]);
});

test("a stored output keeps its offsets over what is left out, and one that no honest agent stores is cut", async () => {
  const { read, at, artifacts } = begin("TRIAL_STATUS_ENDED");
  const store = async (bytes: Buffer) => {
    const ref = { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, kind: "output" };
    await artifacts.put(
      ref,
      (async function* () {
        yield bytes;
      })(),
    );
    at.trial = { ...at.trial, artifacts: [ref] };
  };
  assert.equal((await read()).totalBytes, 0, "nothing was printed");
  await store(Buffer.concat([Buffer.alloc(outputHeadBytesMax, "a"), Buffer.from(leftOutLine(1000)), Buffer.from("the end")]));
  const piece = await read(outputHeadBytesMax + 10);
  assert.deepEqual([piece.offset, Buffer.from(piece.data).toString()], [outputHeadBytesMax + 1000, "the end"]);
  await store(Buffer.alloc(2 * 2 ** 20, "x"));
  assert.ok((await read()).totalBytes < 2 ** 19);
});

test("only so many requests wait in all, and each that is over makes room", async () => {
  const { desk, connection, read, at, agents, open, requests } = begin();
  const waiting: Promise<unknown>[] = [];
  const connections = [connection];
  for (let agent = 0; agent < 16; agent += 1) {
    if (agent > 0) {
      at.trial = { ...at.trial, agentId: `a${agent}` };
      connections.push(open());
      agents.connect(Register.fromPartial({ agent: { agentId: `a${agent}`, slots: 1 } }), connections[agent] ?? connection, 0);
    }
    for (let request = 0; request < 16; request += 1) waiting.push(read().catch(() => undefined));
  }
  at.trial = { ...at.trial, agentId: "fresh" };
  const fresh = open();
  agents.connect(Register.fromPartial({ agent: { agentId: "fresh", slots: 1 } }), fresh, 0);
  await assert.rejects(read(), isRegulus("exhausted"));
  desk.answer(connection, found(requests()[0]?.requestId ?? 0, "x"));
  const answer = read();
  desk.answer(fresh, found(requests().at(-1)?.requestId ?? 0, "room"));
  assert.equal(Buffer.from((await answer).data).toString(), "room");
  for (const one of connections) desk.closed(one);
  await Promise.all(waiting);
});

test("only so many requests wait for one agent", async () => {
  const { desk, connection, read } = begin();
  const waiting = Array.from({ length: 16 }, () => read().catch(() => undefined));
  await assert.rejects(read(), isRegulus("exhausted"));
  desk.closed(connection);
  await Promise.all(waiting);
});
