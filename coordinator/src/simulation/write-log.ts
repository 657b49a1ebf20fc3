/**
 * Logs to damage: `node write-log.js FOLDER closed|killed` writes one with searches, removals and many small appends, as a coordinator does, and
 * closes it or kills itself, which leaves facts in the write-ahead log. Prints a line for each search: its id and acknowledged facts.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Fact } from "@regulus/proto";
import { openSqliteLog } from "../log/sqlite-log.js";
import { logName, searchFacts, type Whole } from "./log-damage.js";

/** How a log's process ends. */
export type Ending = "closed" | "killed";

/** Appends in all, each of a few facts. */
const appends = 400;

/** Writes a log by a process of its own. */
export function writeLog(folder: string, ending: Ending): Whole {
  const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), folder, ending], { encoding: "utf8" });
  const acknowledged = new Map<string, readonly Fact[]>();
  for (const line of stdout.split("\n")) {
    const [searchId, count] = line.split(" ");
    if (searchId !== undefined && count !== undefined) acknowledged.set(searchId, searchFacts(searchId, 1, Number(count)));
  }
  if (acknowledged.size === 0) throw new Error(`no log was written to ${folder}: ${stderr}`);
  return { folder, acknowledged };
}

async function write(folder: string, ending: Ending): Promise<void> {
  const log = await openSqliteLog({ path: join(folder, logName) });
  // A search that goes leaves unused pages.
  await log.append([{ searchId: "gone", expected: 0, facts: searchFacts("gone", 1, 500) }]);
  const positions = new Map(["first", "second", "third"].map((searchId) => [searchId, 0]));
  for (let turn = 0; turn < appends; turn += 1) {
    const batch = [...positions].slice(turn % 3).map(([searchId, expected]) => {
      const facts = searchFacts(searchId, expected + 1, 1 + (turn % 4));
      positions.set(searchId, expected + facts.length);
      return { searchId, expected, facts };
    });
    await log.append(batch);
    if (turn === appends / 2) await log.remove("gone");
  }
  process.stdout.write(`${[...positions].map(([searchId, count]) => `${searchId} ${count}`).join("\n")}\n`);
  if (ending === "killed") process.kill(process.pid, "SIGKILL");
  await log.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = "", ending] = process.argv.slice(2);
  await write(folder, ending === "killed" ? "killed" : "closed");
}
