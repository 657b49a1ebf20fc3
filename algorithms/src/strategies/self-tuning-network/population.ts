/**
 * A population of self-tuning networks as a fold over facts. Members train in synchronous rounds: all of them reach the round's step before
 * anything is decided, and ties are broken by number, so that agents and the order of arrival change nothing. Then the worst members copy the
 * best ones (weights, optimizer, hyperparameters, schedule), and members that failed or whose scales collapsed are replaced by copies of the
 * best ones that stand at the population's median hyperparameters. What is decided lies in the state as a plan, which asking reads off.
 * Source: Jaderberg et al., "Population based training of neural networks", arXiv 1711.09846, truncation selection; ours beside it: rounds
 * that wait for everybody, the median, and that the n-th worst copies the n-th best instead of one drawn at random.
 */
import { EndReason, type Fact, type Measurement } from "@regulus/proto";

/** What a population goes by. */
export interface PopulationRules {
  /** Members. */
  readonly size: number;
  /** The step at which each round ends, ascending; the last is the end. */
  readonly rounds: readonly number[];
  /** Share of the members that copy at the end of a round; 0 for none. */
  readonly copyShare: number;
  /** Failed or collapsed members that may be replaced, over the whole search. */
  readonly restartsMax: number;
  /** A scale at or below this has collapsed: the response to its hyperparameter gets no signal. 0 where scales are held. */
  readonly collapsedScaleMax: number;
  /** Trials that replay the best member's schedule in the end. */
  readonly replays: number;
  /** Trials that may be started; Infinity for no limit. */
  readonly trialsMax: number;
  readonly metric: string;
  /** 1 to minimize, -1 to maximize. */
  readonly sign: number;
}

/** A member. Plain data. */
export interface Member {
  /** Its trial; -1 while it has none. */
  trial: number;
  /** `planned`: its start or resume is in the plan. `busy`: on its way to the round's step. `waiting`: there. */
  status: "planned" | "busy" | "waiting" | "done" | "failed";
  /** Newest loss at its centre, less is better; null where there is none or it is not finite. */
  loss: number | null;
  learned: Record<string, number>;
  scales: Record<string, number>;
  /** The member whose outer parameters it trains with: its own number until it copies. */
  origin: number;
  /** Times that it began from nothing. */
  beginnings: number;
}

/** One thing to do, in the order in which it is to be proposed. */
export type Step =
  | { readonly kind: "report"; readonly round: number; readonly metrics: Record<string, number>; readonly message: string }
  | { readonly kind: "stop"; readonly trial: number; readonly reason: string }
  /** @param center hyperparameters that a replacement stands at; empty for those that it begins or comes with. */
  | { readonly kind: "start"; readonly member: number; readonly fromTrial: number; readonly center: Record<string, number> }
  | { readonly kind: "resume"; readonly member: number; readonly trial: number; readonly fromTrial: number }
  | { readonly kind: "replay"; readonly member: number; readonly trial: number; readonly number: number };

/** Stands for no trial. */
export const none = -1;

/** Plain data. */
export interface Population {
  /** Trials started. */
  next: number;
  /** The round that is under way, from 0. */
  round: number;
  members: Member[];
  plan: Step[];
  restartsLeft: number;
  /** Trials that left a schedule. */
  schedules: number[];
  /** Whether the members are over and replays were planned. */
  finished: boolean;
}

export function newPopulation({ size, restartsMax }: PopulationRules): Population {
  const members = Array.from({ length: size }, (_, index): Member => newMember(index));
  const plan = members.map((_, member): Step => ({ kind: "start", member, fromTrial: none, center: {} }));
  return { next: 0, round: 0, members, plan, restartsLeft: restartsMax, schedules: [], finished: false };
}

function newMember(origin: number): Member {
  return { trial: none, status: "planned", loss: null, learned: {}, scales: {}, origin, beginnings: 1 };
}

