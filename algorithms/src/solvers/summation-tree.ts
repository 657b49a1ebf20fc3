/**
 * Sums over the positions of samples in a round (dealt-samples.ts) by one fixed binary tree, so that a sum has the same bits however the samples are cut into shards. The node of the
 * range [lo, hi) splits at lo plus the largest power of two below its length; leaves are single samples. A shard hands over the largest
 * nodes inside its range, and whoever has nodes that cover all samples adds them up the tree. Source: MAID with exact error bookkeeping
 * (arXiv 2308.10098; sums of bounds over samples); the tree is ours.
 */
import { assert } from "@regulus/proto";

/** A node of the tree: the samples at positions from lo up to, not including, hi. */
export interface SampleRange {
  readonly lo: number;
  readonly hi: number;
}

/** A node with the sum of its samples' vectors. All sums of a tree have one length. */
export interface NodeSum extends SampleRange {
  readonly sum: readonly number[];
}

/** The largest nodes of the tree over `samples` samples that lie in [from, to), in order. At most 2 log2(samples) of them. */
export function coveringNodes(samples: number, { lo: from, hi: to }: SampleRange): readonly SampleRange[] {
  assert(0 <= from && from <= to && to <= samples, `a shard lies within the samples: saw ${from} to ${to} of ${samples}`);
  const found: SampleRange[] = [];
  const visit = (node: SampleRange): void => {
    if (node.hi <= from || node.lo >= to) return;
    if (from <= node.lo && node.hi <= to) found.push(node);
    else for (const half of halves(node)) visit(half);
  };
  if (samples > 0) visit({ lo: 0, hi: samples });
  return found;
}

/** Sum over one node, of vectors given by sample. The vectors are neither kept nor changed. */
export function sumNode(node: SampleRange, vectorOf: (sample: number) => ArrayLike<number>): NodeSum {
  return { ...node, sum: [...sumOf(node, vectorOf)] };
}

function sumOf(node: SampleRange, vectorOf: (sample: number) => ArrayLike<number>): Float64Array {
  if (node.hi - node.lo === 1) return Float64Array.from(vectorOf(node.lo));
  const [left, right] = halves(node);
  return added(sumOf(left, vectorOf), sumOf(right, vectorOf));
}

/** The sum over all samples from nodes that cover each sample once, in any order. Throws an assertion where they do not. */
export function combineNodes(samples: number, nodes: readonly NodeSum[]): Float64Array {
  const bySpan = new Map(nodes.map((node) => [`${node.lo} ${node.hi}`, node.sum] as const));
  const visit = (node: SampleRange): Float64Array => {
    const given = bySpan.get(`${node.lo} ${node.hi}`);
    if (given !== undefined) return Float64Array.from(given);
    assert(node.hi - node.lo > 1, `no shard answered for position ${node.lo} of ${samples}`);
    const [left, right] = halves(node);
    return added(visit(left), visit(right));
  };
  assert(samples > 0, "a sum has at least one sample");
  return visit({ lo: 0, hi: samples });
}

/** The sum of one number a sample, by the same tree. 0 for no samples. */
export function treeSum(values: ArrayLike<number>): number {
  const visit = (lo: number, hi: number): number => {
    if (hi - lo === 1) return values[lo] ?? Number.NaN;
    const middle = lo + largestPowerBelow(hi - lo);
    return visit(lo, middle) + visit(middle, hi);
  };
  return values.length === 0 ? 0 : visit(0, values.length);
}

/** Cuts the samples into contiguous shards whose sizes differ by at most one. No shard is empty: there may be fewer than asked for. */
export function shardRanges(samples: number, shards: number): readonly SampleRange[] {
  const count = Math.max(1, Math.min(samples, shards));
  const edge = (shard: number) => Math.floor((shard * samples) / count);
  return Array.from({ length: count }, (_, shard) => ({ lo: edge(shard), hi: edge(shard + 1) }));
}

function halves({ lo, hi }: SampleRange): readonly [SampleRange, SampleRange] {
  const middle = lo + largestPowerBelow(hi - lo);
  return [
    { lo, hi: middle },
    { lo: middle, hi },
  ];
}

/** The largest power of two below a length of at least 2. */
function largestPowerBelow(length: number): number {
  let power = 1;
  while (2 * power < length) power *= 2;
  return power;
}

function added(left: Float64Array, right: Float64Array): Float64Array {
  assert(left.length === right.length, `sums of one length: saw ${left.length} and ${right.length}`);
  for (let i = 0; i < left.length; i++) left[i] = (left[i] as number) + (right[i] as number);
  return left;
}
