/** What an arm came to beside the strategy's own trials, in the words that every command and the report use. */
import { type Arm, type Search, signOf } from "@regulus/proto";
import { formatPercent } from "./numbers.js";

/** "12.1 % better than the own trials"; undefined for the own trials themselves, and where either side has no value to compare. */
export function armGainWords(
  { arms, spec }: Pick<Search, "arms" | "spec">,
  { name, bestValue, deviation }: Arm,
): string | undefined {
  const own = arms.find((arm) => arm.name === "")?.bestValue;
  if (name === "" || own === undefined || bestValue === undefined) return undefined;
  const whole = Math.abs(name === "control" ? bestValue : own);
  if (whole === 0 && own !== bestValue) return undefined;
  const gain = whole === 0 ? 0 : (signOf(spec?.objectives[0]) * (bestValue - own)) / whole;
  // What a strategy builds on its own trials is no sample beside them.
  const isSample = name === "control" || name === "replay";
  return `${sizeWords(name, gain)}${isSample && whole > 0 ? spreadWords(deviation, whole) : ""}`;
}

/** @param gain by which part the strategy's own best is better. */
function sizeWords(name: string, gain: number): string {
  const size = formatPercent(Math.abs(gain));
  if (name === "replay") return gain >= 0 ? `replaying the schedule loses ${size}` : `replaying the schedule gains ${size}`;
  if (name !== "control")
    return gain === 0 ? "as good as the own trials" : `${size} ${gain < 0 ? "better" : "worse"} than the own trials`;
  if (gain === 0) return "the strategy is as good as random search";
  return `the strategy is ${size} ${gain > 0 ? "better" : "worse"} than random search`;
}

/** How far the values of an arm's trials lie apart, to judge a gain by: one that is smaller may be luck. */
function spreadWords(deviation: number | undefined, whole: number): string {
  if (deviation === undefined) return " (fewer than two of its trials ended: this may be luck)";
  return ` (its trials vary by ± ${formatPercent(deviation / whole)})`;
}
