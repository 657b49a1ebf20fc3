/** Folds a search's facts into the strategy's memory: who was asked what, who answered, who is gone. Changes the state in place. */
import { EndReason, type Fact, fromVectors, type Measurement, type TrialEnded, type Work } from "@regulus/proto";
import { spec as oracle } from "../../procedures/stochastic-oracle/spec.js";
import { decodeShardAnswer } from "../../solvers/bo-rep/index.js";
import { advance, diverge, type Rules, takeDescription } from "./advance.js";
import { type BoRepSearch, newShard, type Shard } from "./search-state.js";

export function tellSearch(rules: Rules, state: BoRepSearch, { position, kind }: Fact): void {
  if (position <= state.position) return;
  state.position = position;
  switch (kind?.$case) {
    case "trialProposed":
      state.trials = Math.max(state.trials, kind.value.trial + 1);
      takeWork(state, kind.value.trial, kind.value.work);
      return;
    case "trialResumed":
      takeWork(state, kind.value.trial, kind.value.work);
      return;
    case "trialMeasured":
      measured(rules, state, kind.value.trial, kind.value.measurement);
      break;
    case "trialPaused":
      paused(rules, state, kind.value.trial, kind.value.step);
      break;
    case "trialEnded":
      ended(rules, state, kind.value);
      break;
    case "strategyStepped":
      state.reports.shift();
      return;
    default:
      return;
  }
  advance(rules, state);
}

function shardOf({ shards }: BoRepSearch, trial: number): Shard | undefined {
  return shards.find((shard) => shard.trial === trial);
}

/** A proposal of ours was taken: its options say which shard it is for, and what the trial holds from then on. */
function takeWork(state: BoRepSearch, trial: number, work: Work | undefined): void {
  if (work?.procedure !== oracle.name) return;
  const parsed = oracle.options.safeParse(work.options ?? {});
  if (!parsed.success || parsed.data.kind === "plain") return;
  const { lo, kind, draw, versions, refresh } = parsed.data;
  const shard = state.shards.find((one) => one.lo === lo);
  if (shard === undefined) return;
  const [at = 0] = versions;
  Object.assign(shard, { trial, status: "busy", asked: { kind, draw, at }, hasAnswered: false });
  if (kind !== "describe") shard.held = versions;
  if (refresh) shard.refreshedAt = at;
}

function measured(rules: Rules, state: BoRepSearch, trial: number, measurement: Measurement | undefined): void {
  const shard = shardOf(state, trial);
  if (shard === undefined || shard.asked === null || shard.hasAnswered || measurement === undefined) return;
  const { asked } = shard;
  if (asked.kind === "close") {
    if (Object.keys(measurement.metrics).length > 0 && state.shards[0] === shard) finish(rules, state, measurement.metrics);
    shard.hasAnswered = true;
    return;
  }
  if (measurement.metrics.round !== asked.draw) return;
  if (asked.kind === "describe") {
    shard.hasAnswered = true;
    // The description makes new shards of this one, so that nothing may be written to it afterwards.
    if (!takeDescription(rules, state, measurement)) shard.hasAnswered = false;
    return;
  }
  const answer = decodeShardAnswer(fromVectors(measurement.vectors));
  if (answer.nodes.length + answer.slice.length === 0) return;
  shard.hasAnswered = true;
  shard.answer = { ...asked, answer, used: false };
}

function paused(rules: Rules, state: BoRepSearch, trial: number, step: number): void {
  const shard = shardOf(state, trial);
  if (shard === undefined || shard.status !== "busy") return;
  shard.step = step;
  if (shard.hasAnswered) {
    shard.status = "idle";
    return;
  }
  state.silent.push(trial);
  replace(rules, state, shard, `trial ${trial} gave no answer that can be read`);
}

function ended(rules: Rules, state: BoRepSearch, { trial, reason, message }: TrialEnded): void {
  state.silent = state.silent.filter((one) => one !== trial);
  const shard = shardOf(state, trial);
  if (shard === undefined || shard.status === "ended") return;
  if (state.phase === "over" || (state.phase === "close" && reason === EndReason.END_REASON_DONE)) {
    shard.status = "ended";
    return;
  }
  if (reason === EndReason.END_REASON_DIVERGED) {
    shard.status = "ended";
    diverge(state, message);
    return;
  }
  replace(rules, state, shard, `trial ${trial} ended${message === "" ? "" : ` (${message})`}`);
}

/** Another trial takes a shard over, with all vectors anew; or, where too many have failed, the strategy gives up. */
function replace({ replacements, trialsMax }: Rules, state: BoRepSearch, shard: Shard, words: string): void {
  state.failures += 1;
  const step = state.machine?.step ?? 0;
  const spent = trialsMax > 0 && state.trials >= trialsMax;
  Object.assign(shard, { ...newShard(shard.lo, shard.hi), answer: shard.answer });
  if (state.failures > replacements || spent) {
    state.phase = "over";
    const why = spent ? `the budget of ${trialsMax} trials is spent` : `so did ${replacements} before it`;
    state.reports.push({ step, accepted: false, metrics: {}, message: `${words}, and ${why}: the strategy gives up` });
    return;
  }
  const begins = state.description?.owned === true ? ", whose tasks start over" : "";
  const message = `${words}: another trial takes over units ${shard.lo} to ${shard.hi - 1}${begins}`;
  state.reports.push({ step, accepted: false, metrics: {}, message });
}

/** The last report, in words and with the upper variables. It is no step: the exact metrics are those that every trial ends with. */
function finish(
  { settings, stepsPerTrial, stepsMax }: Rules,
  state: BoRepSearch,
  metrics: Readonly<Record<string, number>>,
): void {
  const { machine } = state;
  if (machine === null) return;
  const found = Object.entries(metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  const early = machine.ended === "steps" && machine.step < settings.steps;
  const limits = { "budget.stepsPerTrial": stepsPerTrial, "budget.steps": stepsMax };
  const budget = Object.entries(limits)
    .flatMap(([name, limit]) => (limit > 0 ? [`${name} is ${limit}`] : []))
    .join(", ");
  const why = early ? ` (of ${settings.steps}: ${budget})` : "";
  const message = `after ${machine.step} upper steps${why} and ${machine.draws} rounds: ${found.join(", ")}`;
  state.reports.push({ step: machine.step, accepted: true, metrics: {}, vectors: { x: machine.x }, message });
}
