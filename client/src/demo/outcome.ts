/** The demo's result: numbers for programs, a table and a sentence for people, computed from the searches. */
import { metricOf } from "@regulus/proto";
import Table from "cli-table3";
import pc from "picocolors";
import { areColoursWanted } from "../display/colours.js";
import { counted, formatCount, formatParameter, formatPercent, formatSeconds, formatValue } from "../display/numbers.js";
import { resultOf, type SearchRecord } from "../report/result.js";

/** The numbers of a search, as `--json` writes them. Losses and errors are null where nothing finite was measured. */
export interface DemoSearch {
  readonly strategy: string;
  readonly trials: number;
  /** Training steps over all trials. */
  readonly steps: number;
  /** Wall time from the search's creation to its end. */
  readonly seconds: number;
  readonly validLoss: number | null;
  readonly testLoss: number | null;
  /** Share of the test split, from 0 to 1. */
  readonly testError: number | null;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
}

/** What `--json` writes. */
export interface DemoNumbers {
  readonly seed: number;
  readonly searches: readonly DemoSearch[];
}

/** The numbers of the demo. */
export function demoNumbers(seed: number, records: readonly SearchRecord[]): DemoNumbers {
  return { seed, searches: records.map(searchNumbers) };
}

function searchNumbers(record: SearchRecord): DemoSearch {
  const { best, hyperparameters, trials, steps, seconds } = resultOf(record);
  const metric = (name: string) => {
    const value = metricOf(best?.measurement.metrics, name);
    return value !== undefined && Number.isFinite(value) ? value : null;
  };
  return {
    strategy: record.search.spec?.strategy?.name ?? "",
    trials,
    steps,
    seconds,
    validLoss: metric("validLoss"),
    testLoss: metric("testLoss"),
    testError: metric("testError"),
    hyperparameters,
  };
}

/** The table, one column a search. */
export function demoTable({ searches }: DemoNumbers, colours = areColoursWanted(process.stdout)): string {
  const { bold, dim, green } = pc.createColors(colours);
  const table = new Table({
    head: ["", ...searches.map((search) => bold(search.strategy))],
    colAligns: ["left", ...searches.map(() => "right" as const)],
    style: { head: [], border: colours ? ["dim"] : [], compact: true },
  });
  const row = (name: string, values: readonly string[]) => table.push([name, ...values]);
  const less = (name: string, pick: (search: DemoSearch) => number | null, format: (value: number) => string) => {
    const values = searches.map(pick);
    const least = Math.min(...values.map((value) => value ?? Infinity));
    row(
      name,
      values.map((value) =>
        value === null ? "—" : value === least && searches.length > 1 ? green(format(value)) : format(value),
      ),
    );
  };
  less("valid loss", (search) => search.validLoss, formatValue);
  less("test loss", (search) => search.testLoss, formatValue);
  less("test error", (search) => search.testError, formatPercent);
  row(
    "trials",
    searches.map((search) => formatCount(search.trials)),
  );
  row(
    "steps",
    searches.map((search) => formatCount(search.steps)),
  );
  row(
    "time",
    searches.map((search) => formatSeconds(search.seconds)),
  );
  for (const name of new Set(searches.flatMap((search) => Object.keys(search.hyperparameters)))) {
    row(
      dim(name),
      searches.map(({ hyperparameters }) => (name in hyperparameters ? formatParameter(hyperparameters[name]) : "—")),
    );
  }
  return table.toString();
}

/** The comparison in one sentence; undefined where one of two numbers is missing. */
export function demoSentence({ searches }: DemoNumbers): string | undefined {
  const [inside, outside] = searches;
  if (inside === undefined || outside === undefined) return undefined;
  if (inside.testLoss === null || outside.testLoss === null || outside.testLoss <= 0) return undefined;
  const change = inside.testLoss / outside.testLoss - 1;
  const size =
    Math.abs(change) < 0.005 ? "the same as" : `${Math.round(Math.abs(change) * 100)} % ${change < 0 ? "below" : "above"}`;
  const steps =
    inside.steps === outside.steps
      ? `after the same ${counted(inside.steps, "step")}`
      : `after ${counted(inside.steps, "step")} against ${formatCount(outside.steps)}`;
  return `Test loss of ${inside.strategy} is ${size} that of ${outside.strategy}'s best of ${counted(outside.trials, "trial")}, ${steps}.`;
}
