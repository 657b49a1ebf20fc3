/**
 * A strategy that gives a stated share of its search's budget to random search, so that what another strategy gains is always measured. It is
 * a strategy like others: the two inside it know nothing of each other and number their trials by themselves; trials and facts are
 * translated. Each arm's trials have the arm's own numbers for their seeds, so that both train exactly what they would train alone with their
 * share of the budget, whatever the order in which slots become free.
 */
import type { Budget, Fact, Work } from "@regulus/proto";
import type { Proposal, Strategy } from "../core/index.js";

/** What each arm may spend. */
export interface Shares {
  readonly own: Budget;
  readonly control: Budget;
}

/** Plain data. */
export interface ControlArmState<Own, Control> {
  own: Own;
  control: Control;
  /** By trial of the search: its number within its arm, shifted left by one; odd for the control arm. */
  trials: number[];
  /** Trials of the search by number within the arm. */
  ownTrials: number[];
  controlTrials: number[];
  /** Steps that the strategy's own trials were asked to reach, by number within the arm, and their sum. */
  asked: number[];
  askedSteps: number;
}

/**
 * Budgets of the arms. The control arm's is whole trials: of `stepsPerTrial` steps, or, where trials have none, one trial of its share of
 * steps. Undefined where the share pays for no trial, or the budget has neither trials nor steps to share.
 */
export function sharesOf(budget: Budget, share: number): Shares | undefined {
  const { trials, steps, stepsPerTrial } = budget;
  if (trials === 0 && steps === 0) return undefined;
  const shareOfSteps = Math.floor(share * steps);
  const controlSteps = stepsPerTrial || shareOfSteps;
  const byTrials = trials === 0 ? Number.POSITIVE_INFINITY : Math.round(share * trials);
  const bySteps = steps === 0 ? Number.POSITIVE_INFINITY : Math.floor(shareOfSteps / Math.max(1, controlSteps));
  const count = Math.min(byTrials, bySteps);
  if (count < 1 || (trials > 0 && count >= trials)) return undefined;
  return {
    own: { ...budget, trials: trials === 0 ? 0 : trials - count, steps: steps === 0 ? 0 : steps - count * controlSteps },
    control: { ...budget, trials: count, steps: 0, stepsPerTrial: controlSteps },
  };
}

/** The strategy with random search beside it. Both were made with their share of the budget. */
export function withControlArm<Own, Control>(
  own: Strategy<Own>,
  control: Strategy<Control>,
  shares: Shares,
): Strategy<ControlArmState<Own, Control>> {
  return {
    init: () => ({
      own: own.init(),
      control: control.init(),
      trials: [],
      ownTrials: [],
      controlTrials: [],
      asked: [],
      askedSteps: 0,
    }),
    tell: (state, fact) => {
      note(state, fact);
      const arm = armOf(state, fact);
      if (arm === "own") state.own = own.tell(state.own, translated(state, fact));
      else if (arm === "control") state.control = control.tell(state.control, translated(state, fact));
      return state;
    },
    ask: (state, limit, rng) => {
      const controls = (count: number, after: number): Proposal[] =>
        count <= 0 || shares.control.trials <= state.controlTrials.length + after
          ? []
          : control
              .ask(state.control, after + count, rng.fork("control"))
              .slice(after)
              .map((proposal, ahead) => asControl(proposal, state.controlTrials.length + after + ahead));
      const due = Math.floor(progressOf(state, shares.own) * shares.control.trials) - state.controlTrials.length;
      const first = controls(Math.min(limit, due), 0);
      // As alone: past its steps nothing more is asked of the strategy; what costs nothing it may still say.
      const isSpent = shares.own.steps > 0 && state.askedSteps >= shares.own.steps;
      const others = outward(state, own.ask(state.own, isSpent ? 0 : limit - first.length, rng));
      const works = others.filter(({ kind }) => kind === "start" || kind === "resume").length;
      // Where the strategy has nothing for a slot now, the control arm has.
      return [...first, ...others, ...controls(limit - first.length - works, first.length)];
    },
  };
}

/** Share of its budget that the strategy has asked for. */
function progressOf({ ownTrials, askedSteps }: ControlArmState<unknown, unknown>, { trials, steps }: Budget): number {
  const byTrials = trials === 0 ? 0 : ownTrials.length / trials;
  const bySteps = steps === 0 ? 0 : askedSteps / steps;
  return Math.min(1, Math.max(byTrials, bySteps));
}

