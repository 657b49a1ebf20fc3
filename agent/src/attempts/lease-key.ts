/** Text of a lease key, for maps, logs and folder names; and the key's parts checked once where a lease comes in. */
import type { LeaseKey } from "@regulus/proto";

/** One text for one attempt. Search ids hold letters, digits, '-', '_' and '.' only where they become a folder's name. */
export function keyText(key: LeaseKey): string {
  return `${key.searchId}/${key.trial}/${key.attempt}`;
}

/** A folder name for one attempt, safe whatever the search id holds. */
export function keyFolder(key: LeaseKey): string {
  return `${key.searchId.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 80)}-${key.trial}-${key.attempt}`;
}
