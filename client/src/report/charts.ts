/**
 * The charts of a report as plain data for ECharts: no functions, hence JSON. What only a browser knows (theme, width, formats) is
 * filled in there: colours are names such as "@0" (the first search) or "@ink", and a series with `regulusBand` becomes a filled band.
 */
import type { ExportSearchResponse, Parameter } from "@regulus/proto";
import { formatParameter, formatValue, plainText } from "../display/numbers.js";
import { hyperparametersAt, objectiveOf, resultOf, type SearchRecord } from "./result.js";
import { type LearnedSeries, learnedSeries, progressSeries, trialSeries } from "./series.js";
import { type Point, spread } from "./thin.js";

/** Lines of single trials behind a search's progress, and lines of learned hyperparameters. */
const trialLinesMax = 40;
/** Trials that parallel coordinates draw: the best half of them, and an even spread of the rest. */
export const parallelTrialsMax = 600;
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

/** The best objective against steps and against time, all searches in one plot. */
export function progressCharts(searches: readonly Shown[]): Chart[] {
  const series = searches.map((shown) => ({ shown, ...progressSeries(shown.record) })).filter((line) => line.bySteps.length > 0);
  if (series.length === 0) return [];
  const metric = objectivesOf(searches);
  const chart = (
    id: string,
    title: string,
    caption: string,
    xName: string,
    pick: (line: (typeof series)[number]) => readonly Point[],
  ): Chart => {
    const lines = series.map((line) => ({
      name: line.shown.label,
      type: "line",
      step: "end",
      showSymbol: false,
      symbol: "circle",
      lineStyle: { width: 2.5 },
      itemStyle: { color: `@${line.shown.colour}` },
      endLabel: { show: true, color: `@${line.shown.colour}`, fontWeight: 600 },
      data: pick(line),
    }));
    return {
      id,
      title,
      caption,
      option: {
        ...frame({ legend: true }),
        xAxis: { type: "value", name: xName, min: 0, max: "dataMax" },
        yAxis: { ...valueAxis(series.flatMap((line) => pick(line).map((point) => point[1]))), name: metric },
        series: lines,
      },
    };
  };
  return [
    chart(
      "progress-steps",
      "Best so far, by training steps",
      "The best value that the search had after so many steps over all of its trials.",
      "training steps",
      (line) => line.bySteps,
    ),
    chart(
      "progress-seconds",
      "Best so far, by wall time",
      "The same against seconds since the search was created.",
      "seconds",
      (line) => line.bySeconds,
    ),
  ];
}

/** Every trial's own course, one chart a search. */
export function courseCharts(searches: readonly Shown[]): Chart[] {
  return searches.flatMap(({ record, colour, label }) => {
    const { metric } = objectiveOf(record.search);
    const best = resultOf(record).best?.trial.trial;
    const rows = withBest(record.trials, best, trialLinesMax).filter((row) => row.measurements.length > 1);
    if (rows.length === 0) return [];
    const lines = rows.map((row) => ({ trial: row.trial?.trial ?? 0, points: trialSeries(row, metric) }));
    const option = {
      ...frame({ legend: false }),
      xAxis: { type: "value", name: "training steps of the trial", min: 0, max: "dataMax" },
      yAxis: { ...valueAxis(lines.flatMap((line) => line.points.map((point) => point[1]))), name: metric },
      series: lines.map((line) => ({
        name: `trial ${line.trial}`,
        type: "line",
        showSymbol: false,
        symbol: "circle",
        itemStyle: { color: `@${colour}` },
        lineStyle: { width: line.trial === best ? 2.5 : 1.2, opacity: line.trial === best ? 1 : 0.4 },
        z: line.trial === best ? 3 : 2,
        data: line.points,
      })),
    };
    const shown = rows.length < record.trials.length ? ` ${rows.length} of ${record.trials.length} trials are drawn.` : "";
    const caption = `${metric} of each trial; the strong line is the best one.${shown}`;
    return [{ id: `course-${colour}`, title: label, caption, option }];
  });
}

