/**
 * A round of a bilevel method on its way: the question as options and vectors of a trial's work, the answer of a shard as metrics and vectors of
 * its measurement. Shared by the procedure `respond`, the strategies that ask, and programs that answer over JSON lines
 * (docs/respond-programs.md). Plain data in, plain data out; every double arrives with all of its bits.
 */
import { assert, counted } from "@regulus/proto";
import type { RespondQuestion, SampleAnswer, SampleProblem } from "./respond.js";
import { coveringNodes, type NodeSum, type SampleRange, sumNode } from "./summation-tree.js";

/** A question with what tells whoever answers which solutions to start from. */
export interface ShardQuestion {
  /** Number of the question, unique in its search. */
  readonly id: number;
  /** The question whose solutions are the warm starts; null for each sample's own start. */
  readonly startFrom: number | null;
  readonly question: Omit<RespondQuestion, "commit">;
}

/** Options of the procedure for a question, without its shard. */
export interface QuestionOptions {
  readonly question: number;
  readonly startFrom?: number;
  readonly accuracy: number;
  readonly residual?: number;
  readonly rejectAbove?: number;
  readonly iterationsMax?: number;
}

/** The options that carry a question; its hyperparameters travel as the vector `theta`. */
export function questionOptions({ id, startFrom, question }: ShardQuestion): QuestionOptions {
  const { accuracy, gradient, rejectAbove, iterationsMax } = question;
  return {
    question: id,
    ...(startFrom === null ? {} : { startFrom }),
    accuracy,
    ...(gradient === undefined ? {} : { residual: gradient.residual }),
    ...(rejectAbove === undefined ? {} : { rejectAbove }),
    ...(iterationsMax === undefined ? {} : { iterationsMax }),
  };
}

/** The answer of one shard to one question. */
export interface ShardAnswer {
  readonly question: number;
  /** All samples of the search. */
  readonly samples: number;
  readonly range: SampleRange;
  /** Answers in order of positions; empty where the shard rejected. */
  readonly answers: readonly SampleAnswer[];
  /** Sums of hypergradients that cover the range; none where no hypergradient was asked for. */
  readonly nodes: readonly NodeSum[];
  /** The shard's sum of upper bounds is above the question's `rejectAbove`. */
  readonly rejected: boolean;
  /** Where the solutions to start from were not there, so that nothing was solved: the questions whose solutions were. */
  readonly held?: readonly number[];
}

/** Problems by the number that stands for them; 0 for none. */
const problems: readonly (SampleProblem | undefined)[] = [undefined, "not-strongly-convex", "not-finite"];
const metricPrefix = "metric.";

/** Metrics and vectors of a measurement that carry an answer. */
export interface AnswerMessage {
  readonly metrics: Readonly<Record<string, number>>;
  readonly vectors: Readonly<Record<string, readonly number[]>>;
}

export function encodeAnswer({ question, samples, range, answers, nodes, rejected }: ShardAnswer): AnswerMessage {
  const metrics = { question, samples, firstPosition: range.lo, endPosition: range.hi, rejected: rejected ? 1 : 0 };
  if (rejected) return { metrics, vectors: {} };
  const of = (number: (answer: SampleAnswer) => number): readonly number[] => answers.map(number);
  const names = Object.keys(answers.find(({ problem }) => problem === undefined)?.metrics ?? {});
  const adjoint = answers.some((answer) => answer.adjoint !== undefined);
  return {
    metrics,
    vectors: {
      value: of(({ value }) => value),
      gradientNorm: of(({ gradientNorm }) => gradientNorm),
      accuracy: of(({ accuracy }) => accuracy),
      smoothness: of(({ smoothness }) => smoothness),
      convex: of(({ convex }) => (convex ? 1 : 0)),
      iterations: of(({ iterations }) => iterations),
      stalled: of(({ stalled }) => (stalled ? 1 : 0)),
      problem: of(({ problem }) => problems.indexOf(problem)),
      ...(adjoint ? adjointVectors(of) : {}),
      ...Object.fromEntries(names.map((name) => [metricPrefix + name, of(({ metrics: own }) => own?.[name] ?? Number.NaN)])),
      ...Object.fromEntries(nodes.map(({ lo, hi, sum }) => [`node.${lo}.${hi}`, sum])),
    },
  };
}

/** What is said in place of an answer where the solutions to start from are not there: the questions whose solutions are. */
export function encodeMissing({
  question,
  samples,
  range,
  held,
}: Pick<ShardAnswer, "question" | "samples" | "range"> & { held: readonly number[] }): AnswerMessage {
  const metrics = { question, samples, firstPosition: range.lo, endPosition: range.hi, missing: 1 };
  return { metrics, vectors: { held } };
}

