/**
 * Self-tuning networks: each member of a population is one trial of the procedure `self-tune`, which learns the hyperparameters of techniques
 * by itself. The strategy settles what is fixed in a member (the outer parameters) and where its hyperparameters begin. Members know nothing
 * of each other, so the search's answer is its best member.
 * Source: MacKay et al., "Self-tuning networks", ICLR 2019, algorithm 1.
 */
import { assert } from "@regulus/proto";
import { createSampler, createSpace, type Proposal, type Strategy, type StrategyModule } from "../../core/index.js";
import { countTrials, type TrialCount } from "../trial-count.js";
import { outerParameters, type SelfTuningNetworkOptions, spec } from "./spec.js";

const warmUpStepsMax = 400;
const warmUpShare = 0.1;

export const module: StrategyModule<SelfTuningNetworkOptions> = {
  spec,
  create: (context, { population, warmUpSteps, ...tuning }): Strategy<TrialCount> => {
    const { budget, inside, space } = context;
    const untilStep = budget.stepsPerTrial || Math.floor(budget.steps / population);
    assert(untilStep > 0, "self-tuning-network was checked to have steps");
    const outer = createSampler("random", createSpace(outerParameters(context)));
    const learned = createSampler("random", createSpace(space.parameters.filter(({ name }) => inside.includes(name))));
    const options = { ...tuning, warmUpSteps: warmUpSteps ?? Math.min(warmUpStepsMax, Math.floor(untilStep * warmUpShare)) };
    return {
      init: () => ({ next: 0 }),
      tell: countTrials,
      ask: ({ next }, limit, rng) =>
        Array.from({ length: Math.max(0, Math.min(limit, population - next)) }, (_, ahead): Proposal => {
          const member = next + ahead;
          // The first member begins at the initial values, as a lone network does; the procedure knows those. The others spread out.
          const begin = member === 0 ? {} : { initial: learned(member, rng.fork("initial")) };
          const parameters = outer(member, rng);
          return { kind: "start", procedure: "self-tune", parameters, untilStep, final: true, options: { ...options, ...begin } };
        }),
    };
  },
};
