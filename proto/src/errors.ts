/**
 * The one error of the world outside: its code says what the receiver does next and maps one to one
 * onto gRPC's. Bugs are not RegulusErrors; they are thrown by `assert` and stop the process.
 */
import type { ErrorCode } from "./error-codes.js";
import type { Problem } from "./gen/regulus/v1/problem.js";
import { readStatus } from "./read-status.js";

export type { ErrorCode } from "./error-codes.js";

/** An answer that the world gave, with a code for the receiver and words for people. */
export class RegulusError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, more: { problems?: readonly Problem[]; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "RegulusError";
    this.code = code;
    this.problems = more.problems ?? [];
  }

  /** The error for requests with wrong fields: one line a problem. */
  static invalid(problems: readonly Problem[]): RegulusError {
    const lines = problems.map((p) => `${p.field}: saw ${p.seen}, expected ${p.expected}`);
    return new RegulusError("invalid-argument", lines.join("\n"), { problems });
  }

  /**
   * The one gate for what was thrown: a RegulusError passes, a gRPC status, an abort and the operating system's errors get the
   * code that fits, and everything else is "internal" with what was thrown as its cause.
   */
  static from(thrown: unknown): RegulusError {
    if (thrown instanceof RegulusError) return thrown;
    const status = readStatus(thrown);
    if (status !== undefined) return fromParts(status, thrown);
    if (!(thrown instanceof Error)) return new RegulusError("internal", String(thrown), { cause: thrown });
    if (thrown.name === "AbortError") return new RegulusError("cancelled", thrown.message, { cause: thrown });
    if (thrown.name === "TimeoutError") return new RegulusError("deadline", thrown.message, { cause: thrown });
    const code = "code" in thrown ? systemCodes.get(String(thrown.code)) : undefined;
    return new RegulusError(code ?? "internal", thrown.message, { cause: thrown });
  }
}

/** A failed gRPC call as a RegulusError, with the problems of its trailer. */
export function fromServiceError(error: unknown): RegulusError {
  return RegulusError.from(error);
}

/**
 * Stops at a broken belief. A failure is a bug of ours, never of the world. Where it is asked for each fact or number, a function gives the words:
 * to make them costs more than to ask.
 */
export function assert(condition: unknown, belief: string | (() => string)): asserts condition {
  if (!condition) throw new Error(`bug: ${typeof belief === "string" ? belief : belief()}`);
}

/** Errors of the operating system that its caller can do something about. */
const systemCodes: ReadonlyMap<string, ErrorCode> = new Map([
  ["ENOENT", "not-found"],
  ["EEXIST", "already-exists"],
  ["EACCES", "permission-denied"],
  ["EPERM", "permission-denied"],
  ["EISDIR", "invalid-argument"],
  ["ENOTDIR", "invalid-argument"],
  ["EADDRINUSE", "failed-precondition"],
  ["EADDRNOTAVAIL", "failed-precondition"],
  ["ENOSPC", "exhausted"],
  ["EDQUOT", "exhausted"],
  // Past a limit on the size of files, or past what the file system can hold: no room either.
  ["EFBIG", "exhausted"],
  ["EMFILE", "exhausted"],
  ["ECONNREFUSED", "unavailable"],
  ["ECONNRESET", "unavailable"],
  ["EPIPE", "unavailable"],
  ["ETIMEDOUT", "deadline"],
]);

function fromParts(status: NonNullable<ReturnType<typeof readStatus>>, cause: unknown): RegulusError {
  if (status.problems.length === 0) return new RegulusError(status.code, status.message, { cause });
  const { message } = RegulusError.invalid(status.problems);
  return new RegulusError(status.code, message, { problems: status.problems, cause });
}
