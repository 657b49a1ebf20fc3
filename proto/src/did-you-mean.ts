/**
 * The known name that a mistyped one most likely meant: optimal string alignment distance (Damerau 1964, adjacent transpositions count
 * one), at most a third of the name's length.
 */

/** Longest name that is compared; longer ones are nobody's slip of the finger. */
const nameCharactersMax = 64;
/** Names this short must share their first letter: "gpu" is no slip for "cpu". */
const shortCharactersMax = 3;

/** Words that other tools have for some of ours, which no slip of a finger explains. */
const otherWords: ReadonlyMap<string, string> = new Map([
  ...["float", "real", "number", "uniform"].map((word) => [word, "double"] as const),
  ...["integer", "long"].map((word) => [word, "int"] as const),
  ...["choice", "choices", "enum", "category"].map((word) => [word, "categorical"] as const),
  ["bool", "boolean"],
]);

/** The closest known name, or undefined where none is close. */
export function closestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > nameCharactersMax) return undefined;
  const names = [...known];
  const ours = otherWords.get(name.toLowerCase());
  if (ours !== undefined && !names.includes(name) && names.includes(ours)) return ours;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    if (name.length <= shortCharactersMax && name[0]?.toLowerCase() !== candidate[0]?.toLowerCase()) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `one of a, b, c`, or `one of these (did you mean b?): a, b, c` where a name is close: a long list may be cut, and must not take it along. */
export function expectedOneOf(name: string, known: readonly string[]): string {
  const closest = closestName(name, known);
  if (known.length === 1) return closest === undefined ? `${known[0]}` : `${known[0]}; did you mean ${closest}?`;
  const names = known.join(", ");
  return closest === undefined ? `one of ${names}` : `one of these (did you mean ${closest}?): ${names}`;
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const at = (list: readonly number[], index: number) => list[index] ?? Number.POSITIVE_INFINITY;
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min(at(row, j - 1) + 1, at(last, j) + 1, at(last, j - 1) + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        distance = Math.min(distance, at(beforeLast, j - 2) + 1);
      row.push(distance);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY;
}
