/** Durations as people write them: "10m", "1h30m", "250ms". The contract carries whole milliseconds. */

/** Milliseconds of each unit, longest first. */
const units: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** What a duration text looks like. */
export const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** Whole milliseconds of a text such as "10m" or "1.5h"; undefined where it is not a duration. */
export function parseDurationMs(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    sum += Number(amount) * (units.find(([name]) => name === unit)?.[1] ?? Number.NaN);
  }
  const ms = Math.round(sum);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** The shortest exact text of whole milliseconds: 5,400,000 gives "1h30m". */
export function formatDuration(ms: number): string {
  let left = ms;
  let text = "";
  for (const [unit, unitMs] of units) {
    const count = Math.floor(left / unitMs);
    if (count > 0) text += `${count}${unit}`;
    left -= count * unitMs;
  }
  return text === "" ? "0s" : text;
}
