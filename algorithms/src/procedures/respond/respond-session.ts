/**
 * Answers a bilevel method's questions about a shard of the samples, dealt out over them, whoever solves them. A step solves one sample, a long
 * one in parts, so that a round can be left at any time; a round is left behind with the next question, and its partial answers with it. The checkpoint
 * holds the solutions to start from and those of the newest round, so that whoever goes on from it answers with the same bits. Asked to start from
 * solutions that it does not hold, it says so in place of an answer, with what it holds.
 *
 * Source: MAID, arXiv 2308.10098. What one sample answers is solvers/respond.ts.
 */
import { assert, counted, limits, RegulusError, toVectors, type Work } from "@regulus/proto";
import { parseOptions } from "../../settings/parse-options.js";
import { dealtOrder } from "../../solvers/dealt-samples.js";
import { reduceAnswers, type SampleAnswer } from "../../solvers/respond.js";
import { encodeAnswer, encodeMissing, shardNodes } from "../../solvers/respond-messages.js";
import { type SampleRange, shardRanges } from "../../solvers/summation-tree.js";
import {
  type Observed,
  type ProcedureModule,
  type Session,
  type SessionResult,
  TrialFailure,
  type TrialRequest,
} from "../../training/contracts/procedure.js";
import { decodeCheckpoint, encodeCheckpoint } from "../../training/state/checkpoint.js";
import type { RespondAnswerer } from "./respond-answerer.js";
import { beginRound, emptyRound, heldQuestions, type Round, type RoundState, takeSample } from "./round.js";
import { decodeFromCheckpoint, encodeForCheckpoint, savedState } from "./saved-round.js";
import { packSolve, unpackSolve } from "./solve-in-parts.js";
import { type RespondOptions, spec } from "./spec.js";
import { doubles, doublesOf, joined, lengthsOf, parted } from "./warm-starts.js";

/** Hyperparameters that a plain trial names among what it learned; more are left to the vector `theta`. */
const namedThetaMax = 32;

/** The procedure, with samples that are answered for by what `open` gives. */
export function respondModule(open: (request: TrialRequest) => Promise<RespondAnswerer>): ProcedureModule {
  return {
    spec,
    async open(request) {
      const answerer = await open(request);
      try {
        const session = new RespondSession(answerer, request);
        if (request.checkpoint !== undefined) session.restore(request.checkpoint);
        session.begin(request.work);
        return session;
      } catch (error) {
        answerer.close();
        throw error;
      }
    },
  };
}

class RespondSession implements Session {
  stepsDone = 0;
  readonly #task: RespondAnswerer;
  /** Sample at each position. */
  readonly #order: readonly number[];
  readonly #seed: number;
  readonly #found: TrialRequest["found"];
  #options: RespondOptions = spec.options.parse({});
  /** Positions of the shard. */
  #range: SampleRange = { lo: 0, hi: 0 };
  #theta: readonly number[];
  #untilStep = 0;
  #final = false;
  #parameters = "";
  #state: RoundState = { startFrom: null, starts: undefined, round: emptyRound(null) };
  /** Whether the solutions to start from are not here: then this round asks no sample. */
  #missing = false;

  constructor(task: RespondAnswerer, { seed, found }: TrialRequest) {
    this.#task = task;
    this.#order = dealtOrder(task.samples);
    this.#seed = seed;
    this.#found = found;
    this.#theta = [...task.theta];
  }