export function tellPopulation(state: Population, { kind }: Fact, rules: PopulationRules): Population {
  switch (kind?.$case) {
    case "strategyStepped":
      remove(state, (step) => step.kind === "report" && step.round === kind.value.step);
      return state;
    case "trialStopRequested":
      remove(state, (step) => step.kind === "stop" && step.trial === kind.value.trial);
      return state;
    case "trialProposed": {
      if (kind.value.trial < state.next) return state;
      state.next = kind.value.trial + 1;
      const step = remove(state, (one) => one.kind === "start" || one.kind === "replay");
      const member = step?.kind === "start" ? state.members[step.member] : undefined;
      if (member !== undefined) Object.assign(member, { trial: kind.value.trial, status: "busy" });
      return state;
    }
    case "trialResumed": {
      const step = remove(state, (one) => one.kind === "resume" && one.trial === kind.value.trial);
      const member = step?.kind === "resume" ? state.members[step.member] : undefined;
      if (member !== undefined) member.status = "busy";
      return state;
    }
    case "trialMeasured":
      observe(memberOf(state, kind.value.trial), kind.value.measurement, rules);
      return state;
    case "trialRetried": {
      // One that was replaced meanwhile works for nobody; one that still has its place goes on.
      const member = memberOf(state, kind.value.trial);
      if (member?.status === "failed") member.status = "busy";
      return state;
    }
    case "trialPaused": {
      const member = memberOf(state, kind.value.trial);
      if (member?.status !== "busy") return state;
      member.status = "waiting";
      endRound(state, rules);
      return state;
    }
    case "trialEnded": {
      const { trial, reason, final, artifacts } = kind.value;
      const member = memberOf(state, trial);
      if (member === undefined || member.status === "done" || member.status === "failed") return state;
      observe(member, final, rules);
      if (artifacts.some((artifact) => artifact.kind === "schedule")) state.schedules.push(trial);
      // Whoever stopped it early (its user) wants no more of it; it is not replaced.
      const well = reason === EndReason.END_REASON_DONE || reason === EndReason.END_REASON_STOPPED_EARLY;
      member.status = well ? "done" : "failed";
      remove(state, (step) => step.kind === "resume" && step.trial === trial);
      endRound(state, rules);
      return state;
    }
    default:
      return state;
  }
}

function observe(member: Member | undefined, measurement: Measurement | undefined, { metric, sign }: PopulationRules): void {
  if (member === undefined || measurement === undefined) return;
  const value = measurement.metrics[metric];
  if (value !== undefined) member.loss = Number.isFinite(value) ? sign * value : null;
  member.learned = finiteOnes(measurement.learned);
  member.scales = finiteOnes(measurement.scales);
}

/** State is JSON, which has no other numbers. */
function finiteOnes(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));
}

/** Decides, once everybody is there. */
function endRound(state: Population, rules: PopulationRules): void {
  const isUnderWay = state.members.some(({ status }) => status === "busy" || status === "planned");
  if (isUnderWay || state.finished) return;
  const restarts =
    state.members.some(({ status }) => status === "failed") && state.restartsLeft > 0 && state.next < rules.trialsMax;
  const isLast = state.round >= rules.rounds.length - 1;
  if (isLast || (!restarts && !state.members.some(({ status }) => status === "waiting"))) finish(state, rules);
  else planRound(state, rules);
}

function planRound(state: Population, rules: PopulationRules): void {
  const { members } = state;
  const waiting = indexesOf(members, ({ status }) => status === "waiting");
  const sound = waiting.filter((index) => problemOf(members[index], rules) === undefined);
  // Where nobody is sound, nobody is better than the others: all go on.
  const healthy = sound.length > 0 ? sound : waiting;
  const ranked = healthy.toSorted((a, b) => lossAt(members, a) - lossAt(members, b) || a - b);
  const wanted = rules.copyShare === 0 ? 0 : Math.max(1, Math.floor(rules.copyShare * rules.size));
  const copies = sound.length === 0 ? 0 : Math.min(wanted, Math.floor(ranked.length / 2));
  const best = ranked.slice(0, Math.max(1, copies));
  const center = medians(healthy.map((index) => members[index]?.learned ?? {}));

  const [stops, starts, copied, others]: [Step[], Step[], Step[], Step[]] = [[], [], [], []];
  const said: string[] = [];
  const round = state.round + 1;
  for (const [place, index] of [...replaceable(state, healthy, rules)].entries()) {
    const member = members[index];
    if (member === undefined) continue;
    state.restartsLeft -= 1;
    const problem = member.status === "failed" ? "failed" : (problemOf(member, rules) ?? "");
    if (member.status === "waiting") stops.push({ kind: "stop", trial: member.trial, reason: `${problem}: it is replaced` });
    const from = members[best[place % best.length] ?? none];
    said.push(
      from === undefined
        ? `member ${index} ${problem} and starts over`
        : `member ${index} ${problem} and is replaced by a copy of trial ${from.trial} at the population's median`,
    );
    starts.push({ kind: "start", member: index, fromTrial: from?.trial ?? none, center: from === undefined ? {} : center });
    members[index] = { ...newMember(from?.origin ?? index), beginnings: member.beginnings + (from === undefined ? 1 : 0) };
  }
  const worst = ranked.slice(ranked.length - copies).reverse();
  for (const index of indexesOf(members, ({ status }) => status === "waiting")) {
    const member = members[index];
    if (member === undefined) continue;
    const from = members[ranked[worst.indexOf(index)] ?? none];
    member.status = "planned";
    if (from === undefined || !worst.includes(index)) {
      others.push({ kind: "resume", member: index, trial: member.trial, fromTrial: none });
      continue;
    }
    member.origin = from.origin;
    said.push(`trial ${member.trial} (${shown(member, rules)}) copies trial ${from.trial} (${shown(from, rules)})`);
    copied.push({ kind: "resume", member: index, trial: member.trial, fromTrial: from.trial });
  }
  const bestLoss = rules.sign * lossAt(members, ranked[0] ?? none);
  const metrics = { best: bestLoss, copied: copied.length, replaced: starts.length };
  const message = `at step ${rules.rounds[state.round]}: ${said.join("; ") || "all members continue"}`;
  // Copies before their sources, so that a source has saved nothing newer when the copy is decided.
  state.plan = [{ kind: "report", round: state.round, metrics, message }, ...stops, ...starts, ...copied, ...others];
  state.round = round;
}

