/**
 * Every trial of a search with its measurements, by number, each from the facts about it alone. One trial is in memory at a time, and of a
 * long one only a piece: it is read twice, since every message carries the trial as it is now.
 */
import type { ExportSearchResponse, Fact, Measurement, Trial } from "@regulus/proto";
import type { Reader } from "../coordinator.js";
import type { EventLog } from "../ports.js";
import type { SearchState } from "../search/search-state.js";
import { proposedTrial, type TrialState, tellTrial } from "../search/trial-state.js";
import { trialView } from "../search/trial-view.js";
import { keepsOnePiece, readPieces } from "./reading.js";

/** What is exported. */
export interface Exported {
  readonly searchId: string;
  /** Trials have numbers below this. */
  readonly trials: number;
  readonly objective: SearchState["objective"];
}

/** One trial of it. */
interface ExportedTrial extends Exported {
  readonly number: number;
}

/** Gives trials in the order of their numbers; one with many measurements in several parts, one after the other. */
export async function* exportTrials(log: EventLog, search: Exported, reader: Reader = {}): AsyncGenerator<ExportSearchResponse> {
  for (let number = 0; number < search.trials; number += 1) yield* exportTrial(log, { ...search, number }, reader);
}

async function* exportTrial(log: EventLog, one: ExportedTrial, reader: Reader): AsyncGenerator<ExportSearchResponse> {
  const reading = { searchId: one.searchId, about: { trial: one.number } };
  const fold = new TrialFold(one.objective);
  const keeping = keepsOnePiece(reader);
  let measurements: Measurement[] = [];
  let [pieces, end] = [0, 0];
  for await (const { facts } of readPieces(log, reading, keeping.reader)) {
    pieces += 1;
    end = facts.at(-1)?.position ?? end;
    const told = facts.flatMap((fact) => fold.tell(fact));
    measurements = pieces === 1 ? told : [];
  }
  // A trial whose proposal is on its way to the log is not there yet.
  if (fold.trial === undefined) return;
  const trial = trialView(one.searchId, fold.trial);
  if (pieces === 1) {
    yield { trial, measurements: [...measurements, ...fold.rest()] };
    return;
  }
  keeping.giveBack();
  yield* inParts(log, { ...one, trial, end }, reader);
}

/** The parts of a long trial up to the fact that it was read to. */
async function* inParts(
  log: EventLog,
  { searchId, number, objective, trial, end }: ExportedTrial & { readonly trial: Trial; readonly end: number },
  reader: Reader,
): AsyncGenerator<ExportSearchResponse> {
  const fold = new TrialFold(objective);
  for await (const { facts, bytes } of readPieces(log, { searchId, about: { trial: number } }, reader)) {
    const measurements = facts.filter(({ position }) => position <= end).flatMap((fact) => fold.tell(fact));
    if (measurements.length > 0) yield { trial, measurements };
    else reader.room?.give(bytes);
  }
  yield { trial, measurements: fold.rest() };
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
