/** Calls over a coordinator that is away, slow or gone: what is tried again, how long, what an abort ends, and what nobody hears twice. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Readable } from "node:stream";
import { test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { type ErrorCode, limits } from "@regulus/proto";
import { spreadMs } from "@regulus/transport";
import fc from "fast-check";
import { connect } from "../connect.js";
import { startTwin } from "../testing/coordinator-twin.js";
import { readFailure } from "./cut-connection.js";
import { type CallClock, callClock, callRetries, watchRetries } from "./retries.js";
import { readStream } from "./stream.js";
import { assertWaits, everything, JumpingClock, ScriptedStream, serviceError } from "./testing/jumping-clock.js";
import { type UnaryMethod, unary } from "./unary.js";

const codes: readonly ErrorCode[] = ["unavailable", "exhausted", "deadline", "not-found", "invalid-argument", "data-loss"];

test("waits double up to the longest, and no two clients wait alike", () => {
  const nth = (failures: number) => Array.from({ length: 50 }, () => spreadMs(failures, watchRetries));
  for (const failures of [1, 2, 3, 4, 5, 6, 20, 2000]) {
    const whole = Math.min(200 * 2 ** (failures - 1), 5000);
    const found = nth(failures);
    assert.ok(found.every((ms) => ms >= whole / 2 && ms <= whole) && new Set(found).size > 25);
    assert.ok(Math.max(...found) - Math.min(...found) > whole / 8, "spread over the upper half");
  }
  const longest = Array.from({ length: callRetries.triesMax - 1 }, (_, index) => 100 * 2 ** index);
  assert.ok(callRetries.triesMax === 5 && longest.reduce((a, b) => a + b) < 2000, "five tries within two seconds");
  assert.ok(callRetries.firstMs === 100 && watchRetries.awayMsMax === 300_000);
});

test("a wait on this machine's clock takes its time, and an abort ends it", async () => {
  const before = callClock.nowMs();
  await callClock.wait(20);
  assert.ok(callClock.nowMs() - before >= 19, "milliseconds");
  await assert.rejects(callClock.wait(600_000, AbortSignal.timeout(1)), { code: "cancelled" });
});

test("a call is retried for unavailable alone, where that is harmless, at most five times, with the waits in between", async () => {
  const outcome = fc.oneof(
    { weight: 3, arbitrary: fc.constant<ErrorCode>("unavailable") },
    fc.constantFrom(...codes, "good" as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { maxLength: 7 }), fc.boolean(), async (script, repeat) => {
      const clock = new JumpingClock();
      const left = [...script];
      let tries = 0;
      const method: UnaryMethod<string, string> = (request, _metadata, { deadline }, callback) => {
        tries += 1;
        const leftMs = Number(deadline) - Date.now();
        assert.ok(request === "question" && leftMs > 25_000 && leftMs <= 30_000, `${leftMs} ms to answer`);
        const next = left.shift() ?? "good";
        queueMicrotask(() => (next === "good" ? callback(null, "answer") : callback(serviceError(next), "")));
        return { cancel: () => assert.fail("nobody cancels") } as never;
      };
      const triesMax = repeat ? 5 : 1;
      const stops = [...script, "good" as const].findIndex((one) => one !== "unavailable");
      const wanted = stops < triesMax ? ([...script, "good"][stops] ?? "good") : "unavailable";
      const call = unary(method, "question", { repeat, clock });
      if (wanted === "good") assert.equal(await call, "answer");
      else await assert.rejects(call, { code: wanted });
      assert.equal(tries, Math.min(stops + 1, triesMax));
      assert.equal(clock.waits.length, tries - 1);
      assertWaits(clock.waits, callRetries);
    }),
  );
});

test("an abort cancels a call that waits for its answer, begins none, ends the wait between two, and leaves no listener", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let cancels = 0;
  let calls = 0;
  const silent: UnaryMethod<string, string> = (_request, _metadata, _options, callback) => {
    calls += 1;
    const cancel = () => {
      cancels += 1;
      callback(Object.assign(serviceError("cancelled"), { code: status.CANCELLED }), "");
    };
    return { cancel } as never;
  };
  const waiting = unary(silent, "", { repeat: true, signal });
  assert.equal(getEventListeners(signal, "abort").length, 1);
  controller.abort();
  await assert.rejects(waiting, { code: "cancelled" });
  await assert.rejects(unary(silent, "", { repeat: true, signal }), { code: "cancelled" });
  assert.deepEqual([calls, cancels, getEventListeners(signal, "abort").length], [1, 1, 0]);

  const other = new AbortController();
  const away: UnaryMethod<string, string> = (_request, _metadata, _options, callback) => {
    calls += 1;
    queueMicrotask(() => callback(serviceError("unavailable"), ""));
    return { cancel: () => undefined } as never;
  };
  const clock: CallClock = {
    nowMs: () => 0,
    wait: (ms, given) => {
      other.abort();
      return callClock.wait(ms, given);
    },
  };
  await assert.rejects(unary(away, "", { repeat: true, signal: other.signal, clock }), { code: "cancelled" });
  assert.deepEqual([calls, getEventListeners(other.signal, "abort").length], [2, 0]);
  const good: UnaryMethod<string, string> = (_request, _metadata, _options, callback) => {
    queueMicrotask(() => callback(null, "answer"));
    return { cancel: () => undefined } as never;
  };
  const kept = new AbortController();
  await unary(good, "", { repeat: true, signal: kept.signal });
  assert.equal(getEventListeners(kept.signal, "abort").length, 0);
});

test("a connection that was cut is unavailable; what this side cancelled, and a fault of the server, are not", () => {
  const aborted = AbortSignal.abort();
  const grpc = (code: status, details: string) =>
    Object.assign(new Error(`${code} ${details}`), { code, details, metadata: new Metadata() });
  const seen = (code: status, details: string, signal?: AbortSignal) => readFailure(grpc(code, details), signal).code;
  assert.equal(seen(status.CANCELLED, "Call cancelled"), "unavailable");
  assert.equal(seen(status.CANCELLED, "Call cancelled", new AbortController().signal), "unavailable");
  assert.equal(seen(status.CANCELLED, "Call cancelled", aborted), "cancelled");
  for (const words of ["Received RST_STREAM with code 2", "GOAWAY received", "read ECONNRESET", "socket hang up"])
    assert.equal(seen(status.INTERNAL, words), "unavailable", words);
  assert.equal(seen(status.INTERNAL, "a bug"), "internal");
  assert.equal(seen(status.NOT_FOUND, "Received RST_STREAM"), "not-found");
  assert.match(
    readFailure(grpc(status.INTERNAL, "GOAWAY received"), undefined).message,
    /ended the connection \(.*GOAWAY received\)/,
  );
});

test("a stream opens with its first reader and is cancelled when that reader leaves, for any reason", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const left = new ScriptedStream([1, 2, 3]);
  let opened = 0;
  const reading = readStream(() => {
    opened += 1;
    return left.stream;
  }, signal);
  assert.equal(opened, 0);
  for await (const one of reading) {
    assert.equal(getEventListeners(signal, "abort").length, 1);
    if (one === 2) break;
  }
  assert.deepEqual([opened, left.cancels, getEventListeners(signal, "abort").length], [1, 1, 0]);
  // A cancelled call tells its error to nobody; that must not end the process.
  left.stream.emit("error", serviceError("cancelled"));

  const cut = new ScriptedStream([1], serviceError("data-loss"));
  await assert.rejects(everything(readStream(() => cut.stream)), { code: "data-loss" });
  assert.equal(cut.cancels, 1);
  const stalled = Object.assign(new Readable({ objectMode: true, read: () => undefined }), {
    cancel: () => void stalled.destroy(serviceError("cancelled")),
  });
  const waiting = everything(readStream(() => stalled as never, signal));
  setImmediate(() => controller.abort());
  await assert.rejects(waiting, { code: "cancelled" });
  await assert.rejects(everything(readStream(() => assert.fail("nothing is opened"), signal)), { code: "cancelled" });
});

test("artifacts go in pieces that a coordinator takes, under their own sum, size and kind; too large or cancelled ones are not sent", async (t) => {
  const twin = await startTwin(t);
  const client = connect(twin.address);
  t.after(() => client.close());
  const chunk = limits.artifactChunkBytesMax;
  for (const length of [0, 1, chunk, chunk + 1, 3 * chunk]) {
    // A view into a larger buffer: its own bytes are sent, not those around it.
    const bytes = new Uint8Array(length + 8).fill(7).subarray(5, 5 + length);
    bytes.fill(3);
    const ref = await client.putArtifact(bytes, { kind: "image" });
    assert.deepEqual([ref.size, ref.kind, twin.artifacts.get(ref.sha256)?.equals(bytes)], [length, "image", true]);
  }
  const before = twin.calls.length;
  const large = new Uint8Array(0);
  Object.defineProperty(large, "length", { value: limits.artifactBytesMax + 1 });
  await assert.rejects(client.putArtifact(large, { kind: "image" }), { code: "invalid-argument", message: /at most \d+ bytes/ });
  await assert.rejects(client.putArtifact(new Uint8Array(1), { kind: "image", signal: AbortSignal.abort() }), {
    code: "cancelled",
  });
  assert.equal(twin.calls.length, before);
  const controller = new AbortController();
  const cancelled = client.putArtifact(new Uint8Array(8 * chunk), { kind: "image", signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(cancelled, { code: "cancelled" });
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  const late = everything(client.getArtifact("0".repeat(64), { signal: AbortSignal.abort() }));
  await assert.rejects(late, { code: "cancelled" });
});
