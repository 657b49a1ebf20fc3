/** Searches and trials in a few words, shared by the commands that list and show them. */

import type { Measurement, Parameter, Search, Trial, TrialInput } from "@regulus/proto";
import { signOf } from "@regulus/proto";
import { reasonWords } from "../display/headlines.js";
import { counted, formatCount, formatPercent, formatSeconds, parameterText } from "../display/numbers.js";
import { numberFormat } from "./output.js";

/** running, paused, stopping, or how it ended. */
export function searchStatusWords({ status, outcome }: Search): string {
  const word = status === "SEARCH_STATUS_ENDED" ? outcome.replace("SEARCH_OUTCOME_", "") : status.replace("SEARCH_STATUS_", "");
  return word.toLowerCase();
}

/** pending, running, paused, or why it ended. */
export function trialStatusWords({ status, reason }: Trial): string {
  return status === "TRIAL_STATUS_ENDED" ? reasonWords(reason) : status.replace("TRIAL_STATUS_", "").toLowerCase();
}

/** "12 done, 2 running, 1 failed"; only what there is. */
export function countWords({ counts }: Search): string {
  const words = (["done", "running", "pending", "paused", "stopped", "failed"] as const).flatMap((name) =>
    (counts?.[name] ?? 0) > 0 ? [`${formatCount(counts?.[name] ?? 0)} ${name}`] : [],
  );
  return words.length === 0 ? "no trials yet" : words.join(", ");
}

/** "validLoss 0.1193 (trial 4)". */
export function bestWords({ bestTrial, bestValue, spec }: Search): string {
  if (bestTrial === undefined || bestValue === undefined) return "";
  return `${spec?.objectives[0]?.metric ?? "objective"} ${numberFormat()(bestValue)} (trial ${bestTrial})`;
}

/** The same in so many characters: the trial goes first, then letters of the metric, and the value last. */
export function shortBestWords(search: Search, characters: number): string {
  const { bestTrial, bestValue, spec } = search;
  if (bestTrial === undefined || bestValue === undefined) return "";
  const metric = [...(spec?.objectives[0]?.metric ?? "objective")];
  const value = numberFormat()(bestValue);
  const room = characters - value.length - 1;
  if (room >= metric.length) return `${metric.join("")} ${value}`;
  return room < 2 ? value : `${metric.slice(0, room - 1).join("")}… ${value}`;
}

/** How long a search has run: pauses and the time after its end do not count. */
export function ageWords({ ranMs, runningSinceMs }: Search, nowMs: number): string {
  const since = runningSinceMs === 0 ? 0 : Math.max(0, nowMs - runningSinceMs);
  return formatSeconds(Math.round((ranMs + since) / 1000));
}

/** "2m 10s of slots, 12 s of it (9 %) wasted: 10 s lost, 2 s preempted". */
export function costWords({ slotSeconds, wastedSlotSeconds, wastedByReason }: Search): string {
  const all = `${formatSeconds(slotSeconds)} of slots`;
  if (wastedSlotSeconds === 0) return all;
  const reasons = Object.entries(wastedByReason)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, seconds]) => `${formatSeconds(seconds)} ${reason.replaceAll("_", " ")}`);
  const share = formatPercent(wastedShare({ slotSeconds, wastedSlotSeconds }));
  return `${all}, ${formatSeconds(wastedSlotSeconds)} of it (${share}) wasted: ${reasons.join(", ")}`;
}

/** The part of the slot-seconds that came to nothing, in [0, 1]. Both are sums of times by different clocks, so their ratio may leave it. */
export function wastedShare({ slotSeconds, wastedSlotSeconds }: Pick<Search, "slotSeconds" | "wastedSlotSeconds">): number {
  return slotSeconds > 0 ? Math.min(1, Math.max(0, wastedSlotSeconds / slotSeconds)) : 0;
}

/** "12 taken, 3 refused"; empty where the strategy takes no steps of its own. */
export function stepCountWords({ strategyStepsAccepted, strategyStepsRefused }: Search): string {
  if (strategyStepsAccepted + strategyStepsRefused === 0) return "";
  return `${formatCount(strategyStepsAccepted)} taken, ${formatCount(strategyStepsRefused)} refused`;
}

/** Trials that are named of those whose results a trial is given. */
const inputTrialsShown = 12;

