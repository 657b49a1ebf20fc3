/**
 * The charts of a report as plain data for ECharts: no functions, hence JSON. What only a browser knows (theme, width, formats) is
 * filled in there: colours are names such as "@0" (the first search) or "@ink", and a series with `regulusBand` becomes a filled band.
 */
import { counted } from "../display/numbers.js";
import { type Chart, frame, type Shown, trialLinesMax, valueAxis, withBest } from "./chart-frame.js";
import { objectiveOf, resultOf } from "./result.js";
import { joined, progressSeries, trialSeries } from "./series.js";
import type { Point } from "./thin.js";

/** The best objective against steps and against time, all searches in one plot. */
export function progressCharts(searches: readonly Shown[]): Chart[] {
  const series = searches.map((shown) => ({ shown, ...progressSeries(shown.record) })).filter((line) => isCourse(line));
  if (series.length === 0) return [];
  const metric = objectivesOf(searches);
  const sign = searches.some(({ record }) => objectiveOf(record.search).sign === -1) ? -1 : 1;
  const objective = { metric, sign } as const;
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
        yAxis: {
          ...valueAxis(
            series.flatMap((line) => pick(line).map((point) => point[1])),
            objective,
          ),
          name: metric,
        },
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

/**
 * Whether a search's trials tell how it went. Where a strategy moves hyperparameters by itself they tell its loss at the end alone, and the charts
 * of its steps say the rest.
 */
function isCourse({ shown, bySteps }: { readonly shown: Shown; readonly bySteps: readonly Point[] }): boolean {
  const steps = shown.record.steps?.some(({ metrics }) => metrics.upperLoss !== undefined) ?? false;
  // An improvement, and the same value at the end.
  return bySteps.length > (steps ? 2 : 0);
}

/** Every trial's own course, one chart a search. */
export function courseCharts(searches: readonly Shown[]): Chart[] {
  return searches.flatMap(({ record, colour, label }) => {
    const { metric } = objectiveOf(record.search);
    const best = resultOf(record).best?.trial.trial;
    const rows = withBest(record.trials, best, trialLinesMax).filter((row) => row.measurements.length > 1);
    if (rows.length === 0) return [];
    const lines = rows
      .map((row) => ({ trial: row.trial?.trial ?? 0, points: joined(trialSeries(row, metric, record.course)) }))
      .filter(({ points }) => points.length > 1);
    if (lines.length === 0) return [];
    const option = {
      ...frame({ legend: false }),
      xAxis: { type: "value", name: "training steps of the trial", min: 0, max: "dataMax" },
      yAxis: {
        ...valueAxis(
          lines.flatMap((line) => line.points.map((point) => point[1])),
          objectiveOf(record.search),
        ),
        name: metric,
      },
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
    const shown =
      rows.length < record.trials.length ? ` ${rows.length} of ${counted(record.trials.length, "trial")} are drawn.` : "";
    const caption = `${metric} of each trial; the strong line is the best one.${shown}`;
    return [{ id: `course-${colour}`, title: label, caption, option }];
  });
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
        bar("useful", "@useful", ({ record: { search } }) => Math.max(0, search.slotSeconds - search.wastedSlotSeconds)),
        bar("wasted", "@wasted", ({ record: { search } }) => search.wastedSlotSeconds),
      ],
    },
  };
}

function objectivesOf(searches: readonly Shown[]): string {
  return [...new Set(searches.map((shown) => objectiveOf(shown.record.search).metric))].join(", ");
}
