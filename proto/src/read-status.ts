/**
 * A failed gRPC call, by its shape alone: whoever holds the error needs no gRPC to read its code, words and problems. The other direction is the
 * business of transport.
 */
import { codeOfGrpc, type ErrorCode } from "./error-codes.js";
import { type Problem, Problems } from "./gen/regulus/v1/problem.js";

/** Trailer that carries the problems of an answer as a `Problems` message. */
export const problemsTrailer = "regulus-problems-bin";

/** What a failed call says. */
export interface ReadStatus {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
}

/** Code, words and problems of a grpc-js ServiceError; undefined for anything else. */
export function readStatus(thrown: unknown): ReadStatus | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  if (!("code" in thrown && "details" in thrown && "metadata" in thrown)) return undefined;
  const { code, details, metadata } = thrown;
  if (typeof code !== "number" || typeof details !== "string" || !isMetadata(metadata)) return undefined;
  return { code: codeOfGrpc(code), message: details, problems: decodeProblems(metadata.get(problemsTrailer)) };
}

function isMetadata(value: unknown): value is { get(name: string): unknown } {
  return typeof value === "object" && value !== null && "get" in value && typeof value.get === "function";
}

/** Problems of a trailer; none where the other side sent something else under its name. */
function decodeProblems(values: unknown): readonly Problem[] {
  const value: unknown = Array.isArray(values) ? values[0] : undefined;
  if (!(value instanceof Uint8Array)) return [];
  try {
    return Problems.decode(value).problems;
  } catch {
    return [];
  }
}
