/** SQLite's errors as Regulus errors. */
import { RegulusError } from "@regulus/proto";

/** The error for a failure of SQLite on a log file; other things that were thrown come back as they are. */
export function fromSqlite(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof Error) || !("code" in thrown) || typeof thrown.code !== "string") return thrown;
  if (thrown instanceof RegulusError) return thrown;
  const seen = `${thrown.code}: ${thrown.message}`;
  const more = { cause: thrown };
  if (thrown.code.startsWith("SQLITE_FULL")) {
    return new RegulusError(
      "exhausted",
      `no space for the log ${path} (${seen}); free some, nothing is lost and work continues then`,
      more,
    );
  }
  if (thrown.code.startsWith("SQLITE_BUSY") || thrown.code.startsWith("SQLITE_LOCKED")) {
    return new RegulusError(
      "failed-precondition",
      `the log ${path} is in use by another process (${seen}); stop that one first`,
      more,
    );
  }
  if (thrown.code.startsWith("SQLITE_CORRUPT") || thrown.code.startsWith("SQLITE_NOTADB")) {
    return new RegulusError(
      "data-loss",
      `${path} is not a whole log of Regulus (${seen}); restore a copy or name another file`,
      more,
    );
  }
  if (/^SQLITE_(IOERR|CANTOPEN|READONLY|PERM|NOMEM|PROTOCOL|NOLFS)/.test(thrown.code)) {
    return new RegulusError("unavailable", `the log ${path} can't be used (${seen}); check the disk and its permissions`, more);
  }
  return thrown;
}

/** Runs work on a file beside the log; what the system throws becomes an error in our words. */
export function fromSystem<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw systemFailure(path, thrown);
  }
}

/** The error of the domain for one that the system threw about a path; any other as it is. */
export function systemFailure(path: string, thrown: unknown): unknown {
  if (thrown instanceof RegulusError || !(thrown instanceof Error) || !("code" in thrown)) return thrown;
  const isFull = thrown.code === "ENOSPC" || thrown.code === "EDQUOT";
  const words = isFull ? `no space for ${path}; free some, nothing is lost and work continues then` : `${path} can't be used`;
  return new RegulusError(isFull ? "exhausted" : "unavailable", `${words} (${thrown.message})`, { cause: thrown });
}
