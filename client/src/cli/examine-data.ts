/**
 * Findings of the coordinator's doctor in a data folder: its log and its artifacts, while no coordinator runs. Checks only, unless a repair is
 * asked for.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { RegulusError } from "@regulus/proto";
import { counted, formatCount } from "../display/numbers.js";
import type { Finding } from "./examine.js";

/** The program that reads logs. */
const main = new URL("../../../coordinator/dist/doctor/main.js", import.meta.url);
/** Any of these says that there is or was a log. */
const traces = ["log.sqlite", "log.sqlite-wal", "log.heads", "has-log", "log.repair", "artifacts"];
/** Searches and files that are named; of artifacts all that the report names, since each has a trial to look after. */
const namedMax = 20;

/** Findings. */
export interface DataFindings {
  readonly findings: readonly Finding[];
  /** Whether facts are damaged and not given up yet. */
  readonly isLogDamaged: boolean;
  readonly areArtifactsDamaged: boolean;
}

/** The folder of a coordinator's log in a data folder, which may be one of `regulus up` or the coordinator's own. Undefined for none. */
export function logFolderIn(data: string): string | undefined {
  return [join(data, "coordinator"), data].find((folder) => traces.some((name) => existsSync(join(folder, name))));
}

/** Checks a folder with a log, and repairs it where that is asked for. `onProgress` gets words, about once a second. */
export async function examineData(
  folder: string,
  { repair, onProgress }: { readonly repair: boolean; readonly onProgress: (words: string) => void },
): Promise<DataFindings> {
  const flags = ["--data", folder, ...(repair ? ["--repair"] : [])];
  const child = spawn(process.execPath, [fileURLToPath(main), ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  return readReport(folder, createInterface({ input: child.stdout }), onProgress);
}

/** What the doctor's lines come to: progress, then a report or why there is none. */
export async function readReport(
  folder: string,
  lines: AsyncIterable<string>,
  onProgress: (words: string) => void,
): Promise<DataFindings> {
  let last: Readonly<Record<string, unknown>> = {};
  for await (const line of lines) {
    last = record(JSON.parse(line));
    if (typeof last.progress === "string") onProgress(last.progress);
  }
  if (last.error !== undefined) return unchecked(record(last.error));
  if (last.report === undefined) throw new RegulusError("internal", `the doctor of ${folder} ended without a report`);
  return findingsOf(folder, record(last.report));
}

/** A log in use is no damage; anything else that keeps it from being looked at is told. */
function unchecked({ code, message }: Readonly<Record<string, unknown>>): DataFindings {
  const inUse = code === "failed-precondition" && String(message).includes("in use");
  return {
    findings: [{ name: "log", ok: inUse ? undefined : false, detail: `not checked: ${String(message)}` }],
    isLogDamaged: false,
    areArtifactsDamaged: false,
  };
}

function findingsOf(folder: string, report: Readonly<Record<string, unknown>>): DataFindings {
  const problems = list(report.problems).map(String);
  const damaged = list(report.damaged).map(record);
  const artifacts = record(report.artifacts);
  const [spoilt, missing] = [list(artifacts.damaged).map(record), list(artifacts.missing).map(record)];
  const isWhole = problems.length === 0 && damaged.length === 0;
  const log: Finding[] = isWhole
    ? [
        {
          name: "log",
          ok: true,
          detail: `${folder}: ${counted(Number(report.searches), "search", "searches")}, ${counted(Number(report.facts), "fact")}, all whole`,
        },
      ]
    : problems.map((detail) => ({ name: "log", ok: false, detail }));
  const searches = damaged.slice(0, namedMax).map((search) => ({
    name: `search ${String(search.searchId)}`,
    ok: false,
    detail: `good up to position ${String(search.good)} of ${String(search.acknowledged)}: ${String(search.problem)}`,
  }));
  const others = damaged.length - searches.length;
  if (others > 0)
    searches.push({ name: "log", ok: false, detail: counted(others, "more damaged search", "more damaged searches") });
  const unnamed = Number(artifacts.damagedCount) + Number(artifacts.missingCount) - spoilt.length - missing.length;
  const stored = `${counted(Number(artifacts.stored), "artifact")}, ${counted(Number(artifacts.bytes), "byte")}`;
  const bytes: Finding[] =
    spoilt.length + missing.length === 0
      ? [{ name: "artifacts", ok: true, detail: `${stored}, all whole` }]
      : [
          ...spoilt.map((one) => artifactFinding(one, "has other bytes than were stored")),
          ...missing.map((one) => artifactFinding(one, "is missing")),
          ...(unnamed > 0 ? [{ name: "artifacts", ok: false, detail: `and ${formatCount(unnamed)} more` }] : []),
        ];
  return {
    findings: [...log, ...searches, ...bytes, ...modes(list(report.open).map(String)), ...repaired(report.aside)],
    isLogDamaged: !isWhole && report.aside === undefined,
    areArtifactsDamaged: spoilt.length + missing.length > 0,
  };
}

/** Where the file is, below the folder, and whose it is. */
function artifactFinding({ sha256, searchId, trial }: Readonly<Record<string, unknown>>, what: string): Finding {
  const file = join("artifacts", String(sha256).slice(0, 2), String(sha256));
  const whose =
    searchId === undefined
      ? "no search refers to it"
      : `${trial === undefined ? "an input" : `trial ${String(trial)}`} of search ${String(searchId)} refers to it`;
  return { name: "artifacts", ok: false, detail: `${file} ${what}; ${whose}` };
}

function modes(open: readonly string[]): readonly Finding[] {
  if (open.length === 0) return [{ name: "file modes", ok: true, detail: "only the owner reads and writes" }];
  const others = open.length - namedMax;
  const names = open.slice(0, namedMax).join(", ") + (others > 0 ? ` and ${formatCount(others)} more` : "");
  return [{ name: "file modes", ok: false, detail: `others may look into ${names}; take that away: chmod -R go= DIR` }];
}

function repaired(aside: unknown): readonly Finding[] {
  if (aside === undefined) return [];
  return [
    { name: "repair", ok: true, detail: `the log ends at the last good positions now; the old files are in ${String(aside)}` },
  ];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
