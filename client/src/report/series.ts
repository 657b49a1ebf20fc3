/**
 * Series of numbers behind a report's plots: the best objective over steps and time, learned hyperparameters with their perturbation,
 * trials as points. Pure; nothing here knows how a chart looks.
 */
import { type ExportSearchResponse, type Measurement, metricOf, type Parameter, type Trial } from "@regulus/proto";
import { attemptKey, type Course } from "./course.js";
import { objectiveOf, type SearchRecord } from "./result.js";
import { type Point, thin } from "./thin.js";

/** Points of one line of a plot. */
export const linePointsMax = 400;

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
 * The values one perturbation scale below and above, by way of the unconstrained coordinate λ in which scales are given:
 * value = axis⁻¹(low + (high − low) sigmoid(λ)), where the axis is the parameter's scale. Undefined for parameters that are no numbers.
 */
export function perturbed(parameter: Parameter, value: number, scale: number): readonly [number, number] | undefined {
  const domain = parameter.domain;
  if (domain?.$case !== "double" && domain?.$case !== "int") return undefined;
  const axis = axes[domain.value.scale] ?? linear;
  const low = axis.to(domain.value.min);
  // Whole numbers are the floor of a range one longer, and stand in the middle of their cell.
  const whole = domain.$case === "int";
  const high = axis.to(domain.value.max + (whole ? 1 : 0));
  const share = Math.min(1 - 1e-9, Math.max(1e-9, (axis.to(whole ? value + 0.5 : value) - low) / (high - low)));
  const coordinate = Math.log(share) - Math.log1p(-share);
  const at = (moved: number) => axis.from(low + (high - low) / (1 + Math.exp(-moved)));
  return [at(coordinate - scale), at(coordinate + scale)];
}

interface Axis {
  to(value: number): number;
  from(coordinate: number): number;
}

const linear: Axis = { to: (value) => value, from: (coordinate) => coordinate };
const axes: Readonly<Record<string, Axis>> = {
  SCALE_LOG: { to: Math.log, from: Math.exp },
  SCALE_LOGIT: { to: (value) => Math.log(value / (1 - value)), from: (coordinate) => 1 / (1 + Math.exp(-coordinate)) },
};
