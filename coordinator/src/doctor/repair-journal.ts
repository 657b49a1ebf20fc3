/**
 * Puts a mended log in the place of the damaged one so that a kill or a power cut at any moment loses neither. First everything new is durable. Then a
 * journal says which files are to be renamed; from there on no coordinator starts, and the next repair goes on with the renames. The journal goes last.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { RegulusError } from "@regulus/proto";
import { fileMode, folderMode } from "../file-modes.js";
import type { LogFiles } from "../log/log-files.js";
import { damaged } from "../log/seal.js";
import { syncFolder } from "../log/witness.js";
import type { DataReport } from "./data-report.js";

/** What is left to do. All names are of the log's folder. */
export interface RepairJournal {
  /** Folder of the mended log. */
  readonly scratch: string;
  /** Folder that the old files go to. */
  readonly aside: string;
  readonly old: readonly string[];
  readonly fresh: readonly string[];
  /** What the repair found, for whoever runs it again. */
  readonly report: DataReport;
}

/** Makes the new files durable, and then that they are to be used. */
export function beginRepair(files: LogFiles, journal: RepairJournal): void {
  const scratch = join(files.folder, journal.scratch);
  for (const name of journal.fresh) syncFile(join(scratch, name));
  const draft = join(scratch, basename(files.repair));
  writeFileSync(draft, JSON.stringify(journal), { mode: fileMode, flush: true });
  syncFolder(scratch);
  renameSync(draft, files.repair);
  syncFolder(files.folder);
}

/** Does what a journal says; any of it may be done already. Answers the repair's report; undefined where there is no journal. */
export function finishRepair(files: LogFiles): DataReport | undefined {
  const journal = readJournal(files);
  if (journal === undefined) return undefined;
  const { folder } = files;
  const [scratch, aside] = [join(folder, journal.scratch), join(folder, journal.aside)];
  mkdirSync(aside, { recursive: true, mode: folderMode });
  for (const name of journal.old) {
    // What lies aside already was put there before: the file in its place is a new one.
    if (!existsSync(join(aside, name)) && existsSync(join(folder, name))) renameSync(join(folder, name), join(aside, name));
  }
  syncFolder(aside);
  syncFolder(folder);
  for (const name of journal.fresh) if (existsSync(join(scratch, name))) renameSync(join(scratch, name), join(folder, name));
  syncFolder(folder);
  rmSync(scratch, { recursive: true, force: true });
  rmSync(files.repair);
  syncFolder(folder);
  return { ...journal.report, aside };
}

function readJournal({ repair }: LogFiles): RepairJournal | undefined {
  if (!existsSync(repair)) return undefined;
  const seen = parsed(readFileSync(repair, "utf8"));
  if (isJournal(seen)) return seen;
  throw damaged(`${repair} is not as a repair wrote it; restore the folder from a backup`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw RegulusError.from(thrown);
  }
}

function isJournal(seen: unknown): seen is RepairJournal {
  if (typeof seen !== "object" || seen === null || !("report" in seen)) return false;
  if (!("scratch" in seen && "aside" in seen && "old" in seen && "fresh" in seen)) return false;
  const { scratch, aside, old, fresh, report } = seen;
  if (!Array.isArray(old) || !Array.isArray(fresh) || typeof report !== "object" || report === null) return false;
  // Names only: nothing outside the folder is ever moved.
  return [scratch, aside, ...old, ...fresh].every((name) => typeof name === "string" && /^[\w.-]+$/.test(name) && name !== "..");
}

function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
