/** Trials as CSV (RFC 4180): one row a trial, or one a measurement, with columns for every parameter and metric that any of them has. */
import type { ExportSearchResponse, Measurement, Trial } from "@regulus/proto";
import { reasonWords } from "../display/headlines.js";

/** Names that stand in the columns after the fixed ones. */
export interface CsvColumns {
  readonly parameters: readonly string[];
  readonly learned: readonly string[];
  readonly metrics: readonly string[];
}

const trialColumns = ["trial", "status", "reason", "attempts", "agent", "step", "seconds"];
const measurementColumns = ["trial", "step", "seconds"];

/** The names that occur in a search's trials, in the order of their first occurrence. */
export async function csvColumns(trials: AsyncIterable<ExportSearchResponse>): Promise<CsvColumns> {
  const found = { parameters: new Set<string>(), learned: new Set<string>(), metrics: new Set<string>() };
  const add = (names: Set<string>, map: object | undefined) => {
    for (const name of Object.keys(map ?? {})) names.add(name);
  };
  for await (const { trial, measurements } of trials) {
    add(found.parameters, trial?.work?.parameters);
    for (const measurement of [...measurements, ...(trial?.last === undefined ? [] : [trial.last])]) {
      add(found.learned, measurement.learned);
      add(found.metrics, measurement.metrics);
    }
  }
  return { parameters: [...found.parameters], learned: [...found.learned], metrics: [...found.metrics] };
}

export function csvHead(columns: CsvColumns, eachMeasurement: boolean): string {
  return line([
    ...(eachMeasurement ? measurementColumns : trialColumns),
    ...columns.parameters.map((name) => `parameter.${name}`),
    ...columns.learned.map((name) => `learned.${name}`),
    ...columns.metrics.map((name) => `metric.${name}`),
    ...(eachMeasurement ? [] : ["message"]),
  ]);
}

/** The rows of one trial. */
export function csvRows({ trial, measurements }: ExportSearchResponse, columns: CsvColumns, eachMeasurement: boolean): string[] {
  if (trial === undefined) return [];
  if (eachMeasurement) {
    return measurements.map((one) => line([trial.trial, one.step, one.seconds, ...named(trial, one, columns)]));
  }
  const { last } = trial;
  const status = trial.status.replace("TRIAL_STATUS_", "").toLowerCase();
  const reason = trial.status === "TRIAL_STATUS_ENDED" ? reasonWords(trial.reason) : "";
  const fixed = [trial.trial, status, reason, trial.attempts, trial.agentId, last?.step, last?.seconds];
  return [line([...fixed, ...named(trial, last, columns), trial.message])];
}

function named(trial: Trial, measurement: Measurement | undefined, columns: CsvColumns): unknown[] {
  return [
    ...columns.parameters.map((name) => trial.work?.parameters?.[name]),
    ...columns.learned.map((name) => measurement?.learned[name]),
    ...columns.metrics.map((name) => measurement?.metrics[name]),
  ];
}

function line(values: readonly unknown[]): string {
  return values.map(cell).join(",");
}

/** Numbers at full precision. A text that a spreadsheet would run as a formula gets an apostrophe in front. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
