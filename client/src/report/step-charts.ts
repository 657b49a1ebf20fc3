/** Charts of what strategies did by themselves: loss against work, accuracies, step lengths with what was refused, hyperparameters. */
import { formatCount } from "../display/numbers.js";
import { type Chart, frame, type Shown, valueAxis } from "./chart-frame.js";
import { lossOverTime, lossPoints, numberPoints, type StepRecord, vectorLines, workUnit } from "./strategy-steps.js";
import type { Point } from "./thin.js";

/** Lines of at most so many points show each of them: few steps are easily overlooked. */
const symbolPointsMax = 40;

interface Stepping {
  readonly shown: Shown;
  readonly steps: readonly StepRecord[];
}

/** Charts of all searches whose strategies took steps of their own; none where there are no such searches. */
export function stepCharts(searches: readonly Shown[]): Chart[] {
  const stepping = searches.flatMap((shown) => {
    const steps = shown.record.steps ?? [];
    return steps.length === 0 ? [] : [{ shown, steps }];
  });
  const numbers = [accuracies, gradients, quality].flatMap((one) => numbersChart(stepping, one));
  return [
    ...lossCharts(stepping),
    ...timeChart(stepping),
    ...numbers,
    ...lengthChart(stepping),
    ...stepping.flatMap(vectorChart),
  ];
}

/** One chart for each unit of work, since steps of one kind are no steps of another. */
function lossCharts(stepping: readonly Stepping[]): Chart[] {
  const units = [...new Map(stepping.map(({ steps }) => [workUnit(steps).words, workUnit(steps)])).values()];
  return units.flatMap((unit, index) => {
    const lines = stepping
      .filter(({ steps }) => workUnit(steps).words === unit.words)
      .map(({ shown, steps }) => ({ shown, points: lossPoints(steps, unit) }))
      .filter(({ points }) => points.length > 0);
    if (lines.length === 0) return [];
    const values = lines.flatMap(({ points }) => points.flatMap(([, ...rest]) => rest));
    const option = {
      ...frame({ legend: true, legendNames: lines.map(({ shown }) => shown.label) }),
      xAxis: { type: "value", name: unit.words, min: 0, max: "dataMax" },
      yAxis: { ...valueAxis(values), name: "upper loss" },
      series: lines.flatMap(({ shown, points }) => banded(shown.label, `@${shown.colour}`, points, { bold: true })),
    };
    const caption =
      "The loss on the upper level after each step that was taken. The band is between its certified lower and upper bounds.";
    const searchWords = lines.map(({ shown }) => shown.label).join(", ");
    const whose = units.length === 1 ? "" : ` Searches counted in ${unit.words}: ${searchWords}.`;
    return [{ id: `steps-loss-${index}`, title: `Upper loss by ${unit.title}`, caption: `${caption}${whose}`, option }];
  });
}

/** The same against time, in which all searches can be compared. */
function timeChart(stepping: readonly Stepping[]): Chart[] {
  const lines = stepping
    .map(({ shown, steps }) => ({ shown, points: lossOverTime(steps, shown.record.search.createdMs) }))
    .filter(({ points }) => points.length > 0);
  if (lines.length === 0) return [];
  const option = {
    ...frame({ legend: true, legendNames: lines.map(({ shown }) => shown.label) }),
    xAxis: { type: "value", name: "seconds", min: 0, max: "dataMax" },
    yAxis: { ...valueAxis(lines.flatMap(({ points }) => points.map(([, value]) => value))), name: "upper loss" },
    series: lines.flatMap(({ shown, points }) => banded(shown.label, `@${shown.colour}`, points, { bold: true })),
  };
  const caption = "The same loss against seconds since the search was created.";
  return [{ id: "steps-seconds", title: "Upper loss by wall time", caption, option }];
}

interface Numbers {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  /** Metrics and the strokes that they are drawn with. */
  readonly metrics: readonly { readonly name: string; readonly words: string; readonly stroke: "solid" | "dashed" | "dotted" }[];
}

const accuracies: Numbers = {
  id: "steps-accuracy",
  title: "Accuracies",
  caption:
    "The accuracy of the lower level that each step worked with, and the residual of the adjoint system. They tighten if a step is refused because it is not certain.",
  metrics: [
    { name: "accuracy", words: "accuracy", stroke: "solid" },
    { name: "residual", words: "residual", stroke: "dashed" },
  ],
};

const gradients: Numbers = {
  id: "steps-gradient",
  title: "Hypergradients",
  caption:
    "Norm of the hypergradient at each step, and the bound on its error where it is known; of stochastic methods the norm of the momentum.",
  metrics: [
    { name: "gradientNorm", words: "norm", stroke: "solid" },
    { name: "bound", words: "error bound", stroke: "dashed" },
    { name: "momentumNorm", words: "momentum", stroke: "dotted" },
  ],
};

