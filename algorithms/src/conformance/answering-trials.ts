/**
 * Trials of the procedure `respond` in memory, for driven searches: they answer questions as the procedure does, and keep the solutions of every
 * question for whoever is asked to start from them. That the procedure itself does so is tested where it is.
 */
import { assert, fromVectors, type Measurement, toVectors, type Work } from "@regulus/proto";
import { answerSample } from "../solvers/answer-sample.js";
import { dealt } from "../solvers/dealt-samples.js";
import { type AnsweredSample, type RespondSample, upperBoundOf, type WarmStart } from "../solvers/respond.js";
import { encodeAnswer, isRejected, shardNodes } from "../solvers/respond-messages.js";
import { shardRanges } from "../solvers/summation-tree.js";

export class AnsweringTrials {
  /** By position. */
  readonly #samples: readonly RespondSample[];
  /** Solutions by question and position. */
  readonly #solutions = new Map<string, WarmStart>();

  readonly #theta: readonly number[];
  /** Samples solved so far. */
  solved = 0;

  constructor(samples: readonly RespondSample[], theta: readonly number[]) {
    this.#samples = dealt(samples);
    this.#theta = theta;
  }

  /** What a trial measures when it has done its work. */
  observe(work: Work): Partial<Measurement> {
    if (work.options?.describe === true) {
      return { metrics: { samples: this.#samples.length }, vectors: toVectors({ theta: this.#theta }) };
    }
    const { question: id, startFrom, shard = 0, shards = 1, accuracy, residual, rejectAbove, iterationsMax } = work.options ?? {};
    if (id === undefined) return { metrics: { upperLoss: 1 } };
    const range = shardRanges(this.#samples.length, shards)[shard];
    assert(range, `there is a shard ${shard}`);
    const at = fromVectors(work.vectors).theta;
    assert(at, "a question has hyperparameters");
    const gradient = residual === undefined ? {} : { gradient: { residual } };
    const answered: AnsweredSample[] = [];
    let [sum, rejected] = [0, false];
    for (const [index, sample] of this.#samples.slice(range.lo, range.hi).entries()) {
      const from = this.#solutions.get(`${startFrom}/${range.lo + index}`);
      assert(startFrom === undefined || from !== undefined, `question ${id} starts from ${startFrom}, which was answered`);
      const question = { theta: at, accuracy, iterationsMax, commit: false, ...gradient };
      const one = answerSample(sample, question, from ?? { x: sample.start(Float64Array.from(at)) });
      this.#solutions.set(`${id}/${range.lo + index}`, one.solution);
      answered.push(one);
      this.solved += 1;
      sum += upperBoundOf(one.answer);
      rejected = isRejected(sum, rejectAbove);
      if (rejected) break;
    }
    const nodes =
      residual === undefined || rejected
        ? []
        : shardNodes(
            this.#samples.length,
            range,
            answered.map((one) => one.hypergradient ?? []),
          );
    const answers = answered.map(({ answer }) => answer);
    const message = encodeAnswer({ question: id, samples: this.#samples.length, range, answers, nodes, rejected });
    return { metrics: message.metrics, vectors: toVectors(message.vectors) };
  }
}
