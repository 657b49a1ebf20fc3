/** What the coordinator says of artifacts that trials refer to and the store has not. */
import { counted } from "@regulus/proto";
import type { Notify } from "../round/notices.js";

/** Artifacts that are gone are told at the start, and not only to whoever needs one. */
export function warnOfMissing(notify: Notify, missing: readonly string[]): void {
  const [first] = missing;
  if (first === undefined) return;
  const what = missing.length === 1 ? "an artifact is missing" : `${counted(missing.length, "artifact")} are missing`;
  const message = `${what} that trials refer to; restore them from a backup, regulus doctor --data DIR names them with their trials`;
  notify({ message, isWarning: true, fields: { missing: missing.length, first } });
}
