/**
 * The one error of the world outside (house style, section 4): its code says what the receiver does next and maps one to one
 * onto gRPC's. Bugs are not RegulusErrors; they are thrown by `assert` and stop the process.
 */
import type { Problem } from "./gen/regulus/v1/problem.js";

/** What the receiver does next. */
export type ErrorCode =
  | "invalid-argument" // tell the user; `problems` names every field
  | "not-found" // tell the user
  | "already-exists" // tell the user
  | "conflict" // read again, then decide again
  | "failed-precondition" // tell the user what to do first
  | "exhausted" // wait, then try again
  | "unavailable" // try again with backoff
  | "cancelled" // pass it on
  | "deadline" // try again with a longer wait, or give up
  | "permission-denied" // tell the owner
  | "unauthenticated" // tell the user
  | "data-loss" // stop, tell the owner
  | "internal"; // report it

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
}

/** Stops at a broken belief. A failure is a bug of ours, never of the world. */
export function assert(condition: unknown, belief: string): asserts condition {
  if (!condition) throw new Error(`bug: ${belief}`);
}
