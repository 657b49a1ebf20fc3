/**
 * Checks that the artifacts an agent reports are in the store with their sums and sizes, before a round sees the reports. A checkpoint that is not
 * there is told of as a finding instead, and what is missing among a trial's last artifacts is left out, with a finding.
 */

import type { ArtifactRef, Report } from "@regulus/proto";
import { counted } from "@regulus/proto";
import type { ArtifactStore } from "../../ports.js";
import type { ArtifactLedger } from "./artifact-ledger.js";

export interface CheckedReports {
  readonly reports: readonly Report[];
  /** Gives back the references that keep what was checked in the store. Called once a round has taken the reports. */
  readonly release: () => void;
}

/** Whether reports name artifacts, so that they have to be checked. */
export function nameArtifacts(reports: readonly Report[]): boolean {
  return reports.some((report) => artifactsOf(report).length > 0);
}

/** The reports with what is in the store. Fails as the store does. */
export async function checkArtifacts(
  reports: readonly Report[],
  store: ArtifactStore,
  ledger: ArtifactLedger,
): Promise<CheckedReports> {
  const releases: (() => void)[] = [];
  const release = (): void => {
    for (const call of releases.splice(0)) call();
  };
  try {
    const checked: Report[] = [];
    for (const report of reports) {
      const missing = new Map<ArtifactRef, string>();
      for (const artifact of artifactsOf(report)) {
        // Held first: what is looked at now must still be there when the round refers to it.
        releases.push(ledger.hold(artifact));
        await ledger.settled(artifact.sha256);
        const stored = await store.stat(artifact.sha256);
        const seen = stored === undefined ? "none" : `one of ${counted(stored.size, "byte")}`;
        if (stored?.size !== artifact.size) missing.set(artifact, seen);
      }
      checked.push(...(missing.size === 0 ? [report] : withoutMissing(report, missing)));
    }
    return { reports: checked, release };
  } catch (thrown) {
    release();
    throw thrown;
  }
}

function artifactsOf({ event }: Report): readonly ArtifactRef[] {
  if (event?.$case === "checkpointed") return event.value.checkpoint === undefined ? [] : [event.value.checkpoint];
  return event?.$case === "finished" ? event.value.artifacts : [];
}

function withoutMissing(report: Report, missing: ReadonlyMap<ArtifactRef, string>): Report[] {
  const { event } = report;
  const found = [...missing].map(([{ kind, size, sha256 }, seen]): Report => {
    const what = event?.$case === "checkpointed" ? `the checkpoint at step ${event.value.step}` : kind;
    const message = `${what} was not taken: the store has ${seen}, expected ${counted(size, "byte")} with sum ${sha256.slice(0, 12)}`;
    return { ...report, event: { $case: "found", value: { source: "coordinator", severity: "warning", message } } };
  });
  if (event?.$case !== "finished") return found;
  const artifacts = event.value.artifacts.filter((artifact) => !missing.has(artifact));
  return [...found, { ...report, event: { $case: "finished", value: { ...event.value, artifacts } } }];
}