/** Notes new trials and what is asked of them. */
function note(state: ControlArmState<unknown, unknown>, { kind }: Fact): void {
  if (kind?.$case === "trialProposed" && kind.value.trial === state.trials.length) {
    const isControl = kind.value.work?.arm === "control";
    const list = isControl ? state.controlTrials : state.ownTrials;
    state.trials.push(2 * list.length + (isControl ? 1 : 0));
    list.push(kind.value.trial);
  }
  if (kind?.$case !== "trialProposed" && kind?.$case !== "trialResumed" && kind?.$case !== "trialRetried") return;
  const at = state.trials[kind.value.trial];
  if (at === undefined || at % 2 === 1) return;
  const inner = at / 2;
  const before = state.asked[inner] ?? 0;
  const until = Math.max(before, kind.value.work?.untilStep ?? 0);
  state.asked[inner] = until;
  state.askedSteps += until - before;
}

/** Who is to hear of a fact; facts about no trial are the strategy's own. */
function armOf({ trials }: ControlArmState<unknown, unknown>, { kind }: Fact): "own" | "control" | undefined {
  if (kind === undefined || !("trial" in kind.value) || kind.value.trial === undefined) return "own";
  const at = trials[kind.value.trial];
  if (at === undefined) return undefined;
  return at % 2 === 1 ? "control" : "own";
}

/** A fact with the arm's own numbers. */
function translated({ trials }: ControlArmState<unknown, unknown>, fact: Fact): Fact {
  const { kind } = fact;
  if (kind === undefined || !("trial" in kind.value) || kind.value.trial === undefined) return fact;
  const inner = (trial: number) => (trials[trial] ?? 0) >> 1;
  const trial = inner(kind.value.trial);
  switch (kind.$case) {
    case "trialProposed":
    case "trialResumed":
    case "trialRetried": {
      const { work } = kind.value;
      const fromTrial = work?.fromTrial === undefined ? undefined : inner(work.fromTrial);
      const inputs = (work?.inputs ?? []).map((one) => (one.searchId === "" ? { ...one, trial: inner(one.trial) } : one));
      return { ...fact, kind: withWork(renumbered(kind, trial), work && { ...work, fromTrial, inputs }) };
    }
    case "trialStopRequested":
    case "trialPauseRequested":
    case "trialDeferred":
    case "attemptStarted":
    case "trialMeasured":
    case "trialCheckpointed":
    case "checkpointDamaged":
    case "attemptEnded":
    case "trialPaused":
    case "trialEnded":
    case "findingReported":
      return { ...fact, kind: renumbered(kind, trial) };
    default:
      return fact;
  }
}

function renumbered<Kind extends { readonly value: { trial?: number | undefined } }>(kind: Kind, trial: number): Kind {
  return { ...kind, value: { ...kind.value, trial } };
}

function withWork<Kind extends { readonly value: { work?: Work | undefined } }>(kind: Kind, work: Work | undefined): Kind {
  return { ...kind, value: { ...kind.value, work } };
}

function asControl(proposal: Proposal, seedNumber: number): Proposal {
  return proposal.kind === "start" ? { ...proposal, arm: "control", seedNumber } : proposal;
}

/** The strategy's proposals with the search's numbers. */
function outward({ ownTrials }: ControlArmState<unknown, unknown>, proposals: readonly Proposal[]): readonly Proposal[] {
  let starts = ownTrials.length;
  const outer = (trial: number) => ownTrials[trial] ?? trial;
  return proposals.map((proposal): Proposal => {
    switch (proposal.kind) {
      case "report":
        return proposal;
      case "stop":
      case "pause":
        return { ...proposal, trial: outer(proposal.trial) };
      case "resume": {
        return { ...proposal, trial: outer(proposal.trial), ...sources(proposal, outer) };
      }
      case "start": {
        const { seedNumber = starts } = proposal;
        starts += 1;
        return { ...proposal, seedNumber, ...sources(proposal, outer) };
      }
      default:
        return proposal satisfies never;
    }
  });
}

/** The trials that a proposal's work begins with. */
function sources(
  { fromTrial, inputs }: Extract<Proposal, { kind: "start" | "resume" }>,
  outer: (trial: number) => number,
): Pick<Extract<Proposal, { kind: "start" }>, "fromTrial" | "inputs"> {
  return {
    ...(fromTrial === undefined ? {} : { fromTrial: outer(fromTrial) }),
    ...(inputs === undefined
      ? {}
      : { inputs: inputs.map((input) => (input.search === undefined ? { ...input, trial: outer(input.trial) } : input)) }),
  };
}
