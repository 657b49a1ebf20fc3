/** What callers hear while the log takes nothing. */
import { RegulusError } from "@regulus/proto";

/** Waits before the log is tried again after a failure: the first, doubled with each further one up to the longest. */
const retryMs = { first: 500, max: 30_000 };

/** How long to wait after so many failures in a row, from 1. */
export function waitAfterFailures(failures: number): number {
  return Math.min(retryMs.max, retryMs.first * 2 ** (failures - 1));
}

/** The error for callers whose commands the log did not take. */
export function refusalFor(thrown: unknown): RegulusError {
  const more = { cause: thrown };
  if (!(thrown instanceof RegulusError)) {
    return new RegulusError("unavailable", `the log failed: ${String(thrown)}; nothing was changed, try again`, more);
  }
  const code = thrown.code === "exhausted" || thrown.code === "data-loss" ? thrown.code : "unavailable";
  return new RegulusError(code, `the log can't be written, nothing was changed: ${thrown.message}`, more);
}
