/** The strategy's own steps as lines of plots: losses with their certified bounds, accuracies, lengths, hyperparameters. Pure; knows no look. */
import { type Fact, metricOf, type StrategyStepped, stepOutcome } from "@regulus/proto";
import { linePointsMax, type Point, spread, thin } from "./thin.js";

/** Steps of one search that are held; past it every second one goes. */
export const stepsHeldMax = 8000;
/** Words of a strategy without a step that are held: the newest. */
const saidHeldMax = 30;
/** Numbers of one vector that are held with a step: more hyperparameters than that are drawn as their quantiles, which these give. */
const vectorNumbersMax = 512;
/** Hyperparameters with a line each; more are drawn as quantiles. */
export const namedLinesMax = 8;

/** One step of a strategy and when it was told. */
export interface StepRecord extends StrategyStepped {
  readonly timeMs: number;
}

/** Collects a strategy's steps from facts, with a bound; what it said without taking or refusing a step stands apart. */
export class StepCollector {
  #steps: StepRecord[] = [];
  readonly #said: StepRecord[] = [];

  tell({ kind, timeMs }: Fact): void {
    if (kind?.$case !== "strategyStepped") return;
    if (stepOutcome(kind.value) === "news") {
      this.#said.push({ ...kind.value, vectors: {}, timeMs });
      if (this.#said.length > saidHeldMax) this.#said.shift();
      return;
    }
    const vectors = Object.entries(kind.value.vectors).map(([name, { values }]) => [
      name,
      { values: spread(values, vectorNumbersMax) },
    ]);
    this.#steps.push({ ...kind.value, vectors: Object.fromEntries(vectors), timeMs });
    if (this.#steps.length > stepsHeldMax) this.#steps = this.#steps.filter((_, index) => index % 2 === 1);
  }

  all(): readonly StepRecord[] {
    return this.#steps;
  }

  /** Words such as that another trial takes over a shard, or why the strategy ended. */
  said(): readonly StepRecord[] {
    return this.#said;
  }
}

/** What a strategy's steps are counted by along the x axis. */
export interface WorkUnit {
  readonly metric: string | undefined;
  readonly words: string;
  /** The same, short. */
  readonly title: string;
}

const stepUnit: WorkUnit = { metric: undefined, words: "steps of the strategy", title: "steps" };
const units: readonly WorkUnit[] = [
  { metric: "work", words: "lower and adjoint steps of all samples", title: "work" },
  { metric: "draws", words: "draws of the oracles", title: "draws of the oracles" },
  stepUnit,
];

/** Work where the steps tell of it, else their numbers. */
export function workUnit(steps: readonly StepRecord[]): WorkUnit {
  const told = (metric: string | undefined) =>
    metric === undefined || steps.some(({ metrics }) => metricOf(metrics, metric) !== undefined);
  return units.find(({ metric }) => told(metric)) ?? stepUnit;
}

/** The loss at each step that was taken, with certified bounds where there are some: [work, loss, lower, upper]. */
export function lossPoints(steps: readonly StepRecord[], { metric }: WorkUnit): Point[] {
  const points = steps.flatMap(({ accepted, step, metrics }): Point[] => {
    const { upperLoss, lowerBound, upperBound } = metrics;
    const at = metric === undefined ? step : metricOf(metrics, metric);
    if (!accepted || upperLoss === undefined || at === undefined) return [];
    const bounded =
      lowerBound !== undefined && upperBound !== undefined && Number.isFinite(lowerBound) && Number.isFinite(upperBound);
    return [bounded ? [at, upperLoss, lowerBound, upperBound] : [at, upperLoss]];
  });
  return thin(points, linePointsMax);
}

/** The loss at each step that was taken against seconds since a moment: [seconds, loss]. */
export function lossOverTime(steps: readonly StepRecord[], sinceMs: number): Point[] {
  const points = steps.flatMap(({ accepted, timeMs, metrics: { upperLoss } }): Point[] =>
    accepted && upperLoss !== undefined ? [[Math.max(0, timeMs - sinceMs) / 1000, upperLoss]] : [],
  );
  return thin(points, linePointsMax);
}

/** A number of the steps against how many there were before, as they were told: refused ones stand among them. */
export function numberPoints(steps: readonly StepRecord[], name: string, which: "all" | "accepted" | "refused" = "all"): Point[] {
  const points = steps.flatMap(({ accepted, metrics }, index): Point[] => {
    const value = metricOf(metrics, name);
    if (value === undefined || (which !== "all" && accepted !== (which === "accepted"))) return [];
    return [[index + 1, value]];
  });
  return thin(points, linePointsMax);
}

/** How a strategy's own hyperparameters moved. */
export interface VectorLines {
  /** Whether there are more than have a line each. */
  readonly many: boolean;
  /** A line for each, or [step, median, lower quartile, upper quartile] of many. */
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

/** The hyperparameters after each step that was taken; undefined where the strategy tells none. */
export function vectorLines(steps: readonly StepRecord[]): VectorLines | undefined {
  const rows = spread(
    steps.flatMap(({ accepted, vectors }, index) => {
      const values = (vectors.theta ?? vectors.x)?.values;
      return accepted && values !== undefined && values.length > 0 ? [{ at: index + 1, values }] : [];
    }),
    linePointsMax,
  );
  const count = rows[0]?.values.length ?? 0;
  if (count === 0 || rows.length < 2) return undefined;
  if (count <= namedLinesMax) {
    const lines = Array.from({ length: count }, (_, j) => ({
      name: `θ${subscript(j + 1)}`,
      points: rows.map(({ at, values }): Point => [at, values[j] ?? Number.NaN]),
    }));
    return { many: false, lines };
  }
  const points = rows.map(({ at, values }): Point => {
    const sorted = [...values].sort((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
    return [at, quantile(0.5), quantile(0.25), quantile(0.75)];
  });
  return { many: true, lines: [{ name: "median", points }] };
}

const subscript = (number: number) => [...String(number)].map((digit) => String.fromCharCode(0x2080 + Number(digit))).join("");
