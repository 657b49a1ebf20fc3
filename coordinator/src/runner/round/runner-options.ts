/** The parts of a runner. */
import type { SearchSpec } from "@regulus/proto";
import type { ArtifactStore, Clock, EventFeed, EventLog } from "../../ports.js";
import type { StrategyHost } from "../../strategy-host/strategy-host.js";
import type { UploadBounds } from "../artifacts/upload-quota.js";
import type { SearchDiagnostics } from "../searches/search-diagnostics.js";
import type { Notify } from "./notices.js";

export interface RunnerOptions {
  readonly log: EventLog;
  readonly artifacts: ArtifactStore;
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly leaseTimeoutMs: number;
  readonly endGraceMs: number;
  /** Runs a round soon; setImmediate outside of simulations. */
  readonly defer: (call: () => void) => void;
  /** The strategy of a search. */
  readonly host: (spec: SearchSpec) => StrategyHost;
  /** The diagnostics of a search. */
  readonly diagnostics: (spec: SearchSpec) => SearchDiagnostics;
  /** Told of each failure of the log. */
  readonly onLogFailure: (error: unknown) => void;
  readonly notify: Notify;
  /** Other bounds of uploads than those of the contract, for tests. */
  readonly uploadBounds?: UploadBounds | undefined;
}