/** One chart for each hyperparameter that some trial learned inside training. */
export function learnedCharts(searches: readonly Shown[]): Chart[] {
  const parameters = new Map<string, Parameter>();
  for (const { record } of searches)
    for (const parameter of record.search.spec?.space ?? []) parameters.set(parameter.name, parameter);
  const charts: Chart[] = [];
  for (const parameter of parameters.values()) {
    const lines = searches.flatMap((shown) => learnedLines(shown, parameter));
    if (lines.length === 0 || charts.length === parametersShownMax) continue;
    const logarithmic = domainScale(parameter) === "SCALE_LOG";
    const option = {
      ...frame({ legend: false, named: false }),
      xAxis: { type: "value", name: "training steps", min: 0, max: "dataMax", splitNumber: 4 },
      yAxis: logarithmic
        ? logAxis(lines.flatMap((line) => line.points.flatMap(([, ...values]) => values)))
        : { type: "value", scale: true },
      series: lines.flatMap((line, index) =>
        learnedSeriesOptions(line, index === 0 ? referenceLines(searches, parameter.name) : []),
      ),
    };
    charts.push({ id: `learned-${charts.length}`, title: parameter.name, caption: rangeWords(parameter), option });
  }
  return charts;
}

interface LearnedLine extends LearnedSeries {
  readonly shown: Shown;
}

function learnedLines(shown: Shown, parameter: Parameter): LearnedLine[] {
  const best = resultOf(shown.record).best?.trial.trial;
  return withBest(shown.record.trials, best, trialLinesMax).flatMap((row) => {
    const line = learnedSeries(row, parameter);
    return line === undefined ? [] : [{ ...line, shown }];
  });
}

function learnedSeriesOptions({ shown, trial, points }: LearnedLine, references: readonly unknown[]): Record<string, unknown>[] {
  const name = `${shown.label}, trial ${trial.trial}`;
  const band = points.flatMap((point) => (point.length >= 4 ? [[point[0], point[2], point[3]]] : []));
  const line = {
    name,
    type: "line",
    showSymbol: false,
    symbol: "circle",
    itemStyle: { color: `@${shown.colour}` },
    lineStyle: { width: 2 },
    data: points.map((point) => [point[0], point[1]]),
    ...(references.length > 0 ? { markLine: { silent: true, symbol: "none", data: references } } : {}),
  };
  if (band.length < 2) return [line];
  return [{ name: `${name}, perturbation`, regulusBand: true, itemStyle: { color: `@${shown.colour}` }, data: band }, line];
}

/** Dashed lines at what searches that don't learn this hyperparameter found for it. */
function referenceLines(searches: readonly Shown[], name: string): unknown[] {
  return searches.flatMap(({ record, colour, label }) => {
    const { best, hyperparameters } = resultOf(record);
    const value = hyperparameters[name];
    if (best === undefined || typeof value !== "number" || name in best.measurement.learned) return [];
    return [
      {
        yAxis: value,
        lineStyle: { color: `@${colour}`, type: "dashed", width: 1.5 },
        label: { formatter: label.replace(/[{}]/g, ""), position: "insideStartTop", color: `@${colour}` },
      },
    ];
  });
}

/** Trials as lines over their hyperparameters, coloured by the objective: one chart for searches over the same space. */
export function parallelCharts(searches: readonly Shown[]): Chart[] {
  const groups = new Map<string, Shown[]>();
  for (const shown of searches) {
    const key = JSON.stringify([
      objectiveOf(shown.record.search).metric,
      (shown.record.search.spec?.space ?? []).map((p) => [p.name, p.domain]),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), shown]);
  }
  return [...groups.values()].flatMap((group, index) => parallelChart(group, index));
}

interface ParallelRow {
  readonly name: string;
  readonly values: readonly unknown[];
  readonly objective: number;
}

