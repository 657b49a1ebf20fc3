/**
 * Damages files of a log as disks, copies and people do, one seeded fault at a time, and judges what the log makes of each: it refuses or fails
 * to read (detected), it holds every acknowledged fact (harmless), or a fact is missing or another one, and nobody is told (silent).
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRng, type Rng } from "@regulus/algorithms/core";
import { Fact, RegulusError } from "@regulus/proto";
import { openSqliteLog } from "../log/sqlite-log.js";
import type { EventLog } from "../ports.js";

/** The file of the log in a folder. */
export const logName = "log.sqlite";
/** What a log consists of; some are absent at times. */
export const logFileNames = [logName, `${logName}-wal`, "log.heads", "has-log"];
/** Those that faults other than deletion fall on: the two that hold facts as often as the others together. */
const targets = [logName, logName, `${logName}-wal`, `${logName}-wal`, "log.heads", "log.heads", "log.heads", "has-log"];
/** Bytes of a page of SQLite. */
const pageBytes = 4096;

export type Verdict = "detected" | "harmless" | "silent";

/** What was done, and what came of it. */
export interface DamageTrial {
  readonly seed: number;
  /** flip, cut, zero, excise or delete, with the file and the place. */
  readonly fault: string;
  readonly verdict: Verdict;
  /** What was said, or what is missing. */
  readonly detail: string;
}

/** A folder with a log, and the facts that were acknowledged, by search. */
export interface Whole {
  readonly folder: string;
  readonly acknowledged: ReadonlyMap<string, readonly Fact[]>;
}

/** Damages a copy of a log once and judges it. `scratch` is a folder that may be lost. */
export async function tryDamage(whole: Whole, scratch: string, seed: number): Promise<DamageTrial> {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  for (const name of logFileNames) {
    if (existsSync(join(whole.folder, name))) copyFileSync(join(whole.folder, name), join(scratch, name));
  }
  const fault = damage(scratch, createRng(seed));
  return { seed, fault, ...(await judgeLog(scratch, whole.acknowledged)) };
}

/** Applies one fault to the files of a folder. Answers which. */
function damage(folder: string, rng: Rng): string {
  const present = logFileNames.filter((name) => existsSync(join(folder, name)));
  if (rng.uniform() < 0.02) {
    // Any combination but all of them: an empty folder is a new one.
    const lost = present.filter(() => rng.uniform() < 0.5);
    const gone = lost.length === 0 || lost.length === present.length ? present.slice(0, 1) : lost;
    for (const name of gone) rmSync(join(folder, name));
    return `delete ${gone.join(", ")}`;
  }
  const filled = targets.filter((name) => present.includes(name) && statSync(join(folder, name)).size > 0);
  const name = filled[rng.integer(filled.length)] ?? logName;
  const path = join(folder, name);
  const bytes = readFileSync(path);
  const at = rng.integer(bytes.length);
  const draw = rng.uniform();
  if (draw < 0.7) {
    const bit = rng.integer(8);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    writeFileSync(path, bytes);
    return `flip ${name} byte ${at} bit ${bit}`;
  }
  if (draw < 0.8) {
    truncateSync(path, at);
    return `cut ${name} to ${at} of ${bytes.length} bytes`;
  }
  if (draw < 0.9) {
    const page = at - (at % pageBytes);
    bytes.fill(0, page, Math.min(bytes.length, page + pageBytes));
    writeFileSync(path, bytes);
    return `zero ${name} from byte ${page}`;
  }
  const count = 1 + rng.integer(Math.min(3 * pageBytes, bytes.length - at));
  writeFileSync(path, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)]));
  return `excise ${count} bytes of ${name} from byte ${at}`;
}

/** Opens, reads all in both ways, goes on, and opens again: as a coordinator would over days. */
export async function judgeLog(
  folder: string,
  acknowledged: Whole["acknowledged"],
): Promise<Pick<DamageTrial, "verdict" | "detail">> {
  try {
    for (const life of [1, 2]) {
      const log = await openSqliteLog({ path: join(folder, logName) });
      try {
        const missing = await lossIn(log, acknowledged);
        if (missing !== undefined) return { verdict: "silent", detail: `life ${life}: ${missing}` };
        await goOn(log, life);
      } finally {
        await log.close();
      }
    }
    return { verdict: "harmless", detail: "" };
  } catch (thrown) {
    if (thrown instanceof RegulusError && thrown.code === "data-loss") return { verdict: "detected", detail: thrown.message };
    // Another error is no word about damage that a user could act on, but nothing is served either.
    return { verdict: "detected", detail: `without its name: ${String(thrown)}` };
  }
}

/** What is missing of the acknowledged facts, or is not as it was; reads by trial have to agree with the whole. */
async function lossIn(log: EventLog, acknowledged: Whole["acknowledged"]): Promise<string | undefined> {
  const searches = new Set(await log.searches());
  for (const [searchId, facts] of acknowledged) {
    if (!searches.has(searchId)) return `search ${searchId}`;
    const read = await factsIn(log, searchId);
    for (const [index, fact] of facts.entries()) {
      if (!sameFact(fact, read[index])) return `fact ${index + 1} of search ${searchId}`;
    }
    const ofTrial = read.filter((fact) => fact.kind?.$case === "findingReported" && fact.kind.value.trial === 3);
    const about: Fact[] = [];
    for await (const piece of log.read(searchId, 0, { about: { trial: 3 } })) about.push(...piece);
    if (about.length !== ofTrial.length || about.some((fact, index) => !sameFact(fact, ofTrial[index]))) {
      return `facts of a trial of search ${searchId}`;
    }
  }
  return undefined;
}

/** New facts for every search, and a new search with enough of them to take unused pages. */
async function goOn(log: EventLog, life: number): Promise<void> {
  for (const searchId of await log.searches()) {
    const position = (await factsIn(log, searchId)).length;
    await log.append([{ searchId, expected: position, facts: searchFacts(searchId, position + 1, 3) }]);
  }
  await log.append([{ searchId: `later-${life}`, expected: 0, facts: searchFacts(`later-${life}`, 1, 400) }]);
}

async function factsIn(log: EventLog, searchId: string): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const piece of log.read(searchId, 0)) facts.push(...piece);
  return facts;
}

function sameFact(a: Fact, b: Fact | undefined): boolean {
  return b !== undefined && Buffer.compare(Fact.encode(a).finish(), Fact.encode(b).finish()) === 0;
}

/** Facts that make a search: its creation and findings about ten trials, one after the other. */
export function searchFacts(searchId: string, first: number, count: number): Fact[] {
  return Array.from({ length: count }, (_, index) => {
    const position = first + index;
    const created = { $case: "searchCreated" as const, value: { spec: { objectives: [{ metric: "loss" }] } } };
    const found = {
      $case: "findingReported" as const,
      value: { trial: position % 10, attempt: 1, source: "damage", severity: "info", message: `finding ${position}` },
    };
    return Fact.fromPartial({ searchId, position, timeMs: 1000 + position, kind: position === 1 ? created : found });
  });
}
