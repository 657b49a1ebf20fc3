/**
 * Every trial of a search with its measurements, by number, as the search's state shows it, its measurements from the facts about it alone.
 * One piece of one trial is in memory at a time.
 */
import type { ExportSearchResponse, Fact, Measurement, Trial } from "@regulus/proto";
import type { Reader } from "../../coordinator.js";
import type { EventLog } from "../../ports.js";
import type { SearchState } from "../../search/search-state.js";
import { proposedTrial, type TrialState, tellTrial } from "../../search/trial-state.js";
import { readPieces } from "../searches/log-pieces.js";

/** What is exported: a search's state, which may go on meanwhile. */
export type Exported = Pick<SearchState, "searchId" | "nextTrial" | "objective" | "trial">;

/** Gives trials in the order of their numbers; one with many measurements in several parts, one after the other. */
export async function* exportTrials(log: EventLog, search: Exported, reader: Reader = {}): AsyncGenerator<ExportSearchResponse> {
  const trials = search.nextTrial;
  for (let number = 0; number < trials; number += 1) {
    const trial = search.trial(number);
    if (trial !== undefined) yield* exportTrial(log, { search, number, trial }, reader);
  }
}

async function* exportTrial(
  log: EventLog,
  { search, number, trial }: { readonly search: Exported; readonly number: number; readonly trial: Trial },
  reader: Reader,
): AsyncGenerator<ExportSearchResponse> {
  const fold = new TrialFold(search.objective);
  let parts = 0;
  for await (const { facts, bytes } of readPieces(log, { searchId: search.searchId, about: { trial: number } }, reader)) {
    const measurements = facts.flatMap((fact) => fold.tell(fact));
    if (fold.trial?.end !== undefined) measurements.push(...fold.rest());
    if (measurements.length === 0) {
      reader.room?.give(bytes);
      continue;
    }
    parts += 1;
    yield { trial, measurements };
  }
  const measurements = fold.rest();
  // A trial whose proposal is on its way to the log is not there yet.
  if (fold.trial !== undefined && (parts === 0 || measurements.length > 0)) yield { trial, measurements };
}

/** A trial and its measurements, each given once nothing can add to it any more. */
class TrialFold {
  trial: TrialState | undefined;
  #newest: Measurement | undefined;
  readonly #objective: SearchState["objective"];

  constructor(objective: SearchState["objective"]) {
    this.#objective = objective;
  }

  /** The measurement that is whole now that this fact came. */
  tell(fact: Fact): Measurement[] {
    if (fact.kind?.$case === "trialProposed") this.trial = proposedTrial(fact);
    const trial = this.trial;
    if (trial === undefined || fact.kind?.$case === "trialProposed") return [];
    if (trial.end !== undefined && fact.kind?.$case !== "trialRetried") return [];
    const { last, measuredStep } = trial;
    tellTrial(trial, fact, this.#objective);
    const { last: now } = trial;
    if (now === undefined || now === last) return [];
    // A step that is measured again, or at the trial's end, is one measurement: the newest of it holds all.
    const isSame = now.step === measuredStep || (trial.end !== undefined && now.step === last?.step);
    const whole = isSame ? [] : this.rest();
    this.#newest = { ...now, attempt: trial.attempt };
    return whole;
  }

  /** The newest measurement, where no more facts come. */
  rest(): Measurement[] {
    const newest = this.#newest;
    this.#newest = undefined;
    return newest === undefined ? [] : [newest];
  }
}
