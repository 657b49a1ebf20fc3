/** Parallel coordinates: every trial a line over its hyperparameters, coloured by the objective. */

import type { Parameter } from "@regulus/proto";
import { counted, formatParameter, formatValue, plainText } from "../display/numbers.js";
import { type Chart, parametersShownMax, type Shown, valueAxis } from "./chart-frame.js";
import { countedIn, hyperparametersAt, objectiveOf } from "./result.js";
import { spread } from "./thin.js";

/** Trials that a chart draws: the best half of them, and an even spread of the rest. */
export const parallelTrialsMax = 600;

/** Axes of hyperparameters in one chart: more would leave no room for their names. */
const axesMax = 8;

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
  /** One for each axis, the objective last; null where the trial has none. */
  readonly values: readonly unknown[];
  readonly objective: number;
  /** Whether its search calls it its best: of equal trials only one is. */
  readonly best: boolean;
}

function parallelChart(group: readonly Shown[], index: number): Chart[] {
  const search = group[0]?.record.search;
  const space = search?.spec?.space ?? [];
  const shown = space.slice(0, parametersShownMax);
  const parts = Math.ceil(shown.length / axesMax);
  return Array.from({ length: parts }, (_, part) => shown.slice(part * axesMax, (part + 1) * axesMax)).flatMap((axes, part) => {
    const words = [
      ...(parts > 1 ? [`Hyperparameters ${part * axesMax + 1} to ${part * axesMax + axes.length} of ${space.length}.`] : []),
      ...(shown.length < space.length && part === parts - 1 ? [`${space.length - shown.length} more are not drawn.`] : []),
    ];
    const id = part === 0 ? `parallel-${index}` : `parallel-${index}-${part}`;
    return partChart(group, { parameters: axes, id, words });
  });
}

interface ChartPart {
  readonly parameters: readonly Parameter[];
  readonly id: string;
  readonly words: readonly string[];
}

function partChart(group: readonly Shown[], { parameters, id, words }: ChartPart): Chart[] {
  const search = group[0]?.record.search;
  if (search === undefined) return [];
  const { metric, sign } = objectiveOf(search);
  const rows = bestLast(
    group.flatMap((shown) => parallelRows(shown, parameters)),
    sign,
  );
  if (rows.length < 2) return [];
  const drawn = drawnRows(rows);
  const labels = group.map((shown) => shown.label).join(", ");
  const omitted =
    drawn.length < rows.length ? [`${drawn.length} of ${counted(rows.length, "trial")} are drawn, the best among them.`] : [];
  const axes = parameters.map((parameter, dim) => laneAxis(parallelAxis(parameter), drawn, dim));
  const ramp = colours(drawn, { sign, dimension: parameters.length + 1 });
  const conditional = axes.some(({ lane }) => lane !== undefined)
    ? ["A trial without a hyperparameter passes dashed below its axis, at the mark absent."]
    : [];
  const caption = [
    `One line per trial at the measurement that counts, coloured by ${metric}; the thick line is the best trial. Drag along an axis to select.`,
    ...ramp.words,
    ...conditional,
    ...omitted,
    ...words,
  ];
  const objective = {
    dim: parameters.length,
    name: metric,
    ...valueAxis(
      drawn.map((row) => row.objective),
      { metric, sign },
    ),
  };
  const option = {
    tooltip: { trigger: "item" },
    parallel: {
      left: 70,
      right: 120,
      top: 46,
      bottom: 30,
      parallelAxisDefault: { nameGap: 16, nameTextStyle: { fontSize: 12 } },
    },
    parallelAxis: [
      ...axes.map(({ axis }, dim) => ({ dim, name: plainText(parameters[dim]?.name ?? "", 40), ...axis })),
      sign === 1 ? { ...objective, inverse: true, nameLocation: "start" } : objective,
    ],
    visualMap: ramp.map,
    series: [
      {
        type: "parallel",
        smooth: 0.15,
        data: drawn.flatMap((row, at) =>
          linesOf(
            row,
            axes.map(({ lane }) => lane),
            row.best && at === drawn.length - 1,
          ),
        ),
      },
    ],
  };
  return [{ id, title: `Trials of ${labels}`, caption: caption.join(" "), option }];
}

/** The worst first; last, and so on top, the best of those that their searches call their best. */
function bestLast(rows: readonly ParallelRow[], sign: 1 | -1): readonly ParallelRow[] {
  const sorted = [...rows].sort((a, b) => sign * (b.objective - a.objective));
  const best = sorted.findLast((row) => row.best);
  return best === undefined ? sorted : [...sorted.filter((row) => row !== best), best];
}

/** All rows, or the best half of what is drawn and an even spread of the rest; the best one last. */
function drawnRows(rows: readonly ParallelRow[]): readonly ParallelRow[] {
  if (rows.length <= parallelTrialsMax) return rows;
  const good = rows.slice(-Math.ceil(parallelTrialsMax / 2));
  return [...spread(rows.slice(0, -good.length), parallelTrialsMax - good.length), ...good];
}

