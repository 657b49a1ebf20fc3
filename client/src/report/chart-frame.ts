/** Shared parts of a report's charts: the chart type, colours and labels of searches, frames and axes. */
import type { ExportSearchResponse } from "@regulus/proto";
import { plainText } from "../display/numbers.js";
import type { SearchRecord } from "./result.js";
import { spread } from "./thin.js";

/** Lines of single trials in one chart. */
export const trialLinesMax = 40;
/** Hyperparameters that get a chart or an axis. */
export const parametersShownMax = 24;

/** A chart: its place in the page and its ECharts option. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly option: Record<string, unknown>;
}

/** A search with its place among the colours and the name that legends show. */
export interface Shown {
  readonly record: SearchRecord;
  readonly colour: number;
  readonly label: string;
}

/** Labels are unique, since a legend merges lines of one name. */
export function shownSearches(records: readonly SearchRecord[]): Shown[] {
  const names = records.map((record) => plainText(record.search.spec?.name ?? "", 60) || record.search.searchId);
  return records.map((record, colour) => {
    const name = names[colour] ?? "";
    const twin = names.indexOf(name) !== names.lastIndexOf(name);
    return { record, colour, label: twin ? `${name} (${record.search.searchId.slice(0, 8)})` : name };
  });
}

export interface FrameOptions {
  readonly legend: boolean;
  /** Whether the value axis has a name. */
  readonly named?: boolean;
  /** Series that the legend tells; all where absent. */
  readonly legendNames?: readonly string[];
  /** Whether the legend shows strokes (solid, dashed) and not only colours. */
  readonly strokes?: boolean;
}

/** Room for axes, names and a legend of one row; the page makes more where its names need more. */
export function frame({ legend, named = true, legendNames, strokes = false }: FrameOptions): Record<string, unknown> {
  const data = legendNames === undefined ? {} : { data: legendNames };
  const look = strokes ? { itemWidth: 26 } : { icon: "roundRect", itemWidth: 12 };
  return {
    grid: { left: 8, right: legend ? 64 : 28, top: (legend ? 34 : 8) + (named ? 30 : 6), bottom: 30, containLabel: true },
    tooltip: { trigger: "axis" },
    ...(legend ? { legend: { top: 0, left: 0, itemHeight: 12, itemGap: 18, ...look, ...data } } : {}),
  };
}

/** Metrics that are shares or scores: their differences count, not their ratios. */
const scoreNames = /acc|auc|f1|precision|recall|map|iou|dice|score|r2/i;
/** Values over this factor, two decades, are too far apart for a linear axis. */
const logFactorMin = 100;

/** A log axis where all values are above zero and spread over decades, but never for a score. */
export function valueAxis(
  values: readonly number[],
  objective?: { readonly metric: string; readonly sign: 1 | -1 },
): Record<string, unknown> {
  const { low, high } = extent(values);
  const isScore = objective !== undefined && (scoreNames.test(objective.metric) || (objective.sign === -1 && high <= 1));
  return low > 0 && high >= logFactorMin * low && !isScore ? logAxis(low, high) : { type: "value", scale: true };
}

/** A log axis that ends at whole powers of ten. */
function logAxis(low: number, high: number): Record<string, unknown> {
  return { type: "log", logBase: 10, min: 10 ** Math.floor(Math.log10(low)), max: 10 ** Math.ceil(Math.log10(high)) };
}

function extent(values: readonly number[]): { readonly low: number; readonly high: number } {
  const finite = values.filter(Number.isFinite);
  return { low: finite.reduce((a, b) => Math.min(a, b), Infinity), high: finite.reduce((a, b) => Math.max(a, b), -Infinity) };
}

/** At most so many rows, spread evenly, the best trial's among them. */
export function withBest(
  rows: readonly ExportSearchResponse[],
  best: number | undefined,
  rowsMax: number,
): ExportSearchResponse[] {
  if (rows.length <= rowsMax) return [...rows];
  const some = spread(rows, rowsMax - 1);
  return some.some((row) => row.trial?.trial === best) ? some : [...some, ...rows.filter((row) => row.trial?.trial === best)];
}