function parallelChart(group: readonly Shown[], index: number): Chart[] {
  const search = group[0]?.record.search;
  const parameters = (search?.spec?.space ?? []).slice(0, parametersShownMax);
  if (search === undefined || parameters.length === 0) return [];
  const { metric, sign } = objectiveOf(search);
  const rows = group
    .flatMap((shown) => parallelRows(shown, parameters, metric))
    .sort((a, b) => sign * (b.objective - a.objective));
  if (rows.length < 2) return [];
  const good = rows.slice(-Math.ceil(parallelTrialsMax / 2));
  const shownRows =
    rows.length <= parallelTrialsMax ? rows : [...spread(rows.slice(0, -good.length), parallelTrialsMax - good.length), ...good];
  const values = shownRows.map((row) => row.objective).sort((a, b) => a - b);
  const axes = [
    ...parameters.map((parameter, dim) => ({ dim, name: plainText(parameter.name, 24), ...parallelAxis(parameter) })),
    {
      dim: parameters.length,
      name: metric,
      ...valueAxis(values),
      ...(sign === 1 ? { inverse: true, nameLocation: "start" } : {}),
    },
  ];
  // The colours end at the worst quartile's edge, since one bad trial would paint all others alike.
  const worst = values[Math.floor(sign === 1 ? 0.8 * (values.length - 1) : 0.2 * (values.length - 1))] ?? 0;
  const best = (sign === 1 ? values[0] : values.at(-1)) ?? 0;
  const labels = group.map((shown) => shown.label).join(", ");
  const omitted =
    shownRows.length < rows.length ? ` ${shownRows.length} of ${rows.length} trials are drawn, the best among them.` : "";
  return [
    {
      id: `parallel-${index}`,
      title: `Trials of ${labels}`,
      caption: `One line a trial at its best measurement, coloured by ${metric}; the thick line is the best trial. Drag along an axis to select.${omitted}`,
      option: {
        tooltip: { trigger: "item" },
        parallel: {
          left: 60,
          right: 110,
          top: 46,
          bottom: 30,
          parallelAxisDefault: { nameGap: 16, nameTextStyle: { fontSize: 12 } },
        },
        parallelAxis: axes,
        visualMap: {
          type: "continuous",
          dimension: parameters.length,
          min: Math.min(best, worst),
          max: Math.max(best, worst) > Math.min(best, worst) ? Math.max(best, worst) : Math.min(best, worst) + 1e-12,
          regulusRamp: sign === 1 ? "lower" : "higher",
          show: true,
          right: 0,
          top: "middle",
          itemHeight: 160,
          text: [formatValue(Math.max(best, worst)), formatValue(Math.min(best, worst))],
        },
        series: [
          {
            type: "parallel",
            smooth: 0.15,
            data: shownRows.map((row, at) => ({
              name: row.name,
              value: row.values,
              lineStyle: at === shownRows.length - 1 ? { width: 4, opacity: 1 } : { width: 1.6, opacity: 0.65 },
            })),
          },
        ],
      },
    },
  ];
}

function parallelRows({ record, label }: Shown, parameters: readonly Parameter[], metric: string): ParallelRow[] {
  return record.trials.flatMap(({ trial }) => {
    const objective = trial?.best?.metrics[metric];
    if (trial === undefined || objective === undefined || !Number.isFinite(objective)) return [];
    const found = hyperparametersAt(record.search, trial, trial.best);
    const values = parameters.map((parameter) => {
      const value = found[parameter.name];
      return value === undefined ? "-" : typeof value === "number" ? value : formatParameter(value);
    });
    return [{ name: `${label}, trial ${trial.trial}`, values: [...values, objective], objective }];
  });
}

function parallelAxis(parameter: Parameter): Record<string, unknown> {
  const domain = parameter.domain;
  switch (domain?.$case) {
    case "double":
    case "int":
      return { type: domain.value.scale === "SCALE_LOG" ? "log" : "value", min: domain.value.min, max: domain.value.max };
    case "categorical":
      return { type: "category", data: domain.value.choices.map(formatParameter) };
    case "boolean":
      return { type: "category", data: ["false", "true"] };
    case undefined:
      return { type: "value" };
    default:
      return domain satisfies never;
  }
}

