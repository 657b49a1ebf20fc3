/**
 * Answers to BO-REP's questions, shard by shard: what a contiguous range of units computes, and how answers of all shards become the averages that
 * the machine is told. Vectors and numbers of a unit are added up the one fixed tree, so that the averages have the same bits however units are cut.
 */
import { assert } from "@regulus/proto";
import type { AdjointPoint, StochasticProblem } from "../stochastic-problem.js";
import { combineNodes, coveringNodes, type NodeSum, type SampleRange, sumNode } from "../summation-tree.js";
import type { OracleAnswer, OracleKind, OracleQuestion } from "./machine.js";

/** What a shard answers. */
export interface ShardAnswer {
  /** Sums over nodes of the tree of units, packed as `layoutOf` says; none where there is nothing to add up. */
  readonly nodes: readonly NodeSum[];
  /** The direction in the upper coordinates that the shard has to itself; empty where the direction is in the nodes. */
  readonly slice: readonly number[];
}

/** What is known of a problem without its data. */
export interface OracleShape {
  readonly upperDim: number;
  readonly lowerDim: number;
  readonly units: number;
  /** Whether units have upper coordinates to themselves. */
  readonly sliced: boolean;
}

/** Lengths of what a node's vector holds, in order: a lower vector, a direction, and numbers. */
interface Layout {
  readonly lower: number;
  readonly direction: number;
  /** smoothness and upper loss; for owned: upper loss and |z|^2. */
  readonly numbers: number;
}

export function shapeOf({ upperDim, lowerDim, units, upperRange }: StochasticProblem): OracleShape {
  return { upperDim, lowerDim, units, sliced: upperRange !== undefined };
}

/** The answer of a shard of a problem whose y is shared. */
export function answerShard(
  problem: StochasticProblem,
  { kind, draw }: OracleQuestion,
  at: AdjointPoint,
  shard: SampleRange,
): ShardAnswer {
  assert(kind !== "owned" && problem.lower === "shared", "tasks that own their y are answered for by TaskOracle");
  const layout = layoutOf(shapeOf(problem), kind);
  const slices: Float64Array[] = [];
  const unitVector = (unit: number): Float64Array => {
    const packed = new Float64Array(layout.lower + layout.direction + layout.numbers);
    const lower = packed.subarray(0, layout.lower);
    const numbers = packed.subarray(layout.lower + layout.direction);
    const of = { draw, unit };
    if (kind === "lower") numbers[0] = problem.lowerGradient(at, of, lower);
    if (kind === "adjoint" || kind === "joint") {
      const { smoothness, upperLoss } = problem.adjointResidual(at, of, lower);
      numbers.set([smoothness, upperLoss]);
    }
    if (kind === "direction" || kind === "joint") {
      const range = problem.upperRange?.(unit);
      const direction =
        range === undefined
          ? packed.subarray(layout.lower, layout.lower + layout.direction)
          : new Float64Array(range.to - range.from);
      problem.direction(at, of, direction);
      if (range !== undefined) slices[unit - shard.lo] = direction;
    }
    return packed;
  };
  // Every unit is visited once, by the tree; a direction in slices alone leaves the nodes empty vectors, which are not sent.
  const nodes = coveringNodes(problem.units, shard).map((node) => sumNode(node, unitVector));
  return { nodes: nodes.filter(({ sum }) => sum.length > 0), slice: slices.flatMap((one) => [...one]) };
}

/** The averages over all samples, from the answers of shards in order of their ranges. */
export function averageOfShards(shape: OracleShape, kind: OracleKind, answers: readonly ShardAnswer[]): OracleAnswer {
  const layout = layoutOf(shape, kind);
  const nodes = answers.flatMap((one) => one.nodes);
  const sum = nodes.length === 0 ? new Float64Array(0) : combineNodes(shape.units, nodes);
  const lower = sum.subarray(0, layout.lower);
  const [first = 0, second = 0] = sum.subarray(layout.lower + layout.direction);
  const sliced = shape.sliced ? Float64Array.from(answers.flatMap((one) => one.slice)) : undefined;
  const direction = sliced ?? sum.subarray(layout.lower, layout.lower + layout.direction);
  assert(kind === "lower" || kind === "adjoint" || direction.length === shape.upperDim, "shards cover the upper coordinates");
  switch (kind) {
    case "lower":
      return { gradient: lower, smoothness: first };
    case "adjoint":
      return { residual: lower, smoothness: first, upperLoss: second };
    case "direction":
      return { direction, smoothness: 0 };
    case "joint":
      return { residual: lower, direction, smoothness: first, upperLoss: second };
    case "owned": {
      const mean = direction.map((value) => value / shape.units);
      return { direction: mean, smoothness: 0, upperLoss: first / shape.units, adjointNorm: Math.sqrt(second) };
    }
  }
}

function layoutOf({ upperDim, lowerDim, sliced }: OracleShape, kind: OracleKind): Layout {
  const direction = sliced ? 0 : upperDim;
  switch (kind) {
    case "lower":
      return { lower: lowerDim, direction: 0, numbers: 1 };
    case "adjoint":
      return { lower: lowerDim, direction: 0, numbers: 2 };
    case "direction":
      return { lower: 0, direction, numbers: 0 };
    case "joint":
      return { lower: lowerDim, direction, numbers: 2 };
    case "owned":
      return { lower: 0, direction: upperDim, numbers: 2 };
  }
}
