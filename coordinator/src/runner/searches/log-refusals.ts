/** What callers are told while the log does not take what they ask for. */
import { RegulusError } from "@regulus/proto";

/** The error for those who read what is not known yet. */
export function stillReading(searchId: string): RegulusError {
  const words = `search ${searchId} is read from the log again, after a write that the log refused; try again in a moment`;
  return new RegulusError("unavailable", words);
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
