/**
 * Failures on their way out: every one leaves as a gRPC status. Errors of the world keep their code and problems; anything else is
 * a bug of ours, which the client learns as INTERNAL with an id that stands beside the whole error in the log.
 */
import { randomBytes } from "node:crypto";
import { RegulusError } from "@regulus/proto";
import { type GrpcStatus, toStatus } from "@regulus/transport";
import type { Logger } from "pino";

/** Turns anything that was thrown while a method was answered into the status that its caller gets. */
export type Failures = (thrown: unknown, path: string) => GrpcStatus;

/** Failures that are logged to `log`. Problems of a new search name fields of its spec. */
export function failuresTo(log: Logger): Failures {
  return (thrown, path) => {
    if (thrown instanceof RegulusError && thrown.code !== "internal") {
      const level = thrown.code === "data-loss" ? "error" : "debug";
      log[level]({ path, code: thrown.code, problems: thrown.problems.length }, thrown.message);
      return wellFormed(toStatus(thrown, path.endsWith("/CreateSearch") ? "spec" : ""));
    }
    const id = randomBytes(6).toString("hex");
    log.error({ path, id, err: thrown }, "a call failed through a bug");
    return toStatus(new RegulusError("internal", `a bug of the coordinator; its log tells more under the id ${id}`));
  };
}

/** Half a surrogate pair, left where a text was cut, would make grpc-js throw while it encodes the header. */
const wellFormed = (status: GrpcStatus): GrpcStatus => ({
  ...status,
  details: Buffer.from(status.details, "utf8").toString("utf8"),
});
