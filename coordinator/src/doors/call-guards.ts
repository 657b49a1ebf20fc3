/**
 * Guards of calls, for every method of the server alike: a reader that takes nothing is dropped, so is a request that does not become whole,
 * and what both hold in memory is counted, in all and by caller. grpc-js has no way to end a call whose reader is gone but its connection
 * is not: its status waits behind what the reader does not take. So the guard resets the call's HTTP/2 stream.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import { limits, type RegulusError } from "@regulus/proto";
import type { Logger } from "pino";
import type { Room } from "../ports.js";
import { bounds } from "./bounds.js";
import { type Account, ByteBudget } from "./byte-budget.js";
import { callerOf } from "./callers.js";
import { MessageMeter } from "./message-meter.js";
import { ReadingTurns } from "./reading-turns.js";

/** Why a call was dropped. */
export type DropReason = "stalled_reader" | "slow_request" | "no_room";

/** What the guards need. */
export interface GuardOptions {
  readonly log: Logger;
  readonly dropped: (reason: DropReason) => void;
  /** Other bounds than `guardBounds`, for tests. */
  readonly bounds?: Partial<GuardBounds>;
}

/** What the guards hold calls to. */
export type GuardBounds = { readonly [Name in keyof typeof guardBounds]: number };

const guardBounds = {
  readersBytesMax: limits.readersBytesMax,
  answersBytesMax: bounds.answersBytesMax,
  requestsBytesMax: bounds.requestsBytesMax,
  readerStallMs: bounds.readerStallMs,
  readerGraceMs: bounds.readerGraceMs,
  crowdedStallMs: bounds.crowdedStallMs,
  requestWithinMs: bounds.requestWithinMs,
  guardEveryMs: bounds.guardEveryMs,
} as const;

/** What a handler may know of its call's guard. */
export interface CallGuard {
  readonly caller: string;
  /** What the call holds of the log and of artifacts. */
  readonly reading: Account;
  /** Where what it reads is counted; each piece waits for its turn among all readers. */
  readonly room: Room;
  /** What it holds as one answer. */
  readonly answer: Account;
  /** Told once where the reader takes nothing, a while before the call is dropped. */
  onStall: ((stalledMs: number) => void) | undefined;
  /** Ends a stream of answers with an error; set while there is one. */
  end: (error: RegulusError) => void;
}

/** The guards of one server. */
export class CallGuards {
  /** Bytes of the log and of artifacts on their way out. */
  readonly reading: ByteBudget;
  /** Single answers on their way out. */
  readonly answers: ByteBudget;
  /** Parts of messages on their way in. */
  readonly requests: ByteBudget;
  readonly turns = new ReadingTurns();
  readonly bounds: GuardBounds;
  readonly #options: GuardOptions;
  readonly #open = new Set<OpenCall>();
  readonly #byMetadata = new WeakMap<Metadata, OpenCall>();
  readonly #sweeps: NodeJS.Timeout;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.bounds = { ...guardBounds, ...options.bounds };
    const shared = (totalMax: number): ByteBudget => new ByteBudget({ totalMax, perCallerMax: totalMax / 4 });
    this.reading = shared(this.bounds.readersBytesMax);
    this.answers = shared(this.bounds.answersBytesMax);
    this.requests = shared(this.bounds.requestsBytesMax);
    this.#sweeps = setInterval(() => this.#sweep(performance.now()), this.bounds.guardEveryMs).unref();
  }

  /** Guards every call that passes. Stands first among interceptors, next to the wire. */
  get interceptor(): ServerInterceptor {
    return (method, call) => {
      const stream = streamOf(call);
      const caller = callerOf(call, stream?.session);
      const open = new OpenCall({ path: method.path, caller, stream, wholeRequest: !method.requestStream }, this);
      this.#open.add(open);
      stream?.on("data", (bytes: Uint8Array) => {
        if (!open.receive(bytes)) this.#drop(open, "no_room", "its caller sends more unfinished messages than there is room for");
      });
      stream?.once("end", () => open.whole());
      return new GuardedCall(call, open, {
        metadata: (metadata) => void this.#byMetadata.set(metadata, open),
        over: () => {
          this.#open.delete(open);
          open.close();
        },
      });
    };
  }

  /** The guard of a handler's call: the metadata is the one object that interceptors and handlers both see. */
  of(call: { readonly metadata: Metadata }): CallGuard {
    const open = this.#byMetadata.get(call.metadata);
    if (open === undefined) throw new Error("bug: a call passed no guard");
    return open;
  }

  close(): void {
    clearInterval(this.#sweeps);
  }

  #sweep(nowMs: number): void {
    const { readerStallMs, readerGraceMs, crowdedStallMs, requestWithinMs } = this.bounds;
    const crowded = this.reading.isCrowded || this.answers.isCrowded;
    const stallMs = crowded ? crowdedStallMs : readerStallMs + readerGraceMs;
    const bytesPerSecond = crowded ? bounds.crowdedBytesPerSecondMin : bounds.readerBytesPerSecondMin;
    for (const open of this.#open) {
      const stalledMs = open.stalledMs(nowMs, bytesPerSecond);
      if (stalledMs > readerStallMs) open.tell(stalledMs);
      if (stalledMs > stallMs) {
        this.#drop(open, "stalled_reader", `its reader took nothing for ${Math.round(stalledMs)} ms`);
      } else if (open.isLate(nowMs)) {
        this.#drop(open, "slow_request", `its request was not whole after ${requestWithinMs} ms`);
      }
    }
  }

  #drop(open: OpenCall, reason: DropReason, why: string): void {
    if (!this.#open.delete(open)) return;
    this.#options.dropped(reason);
    this.#options.log.info({ path: open.path, caller: open.caller, reason }, `a call was dropped: ${why}`);
    open.reset();
  }
}

