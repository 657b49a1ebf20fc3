/** Logs at every stage of their lives, as the disk has them after a process was killed there. */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Fact } from "@regulus/proto";
import { openSqliteLog } from "../log/sqlite-log.js";
import type { EventLog } from "../ports.js";
import { logFileNames, logName, searchFacts, type Whole } from "./log-damage.js";

/** What a log goes through: a search with that many facts, a search that is removed, a process that ends in order and the next one. */
type Event = readonly [searchId: string, facts: number] | readonly ["remove", string] | "reopen";

const stages: ReadonlyMap<string, readonly Event[]> = new Map([
  ["never a search", []],
  ["never a search, opened twice", ["reopen"]],
  ["all in the write-ahead log", [["a", 20]]],
  ["all in the database", [["a", 20], "reopen"]],
  ["in both", [["a", 20], "reopen", ["b", 20]]],
  [
    "every search removed",
    [
      ["a", 20],
      ["remove", "a"],
    ],
  ],
  ["every search removed and moved", [["a", 20], ["remove", "a"], "reopen"]],
  ["a search after a removal", [["a", 20], ["remove", "a"], "reopen", ["b", 20]]],
  ["a search after an empty life", ["reopen", ["a", 20]]],
]);

/** A copy of each stage's files under a folder, with the facts that were acknowledged. */
export async function* logStages(root: string): AsyncGenerator<Whole & { readonly name: string }> {
  for (const [name, events] of stages) {
    const alive = join(root, name, "alive");
    const folder = join(root, name, "killed");
    mkdirSync(folder, { recursive: true });
    const acknowledged = new Map<string, readonly Fact[]>();
    let log = await openSqliteLog({ path: join(alive, logName) });
    for (const event of events) log = await live(log, event, { alive, acknowledged });
    for (const file of logFileNames) if (existsSync(join(alive, file))) copyFileSync(join(alive, file), join(folder, file));
    await log.close();
    yield { name, folder, acknowledged };
  }
}

async function live(
  log: EventLog,
  event: Event,
  { alive, acknowledged }: { readonly alive: string; readonly acknowledged: Map<string, readonly Fact[]> },
): Promise<EventLog> {
  if (event === "reopen") {
    await log.close();
    return openSqliteLog({ path: join(alive, logName) });
  }
  const [first, second] = event;
  if (typeof second === "string") {
    await log.remove(second);
    acknowledged.delete(second);
  } else {
    const facts = searchFacts(first, 1, second);
    await log.append([{ searchId: first, expected: 0, facts }]);
    acknowledged.set(first, facts);
  }
  return log;
}
