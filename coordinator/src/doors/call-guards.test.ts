/** Guards of calls without a network: when a call counts as stalled or late, what it holds, and that all of it comes back. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { constants } from "node:http2";
import { afterEach, beforeEach, test } from "node:test";
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { pino } from "pino";
import { CallGuards, type GuardBounds } from "./call-guards.js";
import { eventually } from "./testing/real-servers.js";

let guards: CallGuards;
let dropped: string[];
let calls: Call[];

/** What grpc-js and HTTP/2 show of a call, in the hands of a test. */
class Call extends EventEmitter {
  readonly stream = Object.assign(new EventEmitter(), {
    rstCode: 0,
    session: {},
    close: (code: number) => void this.ends.push(code),
    destroy: () => void this.ends.push("destroyed"),
  });
  readonly ends: (number | "destroyed")[] = [];
  readonly metadata = new Metadata();
  /** Given back once the reader took the message. */
  taken: (() => void)[] = [];
  over: () => void = () => undefined;
  send: (bytes: number) => void = () => undefined;

  constructor(caller: string, requestStream = false) {
    super();
    const below = {
      stream: this.stream,
      getPeer: () => caller,
      getAuthContext: () => ({}),
      start: (listener: { onReceiveMetadata(metadata: Metadata): void; onCancel(): void }) => {
        this.over = () => listener.onCancel();
        listener.onReceiveMetadata(this.metadata);
      },
      sendMetadata: () => undefined,
      sendMessage: (_message: unknown, taken: () => void) => void this.taken.push(taken),
    };
    const guarded = guards.interceptor(
      {
        path: "/s/m",
        requestStream,
        responseStream: true,
        requestDeserialize: (value) => value,
        responseSerialize: (value) => Buffer.from(String(value)),
      },
      below as unknown as ServerInterceptingCallInterface, // As much of one as a guard looks at.
    );
    guarded.start({
      onReceiveMetadata: () => undefined,
      onReceiveMessage: () => undefined,
      onReceiveHalfClose: () => undefined,
      onCancel: () => undefined,
    });
    this.send = (bytes) => guarded.sendMessage(Buffer.alloc(bytes), () => undefined);
    calls.push(this);
  }

  get guard() {
    return guards.of(this);
  }
}

function open(bounds: Partial<GuardBounds> = {}): void {
  dropped = [];
  guards = new CallGuards({
    log: pino({ level: "silent" }),
    dropped: (reason) => void dropped.push(reason),
    bounds: { guardEveryMs: 5, ...bounds },
  });
}

beforeEach(() => {
  calls = [];
});
afterEach(() => {
  for (const call of calls) call.over();
  assert.deepEqual([guards.reading.held, guards.answers.held, guards.requests.held], [0, 0, 0], "all is given back");
  guards.close();
});

const message = (bytes: number, held = bytes): Buffer => {
  const head = Buffer.alloc(5 + held);
  head.writeUInt32BE(bytes, 1);
  return head;
};

test("a reader that takes nothing is reported once, then its call is reset, and one that took its message is left alone", async () => {
  open({ readerStallMs: 20, readerGraceMs: 60 });
  const [stalled, honest, silent] = [new Call("a"), new Call("b"), new Call("c")];
  let told = 0;
  stalled.guard.onStall = (stalledMs) => {
    assert.ok(stalledMs > 20);
    told += 1;
    assert.deepEqual(dropped, [], "told a while before it is dropped");
  };
  stalled.send(10);
  honest.send(10);
  honest.taken.pop()?.();
  await eventually("it is dropped", () => (stalled.ends.includes("destroyed") ? true : undefined));
  assert.deepEqual([stalled.ends, dropped, told], [[constants.NGHTTP2_ENHANCE_YOUR_CALM, "destroyed"], ["stalled_reader"], 1]);
  assert.deepEqual([honest.ends, silent.ends], [[], []]);
});

