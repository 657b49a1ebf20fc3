/** `regulus show`: one search with its trials, or one trial with its history. */
import { countedMeasurement, type Fact, type Search, seedOf, stepOutcome, type Trial } from "@regulus/proto";
import type { Command } from "commander";
import { newestAlike } from "../../display/alike.js";
import { failureLines } from "../../display/failures.js";
import { counted, formatCount } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { type TrialName, trialName, trialNumber } from "../find-trial.js";
import {
  columnsThatFit,
  countFormat,
  numberFormat,
  pairs,
  table,
  terminalColumns,
  writeJson,
  writeLine,
  writePiece,
} from "../output.js";
import { wholeNumber } from "../read-values.js";
import { programOutput, writeFact, writeTrial } from "../show-trial.js";
import {
  ageWords,
  armPairs,
  bestWords,
  costWords,
  countWords,
  inSpaceOrder,
  parameterPairs,
  searchStatusWords,
  stepCountWords,
  trialStatusWords,
} from "../words.js";

interface ShowOptions extends ConnectionOptions {
  readonly limit: number;
  readonly byNumber?: boolean;
  readonly allParameters?: boolean;
  readonly output?: boolean;
}

/** The newest steps of a strategy and the newest findings that are shown of a search. */
const stepsShown = 8;
const findingsShown = 12;
/** The newest refused steps that are shown, whatever came after them. */
const refusedShown = 3;
/** Columns of hyperparameters where no terminal's width says how many there is room for. */
const parametersShown = 12;

