/** Where a report goes: a name of its own for each search, and never in the place of a file that is no report. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { RegulusError, type Search } from "@regulus/proto";
import { partialOf } from "../cli/output-file.js";

/** Characters of a search's name, and of its id, in a file's name. */
const nameCharactersMax = 40;
const idCharacters = 8;
/** Searches that a file's name names. */
const namedMax = 3;
/** What every report says in its first bytes. */
export const reportMark = '<meta name="generator" content="Regulus">';
const markBytesMax = 1024;

/** `report-my-search-7f3a91bc.html`: two searches of one name have two files. */
export function reportName(searches: readonly Pick<Search, "searchId" | "spec">[]): string {
  const ids = searches.slice(0, namedMax).map(({ searchId }) => searchId.slice(0, idCharacters));
  const only = searches.length === 1 ? fileWords(searches[0]?.spec?.name ?? "") : "";
  const more = searches.length > namedMax ? [`and-${searches.length - namedMax}-more`] : [];
  return `${["report", ...(only === "" ? [] : [only]), ...ids, ...more].join("-")}.html`;
}

/** Letters and digits of any script, other characters as one hyphen. */
function fileWords(name: string): string {
  const words = name.normalize("NFC").replaceAll(/[^\p{L}\p{N}]+/gu, "-");
  return [...words.replace(/^-/, "")].slice(0, nameCharactersMax).join("").replace(/-$/, "");
}

/** Fails where a file is that is no report: what stands there may be the only copy of something. An empty file and a device are taken. */
export function checkPlace(file: string): void {
  partialOf(file);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size === 0 || isReport(file)) return;
  const name = basename(file);
  throw new RegulusError("failed-precondition", `${name} exists and is not a report of Regulus; expected another name: -o FILE`);
}

function isReport(file: string): boolean {
  const begin = Buffer.alloc(markBytesMax);
  const descriptor = openSync(file, "r");
  try {
    return begin.toString("latin1", 0, readSync(descriptor, begin)).includes(reportMark);
  } finally {
    closeSync(descriptor);
  }
}
