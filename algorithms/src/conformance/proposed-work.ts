/** The work that a proposal stands for, as the coordinator would pin it. */
import { type TrialInput, toVectors, type Work } from "@regulus/proto";
import type { Configuration, Proposal, ProposedInput } from "../core/index.js";
import { type DrivenTrial, trialAt } from "./driven-search.js";

/** The work of a start or a resume. */
export function workOf(
  proposal: Extract<Proposal, { kind: "start" | "resume" }>,
  { parameters, procedure, inputs }: { parameters: Configuration; procedure: string; inputs: TrialInput[] },
): Work {
  const { untilStep, final, options, fromTrial, arm = "" } = proposal;
  const vectors = toVectors(proposal.vectors);
  const sent = { options: options && { ...options }, fromTrial, vectors, arm };
  const work = { procedure, parameters: { ...parameters }, untilStep, final, inputs, ...sent };
  return proposal.kind === "resume" ? work : { ...work, seedNumber: proposal.seedNumber };
}

/** The newest results of their kinds, as the coordinator pins them. */
export function pinned(trials: readonly DrivenTrial[], inputs: readonly ProposedInput[] = []): TrialInput[] {
  return inputs.map(({ trial, kind }) => {
    return { searchId: "", trial, artifact: trialAt(trials, trial).left.findLast((one) => one.kind === kind) };
  });
}

/** A whole number that depends on each of these, and on their order. */
export function mixed(numbers: readonly number[]): number {
  let mix = 0x811c9dc5;
  for (const number of numbers) {
    mix = Math.imul(mix ^ number, 0x9e3779b1);
    mix ^= mix >>> 15;
  }
  return mix >>> 0;
}
