/**
 * The codes of RegulusError and how they map onto gRPC's status codes (google.rpc.Code). One to one in the direction code to status;
 * gRPC codes that nothing of ours sends come back as the code that asks the same of the receiver.
 */

/** What the receiver does next. */
export type ErrorCode =
  | "invalid-argument" // tell the user; `problems` names every field
  | "not-found" // tell the user
  | "already-exists" // tell the user
  | "conflict" // read again, then decide again
  | "failed-precondition" // tell the user what to do first
  | "exhausted" // wait, then try again
  | "unavailable" // try again with backoff
  | "out-of-range" // begin again from what is there
  | "cancelled" // pass it on
  | "deadline" // try again with a longer wait, or give up
  | "permission-denied" // tell the owner
  | "unauthenticated" // tell the user
  | "data-loss" // stop, tell the owner
  | "internal"; // report it

/** gRPC's number of each code. */
export const grpcCodes: Readonly<Record<ErrorCode, number>> = {
  cancelled: 1,
  "invalid-argument": 3,
  deadline: 4,
  "not-found": 5,
  "already-exists": 6,
  "permission-denied": 7,
  exhausted: 8,
  "failed-precondition": 9,
  conflict: 10,
  "out-of-range": 11,
  internal: 13,
  unavailable: 14,
  "data-loss": 15,
  unauthenticated: 16,
};

/** gRPC codes without a code of ours: UNIMPLEMENTED means that the two sides' versions differ. */
const foreignCodes: ReadonlyMap<number, ErrorCode> = new Map([[12, "failed-precondition"]]);

const codesByGrpc: ReadonlyMap<number, ErrorCode> = new Map([...Object.entries(grpcCodes).map(entryByNumber), ...foreignCodes]);

/** The code of a gRPC status; "internal" for one that is unknown. */
export function codeOfGrpc(grpcCode: number): ErrorCode {
  return codesByGrpc.get(grpcCode) ?? "internal";
}

function entryByNumber([code, number]: [string, number]): [number, ErrorCode] {
  return [number, code as ErrorCode]; // The keys of grpcCodes are ErrorCodes by its type; Object.entries forgets it.
}
