/** A call with a stream of answers as an async iterable that cancels the call when its reader leaves, fails or aborts. */
import type { ClientReadableStream } from "@grpc/grpc-js";
import { RegulusError } from "@regulus/proto";
import { readFailure } from "./cut-connection.js";

/** Answers in order. The call begins when the first one is asked for. */
export async function* readStream<Response>(
  open: () => ClientReadableStream<Response>,
  signal?: AbortSignal,
): AsyncGenerator<Response, void, undefined> {
  if (signal?.aborted) throw new RegulusError("cancelled", "the call was cancelled before it began");
  const call = open();
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    // A stream of Node in object mode yields what its deserializer gave; its type only promises unknown values.
    for await (const response of call as AsyncIterable<Response>) yield response;
  } catch (thrown) {
    throw readFailure(thrown, signal);
  } finally {
    signal?.removeEventListener("abort", cancel);
    // A cancelled call still emits its error once nobody reads; without a listener that would end the process.
    call.on("error", () => {});
    call.cancel();
  }
}
