/** Every trial of a search with its measurements, in the order in which trials end; one pass over the log. */
import { assert, type ExportSearchResponse, type Measurement } from "@regulus/proto";
import type { EventLog } from "../ports.js";
import { SearchState } from "../search/search-state.js";
import { proposedTrial, type TrialState, tellTrial, trialView } from "../search/trial-state.js";

/** Gives ended trials as the pass comes to their ends, then those that are not over. */
export async function* exportTrials(log: EventLog, searchId: string, signal: AbortSignal): AsyncGenerator<ExportSearchResponse> {
  const open = new Map<number, Row>();
  let objective: SearchState["objective"] | undefined;
  for await (const facts of log.read(searchId, 0, { signal })) {
    for (const fact of facts) {
      const kind = fact.kind;
      if (kind?.$case === "searchCreated") objective = new SearchState(fact).objective;
      if (kind?.$case === "trialProposed") open.set(kind.value.trial, { trial: proposedTrial(fact), measurements: [] });
      const number = kind !== undefined && "trial" in kind.value ? kind.value.trial : undefined;
      const row = number === undefined ? undefined : open.get(number);
      if (row === undefined || kind?.$case === "trialProposed") continue;
      assert(objective, "a search begins with its creation");
      const { last, measuredStep } = row.trial;
      tellTrial(row.trial, fact, objective);
      const { last: now } = row.trial;
      if (now !== undefined && now !== last) {
        // A step that is measured again, or at the trial's end, is one measurement: the newest of it holds all.
        const isSame = now.step === measuredStep || (row.trial.end !== undefined && now.step === last?.step);
        if (isSame) row.measurements.pop();
        row.measurements.push({ ...now, attempt: row.trial.attempt });
      }
      if (row.trial.end === undefined) continue;
      open.delete(row.trial.number);
      yield { ...row, trial: trialView(searchId, row.trial) };
    }
  }
  for (const row of open.values()) yield { ...row, trial: trialView(searchId, row.trial) };
}

interface Row {
  readonly trial: TrialState;
  readonly measurements: Measurement[];
}
