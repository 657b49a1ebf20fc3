/**
 * Fewer points that look the same: largest-triangle-three-buckets. Every bucket keeps the point that spans the largest triangle with
 * the last kept point and the middle of the next bucket; the first and last point always stay. Points without a finite y are dropped.
 * Source: S. Steinarsson, "Downsampling time series for visual representation", University of Iceland 2013, section 4.2.
 */

/** Points of one line of a plot. */
export const linePointsMax = 400;

/** A point of a plot; further numbers travel along. */
export type Point = readonly [x: number, y: number, ...rest: number[]];

/** At most `pointsMax` (3 or more) of the points, in order. */
export function thin<P extends Point>(points: readonly P[], pointsMax: number): P[] {
  const finite = points.filter((point) => Number.isFinite(point[0]) && Number.isFinite(point[1]));
  if (finite.length <= pointsMax) return finite;
  const buckets = pointsMax - 2;
  const width = (finite.length - 2) / buckets;
  const edge = (bucket: number) => 1 + Math.floor(bucket * width);
  const kept = finite.slice(0, 1);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const next = middle(finite.slice(edge(bucket + 1), Math.max(edge(bucket + 1) + 1, edge(bucket + 2))));
    const last = kept.at(-1);
    let best: P | undefined;
    let bestArea = -1;
    for (const point of finite.slice(edge(bucket), edge(bucket + 1))) {
      const area =
        last === undefined
          ? 0
          : Math.abs((last[0] - next[0]) * (point[1] - last[1]) - (last[0] - point[0]) * (next[1] - last[1]));
      if (area > bestArea) [best, bestArea] = [point, area];
    }
    if (best !== undefined) kept.push(best);
  }
  return [...kept, ...finite.slice(-1)];
}

/** At most `countMax` of a list, spread evenly, first and last included. */
export function spread<T>(list: readonly T[], countMax: number): T[] {
  if (list.length <= countMax) return [...list];
  return Array.from({ length: countMax }, (_, index) => Math.round((index * (list.length - 1)) / (countMax - 1))).flatMap((at) =>
    list.slice(at, at + 1),
  );
}

function middle(points: readonly Point[]): Point {
  const sum = points.reduce(([x, y], point) => [x + point[0], y + point[1]] as const, [0, 0] as const);
  return [sum[0] / Math.max(1, points.length), sum[1] / Math.max(1, points.length)];
}
