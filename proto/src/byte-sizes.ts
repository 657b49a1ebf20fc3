/** Sizes as people write them: "2GiB", "500MB", "64KiB". The contract carries whole bytes. */

/** Bytes of each unit, largest first within each family. */
const units: readonly (readonly [string, number])[] = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
  ["KB", 1e3],
  ["B", 1],
];

/** What a size text looks like. */
export const byteSizePattern = /^\d+(?:\.\d+)?(?:[TGM]iB|KiB|[TGMkK]B|B)$/;

/** Whole bytes of a text such as "2GiB" or "1.5GB"; undefined where it is not a size. */
export function parseBytes(text: string): number | undefined {
  if (!byteSizePattern.test(text)) return undefined;
  const unit = text.replace(/^[\d.]+/, "");
  const bytes = Math.round(Number.parseFloat(text) * (units.find(([name]) => name === unit)?.[1] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest exact text of whole bytes: 2,147,483,648 gives "2GiB". */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of units) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}
