/** Parallel coordinates: every trial a line over its hyperparameters, coloured by the objective. */
import type { Parameter } from "@regulus/proto";
import { formatParameter, formatValue, plainText } from "../display/numbers.js";
import { type Chart, parametersShownMax, type Shown, valueAxis } from "./chart-frame.js";
import { countedIn, hyperparametersAt, objectiveOf } from "./result.js";
import { spread } from "./thin.js";

/** Trials that a chart draws: the best half of them, and an even spread of the rest. */
export const parallelTrialsMax = 600;

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
  const rows = group.flatMap((shown) => parallelRows(shown, parameters)).sort((a, b) => sign * (b.objective - a.objective));
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
      caption: `One line a trial at the measurement that counts, coloured by ${metric}; the thick line is the best trial. Drag along an axis to select.${omitted}`,
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

function parallelRows({ record, label }: Shown, parameters: readonly Parameter[]): ParallelRow[] {
  return record.trials.flatMap(({ trial }) => {
    const objective = trial?.value;
    if (trial === undefined || objective === undefined) return [];
    const found = hyperparametersAt(record.search, trial, countedIn(record.search, trial));
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
