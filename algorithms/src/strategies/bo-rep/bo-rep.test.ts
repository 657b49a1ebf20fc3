/**
 * BO-REP through proposals and facts, with the procedure's own shards answering in memory: the same course as the machine alone, bit for bit, whatever
 * the shards, the order of arrival and the failures; and what it says where it can't go on.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Direction, type Fact, fromVectors, stepOutcome, toVectors, type Work } from "@regulus/proto";
import type { Outcome } from "../../conformance/driven-search.js";
import { driveStrategy } from "../../conformance/strategy-driver.js";
import { createSpace, type StrategyContext } from "../../core/index.js";
import { OracleShard } from "../../procedures/stochastic-oracle/oracle-shard.js";
import { spec as oracle } from "../../procedures/stochastic-oracle/spec.js";
import { type BoRepState, boRepDefaults, runBoRep } from "../../solvers/bo-rep/index.js";
import type { StochasticProblem } from "../../solvers/stochastic-problem.js";
import { module as cleaning } from "../../workloads/hyper-cleaning/hyper-cleaning.js";
import { spec as cleaningSpec } from "../../workloads/hyper-cleaning/spec.js";
import { module as representation } from "../../workloads/hyper-representation/hyper-representation.js";
import { spec as representationSpec } from "../../workloads/hyper-representation/spec.js";
import { module } from "./bo-rep.js";

const problems: Readonly<Record<string, (seed: number) => StochasticProblem>> = {
  "hyper-cleaning": (seed) => {
    const options = { trainSize: 48, validSize: 24, testSize: 24, units: 6, side: 4, batchSize: 24, validBatchSize: 12 };
    return cleaning.stochastic({ options: cleaningSpec.options.parse(options), hyperparameters: {}, seed });
  },
  "hyper-representation": (seed) => {
    const options = { tasks: 6, classes: 3, shots: 2, queries: 2, side: 4, features: 3, batchSize: 4 };
    return representation.stochastic({ options: representationSpec.options.parse(options), hyperparameters: {}, seed });
  },
};
const made = new Map<string, StochasticProblem>();
/** Made once for a name and seed: oracles are functions of the question alone. */
function problemOf(name: string, seed: number): StochasticProblem {
  const key = `${name} ${seed}`;
  const problem = made.get(key) ?? problems[name]?.(seed) ?? assert.fail(name);
  made.set(key, problem);
  return problem;
}

const settings = { steps: 9, eta: 0.1, period: 3, innerSteps: 2, lowerRate: 0.2, adjointRate: 0.1 };

function contextOf(parallelism: number, stepsPerTrial = 0, steps = 0): StrategyContext {
  return {
    space: createSpace([]),
    objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
    budget: { trials: 0, steps, stepsPerTrial, wallTimeMs: 0 },
    parallelism,
    inside: [],
    plainProcedure: "stochastic-oracle",
  };
}

interface Course {
  readonly name: string;
  readonly seed: number;
  readonly shards: number;
  readonly agents?: number;
  readonly orderSeed?: number;
  readonly outcome?: (trial: number, untilStep: number) => Outcome;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly stepsPerTrial?: number;
  readonly steps?: number;
}

/** Drives a search whose trials are shards in memory, each made anew from what it would have saved before every question. */
function drive({ name, seed, shards, agents = shards, orderSeed, outcome, options, stepsPerTrial, steps }: Course) {
  const problem = problemOf(name, seed);
  const saved = new Map<number, OracleShard["memory"]>();
  const observe = (work: Work, trial: number) => {
    const question = oracle.options.parse(work.options ?? {});
    const vectors = fromVectors(work.vectors);
    const before = saved.get(trial);
    const shard = new OracleShard(problem, question, before === undefined ? undefined : structuredClone(before));
    shard.take(vectors);
    shard.answer(question);
    saved.set(trial, shard.memory);
    if (question.kind === "close") {
      return { metrics: Object.fromEntries(problem.metrics.map((metric, i) => [metric, vectors.outcome?.[i] ?? Number.NaN])) };
    }
    return { metrics: { round: question.draw }, vectors: toVectors(shard.memory.answer) };
  };
  const context = contextOf(agents, stepsPerTrial, steps);
  const strategy = module.create(context, module.spec.options.parse({ ...settings, shards, ...options }));
  const more = { ...(orderSeed === undefined ? {} : { orderSeed }), ...(outcome === undefined ? {} : { outcome }) };
  return driveStrategy({ strategy, context, seed, agents, metrics: () => ({}), observe, ...more });
}

