/**
 * Detects broken connections: a server that is shut down or killed resets its streams, which grpc-js tells as "cancelled" or
 * "internal" though nobody cancelled and nothing is wrong. Callers want one code for it.
 */
import { RegulusError } from "@regulus/proto";

/** The error as it is meant: "unavailable" where the other side went away in the middle of a call. */
export function readFailure(thrown: unknown, signal: AbortSignal | undefined): RegulusError {
  const error = RegulusError.from(thrown);
  const cancelledElsewhere = error.code === "cancelled" && !signal?.aborted;
  const reset = error.code === "internal" && /RST_STREAM|GOAWAY|ECONNRESET|socket hang up/i.test(error.message);
  if (!cancelledElsewhere && !reset) return error;
  return new RegulusError("unavailable", `the coordinator ended the connection (${error.message})`, { cause: error });
}
