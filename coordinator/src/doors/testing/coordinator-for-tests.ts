/** A coordinator for tests of the doors: the real one, with its log and artifacts in memory. */
import { openMemoryStore } from "../../artifacts/memory-store.js";
import type { Coordinator } from "../../coordinator.js";
import { openMemoryLog } from "../../log/memory-log.js";
import type { ArtifactStore, EventLog } from "../../ports.js";
import { createCoordinator } from "../../runner/create-coordinator.js";

/** A coordinator and its adapters. */
export interface CoordinatorForTests {
  readonly coordinator: Coordinator;
  readonly artifacts: ArtifactStore;
  readonly log: EventLog;
  close(): Promise<void>;
}

/** Starts one. `wrap` goes between it and its log. */
export async function coordinatorForTests(wrap: (log: EventLog) => EventLog = (log) => log): Promise<CoordinatorForTests> {
  const log = wrap(openMemoryLog());
  const artifacts = openMemoryStore();
  const coordinator = await createCoordinator({ log, artifacts, newSeed: () => 0 });
  return {
    coordinator,
    artifacts,
    log,
    close: async () => {
      await coordinator.close();
      await artifacts.close();
      await log.close();
    },
  };
}
