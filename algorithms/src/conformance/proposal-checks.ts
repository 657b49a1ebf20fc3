/** Proposals that no coordinator could carry out end a driven search. */
import { assert } from "@regulus/proto";
import { procedureSpecs } from "../catalog/index.js";
import type { Proposal, StrategyContext } from "../core/index.js";
import { type DrivenTrial, trialAt } from "./driven-search.js";

/** Fails by the first proposal that can't be carried out, or where there are more than were asked for. */
export function checkProposals(
  proposals: readonly Proposal[],
  { limit, trials, context }: { limit: number; trials: readonly DrivenTrial[]; context: StrategyContext },
): void {
  const starts = proposals.filter(({ kind }) => kind === "start").length;
  const works = proposals.filter(({ kind }) => kind === "start" || kind === "resume").length;
  assert(works <= limit, `at most ${limit} proposals were asked for, and ${works} came`);
  const most = context.budget.trials || Number.POSITIVE_INFINITY;
  assert(trials.length + starts <= most, `a search of ${most} trials starts no more`);
  for (const proposal of proposals) {
    if (proposal.kind === "start" || proposal.kind === "resume") {
      const { fromTrial } = proposal;
      const hasSource = fromTrial === undefined || trialAt(trials, fromTrial).saved !== undefined;
      assert(hasSource, `trial ${fromTrial} has a checkpoint that others may start from`);
      const takes = procedureSpecs.get(
        proposal.kind === "start" ? proposal.procedure : trialAt(trials, proposal.trial).procedure,
      )?.takes;
      for (const { trial, kind } of proposal.inputs ?? []) {
        assert(takes?.includes(kind), `its procedure takes ${kind}`);
        assert(
          trialAt(trials, trial).left.some((one) => one.kind === kind),
          `trial ${trial} left ${kind}`,
        );
      }
    }
    if (proposal.kind === "start") {
      const replays = proposal.inputs?.some(({ kind }) => kind === "schedule") === true;
      const plain = proposal.procedure === context.plainProcedure && !replays;
      const learned = plain ? [] : context.inside;
      const isWithout = procedureSpecs.get(proposal.procedure)?.withoutParameters === true;
      const given = Object.keys(proposal.parameters).map((name) => `${name}: there are none`);
      const wrong = (isWithout ? given : context.space.check(proposal.parameters)).filter(
        (words) => !learned.some((name) => words === `${name}: has no value`),
      );
      assert(wrong.length === 0, `a start lies in the space: ${wrong.join("; ")}`);
      continue;
    }
    if (proposal.kind === "report") {
      assert(Number.isSafeInteger(proposal.step) && proposal.step >= 0, `a step is a whole number from 0: ${proposal.step}`);
      continue;
    }
    const trial = trialAt(trials, proposal.trial);
    if (proposal.kind === "stop") {
      assert(trial.status !== "ended", `trial ${proposal.trial} is not over when it is stopped`);
      continue;
    }
    if (proposal.kind === "pause") continue;
    assert(trial.status === "paused", `trial ${proposal.trial} is paused when it is resumed`);
    assert(
      proposal.untilStep > trial.steps,
      `trial ${proposal.trial} at step ${trial.steps} is resumed to a later one, not ${proposal.untilStep}`,
    );
  }
  const resumed = proposals.flatMap((proposal) => (proposal.kind === "resume" ? [proposal.trial] : []));
  assert(new Set(resumed).size === resumed.length, "no trial is resumed twice in one answer");
}
