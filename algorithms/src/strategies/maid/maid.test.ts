/** MAID through proposals and facts: the same course as the method alone, whatever shards, trials, order of arrival and failures. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Direction, EndReason, type Fact, fromVectors, type Measurement, toVectors, type Work } from "@regulus/proto";
import { AnsweringTrials } from "../../conformance/answering-trials.js";
import type { DrivenTrial, Outcome } from "../../conformance/driven-search.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createRng, createSpace, type StrategyContext } from "../../core/index.js";
import { driveLocally } from "../../solvers/maid/drive-locally.js";
import { maid } from "../../solvers/maid/maid.js";
import type { IterationRecord } from "../../solvers/maid/method.js";
import { maidOptions } from "../../solvers/maid/options.js";
import type { RespondSample } from "../../solvers/respond.js";
import { encodeMissing } from "../../solvers/respond-messages.js";
import { shardRanges } from "../../solvers/summation-tree.js";
import { drawSample } from "../../workloads/quadratic-samples/quadratic-samples.js";
import { spec as workloadSpec } from "../../workloads/quadratic-samples/spec.js";
import { module } from "./maid.js";

const workload = workloadSpec.options.parse({ samples: 5, ridge: 20 });
const start = new Array<number>(workload.hyperparameters).fill(workload.start);
const method = { steps: 12, accuracy: 0.1, residual: 0.1, stepLength: 1e-4 };

function context(parallelism: number, budget: Partial<StrategyContext["budget"]> = {}): StrategyContext {
  return {
    space: createSpace([]),
    objectives: [{ metric: "upperLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...budget },
    parallelism,
    inside: [],
    plainProcedure: "respond",
  };
}

const samplesOf = (seed: number): RespondSample[] =>
  Array.from({ length: workload.samples }, (_, index) => drawSample(workload, seed, index));

interface Course {
  readonly seed: number;
  readonly shards: number;
  readonly parallelism: number;
  readonly orderSeed?: number;
  readonly outcome?: (trial: number, untilStep: number) => Outcome;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly budget?: Partial<StrategyContext["budget"]>;
  /** Whether a trial's process is gone when it is asked its next question. */
  readonly losesProcess?: () => boolean;
}

/** Trials whose processes come and go: one knows the solutions that it has answered since it began, and what its trial saved before. */
class Processes {
  readonly #answering: AnsweringTrials;
  readonly #held = new Map<number, readonly number[]>();
  readonly #saved = new Map<number, readonly number[]>();
  readonly #loses: () => boolean;

  constructor(answering: AnsweringTrials, loses: () => boolean) {
    this.#answering = answering;
    this.#loses = loses;
  }

  observe(work: Work, trial: number): Partial<Measurement> {
    const { question, startFrom, durable = true, shard = 0, shards = 1 } = work.options ?? {};
    if (question === undefined) return this.#answering.observe(work);
    const saved = this.#saved.get(work.fromTrial ?? trial) ?? [];
    const held = this.#loses() || work.fromTrial !== undefined ? saved : (this.#held.get(trial) ?? []);
    const range = shardRanges(workload.samples, shards)[shard];
    assert.ok(range);
    const isHere = startFrom === undefined || held.includes(startFrom);
    const now = isHere ? [startFrom, question].filter((id) => id !== undefined) : held;
    this.#held.set(trial, now);
    if (durable) this.#saved.set(trial, now);
    if (isHere) return this.#answering.observe(work);
    const { metrics, vectors } = encodeMissing({ question, samples: workload.samples, range, held });
    return { metrics, vectors: toVectors(vectors) };
  }
}

function drive({ seed, shards, parallelism, orderSeed, outcome, options = {}, budget, losesProcess = () => false }: Course) {
  const processes = new Processes(new AnsweringTrials(samplesOf(seed), start), losesProcess);
  const asked = context(parallelism, budget);
  const strategy = module.create(asked, module.spec.options.parse({ ...method, shards, ...options }));
  return driveStrategy({
    strategy,
    context: asked,
    seed,
    agents: parallelism,
    metrics: () => ({}),
    observe: (work, trial) => processes.observe(work, trial),
    ...(orderSeed === undefined ? {} : { orderSeed }),
    ...(outcome === undefined ? {} : { outcome }),
  });
}

