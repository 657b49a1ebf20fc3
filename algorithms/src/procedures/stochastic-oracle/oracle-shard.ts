/**
 * A shard of a stochastic bilevel problem at work: the vectors that it was sent last, its tasks' own variables where they have some, and its newest
 * answer. A question carries only the vectors that are new since the one before. No tensors, no clock; everything it holds is in its memory.
 */
import { counted, RegulusError } from "@regulus/proto";
import {
  answerShard,
  answerTasks,
  boundedRate,
  encodeDescription,
  encodeShardAnswer,
  type NumberLists,
  plainStep,
  startTasks,
  type TaskMemory,
} from "../../solvers/bo-rep/index.js";
import type { StochasticProblem } from "../../solvers/stochastic-problem.js";
import { coveringNodes, type SampleRange, sumNode } from "../../solvers/summation-tree.js";
import type { StochasticOracleOptions } from "./spec.js";

/** Everything that a shard holds. */
export interface ShardMemory {
  x: Float64Array;
  /** Empty where none was sent yet. */
  y: Float64Array;
  z: Float64Array;
  /** Empty where tasks own nothing, or have not been asked yet. */
  tasks: TaskMemory;
  answer: NumberLists;
}

export class OracleShard {
  readonly problem: StochasticProblem;
  readonly range: SampleRange;
  readonly memory: ShardMemory;

  /** @param memory what an earlier one held; absent to begin. */
  constructor(
    problem: StochasticProblem,
    { lo, hi = problem.units }: { lo: number; hi?: number | undefined },
    memory?: ShardMemory,
  ) {
    if (lo >= hi || hi > problem.units) {
      throw new RegulusError(
        "failed-precondition",
        `saw units ${lo} to ${hi}, expected a range of the workload's ${problem.units}`,
      );
    }
    this.problem = problem;
    this.range = { lo, hi };
    this.memory = memory ?? {
      x: Float64Array.from(problem.start.x),
      y: new Float64Array(0),
      z: new Float64Array(0),
      tasks: { y: [], z: [] },
      answer: {},
    };
  }

  /** Takes in the vectors of a question. A short x is that of the shard's own upper coordinates. */
  take({ x, y, z }: NumberLists): void {
    const { upperDim, lowerDim } = this.problem;
    if (x?.length === upperDim) this.memory.x = Float64Array.from(x);
    else if (x !== undefined) this.memory.x.set(this.#own("x", x), this.#from);
    if (y !== undefined) this.memory.y = sized("y", y, lowerDim);
    if (z !== undefined) this.memory.z = sized("z", z, lowerDim);
  }

  /** Works out the answer; tasks that own their variables move. */
  answer(question: StochasticOracleOptions): void {
    this.memory.answer = this.#answerTo(question);
  }

  /** One stochastic gradient step of the lower level, of the whole problem: what a plain trial does. */
  plainStep(draw: number, lowerRate: number): void {
    const { problem, memory } = this;
    if (problem.lower === "owned") {
      for (const [task, y] of this.#tasks().y.entries()) this.#lowerStep(y, [this.range.lo + task], draw, lowerRate);
      return;
    }
    if (memory.y.length === 0) memory.y = Float64Array.from(problem.start.y);
    this.#lowerStep(
      memory.y,
      Array.from({ length: problem.units }, (_, unit) => unit),
      draw,
      lowerRate,
    );
  }

  /** Metrics of the shard's units, by name: of everything where it has all units. */
  metrics(): Record<string, number> {
    const { metrics } = this.problem;
    const sums = this.#evaluations();
    return Object.fromEntries(metrics.map((name, index) => [name, sums.reduce((sum, node) => sum + (node.sum[index] ?? 0), 0)]));
  }

  #lowerStep(y: number[] | Float64Array, units: readonly number[], draw: number, rate: number): void {
    const gradient = new Float64Array(this.problem.lowerDim);
    const at = { x: this.memory.x, y: Float64Array.from(y) };
    const smoothness = units.reduce((sum, unit) => sum + this.problem.lowerGradient(at, { draw, unit }, gradient), 0);
    plainStep(y, gradient, boundedRate(rate, smoothness));
  }

  #answerTo(question: StochasticOracleOptions): NumberLists {
    const { problem, range, memory } = this;
    const { kind, draw } = question;
    switch (kind) {
      case "plain":
      case "close":
        return {};
      case "describe":
        return encodeDescription(describe(problem));
      case "evaluate":
        return encodeShardAnswer({ nodes: this.#evaluations(), slice: [] });
      case "owned": {
        const asked = { x: memory.x, draw, refresh: question.refresh };
        return encodeShardAnswer(answerTasks(problem, question, { memory: this.#tasks(), question: asked, shard: range }));
      }
      default: {
        this.#need("y", memory.y);
        if (kind !== "lower") this.#need("z", memory.z);
        return encodeShardAnswer(answerShard(problem, { kind, draw }, memory, range));
      }
    }
  }

  #evaluations() {
    const { problem, memory, range } = this;
    if (problem.lower === "shared") this.#need("y", memory.y);
    const at = (unit: number) => {
      return problem.lower === "owned" ? Float64Array.from(this.#tasks().y[unit - range.lo] ?? []) : memory.y;
    };
    return coveringNodes(problem.units, range).map((node) =>
      sumNode(node, (unit) => problem.evaluate({ x: memory.x, y: at(unit) }, unit)),
    );
  }

  #need(name: string, vector: Float64Array): void {
    if (vector.length > 0) return;
    const words = `the question counts on the vector ${name} of an earlier one, and this trial holds none: ask a new trial with all vectors`;
    throw new RegulusError("failed-precondition", words);
  }

  /** The shard's tasks, which begin when they are first asked. */
  #tasks(): TaskMemory {
    const { problem, range, memory } = this;
    if (memory.tasks.y.length !== range.hi - range.lo) memory.tasks = startTasks(problem, range);
    return memory.tasks;
  }

  get #from(): number {
    return this.problem.upperRange?.(this.range.lo).from ?? 0;
  }

  #own(name: string, values: readonly number[]): readonly number[] {
    const to = this.problem.upperRange?.(this.range.hi - 1).to ?? this.problem.upperDim;
    return [...sized(name, values, to - this.#from)];
  }
}

function sized(name: string, values: readonly number[], length: number): Float64Array {
  if (values.length === length) return Float64Array.from(values);
  throw new RegulusError("invalid-argument", `saw ${counted(values.length, "number")} in the vector ${name}, expected ${length}`);
}

function describe(problem: StochasticProblem) {
  const { upperDim, lowerDim, units, lower, kappa, start, upperRange } = problem;
  const ranges = upperRange === undefined ? [] : Array.from({ length: units }, (_, unit) => upperRange(unit));
  const edges = ranges.length === 0 ? [] : [...ranges.map(({ from }) => from), upperDim];
  return { upperDim, lowerDim, units, owned: lower === "owned", kappa, x: [...start.x], y: [...start.y], edges };
}