/** Members that are replaced now: those that failed, and those whose numbers say that they learn nothing any more. */
function replaceable(state: Population, healthy: readonly number[], rules: PopulationRules): readonly number[] {
  const broken = indexesOf(state.members, (member, index) => {
    return member.status === "failed" || (member.status === "waiting" && !healthy.includes(index));
  });
  return broken.slice(0, Math.max(0, Math.min(state.restartsLeft, rules.trialsMax - state.next)));
}

/** What is wrong with a member that waits; undefined for nothing. */
function problemOf(member: Member | undefined, { collapsedScaleMax, metric }: PopulationRules): string | undefined {
  if (member === undefined || member.loss === null) return `has no finite ${metric}`;
  const collapsed = Object.entries(member.scales).find(([, scale]) => scale <= collapsedScaleMax);
  return collapsed && `has a collapsed scale of ${collapsed[0]} (${collapsed[1].toPrecision(2)})`;
}

/** The members are over: the best one's schedule is replayed, where it left one. */
function finish(state: Population, rules: PopulationRules): void {
  state.finished = true;
  state.plan = state.plan.filter(({ kind }) => kind === "report" || kind === "stop");
  const ended = indexesOf(state.members, ({ status, trial }) => status === "done" && state.schedules.includes(trial));
  const [best] = ended.toSorted((a, b) => lossAt(state.members, a) - lossAt(state.members, b) || a - b);
  const member = best === undefined ? undefined : state.members[best];
  if (best === undefined || member === undefined || member.loss === null) return;
  const count = Math.max(0, Math.min(rules.replays, rules.trialsMax - state.next));
  for (let number = 0; number < count; number++) state.plan.push({ kind: "replay", member: best, trial: member.trial, number });
}

/** The middle value of each hyperparameter, the lower one of two, which no scale of the axis changes. */
function medians(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = new Set(all.flatMap((learned) => Object.keys(learned)));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = all.flatMap((learned) => learned[name] ?? []).sort((a, b) => a - b);
      return [name, values[Math.floor((values.length - 1) / 2)] ?? 0];
    }),
  );
}

function shown({ loss }: Member, { sign }: PopulationRules): string {
  return loss === null ? "no loss" : (sign * loss).toPrecision(4);
}

function lossAt(members: readonly Member[], index: number): number {
  return members[index]?.loss ?? Number.MAX_VALUE;
}

function memberOf(state: Population, trial: number): Member | undefined {
  return state.members.find((member) => member.trial === trial);
}

function indexesOf(members: readonly Member[], is: (member: Member, index: number) => boolean): number[] {
  return members.flatMap((member, index) => (is(member, index) ? [index] : []));
}

/** Takes the first step of the plan that fits out of it. */
function remove(state: Population, fits: (step: Step) => boolean): Step | undefined {
  const at = state.plan.findIndex(fits);
  return at < 0 ? undefined : state.plan.splice(at, 1)[0];
}