/** What was reported of steps, without what was reported of trials. */
function steps(facts: readonly Fact[]) {
  const stepped = facts.flatMap(({ kind }) => (kind?.$case === "strategyStepped" ? [kind.value] : []));
  return stepped
    .filter(({ metrics }) => Object.keys(metrics).length > 0)
    .map((one) => ({ ...one, vectors: fromVectors(one.vectors) }));
}

function alone(seed: number): IterationRecord[] {
  const state = maid.init(maidOptions.parse(method), {
    theta: new Array(workload.hyperparameters).fill(workload.start),
    samples: workload.samples,
  });
  const records: IterationRecord[] = [];
  driveLocally(maid, state, { samples: samplesOf(seed), onRecord: (record) => void records.push(record) });
  return records;
}

const words = (facts: readonly Fact[]) =>
  facts.flatMap(({ kind }) => (kind?.$case === "strategyStepped" ? [kind.value.message] : []));
const respondTrials = (trials: readonly DrivenTrial[]) => trials.filter(({ procedure }) => procedure === "respond").length;

describe("maid over trials", () => {
  for (const seed of [1, 2, 3]) {
    it(`takes the steps of the method alone, bit for bit, however the work is shared out, seed ${seed}`, () => {
      const expected = alone(seed);
      assert.ok(expected.filter(({ accepted }) => accepted).length === method.steps, "it took its steps");
      for (const [shards, parallelism] of [
        [1, 1],
        [2, 2],
        [5, 3],
        [2, 8],
        [9, 9],
      ] as const) {
        for (const orderSeed of [1, 2]) {
          const driven = drive({ seed, shards, parallelism, orderSeed });
          assert.deepEqual(steps(driven.facts), expected, `${shards} shards, ${parallelism} trials at once`);
        }
      }
    });
  }

  it("begins on all shards at once, whoever says what the workload is", () => {
    const { facts } = drive({ seed: 1, shards: 3, parallelism: 3 });
    const kinds = facts.flatMap(({ kind }) => (kind === undefined ? [] : [kind.$case]));
    const described = kinds.indexOf("trialMeasured");
    const answered = kinds.indexOf("trialMeasured", described + 1);
    assert.equal(kinds.slice(described, answered).filter((kind) => kind === "trialProposed").length, 2);
  });

  it("asks ahead only where more trials may run than there are shards, and pauses what is decided without them", () => {
    const kinds = (parallelism: number, budget: Partial<StrategyContext["budget"]> = {}) => {
      const { facts, trials } = drive({ seed: 4, shards: 2, parallelism, orderSeed: 1, budget });
      return { trials: respondTrials(trials), pauses: facts.filter(({ kind }) => kind?.$case === "trialPauseRequested").length };
    };
    assert.deepEqual(kinds(2), { trials: 3, pauses: 0 }, "two shards and the last trial");
    const ahead = kinds(8);
    assert.ok(ahead.trials > 3 && ahead.pauses > 0, JSON.stringify(ahead));
    // Four trials less the last one are no second pair; and steps that are counted are not spent on what may never be asked.
    assert.deepEqual(kinds(8, { trials: 4 }), { trials: 3, pauses: 0 });
    assert.ok(kinds(8, { trials: 5 }).pauses > 0);
    assert.deepEqual(kinds(8, { steps: 100_000 }), { trials: 3, pauses: 0 });
  });

  it("replaces trials that end or give no answer, with the same steps, and says so", () => {
    const expected = alone(5);
    // A trial answers a few times, then it is lost for good, or silent.
    const outcome = (trial: number, untilStep: number): Outcome =>
      untilStep < 12 || trial > 4 ? "reaches" : trial % 2 === 0 ? "is-lost" : "is-silent";
    const { facts } = drive({ seed: 5, shards: 2, parallelism: 4, orderSeed: 3, outcome, options: { replacements: 8 } });
    assert.deepEqual(steps(facts), expected);
    assert.ok(
      words(facts).some((one) =>
        /trial \d, which answered for shard \d of \d, ended \(lost\): another trial replaces it/.test(one),
      ),
    );
    assert.ok(words(facts).some((one) => /gave no answer that can be read: another trial/.test(one)));
  });

  for (const seed of [6, 7, 8]) {
    it(`has answered again what was lost with a process before it was saved, with the same steps, seed ${seed}`, () => {
      const expected = alone(seed);
      for (const share of [0.02, 0.2]) {
        for (const [shards, parallelism] of [
          [1, 1],
          [2, 2],
          [3, 3],
          [2, 8],
        ] as const) {
          const rng = createRng(seed).fork("losses", shards, parallelism);
          let losses = 0;
          const losesProcess = (): boolean => {
            const loses = rng.uniform() < share;
            if (loses) losses += 1;
            return loses;
          };
          const { facts } = drive({ seed, shards, parallelism, orderSeed: seed, losesProcess });
          assert.deepEqual(steps(facts), expected, `${losses} processes lost, ${shards} shards, ${parallelism} trials at once`);
          const again = words(facts).filter((one) => one.includes("is answered again, because its solutions were lost"));
          assert.ok(share < 0.1 || parallelism > shards || again.length > 0, "it says so");
          assert.ok(!words(facts).some((one) => one.includes("own starts")), "nothing is lost for good");
        }
      }
    });
  }

  it("saves now and then, so that little has to be answered again, and with every answer where processes come and go", () => {
    const work = (facts: readonly Fact[]) =>
      facts.flatMap(({ kind }) => (kind?.$case === "trialResumed" && kind.value.trial === 0 ? [kind.value.work?.options] : []));
    const rare = work(drive({ seed: 9, shards: 2, parallelism: 2, options: { steps: 60 } }).facts);
    const at = rare.flatMap((options, index) => (options?.durable === false ? [] : [index]));
    // Two questions of every step become links of the chain, and a third may lead nowhere.
    assert.ok(at.length > 1 && at.length < rare.length / 16, `${at.length} of ${rare.length} answers are saved`);
    const often = work(drive({ seed: 9, shards: 2, parallelism: 2, losesProcess: () => true }).facts);
    // Once nothing was lost for a while it tries again to do without, and learns soon.
    const unsaved = often.filter((options) => options?.durable === false).length;
    assert.ok(unsaved < often.length / 3, `${unsaved} of ${often.length}`);
  });

  it("gives up on a shard that nobody can answer for, with a message, and ends", () => {
    const outcome = (_: number, untilStep: number): Outcome => (untilStep > 1 ? "fails" : "reaches");
    const { facts, trials } = drive({ seed: 1, shards: 1, parallelism: 2, outcome, options: { replacements: 2 } });
    assert.match(words(facts).at(-1) ?? "", /ended \(user error\), and so did 2 before it: the strategy gives up/);
    assert.equal(trials.length, 3, "the first, and two in its place");
    assert.ok(trials.every(({ status }) => status === "ended"));
  });

  it("ends with a trial over all samples at the hyperparameters that it found", () => {
    const { facts, trials } = drive({ seed: 2, shards: 2, parallelism: 2 });
    const last = facts.findLast(({ kind }) => kind?.$case === "trialProposed");
    assert.ok(last?.kind?.$case === "trialProposed" && last.kind.value.work?.final);
    const found = alone(2).at(-1)?.vectors.theta;
    assert.deepEqual(fromVectors(last.kind.value.work.vectors).theta, found);
    assert.ok(trials.every(({ status }) => status === "ended"));
    assert.match(words(facts).at(-1) ?? "", /it ends \(budget\): 12 of 12 steps/);
  });

  it("ends with the last trial where the trials of a shard have no steps left for another question, and says so", () => {
    for (const [shards, parallelism] of [
      [1, 1],
      [2, 2],
      [2, 6],
    ] as const) {
      // Five samples in one shard: one step to describe, then five a question.
      const { facts, trials } = drive({ seed: 2, shards, parallelism, budget: { stepsPerTrial: 31 } });
      const taken = steps(facts);
      assert.ok(taken.length > 0 && taken.length < alone(2).length, `${taken.length} steps`);
      assert.deepEqual(taken, alone(2).slice(0, taken.length), "up to there it is the method alone");
      const last = facts.findLast(({ kind }) => kind?.$case === "trialProposed");
      assert.ok(last?.kind?.$case === "trialProposed" && last.kind.value.work?.final);
      assert.deepEqual(fromVectors(last.kind.value.work.vectors).theta, taken.at(-1)?.vectors.theta);
      assert.ok(trials.every(({ status, steps: most }) => status === "ended" && most <= 31));
      assert.match(
        words(facts).at(-1) ?? "",
        /it ends \(budget\): the next question .* and budget.stepsPerTrial is 31; accepted steps: \d+$/,
      );
    }
  });

  it("says at once that a trial may not take the steps that the last one needs", () => {
    for (const [shards, least] of [
      [1, 6],
      [5, 5],
    ] as const) {
      const { facts, trials } = drive({ seed: 1, shards, parallelism: shards, budget: { stepsPerTrial: least - 1 } });
      assert.match(
        words(facts).at(-1) ?? "",
        new RegExp(`saw budget.stepsPerTrial ${least - 1}, expected at least ${least}, or none`),
      );
      assert.equal(trials.length, 1);
      const enough = drive({ seed: 1, shards, parallelism: shards, budget: { stepsPerTrial: least } });
      assert.match(words(enough.facts).at(-1) ?? "", /it ends \(budget\)/);
    }
  });

  it("ends with the last trial where the steps of all trials together are used up, and asks nothing ahead", () => {
    for (const [shards, parallelism] of [
      [1, 1],
      [2, 6],
    ] as const) {
      const { facts, trials, steps: spent } = drive({ seed: 2, shards, parallelism, orderSeed: 1, budget: { steps: 64 } });
      const taken = steps(facts);
      assert.ok(taken.length > 0, "it took steps");
      assert.deepEqual(taken, alone(2).slice(0, taken.length));
      // One step to describe and five a question: twelve questions fit, the last trial among them.
      assert.equal(spent, 61);
      assert.ok(trials.at(-1)?.reason === EndReason.END_REASON_DONE);
      assert.match(
        words(facts).at(-1) ?? "",
        /it ends \(budget\): the next question and the last trial would take 10 steps after 56, and/,
      );
    }
    const none = drive({ seed: 2, shards: 1, parallelism: 1, budget: { steps: 10 } });
    assert.match(words(none.facts).at(-1) ?? "", /saw budget.steps 10, expected at least 11, or none/);
  });

  it("keeps the last trial of the budget for the end, whatever was asked ahead or lost", () => {
    const finals = ({ facts }: ReturnType<typeof drive>) =>
      facts.flatMap(({ kind }) => (kind?.$case === "trialProposed" && kind.value.work?.final ? [kind.value.trial] : []));
    const ahead = drive({ seed: 2, shards: 2, parallelism: 8, orderSeed: 1, budget: { trials: 3 } });
    assert.deepEqual(steps(ahead.facts), alone(2));
    assert.deepEqual(finals(ahead), [2]);
    const outcome = (trial: number, untilStep: number): Outcome => (trial === 0 && untilStep > 6 ? "is-lost" : "reaches");
    const lost = drive({ seed: 2, shards: 2, parallelism: 2, outcome, budget: { trials: 3 } });
    assert.deepEqual(finals(lost), [2]);
    assert.match(
      words(lost.facts).at(-1) ?? "",
      /ended \(lost\), and of the 3 trials that budget.trials allows one is kept for the end/,
    );
  });
});
