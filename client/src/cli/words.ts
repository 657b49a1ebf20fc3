/** Searches and trials in a few words, shared by the commands that list and show them. */

import type { Measurement, Parameter, Search, Trial, TrialInput } from "@regulus/proto";
import { armGainWords } from "../display/arm-words.js";
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
export function armPairs(search: Search): [string, string][] {
  const metric = search.spec?.objectives[0]?.metric ?? "objective";
  return search.arms.map((arm): [string, string] => {
    const { name, trials, steps, bestTrial, bestValue } = arm;
    const title = armNames[name] ?? `arm ${name}`;
    const spent = `${counted(trials, "trial")}, ${counted(steps, "step")}`;
    if (bestTrial === undefined || bestValue === undefined) return [title, `${spent}, nothing measured yet`];
    const gain = armGainWords(search, arm);
    const best = `${spent}, best ${metric} ${numberFormat()(bestValue)} (trial ${bestTrial})`;
    return [title, gain === undefined ? best : `${best}: ${gain}`];
  });
}

const armNames: Readonly<Record<string, string>> = { "": "own trials", control: "control arm", replay: "replays" };

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
