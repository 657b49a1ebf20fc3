/**
 * Questions and answers of BO-REP on their way between a strategy and the trials that answer: vectors by name, every double with all of its bits.
 * Pure; shared by the strategy `bo-rep` and the procedure `stochastic-oracle`.
 */
import type { NodeSum } from "../summation-tree.js";
import type { ShardAnswer } from "./oracle.js";

/** Lists of numbers by name. */
export type NumberLists = Readonly<Record<string, readonly number[]>>;

const nodePrefix = "node.";
const nodeName = /^node\.(\d+)\.(\d+)$/;

export function encodeShardAnswer({ nodes, slice }: ShardAnswer): NumberLists {
  const sums = nodes.map(({ lo, hi, sum }) => [`${nodePrefix}${lo}.${hi}`, sum] as const);
  return Object.fromEntries(slice.length === 0 ? sums : [...sums, ["slice", slice] as const]);
}

export function decodeShardAnswer(vectors: NumberLists): ShardAnswer {
  const nodes: NodeSum[] = [];
  for (const [name, sum] of Object.entries(vectors)) {
    const [, lo, hi] = nodeName.exec(name) ?? [];
    if (lo !== undefined && hi !== undefined) nodes.push({ lo: Number(lo), hi: Number(hi), sum });
  }
  return { nodes: nodes.sort((a, b) => a.lo - b.lo), slice: vectors.slice ?? [] };
}

/** What a workload says of itself before the first question. */
export interface Description {
  readonly upperDim: number;
  readonly lowerDim: number;
  readonly units: number;
  readonly owned: boolean;
  readonly kappa: number;
  /** Where x and y start. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** First upper coordinate of each unit that has some to itself, and the end of the last; empty where units share them all. */
  readonly edges: readonly number[];
}

export function encodeDescription({ x, y, edges, ...numbers }: Description): NumberLists {
  const { upperDim, lowerDim, units, owned, kappa } = numbers;
  return { x, y, edges, shape: [upperDim, lowerDim, units, owned ? 1 : 0, kappa] };
}

/** The description; undefined where the lists are none. */
export function decodeDescription({ x, y, edges = [], shape = [] }: NumberLists): Description | undefined {
  const [upperDim, lowerDim, units, owned, kappa] = shape;
  if (x === undefined || y === undefined || kappa === undefined) return undefined;
  if (upperDim === undefined || lowerDim === undefined || units === undefined || x.length !== upperDim) return undefined;
  return { upperDim, lowerDim, units, owned: owned === 1, kappa, x, y, edges };
}