const reports = (facts: readonly Fact[]) => facts.flatMap(({ kind }) => (kind?.$case === "strategyStepped" ? [kind.value] : []));
const words = (facts: readonly Fact[]) => reports(facts).map(({ message }) => message);

/** Upper variables of the last report, and the metrics that trials end with. */
function result(facts: readonly Fact[]) {
  const ends = facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" && kind.value.final ? [kind.value.final.metrics] : []));
  return { x: reports(facts).at(-1)?.vectors.x?.values, metrics: ends.at(-1) };
}

function alone(name: string, seed: number): BoRepState {
  return runBoRep(problemOf(name, seed), { ...boRepDefaults, ...settings });
}

for (const name of Object.keys(problems)) {
  describe(`bo-rep on ${name}`, () => {
    for (const seed of [1, 2, 3]) {
      test(`takes the steps of the machine alone, bit for bit, on 1, 2, 4 and more agents, seed ${seed}`, () => {
        const expected = alone(name, seed);
        const [first, ...others] = [
          [1, 1],
          [2, 2],
          [4, 4],
          [4, 2],
          [9, 9],
        ].map(([shards = 1, agents]) => drive({ name, seed, shards, agents: agents ?? 1, orderSeed: 10 * seed + shards }));
        const found = result(first?.facts ?? []);
        assert.deepEqual(found.x, expected.x);
        assert.ok(Number.isFinite(found.metrics?.validLoss) && Number.isFinite(found.metrics?.testError));
        const stepsOf = (facts: readonly Fact[]) =>
          reports(facts).map(({ step, metrics, message }) => ({ step, metrics, message }));
        for (const other of others) {
          assert.deepEqual(result(other.facts), found);
          assert.deepEqual(stepsOf(other.facts), stepsOf(first?.facts ?? []));
          assert.ok(other.trials.every(({ status }) => status === "ended"));
        }
      });
    }

    test("reports each refresh, and every trial ends with the outcome of all", () => {
      const { facts, trials } = drive({ name, seed: 4, shards: 2 });
      assert.deepEqual(
        reports(facts).map(({ step }) => step),
        [3, 6, 9, 9],
      );
      for (const { metrics } of reports(facts).slice(0, 3)) {
        for (const metric of ["upperLoss", "momentumNorm", "zNorm", "eta"]) assert.ok((metrics[metric] ?? -1) >= 0, metric);
      }
      assert.deepEqual(reports(facts).map(stepOutcome), ["taken", "taken", "taken", "news"], "the end is no step");
      assert.match(words(facts)[0] ?? "", /^upper step 3 of 9: upper loss \d/);
      for (const { last } of trials) assert.deepEqual(last?.metrics, result(facts).metrics);
    });

    test("with a tolerance it uses old estimates, none older than it says, and gets to its end", () => {
      const options = { steps: 30, adjoint: "lagged", staleTolerance: 0.31, kappa: 1 };
      const { facts } = drive({ name, seed: 5, shards: 3, orderSeed: 2, options });
      const lags = reports(facts).map(({ metrics }) => metrics.lag ?? 0);
      assert.equal(Math.max(...lags) <= 3, true, `eta 0.1 and kappa 1 admit three steps: ${lags}`);
      assert.ok(Math.max(...lags) > 0, "some estimate was old");
      assert.ok(Number.isFinite(result(facts).metrics?.validLoss));
      const sync = drive({ name, seed: 5, shards: 3, orderSeed: 2, options: { ...options, staleTolerance: 0 } });
      assert.ok(reports(sync.facts).every(({ metrics }) => (metrics.lag ?? 0) === 0));
    });

    test("a trial that ends, or gives no answer, is replaced, and that is said", () => {
      const outcome = (trial: number, untilStep: number): Outcome =>
        trial === 1 && untilStep === 5 ? "is-lost" : trial === 0 && untilStep === 8 ? "is-silent" : "reaches";
      const { facts, trials } = drive({ name, seed: 6, shards: 2, outcome });
      assert.equal(trials.length, 4);
      assert.ok(words(facts).some((one) => /^trial 1 ended.*: another trial takes over units \d to \d/.test(one)));
      assert.ok(words(facts).some((one) => /^trial 0 gave no answer that can be read: another trial/.test(one)));
      assert.ok(Number.isFinite(result(facts).metrics?.validLoss));
      // Where y is shared the new trial is sent everything; tasks that own theirs begin anew, and take another course.
      const undisturbed = result(drive({ name, seed: 6, shards: 2 }).facts).x;
      if (name === "hyper-cleaning") assert.deepEqual(result(facts).x, undisturbed);
      else assert.ok(words(facts).some((one) => /whose tasks start over/.test(one)));
    });

    test("it gives up where trials continue failing, and says that it diverged where one has", () => {
      const failing = drive({
        name,
        seed: 1,
        shards: 2,
        outcome: (_, step) => (step > 2 ? "fails" : "reaches"),
        options: { replacements: 2 },
      });
      assert.match(words(failing.facts).at(-1) ?? "", /so did 2 before it: the strategy gives up/);
      assert.ok(failing.trials.every(({ status }) => status === "ended"));
      const diverging = drive({
        name,
        seed: 1,
        shards: 2,
        outcome: (trial, step) => (trial === 1 && step === 4 ? "diverges" : "reaches"),
      });
      assert.match(words(diverging.facts).at(-1) ?? "", /^diverged after \d upper steps: .*a smaller eta/);
      assert.equal(reports(diverging.facts).at(-1)?.accepted, false);
      assert.ok(diverging.trials.every(({ status }) => status === "ended"));
    });

    test("a budget of steps a trial leaves room for exact metrics, and for as many upper steps as fit", () => {
      // To describe, two lower rounds, two of the upper step, to measure and to close: 7, the least that is taken.
      for (const stepsPerTrial of [7, 8, 16, 17, 18]) {
        const { facts, trials } = drive({ name, seed: 2, shards: 2, stepsPerTrial, options: { steps: 1000 } });
        assert.ok(trials.every(({ steps, status }) => steps <= stepsPerTrial && status === "ended"));
        assert.ok(Number.isFinite(result(facts).metrics?.validLoss));
        const taken = /^after (\d+) upper steps \(of 1000: budget.stepsPerTrial is \d+\) and/.exec(
          words(facts).at(-1) ?? "",
        )?.[1];
        // Three upper steps take 2 + 3 * 2 rounds where y is shared, one each where tasks own theirs.
        const most = name === "hyper-cleaning" ? (stepsPerTrial - 3) / (8 / 3) : stepsPerTrial - 3;
        assert.ok(Number(taken) >= 1 && Number(taken) <= most && Number(taken) >= most - 4, `${taken} of ${most}`);
      }
    });

    test("a budget of steps of all trials together leaves room for exact metrics too", () => {
      for (const steps of [14, 31, 32, 33]) {
        const driven = drive({ name, seed: 2, shards: 2, steps, options: { steps: 1000 } });
        assert.ok(driven.steps <= steps && driven.trials.every(({ status }) => status === "ended"));
        assert.ok(Number.isFinite(result(driven.facts).metrics?.validLoss));
        assert.match(words(driven.facts).at(-1) ?? "", /^after [1-9]\d* upper steps \(of 1000: budget.steps is \d+\) and/);
      }
    });

    test("a budget that refinement uses up still ends with exact metrics", () => {
      const options = { steps: 1000, refinementEpochs: 2, refinementSteps: 20 };
      for (const stepsPerTrial of [7, 20, 47, 48]) {
        const { facts, trials } = drive({ name, seed: 2, shards: 2, stepsPerTrial, options });
        assert.ok(trials.every(({ steps, status }) => steps <= stepsPerTrial && status === "ended"));
        assert.ok(Number.isFinite(result(facts).metrics?.validLoss));
      }
    });
  });
}

test("searches that it can do nothing with are refused", () => {
  const fields = (context: StrategyContext, options: unknown = {}) =>
    (module.spec.problems?.(context, module.spec.options.parse(options)) ?? []).map(({ field }) => field);
  const context = contextOf(4);
  assert.deepEqual(fields(context), []);
  assert.deepEqual(fields({ ...context, plainProcedure: "command" }), ["command"]);
  assert.deepEqual(fields({ ...context, budget: { ...context.budget, trials: 3 } }), ["budget.trials"]);
  assert.deepEqual(fields(contextOf(4, 7), { innerSteps: 2 }), []);
  assert.deepEqual(fields(contextOf(4, 6), { innerSteps: 2 }), ["budget.stepsPerTrial"]);
  assert.deepEqual(fields(contextOf(4, 0, 28), { innerSteps: 2 }), []);
  assert.deepEqual(fields(contextOf(4, 0, 27), { innerSteps: 2 }), ["budget.steps"]);
  assert.deepEqual(fields({ ...context, objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MAXIMIZE }] }), [
    "objectives[0].direction",
  ]);
  assert.deepEqual(fields(context, { staleTolerance: 1, normalize: false }), [
    "strategy.options.adjoint",
    "strategy.options.normalize",
  ]);
});
