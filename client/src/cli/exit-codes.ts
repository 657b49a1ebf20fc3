/** The exit codes of `regulus`. Scripts may rely on them. */
import type { ErrorCode } from "@regulus/proto";

export const exitCodes = {
  good: 0,
  /** A bug of ours. */
  internal: 1,
  /** A wrong option, argument or search file. */
  badInput: 2,
  /** No such search, trial or file. */
  notFound: 3,
  /** The coordinator can't be reached, is too slow or is full; worth another try later. */
  unavailable: 4,
  /** Not possible as things stand: the search is already over, the port is in use ... */
  refused: 5,
  /** Missing permission or credentials. */
  permission: 6,
  /** Stored bytes are not what was stored. */
  dataLoss: 7,
  /** The search that was watched has failed: too many of its trials did, none was measured, or its strategy can't go on. */
  searchFailed: 8,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** For `regulus --help`. */
export const exitCodesHelp = `Exit codes:
  0 good   1 bug   2 bad input   3 not found   4 coordinator unavailable
  5 refused   6 permission   7 data loss   8 the watched search failed
  130 interrupted`;

export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case "invalid-argument":
    case "out-of-range":
      return exitCodes.badInput;
    case "not-found":
      return exitCodes.notFound;
    case "unavailable":
    case "deadline":
    case "exhausted":
      return exitCodes.unavailable;
    case "already-exists":
    case "conflict":
    case "failed-precondition":
      return exitCodes.refused;
    case "permission-denied":
    case "unauthenticated":
      return exitCodes.permission;
    case "data-loss":
      return exitCodes.dataLoss;
    case "cancelled":
      return exitCodes.interrupted;
    case "internal":
      return exitCodes.internal;
  }
}