function adjointVectors(of: (number: (answer: SampleAnswer) => number) => readonly number[]) {
  return {
    residual: of(({ adjoint }) => adjoint?.residual ?? Number.NaN),
    adjointIterations: of(({ adjoint }) => adjoint?.iterations ?? Number.NaN),
    bound: of(({ adjoint }) => adjoint?.bound ?? Number.NaN),
  };
}

/** The answer that a measurement carries, or words about what is wrong with it; undefined where it carries none. */
export function decodeAnswer({ metrics, vectors }: AnswerMessage): ShardAnswer | string | undefined {
  const { question, samples, firstPosition: lo, endPosition: hi, rejected } = metrics;
  if (question === undefined) return undefined;
  if (![question, samples, lo, hi].every(isCount)) return `an answer to question ${question} without its samples`;
  if (samples === undefined || lo === undefined || hi === undefined || lo >= hi || hi > samples) {
    return `an answer for the positions from ${lo} to ${hi} of ${samples}`;
  }
  const range = { lo, hi };
  if (metrics.missing === 1) {
    const held = (vectors.held ?? []).filter(isCount);
    return { question, samples, range, answers: [], nodes: [], rejected: false, held };
  }
  if (rejected === 1) return { question, samples, range, answers: [], nodes: [], rejected: true };
  const wrong = Object.entries(vectors).find(([name, { length }]) => !name.startsWith("node.") && length !== hi - lo);
  if (wrong !== undefined)
    return `${counted(wrong[1].length, "number")} of ${wrong[0]}, one for each of ${counted(hi - lo, "sample")} was expected`;
  const missing = ["value", "gradientNorm", "accuracy", "smoothness"].find((name) => vectors[name] === undefined);
  if (missing !== undefined) return `no vector ${missing}`;
  const at = (name: string, index: number, otherwise = 0): number => vectors[name]?.[index] ?? otherwise;
  const names = Object.keys(vectors).filter((name) => name.startsWith(metricPrefix));
  const answers = Array.from({ length: hi - lo }, (_, i): SampleAnswer => {
    const problem = problemAt(at, i);
    const bound = at("bound", i, Number.NaN);
    const residual = at("residual", i, Number.NaN);
    return {
      value: at("value", i),
      gradientNorm: at("gradientNorm", i),
      accuracy: at("accuracy", i),
      smoothness: at("smoothness", i),
      convex: at("convex", i) === 1,
      iterations: at("iterations", i),
      stalled: at("stalled", i) === 1,
      ...(Number.isNaN(residual)
        ? {}
        : { adjoint: { residual, iterations: at("adjointIterations", i), ...(Number.isNaN(bound) ? {} : { bound }) } }),
      ...(names.length === 0
        ? {}
        : { metrics: Object.fromEntries(names.map((name) => [name.slice(metricPrefix.length), at(name, i, Number.NaN)])) }),
      ...(problem === undefined ? {} : { problem }),
    };
  });
  const nodes = coveringNodes(samples, range).flatMap((node): NodeSum[] => {
    const sum = vectors[`node.${node.lo}.${node.hi}`];
    return sum === undefined ? [] : [{ ...node, sum }];
  });
  return { question, samples, range, answers, nodes, rejected: false };
}

/** Numbers that mean nothing are a problem of their sample, whoever answered. */
function problemAt(at: (name: string, index: number) => number, index: number): SampleProblem | undefined {
  const problem = problems[at("problem", index)];
  if (problem !== undefined) return problem;
  const numbers = ["value", "gradientNorm", "accuracy", "smoothness"].map((name) => at(name, index));
  return numbers.every(Number.isFinite) ? undefined : "not-finite";
}

/** Sums of hypergradients over the largest nodes of the tree inside a shard. */
export function shardNodes(
  samples: number,
  range: SampleRange,
  hypergradients: readonly ArrayLike<number>[],
): readonly NodeSum[] {
  return coveringNodes(samples, range).map((node) =>
    sumNode(node, (sample) => {
      const one = hypergradients[sample - range.lo];
      assert(one !== undefined, `sample ${sample} of the shard has a hypergradient`);
      return one;
    }),
  );
}

/**
 * Whether a trial has failed by what a part of the samples says: their sum of upper bounds is above what all together may have. The margin is
 * above the rounding of the sums, so that a part never rejects what the whole would not.
 */
export function isRejected(sumOfUpperBounds: number, rejectAbove: number | undefined): boolean {
  return rejectAbove !== undefined && sumOfUpperBounds > rejectAbove + 1e-9 * Math.abs(rejectAbove);
}

function isCount(value: number | undefined): boolean {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}