/** What the control arm and the replays came to, beside the strategy's own trials; none where there are no such arms. */
export function armPairs({ arms, spec }: Search): [string, string][] {
  const own = arms.find(({ name }) => name === "");
  const objective = spec?.objectives[0];
  const metric = objective?.metric ?? "objective";
  const sign = signOf(objective);
  const titleOf = (name: string) => armNames[name] ?? `arm ${name}`;
  return arms.flatMap(({ name, trials, steps, bestTrial, bestValue, deviation }): [string, string][] => {
    const spent = `${counted(trials, "trial")}, ${counted(steps, "step")}`;
    if (bestTrial === undefined || bestValue === undefined) return [[titleOf(name), `${spent}, nothing measured yet`]];
    const best = `${spent}, best ${metric} ${numberFormat()(bestValue)} (trial ${bestTrial})`;
    if (name === "" || own?.bestValue === undefined) return [[titleOf(name), best]];
    const whole = Math.abs(name === "control" ? bestValue : own.bestValue);
    const gain = (sign * (bestValue - own.bestValue)) / whole;
    // What a strategy builds on its own trials is no sample beside them.
    const spread = armNames[name] === undefined ? "" : spreadWords(deviation, whole);
    return [[titleOf(name), `${best}: ${armWords(name, gain)}${spread}`]];
  });
}

const armNames: Readonly<Record<string, string>> = { "": "own trials", control: "control arm", replay: "replays" };

/** @param gain by which part the strategy's own best is better. */
function armWords(name: string, gain: number): string {
  const size = formatPercent(Math.abs(gain));
  if (name === "replay") return gain >= 0 ? `replaying the schedule loses ${size}` : `replaying the schedule gains ${size}`;
  if (name !== "control")
    return gain === 0 ? "as good as the own trials" : `${size} ${gain < 0 ? "better" : "worse"} than the own trials`;
  if (gain === 0) return "the strategy is as good as random search";
  return `the strategy is ${size} ${gain > 0 ? "better" : "worse"} than random search`;
}

/** How far the values of an arm's trials lie apart, to judge a gain by: one that is smaller may be luck. */
export function spreadWords(deviation: number | undefined, whole: number): string {
  if (deviation === undefined) return " (fewer than two of its trials ended: this may be luck)";
  return ` (its trials vary by ± ${formatPercent(deviation / whole)})`;
}

/** Names of hyperparameters in the order of the search's space, then those that it does not name. */
export function inSpaceOrder(names: readonly string[], space: readonly Pick<Parameter, "name">[] = []): string[] {
  const rank = rankIn(space);
  return [...names].sort((a, b) => rank(a) - rank(b));
}

function rankIn(space: readonly Pick<Parameter, "name">[]): (name: string) => number {
  const order = new Map(space.map(({ name }, at) => [name, at]));
  return (name) => order.get(name) ?? space.length;
}

/** Hyperparameters of a trial: what it was given, then what it learned, each in the order of the space. */
export function parameterPairs(
  { work, last }: Pick<Trial, "work" | "last">,
  number = numberFormat(),
  space: readonly Pick<Parameter, "name">[] = [],
): [string, string][] {
  const rank = rankIn(space);
  const sorted = <Value>(map: Readonly<Record<string, Value>> = {}) => Object.entries(map).sort(([a], [b]) => rank(a) - rank(b));
  const given = sorted(work?.parameters).map(([name, value]): [string, string] => [name, parameterText(value, number)]);
  const learned = sorted(last?.learned).map(([name, value]): [string, string] => [name, `${number(value)} (learned)`]);
  return [...given, ...learned];
}

export function metricPairs(measurement: Measurement | undefined, number = numberFormat()): [string, string][] {
  return Object.entries(measurement?.metrics ?? {}).map(([name, value]) => [name, number(value)]);
}

/** Results of other trials that a trial is given, by kind: "4 predictions-valid, 4 predictions-test". */
export function inputWords(inputs: readonly TrialInput[]): string {
  const counts = new Map<string, number>();
  for (const { artifact } of inputs) counts.set(artifact?.kind ?? "", (counts.get(artifact?.kind ?? "") ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
}

/** The trials that left them, the first few by number; those of other searches by theirs. */
export function inputTrials(inputs: readonly TrialInput[]): string {
  const names = new Set(inputs.map(({ searchId, trial }) => (searchId === "" ? `${trial}` : `${trial} of ${searchId}`)));
  const shown = [...names].slice(0, inputTrialsShown).join(", ");
  const left = names.size - inputTrialsShown;
  return `${names.size === 1 ? "trial" : "trials"} ${shown}${left > 0 ? ` and ${left} more` : ""}`;
}
