/** Charts of learned schedules: the artifacts of kind "schedule", which plain training replays. One search shows its best trial's. */
import { type Chart, frame, parametersShownMax, type Shown, valueAxis } from "./chart-frame.js";
import { resultOf } from "./result.js";
import { linePointsMax, type Point, thin } from "./thin.js";

/** A schedule as its file holds it: each row of values holds from its own step on. */
interface ScheduleRows {
  readonly steps: readonly number[];
  readonly values: ReadonlyMap<string, readonly number[]>;
}

/** A chart for each hyperparameter of some search's schedule. */
export function scheduleCharts(searches: readonly Shown[]): Chart[] {
  const schedules = searches.flatMap((shown) => {
    const rows = scheduleOf(shown);
    return rows === undefined ? [] : [{ shown, ...rows }];
  });
  const names = [...new Set(schedules.flatMap(({ rows }) => [...rows.values.keys()]))].slice(0, parametersShownMax);
  return names.map((name, index) => {
    const lines = schedules.flatMap(({ shown, trial, rows }) => {
      const values = rows.values.get(name);
      if (values === undefined) return [];
      return [
        {
          shown,
          trial,
          points: thin(
            rows.steps.map((step, at): Point => [step, values[at] ?? Number.NaN]),
            linePointsMax,
          ),
        },
      ];
    });
    const option = {
      ...frame({ legend: false, named: false }),
      xAxis: { type: "value", name: "training steps", min: 0, max: "dataMax", splitNumber: 4 },
      yAxis: valueAxis(lines.flatMap(({ points }) => points.map(([, value]) => value))),
      series: lines.map(({ shown, trial, points }) => ({
        name: `${shown.label}, trial ${trial}`,
        type: "line",
        step: "end",
        showSymbol: false,
        symbol: "circle",
        itemStyle: { color: `@${shown.colour}` },
        lineStyle: { width: 2 },
        data: points,
      })),
    };
    return { id: `schedule-${index}`, title: name, caption: "as plain training replays it", option };
  });
}

/** The best trial's schedule, or the first one that there is. */
function scheduleOf({ record }: Shown): { readonly trial: number; readonly rows: ScheduleRows } | undefined {
  const best = resultOf(record).best?.trial.trial;
  const files = (record.results ?? []).filter(({ kind }) => kind === "schedule");
  for (const file of [...files.filter(({ trial }) => trial === best), ...files]) {
    const rows = readRows(file.bytes);
    if (rows !== undefined) return { trial: file.trial, rows };
  }
  return undefined;
}

/** Undefined for what is no schedule; a report shows what it can. */
function readRows(bytes: Uint8Array): ScheduleRows | undefined {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null || !("steps" in document) || !("values" in document)) return undefined;
  const steps = numbersOf(document.steps);
  if (steps === undefined || typeof document.values !== "object" || document.values === null) return undefined;
  const columns = Object.entries(document.values).flatMap(([name, column]): [string, readonly number[]][] => {
    const values = numbersOf(column);
    return values === undefined || values.length !== steps.length ? [] : [[name, values]];
  });
  return columns.length === 0 ? undefined : { steps, values: new Map(columns) };
}

function numbersOf(list: unknown): readonly number[] | undefined {
  return Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === "number") ? list : undefined;
}