  get measureEverySteps(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  get ended(): boolean {
    const { round } = this.#state;
    if (this.#missing) return true;
    if (this.#options.describe) return this.#untilStep === 0 && this.stepsDone > 0;
    return round.rejected || (this.#untilStep === 0 && this.#isComplete(round));
  }

  get mayPauseUnsaved(): boolean {
    return !this.#options.durable;
  }

  /** Takes up a question. Steps are counted so that the round ends where the work says. */
  begin(work: Work): void {
    const options = parseOptions("work.options", spec.options, work.options);
    const range = shardRanges(this.#task.samples, options.shards)[options.shard];
    if (range === undefined) {
      const words = `there is no shard ${options.shard} of ${options.shards} over ${counted(this.#task.samples, "sample")}`;
      throw new RegulusError("failed-precondition", words);
    }
    const theta = work.vectors.theta?.values ?? [...this.#task.theta];
    if (theta.length !== this.#task.theta.length) {
      const words = `saw ${counted(theta.length, "hyperparameter")}, expected ${this.#task.theta.length}, as many as the workload has`;
      throw new RegulusError("invalid-argument", words);
    }
    const size = range.hi - range.lo;
    const wanted = { question: options.question ?? null, startFrom: options.startFrom ?? null };
    const state = beginRound(this.#state, wanted, size);
    this.#missing = state === undefined;
    this.#state = state ?? this.#state;
    this.#options = options;
    this.#range = range;
    this.#theta = theta;
    this.#untilStep = work.untilStep;
    this.#final = work.final;
    this.#parameters = JSON.stringify(work.parameters ?? {});
    if (options.lost !== undefined) this.#found("warning", lostWords(options.lost, range));
    if (state === undefined || (options.question === undefined && !options.describe)) return;
    const steps = options.describe ? 1 : size - state.round.answers.length;
    this.stepsDone = Math.max(this.stepsDone, work.untilStep - steps);
  }

  async resume(work: Work): Promise<boolean> {
    const before = [this.#options.shard, this.#options.shards, this.#options.describe];
    const { shard, shards, describe, question } = parseOptions("work.options", spec.options, work.options);
    if (JSON.stringify(work.parameters ?? {}) !== this.#parameters) return false;
    if (question === undefined || [shard, shards, describe].some((value, index) => value !== before[index])) return false;
    this.begin(work);
    return true;
  }

  async step(): Promise<void> {
    if (this.#options.describe) {
      this.stepsDone += 1;
      return;
    }
    if (this.#isComplete(this.#state.round)) this.#state = { ...this.#state, round: emptyRound(this.#state.round.question) };
    const { round, starts } = this.#state;
    const index = round.answers.length;
    const { accuracy, residual, rejectAbove, iterationsMax } = this.#options;
    const gradient = residual === undefined ? {} : { gradient: { residual } };
    const question = { theta: this.#theta, accuracy, ...gradient, iterationsMax, commit: false };
    const answered = await this.#task.answer(this.#sampleAt(index), question, starts?.[index], round.solve);
    if (answered === undefined) return;
    if (!("answer" in answered)) {
      round.solve = answered;
      return;
    }
    this.stepsDone += 1;
    takeSample(round, answered, rejectAbove);
  }

  async measure(): Promise<Observed> {
    const { question } = this.#options;
    const nothing = { step: this.stepsDone, learned: {}, scales: {}, hypergradients: {} };
    const { samples } = this.#task;
    if (this.#options.describe) return { ...nothing, metrics: { samples }, vectors: toVectors({ theta: [...this.#task.theta] }) };
    const { round } = this.#state;
    if (question === undefined) return { ...nothing, ...this.#plain(round.answers) };
    if (this.#missing) {
      const held = heldQuestions(this.#state, this.#range.hi - this.#range.lo);
      const { metrics, vectors } = encodeMissing({ question, samples, range: this.#range, held });
      return { ...nothing, metrics, vectors: toVectors(vectors) };
    }
    if (!this.#isComplete(round) && !round.rejected) return { ...nothing, metrics: {} };
    const { answers, rejected, hypergradients } = round;
    const asked = !rejected && answers.length > 0 && hypergradients.length === answers.length;
    const nodes = asked ? shardNodes(samples, this.#range, hypergradients) : [];
    const message = encodeAnswer({ question, samples, range: this.#range, answers, nodes, rejected });
    const numbers = Object.values(message.vectors).reduce((sum, { length }) => sum + length, 0);
    if (numbers > limits.vectorNumbersMax) {
      const words = `the answer of ${counted(answers.length, "sample")} holds ${counted(numbers, "number")}, at most ${limits.vectorNumbersMax} travel: ask for more shards, or for fewer hyperparameters`;
      throw new TrialFailure("infeasible", words);
    }
    return { ...nothing, metrics: message.metrics, vectors: toVectors(message.vectors) };
  }

  async results(): Promise<readonly SessionResult[]> {
    if (!this.#final || this.#task.results === undefined) return [];
    const { solutions } = this.#state.round;
    const bySample = solutions.map(({ x }, index) => [this.#sampleAt(index), x] as const);
    return this.#task.results(new Map(bySample.sort(([a], [b]) => a - b)));
  }

  async save(): Promise<Uint8Array> {
    const { startFrom, starts = [], round } = this.#state;
    const { question, answers, solutions, hypergradients, rejected } = round;
    const message = answers.length === 0 ? undefined : encodeForCheckpoint(answers);
    const solve = round.solve === undefined ? undefined : packSolve(round.solve);
    const state = {
      startFrom,
      hasStarts: this.#state.starts !== undefined,
      starts: lengthsOf(starts),
      round: {
        question,
        rejected,
        solutions: lengthsOf(solutions),
        answers: message?.names ?? [],
        count: answers.length,
        ...(solve === undefined ? {} : { solve: solve.saved }),
      },
      hypergradients: hypergradients.length,
    };
    const tensors = [
      doubles("starts", joined(starts)),
      doubles("solutions", joined(solutions)),
      doubles("answers", message?.values ?? new Float64Array(0)),
      doubles("hypergradients", joined(hypergradients.map((x) => ({ x })))),
      ...(solve === undefined ? [] : [doubles("solve", solve.values)]),
    ];
    return encodeCheckpoint({ procedure: spec.name, step: this.stepsDone, seed: this.#seed, state, tensors });
  }

  restore(bytes: Uint8Array): void {
    const { step, state, tensors } = decodeCheckpoint(bytes, spec.name);
    const read = savedState.parse(state);
    const { question, rejected, solutions, answers, count, solve } = read.round;
    const hypergradients = doublesOf(tensors, "hypergradients");
    const p = read.hypergradients === 0 ? 0 : hypergradients.length / read.hypergradients;
    const parts = Array.from({ length: read.hypergradients }, (_, index) => hypergradients.slice(index * p, (index + 1) * p));
    this.stepsDone = step;
    this.#state = {
      startFrom: read.startFrom,
      starts: read.hasStarts ? parted(doublesOf(tensors, "starts"), read.starts) : undefined,
      round: {
        question,
        rejected,
        answers: decodeFromCheckpoint(answers, doublesOf(tensors, "answers"), count),
        solutions: parted(doublesOf(tensors, "solutions"), solutions),
        hypergradients: parts,
        ...(solve === undefined ? {} : { solve: unpackSolve(solve, doublesOf(tensors, "solve")) }),
      },
    };
  }

  close(): void {
    this.#task.close();
  }

  /** The sample at a place of the shard. */
  #sampleAt(index: number): number {
    const sample = this.#order[this.#range.lo + index];
    assert(sample !== undefined, `the shard has a place ${index}`);
    return sample;
  }

  #isComplete({ answers }: Round): boolean {
    return answers.length === this.#range.hi - this.#range.lo;
  }

  /** What a trial of its own says: the mean upper loss of the samples that it has solved, and what they report besides. */
  #plain(answers: readonly SampleAnswer[]): Pick<Observed, "metrics" | "learned" | "vectors"> {
    const theta = this.#theta;
    const vectors = toVectors({ theta });
    const named = theta.length > namedThetaMax ? [] : theta.map((value, index) => [`theta${index}`, value] as const);
    if (answers.length === 0) return { metrics: {}, learned: {}, vectors };
    const { value, lowerBound, upperBound, accuracy, iterations, metrics, problem } = reduceAnswers(answers);
    if (problem !== undefined) throw new TrialFailure("infeasible", problemWords(problem.kind, this.#sampleAt(problem.position)));
    return {
      metrics: { ...metrics, upperLoss: value, lowerBound, upperBound, accuracy, iterations },
      learned: Object.fromEntries(named),
      vectors,
    };
  }
}

function lostWords(question: number, { lo, hi }: SampleRange): string {
  return `the solutions of question ${question} are lost: the shard's ${counted(hi - lo, "sample")} start over. Certificates hold; the last bits may differ from an undisturbed run's`;
}

function problemWords(kind: string, sample: number): string {
  return kind === "not-strongly-convex"
    ? `the lower level of sample ${sample} is not strongly convex at these hyperparameters: mu is not above 0`
    : `the loss of sample ${sample} is not a number at these hyperparameters`;
}