/** Slot seconds that searches spent, those of failed attempts apart. */
export function costChart(searches: readonly Shown[]): Chart {
  // About 7 pixels a character; longer names are cut by the chart.
  const nameWidth = Math.min(220, 7 * Math.max(4, ...searches.map((shown) => shown.label.length)));
  const bar = (name: string, colour: string, pick: (shown: Shown) => number) => ({
    name,
    type: "bar",
    stack: "cost",
    barMaxWidth: 26,
    itemStyle: { color: colour, borderRadius: 3 },
    data: searches.map((shown) => Number(pick(shown).toFixed(2))),
  });
  return {
    id: "cost",
    title: "Slot seconds",
    caption: "Time that slots were held, over all attempts. Wasted are attempts that failed.",
    option: {
      ...frame({ legend: true, named: false }),
      grid: { left: nameWidth + 14, right: 24, top: 40, bottom: 48 },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      xAxis: { type: "value", name: "slot seconds" },
      yAxis: {
        type: "category",
        inverse: true,
        data: searches.map((shown) => shown.label),
        axisLabel: { width: nameWidth, overflow: "truncate" },
      },
      series: [
        bar("useful", "@useful", ({ record: { search } }) => search.slotSeconds - search.wastedSlotSeconds),
        bar("wasted", "@wasted", ({ record: { search } }) => search.wastedSlotSeconds),
      ],
    },
  };
}

function frame({ legend, named = true }: { readonly legend: boolean; readonly named?: boolean }): Record<string, unknown> {
  return {
    grid: { left: 8, right: legend ? 64 : 28, top: (legend ? 34 : 8) + (named ? 30 : 6), bottom: 30, containLabel: true },
    tooltip: { trigger: "axis" },
    ...(legend ? { legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 12, itemGap: 18 } } : {}),
  };
}

/** A log axis where values are above zero and spread over more than a factor of four. */
function valueAxis(values: readonly number[]): Record<string, unknown> {
  const { low, high } = extent(values);
  return low > 0 && high > 4 * low ? logAxis(values) : { type: "value", scale: true };
}

/** A log axis that ends at whole powers: of ten over a wide range, of two over a narrow one, where ten would give no line between. */
function logAxis(values: readonly number[]): Record<string, unknown> {
  const { low, high } = extent(values.filter((value) => value > 0));
  if (!(low > 0)) return { type: "log" };
  const logBase = high / low > 20 ? 10 : 2;
  const power = (value: number, round: (exponent: number) => number) => logBase ** round(Math.log(value) / Math.log(logBase));
  return { type: "log", logBase, min: power(low, Math.floor), max: power(high * 1.000001, Math.ceil) };
}

function extent(values: readonly number[]): { readonly low: number; readonly high: number } {
  const finite = values.filter(Number.isFinite);
  return { low: finite.reduce((a, b) => Math.min(a, b), Infinity), high: finite.reduce((a, b) => Math.max(a, b), -Infinity) };
}

function objectivesOf(searches: readonly Shown[]): string {
  return [...new Set(searches.map((shown) => objectiveOf(shown.record.search).metric))].join(", ");
}

function domainScale(parameter: Parameter): string {
  return parameter.domain?.$case === "double" || parameter.domain?.$case === "int" ? parameter.domain.value.scale : "";
}

function rangeWords(parameter: Parameter): string {
  const domain = parameter.domain;
  if (domain?.$case !== "double" && domain?.$case !== "int") return "";
  const scale = domain.value.scale.replace("SCALE_", "").toLowerCase();
  return `searched from ${formatValue(domain.value.min)} to ${formatValue(domain.value.max)}${scale === "log" || scale === "logit" ? `, ${scale} scale` : ""}`;
}

/** At most so many rows, spread evenly, the best trial's among them. */
function withBest(rows: readonly ExportSearchResponse[], best: number | undefined, rowsMax: number): ExportSearchResponse[] {
  if (rows.length <= rowsMax) return [...rows];
  const some = spread(rows, rowsMax - 1);
  return some.some((row) => row.trial?.trial === best) ? some : [...some, ...rows.filter((row) => row.trial?.trial === best)];
}