/** What is known of a call that is open. */
class OpenCall implements CallGuard {
  readonly path: string;
  readonly caller: string;
  readonly reading: Account;
  readonly answer: Account;
  readonly room: Room;
  onStall: ((stalledMs: number) => void) | undefined;
  end: (error: RegulusError) => void = () => undefined;
  readonly #backlog: Account;
  readonly #request: Account;
  readonly #stream: ServerHttp2Stream | undefined;
  readonly #meter = new MessageMeter();
  #incoming = 0;
  /** When the request must be whole; undefined once it is, and for a stream of requests. */
  #wholeByMs: number | undefined;
  /** The message that goes out and is not taken yet. */
  #sending: { readonly sinceMs: number; readonly bytes: number } | undefined;

  constructor(
    call: { path: string; caller: string; stream: ServerHttp2Stream | undefined; wholeRequest: boolean },
    guards: CallGuards,
  ) {
    this.path = call.path;
    this.caller = call.caller;
    this.#stream = call.stream;
    this.reading = guards.reading.open(call.caller);
    this.answer = guards.answers.open(call.caller);
    this.#backlog = guards.reading.open(call.caller);
    this.#request = guards.requests.open(call.caller);
    this.room = {
      take: (bytes) => this.reading.take(bytes),
      turn: () => guards.turns.next(this.caller),
      give: (bytes) => this.reading.give(bytes),
      hold: (bytes) => this.#backlog.tryTake(bytes),
      drop: (bytes) => this.#backlog.give(bytes),
      handOn: (bytes) => this.#backlog.move(bytes, this.reading),
    };
    if (call.wholeRequest) this.#wholeByMs = performance.now() + guards.bounds.requestWithinMs;
  }

  /** Counts bytes that come in; false where there is no room for them. */
  receive(bytes: Uint8Array): boolean {
    const held = this.#meter.add(bytes);
    const more = held - this.#incoming;
    this.#incoming = held;
    if (more <= 0) this.#request.give(-more);
    return more <= 0 || this.#request.tryTake(more);
  }

  whole(): void {
    this.#wholeByMs = undefined;
  }

  isLate(nowMs: number): boolean {
    return this.#wholeByMs !== undefined && nowMs > this.#wholeByMs;
  }

  sends(bytes: number): void {
    this.#sending = { sinceMs: performance.now(), bytes };
  }

  sent(): void {
    this.#sending = undefined;
  }

  /** How much longer the message waits than it takes at a rate. */
  stalledMs(nowMs: number, bytesPerSecond: number): number {
    const sending = this.#sending;
    return sending === undefined ? 0 : nowMs - sending.sinceMs - (sending.bytes / bytesPerSecond) * 1000;
  }

  tell(stalledMs: number): void {
    const tell = this.onStall;
    this.onStall = undefined;
    tell?.(stalledMs);
  }

  /** Ends the call now. What waits to be sent is thrown away. */
  reset(): void {
    this.#stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // A connection that takes no bytes would keep what waits in it: nothing of it is sent any more.
    setImmediate(() => this.#stream?.destroy());
  }

  close(): void {
    for (const account of [this.reading, this.answer, this.#backlog, this.#request]) account.close();
  }
}

class GuardedCall extends ServerInterceptingCall {
  readonly #open: OpenCall;

  constructor(
    call: ServerInterceptingCallInterface,
    open: OpenCall,
    hear: { readonly metadata: (metadata: Metadata) => void; readonly over: () => void },
  ) {
    super(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            hear.metadata(metadata);
            pass(metadata);
          },
          // Comes at the end of every call, however it ended.
          onCancel: hear.over,
        }),
    });
    this.#open = open;
  }

  override sendMessage(message: unknown, taken: () => void): void {
    this.#open.sends(message instanceof Uint8Array ? message.byteLength : 0);
    super.sendMessage(message, () => {
      this.#open.sent();
      taken();
    });
  }
}

/** The HTTP/2 stream below a call, which grpc-js keeps to itself; a test holds its place. */
function streamOf(call: ServerInterceptingCallInterface): ServerHttp2Stream | undefined {
  const stream: unknown = Reflect.get(call, "stream");
  return isStream(stream) ? stream : undefined;
}

function isStream(value: unknown): value is ServerHttp2Stream {
  return typeof value === "object" && value !== null && "rstCode" in value && "session" in value && "close" in value;
}
