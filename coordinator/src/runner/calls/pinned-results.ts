/**
 * What other searches left, for a search that names it: found when the search is created, and pinned in its first fact by their sums. So a search never
 * hangs on what another one does later, and what it needs stays in the store.
 */
import {
  counted,
  limits,
  ProblemList,
  RegulusError,
  type SearchInput,
  type SearchSpec,
  signOf,
  type TrialInput,
} from "@regulus/proto";
import { leftOf } from "../../search/proposed-inputs.js";
import type { SearchState } from "../../search/search-state.js";
import type { Searches } from "../searches/searches.js";

/** The spec with the results that its inputs name. Fails with every input that is not there. */
export function withResults(spec: SearchSpec, searches: Searches): SearchSpec {
  if (spec.inputs.length === 0) return spec;
  const problems = new ProblemList();
  const inputs = spec.inputs.map((input, index) => found(problems, `inputs[${index}]`, input, searches));
  const results = inputs.reduce((sum, input) => sum + input.results.length, 0);
  if (results > limits.trialInputsMax) {
    problems.addText("inputs", counted(results, "result"), `at most ${limits.trialInputsMax} in all`);
  }
  checkOnce(problems, inputs);
  const all = problems.all();
  if (all.length > 0) throw RegulusError.invalid(all);
  return { ...spec, inputs };
}

/** No two inputs come to the same result: a search may be named by its id and by its name, and a best trial by its number. */
function checkOnce(problems: ProblemList, inputs: readonly SearchInput[]): void {
  const seen = new Set<string>();
  for (const [index, { results, best: wanted }] of inputs.entries()) {
    for (const { searchId, trial, artifact } of results) {
      const key = JSON.stringify([searchId, trial, artifact?.kind]);
      if (seen.has(key)) {
        const words = `${artifact?.kind} of trial ${trial} of ${searchId}, as an input before`;
        problems.addText(`inputs[${index}].${wanted > 0 ? "best" : "trials"}`, words, "each result of a trial once");
      }
      seen.add(key);
    }
  }
}

/** The spec as it was asked for: without what was found. */
export function withoutResults(spec: SearchSpec): SearchSpec {
  return { ...spec, inputs: spec.inputs.map((input) => ({ ...input, results: [] })) };
}

function found(problems: ProblemList, field: string, input: SearchInput, searches: Searches): SearchInput {
  const state = searchOf(input.search, searches);
  if (state === undefined) {
    problems.add(`${field}.search`, input.search, "the id or the name of a search that this coordinator has");
    return input;
  }
  const results = input.trials.length > 0 ? named(problems, field, input, state) : best(problems, field, input, state);
  return { ...input, results };
}

/** The search of an id, else the newest one of a name. */
function searchOf(search: string, searches: Searches): SearchState | undefined {
  const byId = searches.get(search)?.state;
  if (byId !== undefined) return byId;
  return [...searches.all].findLast(({ state }) => state.spec.name === search)?.state;
}

function named(problems: ProblemList, field: string, { trials, kinds }: SearchInput, state: SearchState): TrialInput[] {
  return trials.flatMap((trial, index) => {
    const results = resultsOf(state, trial, kinds);
    if (results.length === kinds.length) return results;
    const lacking = kinds.filter((kind) => results.every(({ artifact }) => artifact?.kind !== kind)).join(", ");
    problems.addText(
      `${field}.trials[${index}]`,
      `trial ${trial}, which left no ${lacking}`,
      `a trial of ${state.searchId} that left them`,
    );
    return [];
  });
}

/** Results of the best trials that left all kinds, the best first. Combinations are no members of others. */
function best(problems: ProblemList, field: string, { best: wanted, kinds }: SearchInput, state: SearchState): TrialInput[] {
  const sign = signOf(state.objective);
  const ranked = Array.from({ length: state.nextTrial }, (_, trial) => ({ trial, value: countedValue(state, trial) }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => sign * (a.value - b.value) || a.trial - b.trial);
  const results: TrialInput[] = [];
  let trials = 0;
  for (const { trial } of ranked) {
    if (trials === wanted) return results;
    const left = resultsOf(state, trial, kinds);
    if (left.length < kinds.length) continue;
    results.push(...left);
    trials += 1;
  }
  if (trials < wanted) {
    problems.addText(
      `${field}.best`,
      `${counted(trials, "trial")} of ${state.searchId} with ${kinds.join(" and ")}`,
      `${wanted} of them`,
    );
  }
  return results;
}

function countedValue(state: SearchState, trial: number): number {
  return state.live.get(trial)?.counted.value ?? state.archive.value(trial);
}

function resultsOf(state: SearchState, number: number, kinds: readonly string[]): TrialInput[] {
  const trial = state.knows(number) ? state.trial(number) : undefined;
  return kinds.flatMap((kind) => {
    const artifact = leftOf(trial, kind);
    return artifact === undefined ? [] : [{ searchId: state.searchId, trial: number, artifact }];
  });
}
