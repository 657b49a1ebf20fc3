/**
 * A search's result: its best trial at its best measurement, with the hyperparameters that it found. The report, the demo's
 * table and its JSON all read it here, so that they never disagree.
 */
import {
  countedMeasurement,
  type ExportSearchResponse,
  type Fact,
  type Measurement,
  type Search,
  signOf,
  type Trial,
} from "@regulus/proto";
import type { Course } from "./course.js";
import type { StepRecord } from "./strategy-steps.js";

/** A file that a trial left at its end. */
export interface ResultFile {
  readonly trial: number;
  /** image (PNG) or schedule (JSON). */
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** A search with its trials, as GetSearch and ExportSearch answer them, and what else a report shows where it was read. */
export interface SearchRecord {
  readonly search: Search;
  readonly trials: readonly ExportSearchResponse[];
  /** How it went, as its log says. */
  readonly course: Course;
  /** The strategy's own steps, in order. */
  readonly steps?: readonly StepRecord[];
  /** What it said without taking or refusing a step, in order; the newest. */
  readonly said?: readonly StepRecord[];
  /** Findings about the search and its trials, in order; the newest. */
  readonly findings?: readonly Fact[];
  readonly results?: readonly ResultFile[];
}

/** What a search found. */
export interface SearchResult {
  /** The best trial, as the coordinator says, at the measurement that counts; undefined where no trial has a value. */
  readonly best: { readonly trial: Trial; readonly measurement: Measurement; readonly value: number } | undefined;
  /** Those that the trial was started with and those that it learned, in the order of the space. Learned ones win. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Trials that were started. */
  readonly trials: number;
  /** Training steps over all trials. */
  readonly steps: number;
  /** Wall time in which it ran, up to its newest measurement where it goes on: pauses and the time after an end do not count. */
  readonly seconds: number;
}

/** The result of a search. */
export function resultOf({ search, trials, course }: SearchRecord): SearchResult {
  const best = bestOf(search, trials);
  return {
    best,
    hyperparameters: best === undefined ? {} : hyperparametersAt(search, best.trial, best.measurement),
    trials: trials.length,
    steps: search.steps,
    seconds: ranSeconds(search, course),
  };
}

/** The first objective's name, and 1 where less is better, -1 where more is. */
export function objectiveOf(search: Search): { readonly metric: string; readonly sign: 1 | -1 } {
  const objective = search.spec?.objectives[0];
  return { metric: objective?.metric ?? "", sign: signOf(objective) };
}

/** Hyperparameters of a trial at a measurement, in the order of the space, then others by name. */
export function hyperparametersAt(search: Search, trial: Trial, measurement: Measurement | undefined): Record<string, unknown> {
  const values: Record<string, unknown> = { ...trial.work?.parameters, ...measurement?.learned };
  const order = (search.spec?.space ?? []).map((parameter) => parameter.name).filter((name) => Object.hasOwn(values, name));
  const others = Object.keys(values)
    .filter((name) => !order.includes(name))
    .sort();
  return Object.fromEntries([...order, ...others].map((name) => [name, values[name]]));
}

/** Which trial is the best is the coordinator's to say; nothing is ranked here. */
function bestOf(search: Search, trials: readonly ExportSearchResponse[]): SearchResult["best"] {
  const trial = trials.find((row) => row.trial?.trial === search.bestTrial)?.trial;
  const measurement = countedIn(search, trial);
  const value = trial?.value;
  return trial === undefined || measurement === undefined || value === undefined ? undefined : { trial, measurement, value };
}

/** The measurement of a trial that counts in its search; undefined where it has no value. */
export function countedIn(search: Search, trial: Trial | undefined): Measurement | undefined {
  return countedMeasurement(trial, search.spec?.objectives[0]);
}

function ranSeconds({ ranMs, runningSinceMs }: Search, { measuredMs }: Course): number {
  const since = runningSinceMs === 0 ? 0 : Math.max(0, measuredMs - runningSinceMs);
  return (ranMs + since) / 1000;
}
