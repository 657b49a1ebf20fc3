/**
 * Trials as CSV (RFC 4180): one row a trial, or one a measurement, with columns for every parameter and metric that any of them has. The row of
 * a trial holds its best and its last measurement, and the value that counts; best and value are empty where it failed or diverged.
 */
import { type ExportSearchResponse, type Measurement, metricOf, type Parameter, type Trial } from "@regulus/proto";
import { stringify } from "csv-stringify/sync";
import { reasonWords } from "../display/headlines.js";
import { safeText } from "./safe-output.js";
import { inSpaceOrder } from "./words.js";

/** Names that stand in the columns after the fixed ones. */
export interface CsvColumns {
  readonly parameters: readonly string[];
  readonly learned: readonly string[];
  readonly metrics: readonly string[];
}

const trialColumns = [
  ...["trial", "status", "reason", "attempts", "agent", "step", "seconds", "value"],
  ...["started", "ended", "durationSeconds"],
];
const measurementColumns = ["trial", "attempt", "step", "seconds"];
/** What a best and a last measurement have beside their metrics. */
const placeColumns = ["step", "attempt"];

/** The names that occur in a search's trials, hyperparameters in the order of the space, others in that of their first occurrence. */
export async function csvColumns(
  trials: AsyncIterable<ExportSearchResponse>,
  space: readonly Pick<Parameter, "name">[] = [],
): Promise<CsvColumns> {
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
  return {
    parameters: inSpaceOrder([...found.parameters], space),
    learned: inSpaceOrder([...found.learned], space),
    metrics: [...found.metrics],
  };
}

export function csvHead(columns: CsvColumns, eachMeasurement: boolean): string {
  return line([
    ...(eachMeasurement ? measurementColumns : trialColumns),
    ...columns.parameters.map((name) => `parameter.${name}`),
    ...columns.learned.map((name) => `learned.${name}`),
    ...(eachMeasurement
      ? columns.metrics.map((name) => `metric.${name}`)
      : [...measurementHead("best", columns), ...measurementHead("last", columns), "message"]),
  ]);
}

/** The rows of one trial. */
export function csvRows({ trial, measurements }: ExportSearchResponse, columns: CsvColumns, eachMeasurement: boolean): string[] {
  if (trial === undefined) return [];
  if (eachMeasurement) {
    return measurements.map((one) => {
      const metrics = columns.metrics.map((name) => metricOf(one.metrics, name));
      return line([trial.trial, one.attempt, one.step, one.seconds, ...hyperparameters(trial, one, columns), ...metrics]);
    });
  }
  const { best, last, value } = trial;
  const status = trial.status.replace("TRIAL_STATUS_", "").toLowerCase();
  const reason = trial.status === "TRIAL_STATUS_ENDED" ? reasonWords(trial.reason) : "";
  const fixed = [trial.trial, status, reason, trial.attempts, trial.agentId, last?.step, last?.seconds, value, ...times(trial)];
  // Learned values are those of the measurement that counts: the newest one where the best is another.
  const counted = best?.step === trial.valueStep ? best : last;
  const cells = [
    ...hyperparameters(trial, counted, columns),
    ...measurementCells(best, columns),
    ...measurementCells(last, columns),
  ];
  return [line([...fixed, ...cells, trial.message])];
}

/** When it started and ended (ISO 8601), and the seconds between, with its waits; empty where it has not. */
function times({ startedMs, endedMs }: Trial): unknown[] {
  const moment = (timeMs: number) => (timeMs > 0 ? new Date(timeMs).toISOString() : undefined);
  const seconds = startedMs > 0 && endedMs > 0 ? Math.max(0, endedMs - startedMs) / 1000 : undefined;
  return [moment(startedMs), moment(endedMs), seconds];
}

function measurementHead(which: "best" | "last", { metrics }: CsvColumns): string[] {
  const names = metrics.map((name) => (placeColumns.includes(name) ? `${which}.metric.${name}` : `${which}.${name}`));
  return [...names, ...placeColumns.map((name) => `${which}.${name}`)];
}

function measurementCells(measurement: Measurement | undefined, { metrics }: CsvColumns): unknown[] {
  return [...metrics.map((name) => metricOf(measurement?.metrics, name)), measurement?.step, measurement?.attempt];
}

function hyperparameters(trial: Trial, measurement: Measurement | undefined, columns: CsvColumns): unknown[] {
  return [
    ...columns.parameters.map((name) => own(trial.work?.parameters, name)),
    ...columns.learned.map((name) => own(measurement?.learned, name)),
  ];
}

function own(map: Readonly<Record<string, unknown>> | undefined, name: string): unknown {
  return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}

function line(values: readonly unknown[]): string {
  return stringify([values.map(cell)], { eof: false });
}

/**
 * How a text begins that a spreadsheet may run: a sign of a formula, narrow or full-width, after white space that it may drop; or a tab or line end, which
 * it may take for the end of a cell.
 */
const formulaStart = /^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])/;

/**
 * Numbers at full precision. A text loses its escape sequences and control characters, since a CSV is also read in terminals; one that a
 * spreadsheet would run as a formula gets an apostrophe in front.
 */
function cell(value: unknown): string {
  if (value === undefined) return "";
  // A choice may be null or a list: both are JSON, as in REGULUS_PARAM_<NAME>.
  if (typeof value === "object") return cell(JSON.stringify(value));
  if (typeof value !== "string") return String(value);
  const safe = safeText(value);
  return formulaStart.test(safe) ? `'${safe}` : safe;
}