/** The colours end where a fifth of the trials is worse, since one bad trial would paint all others alike; labels and caption say so. */
function colours(
  rows: readonly ParallelRow[],
  { sign, dimension }: { readonly sign: 1 | -1; readonly dimension: number },
): { readonly map: Record<string, unknown>; readonly words: readonly string[] } {
  const values = rows.map((row) => row.objective).sort((a, b) => a - b);
  const [best = 0, last = 0] = sign === 1 ? [values[0], values.at(-1)] : [values.at(-1), values[0]];
  const edge = values[Math.floor(sign === 1 ? 0.8 * (values.length - 1) : 0.2 * (values.length - 1))] ?? 0;
  // Where most are alike, only the worst tell them apart.
  const worst = formatValue(edge) === formatValue(best) ? last : edge;
  const isClipped = formatValue(worst) !== formatValue(last);
  const [min, max] = [Math.min(best, worst), Math.max(best, worst)];
  const text = [max, min].map((value) =>
    isClipped && value === worst ? `${formatValue(value)} or ${sign === 1 ? "more" : "less"}` : formatValue(value),
  );
  const words = isClipped ? [`Colours end at ${formatValue(worst)}; the worst trial has ${formatValue(last)}.`] : [];
  const map = {
    type: "continuous",
    dimension,
    min,
    max: max > min ? max : min + 1e-12,
    regulusRamp: sign === 1 ? "lower" : "higher",
    show: true,
    right: 0,
    top: "middle",
    itemHeight: 160,
    text,
  };
  return { map, words };
}

/** Part of an axis's length that lies between its lower end and the lane of the trials that lack it. */
const lanePart = 0.14;

interface LaneAxis {
  readonly axis: Record<string, unknown>;
  /** Where lines of trials without this hyperparameter pass; undefined where no trial lacks it. */
  readonly lane: string | number | undefined;
}

/** An axis with a lane below its values for the trials that lack it, if any does. */
function laneAxis(axis: Record<string, unknown>, rows: readonly ParallelRow[], dim: number): LaneAxis {
  if (rows.every(({ values }) => values[dim] !== null)) return { axis, lane: undefined };
  const { type, min, max, data } = axis;
  if (Array.isArray(data)) {
    const lane = data.includes("absent") ? "(absent)" : "absent";
    return { axis: { ...axis, data: [lane, ...data] }, lane };
  }
  if (typeof min !== "number" || typeof max !== "number") return { axis, lane: undefined };
  const lane = type === "log" ? min * (min / max) ** lanePart : min - lanePart * (max - min || 1);
  return { axis: { ...axis, min: lane, regulusFrom: min }, lane };
}

/**
 * A trial's line in pieces: solid over neighbouring axes that the trial has values on, dashed to and from the lane of one that it lacks. The last
 * number is the objective once more, for the colour of pieces that do not reach its axis.
 */
function linesOf(
  { name, values, objective }: ParallelRow,
  lanes: readonly (string | number | undefined)[],
  isBest: boolean,
): Record<string, unknown>[] {
  const lineStyle = isBest ? { width: 4, opacity: 1 } : { width: 1.6, opacity: 0.65 };
  const isDashed = (at: number) => values[at] === null || values[at + 1] === null;
  const pieces: { readonly from: number; readonly dashed: boolean; to: number }[] = [];
  for (let at = 0; at + 1 < values.length; at += 1) {
    const last = pieces.at(-1);
    if (last?.dashed === isDashed(at)) last.to = at + 1;
    else pieces.push({ from: at, to: at + 1, dashed: isDashed(at) });
  }
  return pieces.map(({ from, to, dashed }) => ({
    name,
    value: [...values.map((value, at) => (at < from || at > to ? null : (value ?? lanes[at] ?? null))), objective],
    lineStyle: dashed ? { ...lineStyle, type: "dashed" } : lineStyle,
  }));
}

function parallelRows({ record, label }: Shown, parameters: readonly Parameter[]): ParallelRow[] {
  return record.trials.flatMap(({ trial }) => {
    const objective = trial?.value;
    if (trial === undefined || objective === undefined) return [];
    const found = hyperparametersAt(record.search, trial, countedIn(record.search, trial));
    const values = parameters.map((parameter) => {
      const value = found[parameter.name];
      return value === undefined ? null : typeof value === "number" ? value : formatParameter(value);
    });
    return [
      {
        name: `${label}, trial ${trial.trial}`,
        values: [...values, objective],
        objective,
        best: trial.trial === record.search.bestTrial,
      },
    ];
  });
}

function parallelAxis(parameter: Parameter): Record<string, unknown> {
  const domain = parameter.domain;
  switch (domain?.$case) {
    case "double":
    case "int":
      return { type: isLog(domain.value) ? "log" : "value", min: domain.value.min, max: domain.value.max };
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

/** A log axis over less than a decade would have no labels. */
function isLog({ scale, min, max }: { readonly scale: string; readonly min: number; readonly max: number }): boolean {
  return scale === "SCALE_LOG" && min > 0 && max >= 10 * min;
}