export function registerShow(program: Command): void {
  withConnection(program.command("show").description("show a search with its trials, or one trial with its history"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .argument("[trial]", "number of one trial, or best", trialName)
    .option("-n, --limit <count>", "trials to show", wholeNumber, 20)
    .option("--by-number", "trials by number, not the best first")
    .option("--all-parameters", "a column for every hyperparameter, at any width")
    .option("--output", "of one trial: only its program's output, so far")
    .addHelpText(
      "after",
      "\nExamples:\n  regulus show 7f3a\n  regulus show 7f3a 12\n  regulus show 7f3a 12 --output\n  regulus show 7f3a --by-number --limit 1000 --json\n",
    )
    .action(show);
}

async function show(idOrBeginning: string, name: TrialName | undefined, options: ShowOptions): Promise<void> {
  await withClient(options, async (client) => {
    const search = await findSearch(client, idOrBeginning, { newest: true });
    const { searchId } = search;
    if (name !== undefined) {
      const answer = await client.getTrial({ searchId, trial: trialNumber(search, name) });
      if (options.output) await writePiece(await programOutput(client, answer));
      else if (options.json) writeJson(answer);
      else writeTrial(search, answer, await programOutput(client, answer));
      return;
    }
    const trials: Trial[] = [];
    const pageSize = Math.max(1, Math.min(options.limit, 1000));
    if (options.limit > 0) {
      for await (const one of client.trials({ searchId, bestFirst: options.byNumber !== true, pageSize })) {
        trials.push(one);
        if (trials.length >= options.limit) break;
      }
    }
    const news = await client.searchNews(searchId);
    if (options.json) writeJson({ search, trials, news });
    else {
      writeSearch(search);
      if (trials.length > 0) writeTrials(search, trials, options);
      writeFailures(search);
      writeNews(
        search,
        news.filter(({ kind }) => kind?.$case !== "trialEnded"),
      );
    }
  });
}

function writeSearch(search: Search): void {
  const { spec } = search;
  const status = `${searchStatusWords(search)}${search.reason === "" ? "" : ` (${search.reason})`}`;
  const steps = stepCountWords(search);
  writeLine(
    pairs([
      ["search", search.searchId],
      ["name", spec?.name ?? ""],
      ["status", status],
      [
        "runs",
        spec?.command === undefined ? ((spec?.workload?.name || spec?.workload?.module) ?? "") : spec.command.argv.join(" "),
      ],
      ["strategy", spec?.strategy?.name ?? ""],
      ["seed", spec === undefined ? "" : String(seedOf(spec))],
      ["trials", countWords(search)],
      ["best", bestWords(search) || "-"],
      ...armPairs(search),
      ["steps", countFormat()(search.steps)],
      ...(steps === "" ? [] : [["strategy's steps", steps] as const]),
      ["time", ageWords(search, Date.now())],
      ["cost", costWords(search)],
    ]),
  );
}

/** A table of trials. It says what it leaves out and how to see that. */
function writeTrials({ spec, counts }: Search, trials: readonly Trial[], { byNumber, allParameters }: ShowOptions): void {
  const objective = spec?.objectives[0];
  // Learned hyperparameters are those at the value that stands beside them.
  const parametersOf = (trial: Trial) => parameterPairs({ ...trial, last: countedMeasurement(trial, objective) ?? trial.last });
  const [number, count] = [numberFormat(), countFormat()];
  const found = new Set(trials.flatMap((trial) => parametersOf(trial).map(([name]) => name)));
  const names = inSpaceOrder([...found], spec?.space);
  const rows = trials.map((trial) => {
    const values = new Map(parametersOf(trial));
    const { value } = trial;
    const steps = count(trial.last?.step ?? 0);
    const shown = names.map((name) => (values.get(name) ?? "-").replace(" (learned)", ""));
    return [String(trial.trial), trialStatusWords(trial), value === undefined ? "-" : number(value), steps, ...shown];
  });
  const head = ["TRIAL", "STATUS", objective?.metric ?? "OBJECTIVE", "STEPS", ...names];
  const fixed = head.length - names.length;
  const width = terminalColumns();
  const wanted = allParameters
    ? head.length
    : width === undefined
      ? fixed + parametersShown
      : columnsThatFit(head, rows, { fixed: fixed + 1, columns: width });
  writeLine(
    `\n${table(
      head.slice(0, wanted),
      rows.map((row) => row.slice(0, wanted)),
      allParameters ? Number.POSITIVE_INFINITY : width,
    )}`,
  );
  const all = Object.values(counts ?? {}).reduce((sum, one) => sum + one, 0);
  const order = byNumber ? "by number" : "the best first";
  if (trials.length < all)
    writeLine(`(${formatCount(trials.length)} of ${counted(all, "trial")}, ${order}; --limit ${all} shows all)`);
  if (wanted < head.length)
    writeLine(
      `(${formatCount(wanted - fixed)} of ${counted(names.length, "hyperparameter")}; --all-parameters shows all, --json too)`,
    );
}

/** How its trials failed, each way once. */
function writeFailures({ failureGroups }: Search): void {
  if (failureGroups.length === 0) return;
  writeLine("\nHow trials failed:");
  for (const line of failureLines(failureGroups)) writeLine(line);
}

/** What the strategy did by itself, and what was found: words that say why a step was refused or what went wrong. */
function writeNews({ createdMs }: Search, news: readonly Fact[]): void {
  const write = (title: string, facts: readonly Fact[], shown: number) => {
    if (facts.length === 0) return;
    const told = newestAlike(facts);
    const more = told.length > shown ? ` (the newest ${shown}; --json has more)` : "";
    writeLine(`\n${title}${more}:`);
    // Why a step was refused is shown even if many were taken since.
    const refused = facts.filter(isRefusal).slice(-refusedShown);
    const newest = told.slice(-shown);
    for (const one of told.filter((one) => newest.includes(one) || refused.includes(one.fact)))
      writeFact(one.fact, { sinceMs: createdMs, named: true, alike: one.count });
  };
  write(
    "Steps of its strategy",
    news.filter(({ kind }) => kind?.$case === "strategyStepped"),
    stepsShown,
  );
  write(
    "Findings",
    news.filter(({ kind }) => kind?.$case !== "strategyStepped"),
    findingsShown,
  );
}

function isRefusal({ kind }: Fact): boolean {
  return kind?.$case === "strategyStepped" && stepOutcome(kind.value) === "refused";
}
