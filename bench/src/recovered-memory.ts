/**
 * Opens a coordinator over the log of a data folder in this process, collects garbage and prints the bytes of heap that are left. Run with
 * --expose-gc by the recovery bench.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createCoordinator, openDirectoryStore, openSqliteLog } from "@regulus/coordinator";

const folder = process.argv[2];
if (folder === undefined || globalThis.gc === undefined)
  throw new Error("expected --expose-gc and the path of a coordinator's data folder");

const log = await openSqliteLog({ path: join(folder, "log.sqlite") });
const artifacts = await openDirectoryStore(join(folder, "artifacts"));
const coordinator = await createCoordinator({ log, artifacts });
// Collections in a row let finalizers of the first run before the second counts.
for (let round = 0; round < 3; round++) {
  globalThis.gc();
  await sleep(50);
}
const { heapUsed, external } = process.memoryUsage();
await coordinator.close();
await log.close();
await artifacts.close();
process.stdout.write(`${heapUsed + external}\n`);
process.exit(0);
