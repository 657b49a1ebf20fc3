/** `regulus extend`: a search gets more budget, also one that has ended. */

import { formatDuration, parseDurationMs, RegulusError, type Search } from "@regulus/proto";
import { type Command, InvalidArgumentError } from "commander";
import { counted } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { note, writeJson } from "../output.js";
import { wholeNumber } from "../read-values.js";

interface ExtendOptions extends ConnectionOptions {
  readonly trials?: number;
  readonly steps?: number;
  readonly wallTime?: number;
  readonly failures?: number;
}

export function registerExtend(program: Command): void {
  withConnection(program.command("extend").description("add to the budget of a search; reopens one that has ended"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .option("--trials <count>", "trials to add", wholeNumber)
    .option("--steps <count>", "training steps over all trials to add", wholeNumber)
    .option("--wall-time <duration>", "wall time to add, such as 30m", duration)
    .option("--failures <count>", "failed trials to add", wholeNumber)
    .addHelpText("after", "\nExamples:\n  regulus extend 7f3a --trials 20\n  regulus extend 7f3a --wall-time 1h --failures 3\n")
    .action(async (idOrBeginning: string, options: ExtendOptions) => {
      const { trials = 0, steps = 0, wallTime = 0, failures = 0 } = options;
      const search = await withClient(options, async (client) => {
        const { searchId } = await findSearch(client, idOrBeginning);
        return client.extendSearch({ searchId, trials, steps, wallTimeMs: wallTime, failures }).catch((thrown: unknown) => {
          throw inFlags(thrown);
        });
      });
      if (options.json) writeJson({ search });
      else note(`search ${search.searchId} has a budget of ${budgetWords(search)}; regulus watch ${search.searchId} follows`);
    });
}

/** What the coordinator says of the fields of its call, said of the flags that were typed. */
function inFlags(thrown: unknown): unknown {
  if (!(thrown instanceof RegulusError) || thrown.problems.length === 0) return thrown;
  const flag = (field: string) => flags[field] ?? field;
  return RegulusError.invalid(thrown.problems.map((problem) => ({ ...problem, field: flag(problem.field) })));
}

const flags: Readonly<Record<string, string>> = {
  trials: "--trials",
  steps: "--steps",
  wallTimeMs: "--wall-time",
  failures: "--failures",
};

function budgetWords({ spec }: Search): string {
  const { trials = 0, steps = 0, wallTimeMs = 0, failures = 0 } = spec?.budget ?? {};
  const parts = [
    trials > 0 && counted(trials, "trial"),
    steps > 0 && counted(steps, "step"),
    wallTimeMs > 0 && `${formatDuration(wallTimeMs)} of wall time`,
    failures > 0 && counted(failures, "failure"),
  ];
  return parts.filter((part) => part !== false).join(", ");
}

function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError("expected a duration such as 30m, 1h30m or 90s");
  return ms;
}
