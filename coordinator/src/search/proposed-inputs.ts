/** Which results of trials a proposal's inputs are, pinned by their sums; or why there are none, in words for the strategy's author. Pure. */
import { procedureSpecs } from "@regulus/algorithms/catalog";
import type { ProposedInput } from "@regulus/algorithms/core";
import { type ArtifactRef, counted, expectedOneOf, limits, type Trial, type TrialInput } from "@regulus/proto";
import type { SearchState } from "./search-state.js";

/** The inputs of a proposal; where one is not there, or the procedure takes none of its kind, words. */
export function pinnedInputs(
  state: SearchState,
  procedure: string,
  proposed: readonly ProposedInput[] = [],
): TrialInput[] | string {
  const { trialInputsMax } = limits;
  if (proposed.length > trialInputsMax) return `it has ${counted(proposed.length, "input")}, at most ${trialInputsMax} are taken`;
  const takes = procedureSpecs.get(procedure)?.takes ?? [];
  const inputs: TrialInput[] = [];
  for (const input of proposed) {
    if (!takes.includes(input.kind)) {
      const expected = takes.length === 0 ? "it takes none" : `expected ${expectedOneOf(input.kind, [...takes])}`;
      return `its procedure ${procedure} is given ${JSON.stringify(input.kind)}: ${expected}`;
    }
    const artifact =
      input.search === undefined ? resultOf(state, input) : foreignResult(state, { ...input, search: input.search });
    if (typeof artifact === "string") return artifact;
    inputs.push({ searchId: input.search ?? "", trial: input.trial, artifact });
  }
  return inputs;
}

/** The newest result of a kind that a trial left. */
function resultOf(state: SearchState, { trial: number, kind }: ProposedInput): ArtifactRef | string {
  if (!state.knows(number)) return `it is given ${kind} of trial ${number}, and there are ${state.nextTrial}`;
  const trial = state.trial(number);
  return leftOf(trial, kind) ?? `it is given ${kind} of trial ${number}, which left ${kindsWords(trial)}`;
}

/** A result of a trial of another search, as the search's own inputs pinned it. */
function foreignResult(
  state: SearchState,
  { search, trial, kind }: ProposedInput & { readonly search: string },
): ArtifactRef | string {
  const all = state.spec.inputs.flatMap(({ results }) => results);
  const found = all.find((one) => one.searchId === search && one.trial === trial && one.artifact?.kind === kind);
  return found?.artifact ?? `it is given ${kind} of trial ${trial} of search ${search}, which the search's inputs do not name`;
}

/** The newest result of a kind that a trial left; undefined for none. */
export function leftOf(trial: Trial | undefined, kind: string): ArtifactRef | undefined {
  return kind === "checkpoint" ? trial?.checkpoint : trial?.artifacts.findLast((artifact) => artifact.kind === kind);
}

function kindsWords(trial: Trial | undefined): string {
  const kinds = new Set((trial?.artifacts ?? []).map(({ kind }) => kind));
  return kinds.size === 0 ? "nothing" : [...kinds].join(", ");
}
