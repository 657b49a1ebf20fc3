/**
 * RegulusError on the wire: a gRPC status with its problems in the trailer "regulus-problems-bin", and the same as a google.rpc.Status. All
 * of it fits into the 8 KiB of headers that a client of any language accepts by default; what does not fit is counted in our own trailer.
 */

import { Metadata } from "@grpc/grpc-js";
import { counted, cutText, grpcCodes, Problem, Problems, problemsTrailer, type RegulusError } from "@regulus/proto";
import { encodeRichStatus, richStatusTrailer } from "./rich-status.js";

/** Bytes of the `Problems` message; base64 makes them a third longer. */
const problemsBytesMax = 2560;
/** Characters of the status message: percent-encoding makes up to six bytes of one. Beside problems, which say it better, fewer. */
const detailsCharactersMax = 1024;
const detailsBesideProblemsMax = 200;
/** Characters of each of a problem's texts. */
const problemTextCharactersMax = 256;

/** What a grpc-js server hands to a call's callback. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** An error as the status of an answer. `request` is the field of the request that paths of problems begin in; empty for the request itself. */
export function toStatus(error: RegulusError, request = ""): GrpcStatus {
  const metadata = new Metadata();
  if (error.problems.length > 0) metadata.set(problemsTrailer, Buffer.from(encodeProblems(error.problems)));
  const charactersMax = error.problems.length > 0 ? detailsBesideProblemsMax : detailsCharactersMax;
  const details = cutText(error.message, charactersMax);
  const code = grpcCodes[error.code];
  metadata.set(richStatusTrailer, Buffer.from(encodeRichStatus(code, details, error.problems, request)));
  return { code, details, metadata };
}

function encodeProblems(problems: readonly Problem[]): Uint8Array {
  const kept: Problem[] = [];
  let bytes = 0;
  for (const problem of problems.map(cutProblem)) {
    bytes += Problem.encode(problem).finish().length + 4;
    if (bytes > problemsBytesMax - 128) break;
    kept.push(problem);
  }
  const left = problems.length - kept.length;
  if (left > 0) kept.push({ field: "(further)", seen: counted(left, "more problem"), expected: "that these are fixed first" });
  return Problems.encode({ problems: kept }).finish();
}

function cutProblem(problem: Problem): Problem {
  return {
    field: cutText(problem.field, problemTextCharactersMax),
    seen: cutText(problem.seen, problemTextCharactersMax),
    expected: cutText(problem.expected, problemTextCharactersMax),
  };
}