const quality: Numbers = {
  id: "steps-psnr",
  title: "Quality of the pictures",
  caption: "Mean peak signal-to-noise ratio in decibels over all samples, at the hyperparameters of each step.",
  metrics: [{ name: "psnr", words: "PSNR", stroke: "solid" }],
};

function numbersChart(stepping: readonly Stepping[], { id, title, caption, metrics }: Numbers): Chart[] {
  const lines = stepping.flatMap(({ shown, steps }) =>
    metrics.flatMap(({ name, words, stroke }) => {
      const points = numberPoints(steps, name).filter(([, value]) => value > 0);
      return points.length === 0 ? [] : [{ shown, words, stroke, points }];
    }),
  );
  if (lines.length === 0) return [];
  const option = {
    ...frame({ legend: true, named: false, strokes: true }),
    xAxis: { type: "value", name: "steps, refused ones included", min: 0, max: "dataMax" },
    yAxis: valueAxis(lines.flatMap(({ points }) => points.map(([, value]) => value))),
    series: lines.map(({ shown, words, stroke, points }) => ({
      name: `${shown.label}, ${words}`,
      type: "line",
      // A symbol would stand on the legend's stroke and hide what tells it.
      ...(points.length === 1 ? { showSymbol: true, symbol: "circle" } : { symbol: "none" }),
      itemStyle: { color: `@${shown.colour}` },
      lineStyle: { width: stroke === "solid" ? 2.5 : 1.5, type: stroke },
      data: points,
    })),
  };
  return [{ id, title, caption, option }];
}

/** Step lengths: a dot for each that was taken, a cross for each that was refused. */
function lengthChart(stepping: readonly Stepping[]): Chart[] {
  const series = stepping.flatMap(({ shown, steps }) =>
    (["accepted", "refused"] as const).map((which) => ({
      name: `${shown.label}, ${which}`,
      type: "scatter",
      symbol: which === "accepted" ? "circle" : "diamond",
      symbolSize: which === "accepted" ? 7 : 10,
      itemStyle: { color: which === "accepted" ? `@${shown.colour}` : "@wasted", opacity: which === "accepted" ? 0.65 : 1 },
      z: which === "accepted" ? 2 : 3,
      data: numberPoints(steps, "stepLength", which).filter(([, value]) => value > 0),
    })),
  );
  const drawn = series.filter(({ data }) => data.length > 0);
  if (drawn.length === 0) return [];
  const option = {
    ...frame({ legend: true, named: false }),
    tooltip: { trigger: "item" },
    xAxis: { type: "value", name: "steps, refused ones included", min: 0, max: "dataMax" },
    yAxis: valueAxis(drawn.flatMap(({ data }) => data.map(([, value]) => value))),
    series: drawn,
  };
  const counts = stepping.map(({ shown, steps }) => {
    const refused = steps.filter(({ accepted }) => !accepted).length;
    return `${shown.label}: ${formatCount(steps.length - refused)} taken, ${formatCount(refused)} refused`;
  });
  return [{ id: "steps-length", title: "Step lengths", caption: `The length of each step. ${counts.join("; ")}.`, option }];
}

/** The hyperparameters that a strategy moves by itself. */
function vectorChart({ shown, steps }: Stepping): Chart[] {
  const vectors = vectorLines(steps);
  if (vectors === undefined) return [];
  const { many } = vectors;
  const option = {
    ...frame({ legend: !many, named: false, legendNames: vectors.lines.map(({ name }) => name) }),
    xAxis: { type: "value", name: "steps, refused ones included", min: 0, max: "dataMax" },
    yAxis: { type: "value", scale: true },
    series: vectors.lines.flatMap(({ name, points }, index) =>
      banded(name, `@${many ? shown.colour : index}`, points, { bold: many }),
    ),
  };
  const caption = many
    ? `Median and middle half of the hyperparameters of ${shown.label}.`
    : `Hyperparameters of ${shown.label} after each step that was taken.`;
  return [{ id: `steps-theta-${shown.colour}`, title: "Hyperparameters moved by the strategy", caption, option }];
}

/** A line, with a band where its points have bounds. */
function banded(name: string, color: string, points: readonly Point[], { bold }: { bold: boolean }): Record<string, unknown>[] {
  const band = points.flatMap((point) => (point.length >= 4 ? [[point[0], point[2], point[3]]] : []));
  const line = {
    name,
    type: "line",
    showSymbol: points.length <= symbolPointsMax,
    symbol: "circle",
    itemStyle: { color },
    lineStyle: { width: bold ? 2.5 : 1.8 },
    data: points.map((point) => [point[0], point[1]]),
  };
  return band.length < 2 ? [line] : [{ name: `${name}, bounds`, regulusBand: true, itemStyle: { color }, data: band }, line];
}
