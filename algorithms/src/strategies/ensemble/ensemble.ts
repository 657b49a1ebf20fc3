/**
 * Trains members and combines what they predict. Members are plain trials to their end, drawn as random search draws them, each with a seed of its own.
 * Once all are over, one trial of the procedure `combine`, in the arm `combine`, is given the predictions of those that left any, and the
 * search's inputs from other searches. Where a failed member is tried again and ends well, they are combined once more.
 * Source: Hansen and Salamon, IEEE PAMI 12 (1990).
 */
import type { Fact } from "@regulus/proto";
import {
  createSampler,
  type Proposal,
  type ProposedInput,
  type Strategy,
  type StrategyContext,
  type StrategyModule,
} from "../../core/index.js";
import { predictionsKinds } from "../../predictions/index.js";
import { plainStart, startsLeft } from "../trial-count.js";
import { type EnsembleOptions, spec } from "./spec.js";

const procedure = "combine";

/** A trained trial. */
interface Member {
  readonly trial: number;
  /** Whether it is not over. */
  open: boolean;
  /** Kinds of the predictions that it left. */
  kinds: string[];
}

/** Plain data. */
export interface EnsembleState {
  /** Number of the next trial. */
  next: number;
  /** In the order of their numbers. */
  readonly members: Member[];
  /** Members of the newest combination, by number; absent while there was none. */
  combined?: number[];
}

export const module: StrategyModule<EnsembleOptions> = {
  spec,
  create: (context, options): Strategy<EnsembleState> => {
    const sample = createSampler("random", context.space);
    return {
      init: () => ({ next: 0, members: [] }),
      tell,
      ask: ({ next, members, combined }, limit, rng) => {
        // The last trial of a budget is the combination.
        const most = Math.min(options.members, (context.budget.trials || Number.POSITIVE_INFINITY) - 1);
        const count = Math.max(0, Math.min(limit, most - members.length));
        const starts = Array.from({ length: count }, (_, ahead) => plainStart(context, sample(members.length + ahead, rng)));
        if (starts.length > 0 || members.length < most || members.some(({ open }) => open)) return starts;
        const left = members.filter(({ kinds }) => kinds.length > 0);
        const inputs = inputsOf(context, left);
        const isDone = combined !== undefined && left.every(({ trial }) => combined.includes(trial));
        if (inputs.length === 0 || isDone || startsLeft(context, { next, limit, most: Number.POSITIVE_INFINITY }) === 0)
          return [];
        return [combination(options, inputs)];
      },
    };
  },
};

function combination({ mean }: EnsembleOptions, inputs: readonly ProposedInput[]): Proposal {
  const work = { procedure, parameters: {}, untilStep: 0, final: true, options: { mean } };
  return { kind: "start", ...work, arm: spec.resultArm ?? "", inputs };
}

/** What members left, in the order of their numbers, and then what other searches did. */
function inputsOf({ inputs = [] }: StrategyContext, members: readonly Member[]): readonly ProposedInput[] {
  return [...members.flatMap(({ trial, kinds }) => kinds.map((kind): ProposedInput => ({ trial, kind }))), ...inputs];
}

function tell(state: EnsembleState, { kind }: Fact): EnsembleState {
  switch (kind?.$case) {
    case "trialProposed": {
      const { trial, work } = kind.value;
      if (trial < state.next) return state;
      state.next = trial + 1;
      if (work?.procedure === procedure)
        state.combined = work.inputs.flatMap(({ searchId, trial: from }) => (searchId === "" ? [from] : []));
      else state.members.push({ trial, open: true, kinds: [] });
      return state;
    }
    case "trialRetried":
    case "trialEnded": {
      const member = state.members.find(({ trial }) => trial === kind.value.trial);
      if (member === undefined) return state;
      member.open = kind.$case === "trialRetried";
      if (kind.$case === "trialEnded")
        member.kinds = kind.value.artifacts
          .map((one) => one.kind)
          .filter((one) => predictionsKinds.includes(one))
          .sort();
      return state;
    }
    default:
      return state;
  }
}
