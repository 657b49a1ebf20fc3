/**
 * Goes on from the last good position: writes a new log with the good facts of each search and puts the old files aside. What is not good is given
 * up, so this runs only where somebody asks for it by name.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Fact } from "@regulus/proto";
import { folderMode } from "../file-modes.js";
import { LogFiles } from "../log/log-files.js";
import { openSqliteLog } from "../log/sqlite-log.js";
import type { EventLog } from "../ports.js";
import type { InspectedLog, InspectedSearch } from "./inspected-log.js";

/** Facts of one append. */
const factsAtOnce = 1000;

/** Answers the folder that the old files are in now. */
export async function repairLog(path: string, log: InspectedLog, searches: readonly InspectedSearch[]): Promise<string> {
  const files = new LogFiles(path);
  const scratch = mkdtempSync(join(files.folder, "doctor-"));
  try {
    const mended = new LogFiles(join(scratch, basename(path)));
    const target = await openSqliteLog({ path: mended.log });
    try {
      for (const { key, good } of searches) if (good > 0) await copy(log.facts(key), target);
    } finally {
      await target.close();
    }
    const aside = asideIn(files.folder);
    for (const old of files.all) if (existsSync(old)) renameSync(old, join(aside, basename(old)));
    for (const fresh of mended.all) if (existsSync(fresh)) renameSync(fresh, join(files.folder, basename(fresh)));
    return aside;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function copy(facts: Iterable<Fact>, target: EventLog): Promise<void> {
  let batch: Fact[] = [];
  const flush = async (): Promise<void> => {
    const [first] = batch;
    if (first === undefined) return;
    await target.append([{ searchId: first.searchId, expected: first.position - 1, facts: batch }]);
    batch = [];
  };
  for (const fact of facts) {
    batch.push(fact);
    if (batch.length === factsAtOnce) await flush();
  }
  await flush();
}

function asideIn(folder: string): string {
  for (let number = 1; ; number += 1) {
    const aside = join(folder, `damaged-${number}`);
    if (existsSync(aside)) continue;
    mkdirSync(aside, { mode: folderMode });
    return aside;
  }
}