test("a large message has the time that it takes at the slowest rate", async () => {
  open({ readerStallMs: 1, readerGraceMs: 1 });
  const [large, small] = [new Call("a"), new Call("b")];
  // A minute at 64 kB a second.
  large.send(4_000_000);
  small.send(1);
  await eventually("the small one is dropped", () => (dropped.length > 0 ? true : undefined));
  assert.deepEqual([large.ends.length, small.ends.length > 0], [0, true]);
});

test("while others wait for room readers have less time", async () => {
  open({ readerStallMs: 1e6, crowdedStallMs: 10, answersBytesMax: 400 });
  const [stalled, holder] = [new Call("a"), new Call("b")];
  stalled.send(10);
  for (const caller of ["c", "d", "e", "f"]) await new Call(caller).guard.answer.take(100);
  const waits = holder.guard.answer.take(100);
  await eventually("it is dropped", () => (dropped.length > 0 ? true : undefined));
  assert.equal(stalled.ends[0], constants.NGHTTP2_ENHANCE_YOUR_CALM);
  calls.find((call) => call.guard.caller === "c")?.over();
  await waits;
});

test("a request that does not become whole is dropped, one that does or that is a stream is not", async () => {
  open({ requestWithinMs: 15 });
  const [late, whole, stream] = [new Call("a"), new Call("b"), new Call("c", true)];
  whole.stream.emit("data", message(10));
  whole.stream.emit("end");
  late.stream.emit("data", message(10, 4));
  await eventually("it is dropped", () => (dropped.length > 0 ? true : undefined));
  // One that came later is late by now, too.
  new Call("d");
  await eventually("the next one is dropped", () => (dropped.length > 1 ? true : undefined));
  assert.deepEqual([dropped, late.ends.length > 0, whole.ends, stream.ends], [["slow_request", "slow_request"], true, [], []]);
});

test("parts of messages are counted until they are whole, and a caller that sends too many is dropped at once", () => {
  open({ requestsBytesMax: 4000 });
  const call = new Call("a", true);
  call.stream.emit("data", message(900, 400));
  assert.equal(guards.requests.held, 400);
  call.stream.emit("data", Buffer.alloc(500));
  assert.equal(guards.requests.held, 0);
  call.stream.emit("data", message(5000, 900));
  assert.deepEqual([guards.requests.held, call.ends], [900, []]);
  call.stream.emit("data", Buffer.alloc(200));
  assert.deepEqual(dropped, ["no_room"]);
  call.stream.emit("data", Buffer.alloc(200));
  assert.deepEqual(dropped, ["no_room"], "dropped once");
});

test("what a call reads, keeps for later and answers is counted by its caller, in a quarter of each whole", async () => {
  open({ readersBytesMax: 400, answersBytesMax: 800 });
  const { guard } = new Call("a");
  assert.equal(guard.caller, "a");
  await guard.room.take(60);
  assert.equal(guard.room.hold(40), true);
  assert.equal(guard.room.hold(1), false, "100 of 400 are one caller's");
  assert.equal(new Call("b").guard.room.hold(90), true);
  guard.room.handOn(40);
  assert.deepEqual([guards.reading.held, guard.reading.settle()], [190, 100]);
  guard.reading.settled(100);
  assert.equal(guard.room.hold(30), true);
  guard.room.drop(30);
  await guard.room.take(10);
  guard.room.give(10);
  assert.equal(guards.reading.held, 90);
  await guard.answer.take(200);
  assert.equal(guard.answer.tryTake(1), false);
  await guard.room.turn();
});

test("a call is known by its metadata for as long as it lives, and one that passed no guard is a bug", () => {
  open();
  const [one, two] = [new Call("a"), new Call("b")];
  assert.notEqual(one.guard, two.guard);
  assert.equal(guards.of(one), one.guard);
  assert.throws(() => guards.of({ metadata: new Metadata() }), /bug: a call passed no guard/);
});
