/** A call with one answer as a promise: with a deadline, an abort, and new tries where a repeated call is harmless. */
import type { CallOptions, ClientUnaryCall, ServiceError } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import { RegulusError } from "@regulus/proto";
import { spreadMs } from "@regulus/transport";
import { readFailure } from "./cut-connection.js";
import { type CallClock, callClock, callRetries } from "./retries.js";

/** Longest wait for an answer, in milliseconds. The slowest calls read a whole trial from the log. */
const answerMsMax = 30_000;

/** What any call may be given. */
export interface CallControl {
  /** Ends the call with "cancelled". */
  readonly signal?: AbortSignal | undefined;
}

/** A method of a generated client, bound to it. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Calls until an answer comes. Only "unavailable" is tried again, and only where `repeat` says that this is harmless. */
export async function unary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { signal, repeat, clock = callClock }: CallControl & { readonly repeat: boolean; readonly clock?: CallClock },
): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(method, request, signal);
    } catch (thrown) {
      const error = RegulusError.from(thrown);
      if (!repeat || error.code !== "unavailable" || tries >= callRetries.triesMax) throw error;
      await clock.wait(spreadMs(tries, callRetries), signal);
    }
  }
}

function once<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new RegulusError("cancelled", "the call was cancelled before it began"));
      return;
    }
    const cancel = () => call.cancel();
    const call = method(request, new Metadata(), { deadline: Date.now() + answerMsMax }, (error, response) => {
      signal?.removeEventListener("abort", cancel);
      if (error === null) resolve(response);
      else reject(readFailure(error, signal));
    });
    signal?.addEventListener("abort", cancel, { once: true });
  });
}
