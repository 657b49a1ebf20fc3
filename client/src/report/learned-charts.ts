/** Charts of hyperparameters that were learned inside training, over the steps of their trials, with what other searches found beside. */
import type { Parameter } from "@regulus/proto";
import { formatValue } from "../display/numbers.js";
import { type Chart, frame, parametersShownMax, type Shown, trialLinesMax, valueAxis, withBest } from "./chart-frame.js";
import { resultOf } from "./result.js";
import { joined, type LearnedSeries, learnedSeries } from "./series.js";

/** One chart for each hyperparameter that some trial learned inside training. */
export function learnedCharts(searches: readonly Shown[]): Chart[] {
  const parameters = new Map<string, Parameter>();
  for (const { record } of searches)
    for (const parameter of record.search.spec?.space ?? []) parameters.set(parameter.name, parameter);
  const charts: Chart[] = [];
  for (const parameter of parameters.values()) {
    const lines = searches.flatMap((shown) => learnedLines(shown, parameter));
    if (lines.length === 0 || charts.length === parametersShownMax) continue;
    const references = referencesOf(searches, parameter.name);
    const values = [
      ...lines.flatMap((line) => line.parts.flat().flatMap(([, ...rest]) => rest)),
      ...references.map(({ value }) => value),
    ];
    const option = {
      ...frame({ legend: false, named: false }),
      xAxis: { type: "value", name: "training steps", min: 0, max: "dataMax", splitNumber: 4 },
      yAxis: domainScale(parameter) === "SCALE_LOG" ? valueAxis(values) : { type: "value", scale: true },
      series: [...lines.flatMap(learnedSeriesOptions), ...references.map(referenceOptions)],
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
    const line = learnedSeries(row, parameter, shown.record.course);
    return line === undefined ? [] : [{ ...line, shown }];
  });
}

function learnedSeriesOptions({ shown, trial, parts }: LearnedLine): Record<string, unknown>[] {
  const name = `${shown.label}, trial ${trial.trial}`;
  // A filled band has no gaps, hence one for each stretch.
  const bands = parts.map((points) => points.flatMap((point) => (point.length >= 4 ? [[point[0], point[2], point[3]]] : [])));
  const line = {
    name,
    type: "line",
    showSymbol: false,
    symbol: "circle",
    itemStyle: { color: `@${shown.colour}` },
    lineStyle: { width: 2 },
    data: joined(parts).map((point) => [point[0], point[1]]),
  };
  const drawn = bands.filter((band) => band.length >= 2);
  const look = { name: `${name}, perturbation`, regulusBand: true, itemStyle: { color: `@${shown.colour}` } };
  return [...drawn.map((data) => ({ ...look, data })), line];
}

/** What a search that does not learn a hyperparameter found for it. */
interface Reference {
  readonly shown: Shown;
  readonly value: number;
}

function referencesOf(searches: readonly Shown[], name: string): Reference[] {
  return searches.flatMap((shown) => {
    const { best, hyperparameters } = resultOf(shown.record);
    const value = Object.hasOwn(hyperparameters, name) ? hyperparameters[name] : undefined;
    return best === undefined || typeof value !== "number" || Object.hasOwn(best.measurement.learned, name)
      ? []
      : [{ shown, value }];
  });
}

/** A dashed line at it. An axis takes the one point into its range, which it would not do for a mark alone. */
function referenceOptions({ shown: { label, colour }, value }: Reference): Record<string, unknown> {
  const mark = {
    yAxis: value,
    lineStyle: { color: `@${colour}`, type: "dashed", width: 1.5 },
    label: { formatter: label.replace(/[{}]/g, ""), position: "insideStartTop", color: `@${colour}` },
  };
  return {
    name: `${label}, best trial`,
    type: "line",
    symbol: "none",
    itemStyle: { color: `@${colour}` },
    data: [[0, value]],
    // Without it the mark is rounded to two digits, and a small value on a log axis to zero.
    markLine: { silent: true, symbol: "none", precision: -1, data: [mark] },
  };
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
