/**
 * Series of numbers behind a report's plots: the best objective over steps and time, learned hyperparameters with their perturbation,
 * trials as points. Pure; nothing here knows how a chart looks.
 */
import {
  type ExportSearchResponse,
  type Measurement,
  metricOf,
  type Parameter,
  rangeOf,
  type Trial,
  unconstrainedOf,
} from "@regulus/proto";
import { attemptKey, type Course } from "./course.js";
import { objectiveOf, type SearchRecord } from "./result.js";
import { linePointsMax, type Point, thin } from "./thin.js";

/** Progress of a search: the best value so far whenever it improved. */
export interface ProgressSeries {
  /** Training steps over all trials, best value. */
  readonly bySteps: readonly Point[];
  /** Seconds since the search was created, best value. */
  readonly bySeconds: readonly Point[];
}

/** The best value so far of trials that have a value that counts, at the times and step counts of the log. */
export function progressSeries({ search, trials, course }: SearchRecord): ProgressSeries {
  const { sign } = objectiveOf(search);
  const lastCounts = search.spec?.objectives[0]?.value === "OBJECTIVE_VALUE_LAST";
  const counting = new Map(trials.flatMap(({ trial }) => (trial?.value === undefined ? [] : [[trial.trial, trial.valueStep]])));
  const bySteps: Point[] = [];
  const bySeconds: Point[] = [];
  let best = Infinity * sign;
  for (const { trial, step, timeMs, steps, value } of course.moments) {
    if (!counting.has(trial) || (lastCounts && counting.get(trial) !== step) || sign * value >= sign * best) continue;
    best = value;
    bySteps.push([steps, value]);
    bySeconds.push([(timeMs - search.createdMs) / 1000, value]);
  }
  if (bySteps.length > 0) {
    bySteps.push([course.steps, best]);
    bySeconds.push([(course.measuredMs - search.createdMs) / 1000, best]);
  }
  return { bySteps: thin(bySteps, linePointsMax), bySeconds: thin(bySeconds, linePointsMax) };
}

/** Every value of a trial's objective over its own steps, in stretches: one ends where an attempt restarted before what was measured. */
export function trialSeries(row: ExportSearchResponse, metric: string, course: Course): Point[][] {
  return stretches(row, course).map((measurements) =>
    thin(
      measurements.map(({ step, metrics }): Point => [step, metricOf(metrics, metric) ?? Number.NaN]),
      linePointsMax,
    ),
  );
}

/** Measurements of a trial, cut where an attempt restarted. */
function stretches({ trial, measurements }: ExportSearchResponse, { restarts }: Course): Measurement[][] {
  const parts: Measurement[][] = [];
  let newest: Measurement | undefined;
  for (const one of measurements) {
    const isOther = newest !== undefined && one.attempt !== newest.attempt;
    const isCut = isOther && (restarts.has(attemptKey(trial?.trial ?? 0, one.attempt ?? 0)) || one.step <= (newest?.step ?? 0));
    if (newest === undefined || isCut) parts.push([]);
    parts.at(-1)?.push(one);
    newest = one;
  }
  return parts;
}

/** A learned hyperparameter over a trial's steps. */
export interface LearnedSeries {
  readonly trial: Trial;
  /** Stretches of step, value, value one perturbation scale below, value one above. Without a known scale the last two are absent. */
  readonly parts: readonly (readonly Point[])[];
}

/** How a trial's hyperparameter moved; undefined where it was not learned. */
export function learnedSeries(row: ExportSearchResponse, parameter: Parameter, course: Course): LearnedSeries | undefined {
  if (row.trial === undefined) return undefined;
  const parts = stretches(row, course)
    .map((measurements) =>
      thin(
        measurements.flatMap((measurement) => learnedPoint(measurement, parameter)),
        linePointsMax,
      ),
    )
    .filter((points) => points.length > 0);
  return parts.length === 0 ? undefined : { trial: row.trial, parts };
}

/** Stretches as one list for a line: a point without a value stands between two, so that no line is drawn there. */
export function joined(parts: readonly (readonly Point[])[]): Point[] {
  return parts.flatMap((points, index): readonly Point[] =>
    index === 0 ? points : [[points[0]?.[0] ?? 0, Number.NaN], ...points],
  );
}

function learnedPoint(measurement: Measurement, parameter: Parameter): Point[] {
  const value = metricOf(measurement.learned, parameter.name);
  if (value === undefined) return [];
  const scale = metricOf(measurement.scales, parameter.name);
  const band = scale === undefined ? undefined : perturbed(parameter, value, scale);
  return band === undefined ? [[measurement.step, value]] : [[measurement.step, value, ...band]];
}

/**
 * The values one perturbation scale below and above, by way of the unconstrained coordinate in which scales are given. Undefined for parameters
 * that no gradient moves.
 */
export function perturbed(parameter: Parameter, value: number, scale: number): readonly [number, number] | undefined {
  if (parameter.domain === undefined || rangeOf(parameter) === undefined) return undefined;
  const line = unconstrainedOf(parameter);
  const coordinate = line.coordinate(value);
  return [line.smoothValue(coordinate - scale), line.smoothValue(coordinate + scale)];
}
