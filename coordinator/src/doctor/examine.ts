/** Checks the folder of a stopped coordinator: every fact and every artifact. Repairs the log on request. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { counted, RegulusError } from "@regulus/proto";
import { LogFiles } from "../log/log-files.js";
import type { DataReport } from "./data-report.js";
import { inspectArtifacts, type Reference, referencesOf } from "./inspect-artifacts.js";
import { InspectedLog } from "./inspected-log.js";
import { finishRepair } from "./repair-journal.js";
import { repairLog } from "./repair-log.js";
import { removeScratches } from "./scratch.js";

/** Facts and artifacts that one report names. */
const namedMax = 100;

/** Looks at a folder, and mends its log where it is to and must. Goes on with a repair that was cut short: its report is that one's. */
export async function examine(folder: string, repair: boolean, progress: (words: string) => void): Promise<DataReport> {
  const path = join(folder, "log.sqlite");
  if (repair) {
    const files = new LogFiles(path);
    files.assertFree();
    const finished = finishRepair(files);
    removeScratches(folder);
    if (finished !== undefined) return finished;
  }
  const log = new InspectedLog(path);
  try {
    const references: Reference[] = [];
    const searches = log
      .inspect((facts) => progress(`${counted(facts, "fact")} read`))
      .map((search) => {
        try {
          references.push(...referencesOf(log.facts(search.key)));
          return search;
        } catch (thrown) {
          const { message } = RegulusError.from(thrown);
          return { ...search, problem: search.problem || `its facts are as they were written, but make no search: ${message}` };
        }
      });
    const artifacts = await inspectArtifacts(join(folder, "artifacts"), references, (bytes) =>
      progress(`${(bytes / 1e6).toFixed(0)} MB of artifacts read`),
    );
    const damaged = searches.filter(({ problem }) => problem !== "");
    const isWhole = log.problems.length === 0 && damaged.length === 0;
    const report: DataReport = {
      folder,
      found: existsSync(path) || !isWhole,
      facts: searches.reduce((sum, { good }) => sum + good, 0),
      searches: searches.length,
      problems: log.problems.slice(0, namedMax),
      damaged: damaged.slice(0, namedMax),
      artifacts: { ...artifacts, damaged: artifacts.damaged.slice(0, namedMax), missing: artifacts.missing.slice(0, namedMax) },
      open: openTo(folder).slice(0, namedMax),
    };
    return repair && !isWhole ? await repairLog({ files: new LogFiles(path), log, searches, report }) : report;
  } finally {
    log.close();
  }
}

/** What others than the owner may look into, of the folder and what lies directly in it. */
function openTo(folder: string): string[] {
  return [folder, ...readdirSync(folder).map((name) => join(folder, name))].filter(
    (path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0,
  );
}
