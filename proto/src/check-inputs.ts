/** What a search names of other searches: each result once, in lists of bounded length. Whether it is there is for the coordinator to say. */
import { checkCount, checkLine, isPlainMap, listAt } from "./check-values.js";
import { counted } from "./counted.js";
import type { SearchInput } from "./gen/regulus/v1/search.js";
import { limits } from "./limits.js";
import { type ProblemList, show } from "./problem-list.js";

/** What other searches left. Whether it is there is for the coordinator to say. */
export function checkInputs(problems: ProblemList, inputs: readonly SearchInput[]): void {
  const { searchInputsMax, trialInputsMax } = limits;
  if (inputs.length > searchInputsMax) problems.addText("inputs", `${inputs.length} of them`, `at most ${searchInputsMax}`);
  const named = new Set<string>();
  for (const [index, input] of inputs.slice(0, searchInputsMax).entries()) {
    const field = `inputs[${index}]`;
    if (!isPlainMap(input)) {
      problems.add(field, input, "another search and what it left: {search, best, kinds}");
      continue;
    }
    checkLine(problems, `${field}.search`, input.search, 1);
    const trials = listAt<unknown>(problems, `${field}.trials`, input.trials);
    checkCount(problems, `${field}.best`, input.best, { least: 0, greatest: trialInputsMax });
    if (trials.length > trialInputsMax)
      problems.addText(`${field}.trials`, counted(trials.length, "trial"), `at most ${trialInputsMax}`);
    for (const [at, trial] of trials.slice(0, trialInputsMax).entries())
      checkCount(problems, `${field}.trials[${at}]`, trial, { least: 0, greatest: limits.trialsMax });
    if (trials.length > 0 === input.best > 0) {
      problems.addText(field, trials.length > 0 ? "trials and best" : "neither trials nor best", "exactly one of the two");
    }
    const kinds = listAt<unknown>(problems, `${field}.kinds`, input.kinds);
    if (kinds.length === 0 || kinds.length > limits.componentsMax)
      problems.addText(
        `${field}.kinds`,
        counted(kinds.length, "kind"),
        `1 to ${limits.componentsMax}, such as predictions-valid`,
      );
    for (const [at, kind] of kinds.slice(0, limits.componentsMax).entries())
      checkLine(problems, `${field}.kinds[${at}]`, kind, 1);
    checkOnce(problems, `${field}.trials`, trials.slice(0, trialInputsMax));
    checkOnce(problems, `${field}.kinds`, kinds.slice(0, limits.componentsMax));
    checkNamedOnce(problems, field, input, named);
  }
}

/** A result counts once, so a list names each thing once. */
function checkOnce(problems: ProblemList, field: string, values: readonly unknown[]): void {
  const seen = new Set<unknown>();
  for (const [at, value] of values.entries()) {
    if (seen.has(value)) problems.add(`${field}[${at}]`, value, "each of them once");
    seen.add(value);
  }
}

/** No earlier input names the same result. Where one says `best`, the coordinator sees which trials these are. */
function checkNamedOnce(problems: ProblemList, field: string, { search, trials, kinds }: SearchInput, named: Set<string>): void {
  if (typeof search !== "string" || !Array.isArray(trials) || !Array.isArray(kinds)) return;
  const texts = kinds.slice(0, limits.componentsMax).filter((kind) => typeof kind === "string");
  const own = new Set<string>();
  for (const [at, trial] of trials.slice(0, limits.trialInputsMax).entries()) {
    const keys = texts.map((kind) => JSON.stringify([search, show(trial), kind]));
    if (keys.some((key) => named.has(key)))
      problems.addText(`${field}.trials[${at}]`, `trial ${show(trial)}, as an input before`, "each result of a trial once");
    for (const key of keys) own.add(key);
  }
  for (const key of own) named.add(key);
}
