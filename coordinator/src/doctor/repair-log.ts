/**
 * Repairs a log from the last good positions: writes a new log with the good facts of each search and puts the old files aside. What is not good is given
 * up, so this runs only where somebody asks for it by name.
 */
import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Fact } from "@regulus/proto";
import { LogFiles } from "../log/log-files.js";
import { openSqliteLog } from "../log/sqlite-log.js";
import type { EventLog } from "../ports.js";
import type { DataReport } from "./data-report.js";
import type { InspectedLog, InspectedSearch } from "./inspected-log.js";
import { beginRepair, finishRepair } from "./repair-journal.js";
import { makeScratch } from "./scratch.js";

/** Facts of one append. */
const factsAtOnce = 1000;

/** What is known of a log that is to be mended. */
export interface Repair {
  readonly files: LogFiles;
  readonly log: InspectedLog;
  readonly searches: readonly InspectedSearch[];
  readonly report: DataReport;
}

/** Answers the report, with the folder that the old files are in now. */
export async function repairLog({ files, log, searches, report }: Repair): Promise<DataReport> {
  const scratch = makeScratch(files.folder);
  const release = files.hold();
  try {
    const mended = new LogFiles(join(scratch, basename(files.log)));
    const target = await openSqliteLog({ path: mended.log });
    try {
      for (const { key, good } of searches) if (good > 0) await copy(log.facts(key), target);
    } finally {
      await target.close();
    }
    const [old, fresh] = [files.all, mended.all].map((paths) =>
      paths.filter((path) => existsSync(path)).map((path) => basename(path)),
    );
    const journal = { scratch: basename(scratch), aside: freeName(files.folder), old: old ?? [], fresh: fresh ?? [], report };
    beginRepair(files, journal);
    return finishRepair(files) ?? report;
  } finally {
    // With a journal it holds what the next repair puts in place.
    if (!existsSync(files.repair)) rmSync(scratch, { recursive: true, force: true });
    release();
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

function freeName(folder: string): string {
  let number = 1;
  while (existsSync(join(folder, `damaged-${number}`))) number += 1;
  return `damaged-${number}`;
}
