/** The report of a check of a data folder. */
import type { ArtifactsInspection } from "./inspect-artifacts.js";
import type { InspectedSearch } from "./inspected-log.js";

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
