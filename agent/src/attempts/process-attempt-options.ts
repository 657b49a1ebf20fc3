/** What attempts in processes of their own share on one agent. */
import type { Logger } from "pino";
import type { Artifacts } from "../artifacts/artifact-client.js";
import type { AttemptShare } from "./attempt-work.js";
import type { OverrunningSearches } from "./overrunning-searches.js";
import type { Residents } from "./residents.js";
import type { Spares } from "./spares.js";

export interface ProcessAttemptOptions extends AttemptShare {
  /** Patient ones: what a trial saved is stored once the store is back. */
  readonly artifacts: Artifacts;
  readonly spares: Pick<Spares, "take">;
  readonly residents: Residents;
  readonly overrunning: OverrunningSearches;
  /** Folder under which every attempt has its own. */
  readonly scratch: string;
  readonly log: Logger;
}
