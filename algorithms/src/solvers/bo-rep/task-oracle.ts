/**
 * Tasks that own their lower variables: each has a y and a z of its own, refreshed every so many upper steps, and gives only its direction.
 * Source: arXiv 2401.09587, the hyper-representation experiment; the released code shares one z over tasks whose Hessians differ, this does not.
 */
import { assert } from "@regulus/proto";
import type { StochasticProblem } from "../stochastic-problem.js";
import { coveringNodes, type SampleRange, sumNode } from "../summation-tree.js";
import type { ShardAnswer } from "./oracle.js";
import type { BoRepSettings } from "./settings.js";
import { boundedRate, length, plainStep, projectedStep } from "./vector-steps.js";

/** Settings that tasks need. */
export type TaskSettings = Pick<BoRepSettings, "lowerRate" | "adjointRate" | "innerSteps" | "radius">;

/** Plain data: (y, z) of each task of a shard, in order. */
export interface TaskMemory {
  readonly y: readonly number[][];
  readonly z: readonly number[][];
}

/** One upper step as tasks see it. */
export interface TaskQuestion {
  readonly x: Float64Array;
  /** Number of the oracle round. */
  readonly draw: number;
  /** Whether y is refreshed first. */
  readonly refresh: boolean;
}

/** Every task at the problem's start, with a z of zero. */
export function startTasks({ lowerDim, start }: StochasticProblem, { lo, hi }: SampleRange): TaskMemory {
  const tasks = <Value>(value: () => Value) => Array.from({ length: hi - lo }, value);
  return { y: tasks(() => [...start.y]), z: tasks(() => new Array<number>(lowerDim).fill(0)) };
}

/** Moves the shard's tasks and answers for them. Changes the memory. */
export function answerTasks(
  problem: StochasticProblem,
  settings: TaskSettings,
  { memory, question, shard }: { readonly memory: TaskMemory; readonly question: TaskQuestion; readonly shard: SampleRange },
): ShardAnswer {
  assert(problem.lower === "owned", "a problem whose y is shared is answered for by answerShard");
  const taskVector = (task: number): Float64Array => {
    const [y, z] = [memory.y[task - shard.lo] ?? [], memory.z[task - shard.lo] ?? []];
    const packed = new Float64Array(problem.upperDim + 2);
    const upperLoss = moveTask(problem, settings, { y, z, question, task }, packed.subarray(0, problem.upperDim));
    packed.set([upperLoss, length(z) ** 2], problem.upperDim);
    return packed;
  };
  return { nodes: coveringNodes(problem.units, shard).map((node) => sumNode(node, taskVector)), slice: [] };
}

/** Refreshes y where it is due, one step on the linear system, the direction into `out`; gives the upper loss before it. */
function moveTask(
  problem: StochasticProblem,
  settings: TaskSettings,
  { y, z, question, task }: { y: number[]; z: number[]; question: TaskQuestion; task: number },
  out: Float64Array,
): number {
  const { x, draw, refresh } = question;
  // Minibatches of the steps inside one round are keyed apart.
  const drawOf = (part: number) => ({ draw: draw * (settings.innerSteps + 2) + part, unit: task });
  const center = [...y];
  for (let step = 0; refresh && step < settings.innerSteps; step++) {
    const gradient = new Float64Array(problem.lowerDim);
    const smoothness = problem.lowerGradient({ x, y: Float64Array.from(y) }, drawOf(step), gradient);
    projectedStep(y, gradient, { rate: boundedRate(settings.lowerRate, smoothness), center, radius: settings.radius });
  }
  const residual = new Float64Array(problem.lowerDim);
  const lower = Float64Array.from(y);
  const { smoothness, upperLoss } = problem.adjointResidual(
    { x, y: lower, z: Float64Array.from(z) },
    drawOf(settings.innerSteps),
    residual,
  );
  plainStep(z, residual, boundedRate(settings.adjointRate, smoothness));
  problem.direction({ x, y: lower, z: Float64Array.from(z) }, drawOf(settings.innerSteps + 1), out);
  return upperLoss;
}
