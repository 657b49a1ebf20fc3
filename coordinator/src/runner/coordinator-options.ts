/** The parts of a coordinator. */
import type { ArtifactStore, Clock, EventFeed, EventLog } from "../ports.js";
import type { Strategies } from "../strategy-host/strategy-host.js";
import type { UploadBounds } from "./artifacts/upload-quota.js";
import type { Notify } from "./round/notices.js";
import type { Diagnostics } from "./searches/search-diagnostics.js";

export interface CoordinatorOptions {
  /** The caller closes it, after the coordinator. */
  readonly log: EventLog;
  /** The caller closes it, after the coordinator. */
  readonly artifacts: ArtifactStore;
  /** Hears of every durable fact; the caller closes it. Absent for nobody. */
  readonly feed?: EventFeed;
  readonly clock?: Clock;
  /** Version of this software, told to agents. */
  readonly version?: string;
  readonly heartbeatEveryMs?: number;
  readonly leaseTimeoutMs?: number;
  /** Beyond the grace of a program, time that an agent has to end an attempt before it is taken back. */
  readonly endGraceMs?: number;
  /** Strategies by name; the registered ones where absent. */
  readonly strategies?: Strategies;
  /** URL of the module that gives heavy strategies' threads the same ones. */
  readonly strategiesUrl?: string;
  /** Diagnostics by name; the registered ones where absent. */
  readonly diagnostics?: Diagnostics;
  /** Ids of new searches. */
  readonly newId?: () => string;
  /** Seeds of new searches that give none. */
  readonly newSeed?: () => number;
  /** Runs a round soon. */
  readonly defer?: (call: () => void) => void;
  /** Gets what looks for artifacts that nothing refers to, to be called every now and then. Absent: they are looked for at the start only. */
  readonly sweepAgain?: (sweep: () => void) => void;
  /** Told of each failure of the log, to write it down. */
  readonly onLogFailure?: (error: unknown) => void;
  /** Told who comes and goes, and of leases that are taken back. */
  readonly notify?: Notify;
  /** Other bounds of uploads than those of the contract, for tests. */
  readonly uploadBounds?: UploadBounds;
}
