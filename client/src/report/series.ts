/**
 * Series of numbers behind a report's plots: the best objective over steps and time, learned hyperparameters with their perturbation,
 * trials as points. Pure; nothing here knows how a chart looks.
 */
import { type ExportSearchResponse, type Measurement, metricOf, type Parameter, type Trial } from "@regulus/proto";
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

interface Moment {
  readonly seconds: number;
  readonly stepsAdded: number;
  readonly value: number;
}

/**
 * The best value so far of trials that did not fail. An export has no wall time for a measurement; it is placed inside its trial by its training seconds, which is
 * exact for trials that ran in one go.
 */
export function progressSeries(record: SearchRecord): ProgressSeries {
  const { metric, sign } = objectiveOf(record.search);
  const lastCounts = record.search.spec?.objectives[0]?.value === "OBJECTIVE_VALUE_LAST";
  const moments = record.trials.flatMap((row) => momentsOf(row, { metric, lastCounts, createdMs: record.search.createdMs }));
  moments.sort((a, b) => a.seconds - b.seconds);
  const bySteps: Point[] = [];
  const bySeconds: Point[] = [];
  let steps = 0;
  let best = Infinity * sign;
  for (const { seconds, stepsAdded, value } of moments) {
    steps += stepsAdded;
    if (!Number.isFinite(value) || sign * value >= sign * best) continue;
    best = value;
    bySteps.push([steps, value]);
    bySeconds.push([seconds, value]);
  }
  const last = moments.at(-1);
  if (last !== undefined && bySteps.length > 0) {
    bySteps.push([steps, best]);
    bySeconds.push([last.seconds, best]);
  }
  return { bySteps: thin(bySteps, linePointsMax), bySeconds: thin(bySeconds, linePointsMax) };
}

interface Counting {
  readonly metric: string;
  /** Whether only a trial's newest value counts. */
  readonly lastCounts: boolean;
  readonly createdMs: number;
}

/** A trial that failed costs steps and has no values. */
function momentsOf({ trial, measurements }: ExportSearchResponse, { metric, lastCounts, createdMs }: Counting): Moment[] {
  if (trial === undefined) return [];
  const trained = measurements.at(-1)?.seconds ?? 0;
  const stretch = trial.endedMs > 0 && trained > 0 ? (trial.endedMs - trial.startedMs) / 1000 / trained : 1;
  const begin = (trial.startedMs - createdMs) / 1000;
  const counts = ({ value, valueStep }: Trial, { step }: Measurement) =>
    value !== undefined && (!lastCounts || step === valueStep);
  return measurements.map((measurement, index) => ({
    seconds: begin + measurement.seconds * stretch,
    stepsAdded: Math.max(0, measurement.step - (measurements[index - 1]?.step ?? 0)),
    value: counts(trial, measurement) ? (metricOf(measurement.metrics, metric) ?? Number.NaN) : Number.NaN,
  }));
}

/** Every value of a trial's objective over its own steps. */
export function trialSeries(row: ExportSearchResponse, metric: string): Point[] {
  const points = row.measurements.map(
    (measurement): Point => [measurement.step, metricOf(measurement.metrics, metric) ?? Number.NaN],
  );
  return thin(points, linePointsMax);
}

/** A learned hyperparameter over a trial's steps. */
export interface LearnedSeries {
  readonly trial: Trial;
  /** Step, value, value one perturbation scale below, value one above. Without a known scale the last two are absent. */
  readonly points: readonly Point[];
}

/** How a trial's hyperparameter moved; undefined where it was not learned. */
export function learnedSeries(row: ExportSearchResponse, parameter: Parameter): LearnedSeries | undefined {
  if (row.trial === undefined) return undefined;
  const points = row.measurements.flatMap((measurement) => learnedPoint(measurement, parameter));
  return points.length === 0 ? undefined : { trial: row.trial, points: thin(points, linePointsMax) };
}

function learnedPoint(measurement: Measurement, parameter: Parameter): Point[] {
  const value = measurement.learned[parameter.name];
  if (value === undefined) return [];
  const scale = measurement.scales[parameter.name];
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
