/**
 * Self-tuning networks: each member of a population is one trial of the procedure `self-tune`, which learns the hyperparameters of techniques
 * by itself. The strategy settles what is fixed in a member (the outer parameters) and where its hyperparameters begin, lets the worst members
 * copy the best at the end of each round (population.ts), and has the best schedule replayed by plain training.
 * Source: MacKay et al., "Self-tuning networks", ICLR 2019, algorithm 1, and its section on schedules for the replay.
 */
import { assert, signOf } from "@regulus/proto";
import {
  createSampler,
  createSpace,
  type Proposal,
  type Rng,
  type Strategy,
  type StrategyContext,
  type StrategyModule,
} from "../../core/index.js";
import { scaleMin } from "../../solvers/self-tuning/learned-hyperparameters.js";
import { newPopulation, none, type Population, type PopulationRules, type Step, tellPopulation } from "./population.js";
import { outerParameters, type SelfTuningNetworkOptions, spec, stepsOfMember } from "./spec.js";

const warmUpStepsMax = 400;
const warmUpShare = 0.1;
/** Rounds of a population where the search does not say. */
const roundsDefault = 8;
/** Scales end at scaleMin; one within a factor of two of it has collapsed. */
const collapsedScaleMax = 2 * scaleMin;

export const module: StrategyModule<SelfTuningNetworkOptions> = {
  spec,
  create: (context, options): Strategy<Population> => {
    const rules = rulesOf(context, options);
    const propose = proposer(context, options, rules);
    return {
      init: () => newPopulation(rules),
      tell: (state, fact) => tellPopulation(state, fact, rules),
      ask: (state, limit, rng) => {
        const proposals: Proposal[] = [];
        let room = limit;
        for (const step of state.plan) {
          const isFree = step.kind === "report" || step.kind === "stop";
          if (!isFree && room-- <= 0) break;
          proposals.push(propose(step, state, rng));
        }
        return proposals;
      },
    };
  },
};

function rulesOf(context: StrategyContext, options: SelfTuningNetworkOptions): PopulationRules {
  const { budget, objectives } = context;
  const untilStep = stepsOfMember(budget, options);
  assert(untilStep > 0, "self-tuning-network was checked to have steps");
  const [objective] = objectives;
  assert(objective !== undefined, "a search has an objective");
  return {
    size: options.population,
    rounds: roundEnds(untilStep, options),
    copyShare: options.copyShare,
    restartsMax: options.restartsMax ?? options.population,
    collapsedScaleMax: options.learnScales ? collapsedScaleMax : 0,
    replays: options.replays,
    trialsMax: budget.trials || Number.POSITIVE_INFINITY,
    metric: objective.metric,
    sign: signOf(objective),
  };
}

/** Steps at which members wait for each other: never in the warm-up, and not at all where nobody has anything to copy. */
export function roundEnds(untilStep: number, options: SelfTuningNetworkOptions): readonly number[] {
  if (options.population === 1 || options.copyShare === 0) return [untilStep];
  const every = options.copyEverySteps ?? Math.max(1, Math.round(untilStep / roundsDefault));
  const ends: number[] = [];
  for (let step = every; step < untilStep; step += every) if (step > warmUpOf(untilStep, options)) ends.push(step);
  return [...ends, untilStep];
}

function warmUpOf(untilStep: number, { warmUpSteps }: SelfTuningNetworkOptions): number {
  return warmUpSteps ?? Math.min(warmUpStepsMax, Math.floor(untilStep * warmUpShare));
}

/** What a step of the plan is as a proposal. */
function proposer(context: StrategyContext, options: SelfTuningNetworkOptions, rules: PopulationRules) {
  const { inside, space, plainProcedure } = context;
  const { population, copyShare, copyEverySteps, restartsMax, replays, ...tuning } = options;
  const outer = createSampler("random", createSpace(outerParameters(context)));
  const learned = createSampler("random", createSpace(space.parameters.filter(({ name }) => inside.includes(name))));
  const untilStep = rules.rounds.at(-1) ?? 0;
  const selfTune = { ...tuning, warmUpSteps: warmUpOf(untilStep, options) };
  return (step: Step, { round, members }: Readonly<Population>, rng: Rng): Proposal => {
    const outerOf = (member: number) => outer(members[member]?.origin ?? member, rng);
    const end = { untilStep: rules.rounds[round] ?? untilStep, final: round >= rules.rounds.length - 1 };
    switch (step.kind) {
      case "report":
        return { kind: "report", step: step.round, accepted: true, metrics: step.metrics, message: step.message };
      case "stop":
        return { kind: "stop", trial: step.trial, reason: step.reason };
      case "start": {
        const parameters = outerOf(step.member);
        const start = { kind: "start" as const, procedure: "self-tune", parameters, ...end };
        if (step.fromTrial !== none)
          return { ...start, fromTrial: step.fromTrial, options: { ...selfTune, recenter: step.center } };
        // The first member begins at the initial values, as a lone network does; the procedure knows those. The others spread out.
        const draw = step.member + population * ((members[step.member]?.beginnings ?? 1) - 1);
        return { ...start, options: draw === 0 ? selfTune : { ...selfTune, initial: learned(draw, rng.fork("initial")) } };
      }
      case "resume": {
        const resume = { kind: "resume" as const, trial: step.trial, ...end, options: selfTune };
        if (step.fromTrial === none) return resume;
        return { ...resume, fromTrial: step.fromTrial, parameters: outerOf(step.member) };
      }
      case "replay": {
        const parameters = outerOf(step.member);
        const plain = { kind: "start" as const, procedure: plainProcedure, parameters, untilStep, final: true };
        return { ...plain, arm: "replay", inputs: [{ trial: step.trial, kind: "schedule" }], seedNumber: step.number };
      }
      default:
        return step satisfies never;
    }
  };
}
