/**
 * Routes: a generated method with its checks and its handler, made safe. A request that can't be decoded is refused like any other bad
 * one; whatever a handler throws leaves as a status; a stream goes out no faster than its reader takes it.
 */
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  MethodDefinition,
  ServerWritableStream,
  ServiceDefinition,
  UntypedHandleCall,
} from "@grpc/grpc-js";
import { counted, RegulusError } from "@regulus/proto";
import { bounds } from "./bounds.js";
import type { CallGuard, CallGuards } from "./call-guards.js";
import type { Failures } from "./failures.js";
import type { OpenStreams } from "./open-streams.js";
import { RequestChecks } from "./request-checks.js";

/** A request as it came over the wire: decoded, or the reason why it could not be. */
export type Incoming<T> = { readonly message: T } | { readonly fault: RegulusError };

/** A method of a generated service. */
type Method<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  "path" | "requestStream" | "responseStream" | "requestDeserialize" | "responseSerialize"
>;

/** A method with its handler, for `addRoutes`. */
export interface Route {
  readonly definition: ServiceDefinition[string];
  readonly handler: UntypedHandleCall;
}

/** What calls of every kind have. */
export interface SurfaceCall {
  readonly cancelled: boolean;
  readonly metadata: Metadata;
  once(event: "cancelled", listener: () => void): unknown;
}

/** How a request is checked before its handler sees it. */
export type Check<Request> = (request: Request, checks: RequestChecks) => void;

/** The message, or the failure to decode it. */
export function received<T>(incoming: Incoming<T>): T {
  if ("fault" in incoming) throw incoming.fault;
  return incoming.message;
}

/** The definition of a method whose requests arrive as `Incoming` and whose answers may be encoded already. */
export function safeDefinition<Request, Response>(method: Method<Request, Response>): ServiceDefinition[string] {
  const name = method.path.slice(method.path.lastIndexOf("/") + 1);
  return {
    ...method,
    requestSerialize: () => {
      throw new Error("a server sends no requests");
    },
    responseDeserialize: () => {
      throw new Error("a server receives no responses");
    },
    requestDeserialize: (bytes: Buffer): Incoming<Request> => {
      try {
        return { message: method.requestDeserialize(bytes) };
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        const seen = `${counted(bytes.length, "byte")} that can't be read: ${why}`;
        return {
          fault: RegulusError.invalid([
            { field: "(request)", seen, expected: `a ${name} request; whole numbers up to 2^53 - 1` },
          ]),
        };
      }
    },
    responseSerialize: (value: Response | Uint8Array): Buffer =>
      value instanceof Uint8Array
        ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
        : method.responseSerialize(value),
  };
}

/** What calls of a door share. */
export interface CallContext {
  readonly failures: Failures;
  readonly guards: CallGuards;
}

/** A method with one request and one answer. */
export function unary<Request, Response>(
  method: Method<Request, Response>,
  context: CallContext,
  check: Check<Request>,
  handle: (request: Request, signal: AbortSignal, guard: CallGuard) => Response | Promise<Response>,
): Route {
  const handler: handleUnaryCall<Incoming<Request>, Response | Uint8Array> = (call, answer) => {
    const work = async (): Promise<Uint8Array> => {
      const request = admitted(call, call.request, check);
      const guard = context.guards.of(call);
      const response = await handle(request, cancellation(call), guard);
      // Until here an answer is mostly what the states hold anyway; its bytes come to be once there is room for any answer.
      await guard.answer.take(bounds.answerRoomBytes);
      const bytes = method.responseSerialize(response);
      guard.answer.give(Math.max(0, bounds.answerRoomBytes - bytes.byteLength));
      return bytes;
    };
    work().then(
      (response) => answer(null, response),
      (thrown: unknown) => answer(context.failures(thrown, method.path)),
    );
  };
  return { definition: safeDefinition(method), handler };
}

/** A method with one request and a stream of answers, encoded. The next one is asked for once the reader took the last ones. A handler may say where a reader that was dropped goes on. */
export function serverStream<Request, Response>(
  method: Method<Request, Response>,
  context: CallContext & { readonly streams: OpenStreams },
  check: Check<Request>,
  handle: (request: Request, signal: AbortSignal, guard: CallGuard) => Answers,
): Route {
  const handler: handleServerStreamingCall<Incoming<Request>, Uint8Array> = (call) => {
    let over = false;
    const fail = (thrown: unknown): void => {
      if (over) return;
      over = true;
      // The status ends the stream; what still happens in its handler concerns nobody.
      if (!call.cancelled) call.emit("error", context.failures(thrown, method.path));
    };
    const work = async (): Promise<void> => {
      const request = admitted(call, call.request, check);
      const closing = new AbortController();
      const end = (error: RegulusError): void => {
        fail(error);
        closing.abort();
      };
      const leave = context.streams.enter(end);
      const guard = context.guards.of(call);
      guard.end = end;
      const answers = handle(request, AbortSignal.any([cancellation(call), closing.signal]), guard);
      guard.onStall = (stalledMs) => end(stalled(stalledMs, answers.goOn?.() ?? "call again and read on"));
      try {
        await pour(answers.pieces, call, guard);
      } finally {
        leave();
      }
    };
    work().then(() => {
      if (!over) call.end();
    }, fail);
  };
  return { definition: safeDefinition(method), handler };
}

/** What a stream of answers sends. */
export interface Answers {
  /** Encoded answers. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** What a reader that stalled does next, in words. */
  readonly goOn?: () => string;
}

const stalled = (stalledMs: number, goOn: string): RegulusError =>
  new RegulusError("exhausted", `the reader took nothing for ${Math.round(stalledMs / 1000)} s; ${goOn}`);

/** Aborts once a call is over for its client: cancelled, past its deadline, or answered. */
export function cancellation(call: SurfaceCall): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  call.once("cancelled", () => controller.abort());
  return controller.signal;
}

/** Refuses metadata past its bound. */
export function checkMetadata(call: SurfaceCall): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(call.metadata.getMap())) bytes += name.length + Buffer.byteLength(value);
  if (bytes > bounds.metadataBytesMax) {
    throw new RegulusError(
      "exhausted",
      `the call's metadata holds ${counted(bytes, "byte")}, expected at most ${bounds.metadataBytesMax}`,
    );
  }
}

function admitted<Request>(call: SurfaceCall, incoming: Incoming<Request>, check: Check<Request>): Request {
  checkMetadata(call);
  const request = received(incoming);
  const checks = new RequestChecks();
  check(request, checks);
  checks.done();
  return request;
}

/** Writes pieces, holding at most `unsentBytesMax` (and one piece) that the reader has not taken. */
async function pour(
  pieces: AsyncIterable<Uint8Array>,
  call: ServerWritableStream<unknown, Uint8Array>,
  { reading }: CallGuard,
): Promise<void> {
  let unsent = 0;
  let taken: () => void = () => undefined;
  const gone = new Promise<boolean>((resolve) => {
    call.once("close", () => resolve(true));
    call.once("cancelled", () => resolve(true));
  });
  for await (const piece of pieces) {
    if (call.cancelled || call.destroyed) return;
    unsent += piece.byteLength;
    const held = reading.settle();
    call.write(piece, () => {
      unsent -= piece.byteLength;
      reading.settled(held);
      taken();
    });
    while (unsent > bounds.unsentBytesMax) {
      const room = new Promise<boolean>((resolve) => {
        taken = () => resolve(false);
      });
      if (await Promise.race([room, gone])) return;
    }
  }
}
