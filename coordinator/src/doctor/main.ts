/**
 * `node doctor/main.js --data DIR [--repair]`: checks the log and the artifacts of a coordinator that does not run. `regulus doctor` starts it and
 * reads its lines: JSON objects, {"progress": words} while it works and {"report": ...} at the end.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { counted, RegulusError } from "@regulus/proto";
import { type ArtifactsInspection, inspectArtifacts, type Reference, referencesOf } from "./inspect-artifacts.js";
import { InspectedLog, type InspectedSearch } from "./inspected-log.js";
import { repairLog } from "./repair-log.js";

/** Least time between two lines of progress. */
const progressEveryMs = 1000;
/** Facts and artifacts that one report names. */
const namedMax = 100;

/** What the command answers. */
export interface DataReport {
  readonly folder: string;
  /** Whether there is a log at all. */
  readonly found: boolean;
  readonly facts: number;
  readonly searches: number;
  /** What is wrong with the log as a whole. */
  readonly problems: readonly string[];
  /** Searches that are not whole, with the position up to which they are. */
  readonly damaged: readonly InspectedSearch[];
  readonly artifacts: ArtifactsInspection;
  /** Files and folders that others may read or write. */
  readonly open: readonly string[];
  /** Where the old files are after a repair. */
  readonly aside?: string;
}

async function examine(folder: string, repair: boolean): Promise<DataReport> {
  const path = join(folder, "log.sqlite");
  const progress = reporter();
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
    return {
      folder,
      found: existsSync(path) || !isWhole,
      facts: searches.reduce((sum, { good }) => sum + good, 0),
      searches: searches.length,
      problems: log.problems.slice(0, namedMax),
      damaged: damaged.slice(0, namedMax),
      artifacts: { ...artifacts, damaged: artifacts.damaged.slice(0, namedMax), missing: artifacts.missing.slice(0, namedMax) },
      open: openTo(folder).slice(0, namedMax),
      ...(repair && !isWhole ? { aside: await repairLog(path, log, searches) } : {}),
    };
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

function reporter(): (words: string) => void {
  let next = Date.now() + progressEveryMs;
  return (words) => {
    if (Date.now() < next) return;
    next = Date.now() + progressEveryMs;
    process.stdout.write(`${JSON.stringify({ progress: words })}\n`);
  };
}

try {
  const { values } = parseArgs({ options: { data: { type: "string" }, repair: { type: "boolean", default: false } } });
  if (values.data === undefined) throw new RegulusError("invalid-argument", "--data DIR is missing");
  process.stdout.write(`${JSON.stringify({ report: await examine(values.data, values.repair) })}\n`);
} catch (thrown) {
  const { code, message } = RegulusError.from(thrown);
  process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.exitCode = 1;
}
