/**
 * What goes wrong on the lower level of a bilevel search, tried on whole simulated clusters: each trouble is seen, named in a fact in words that
 * `regulus show` prints, and handled. A shard that never answers and scales that collapse are tested where processes and training are.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerSample, type RespondSample } from "@regulus/algorithms/solvers";
import { loadProcedure, loadWorkload, respondModule } from "@regulus/algorithms/training";
import { live, type OpenSession, quietFaults } from "@regulus/coordinator/simulation";
import { EndReason, type Fact, stepOutcome } from "@regulus/proto";

/** What becomes of the lower level at hyperparameter theta. */
type Trouble = (theta: number) => { readonly mu?: number; readonly cross?: number; readonly value?: number };

const goal = 3;
const startTheta = 0;

/** min over x of mu/2 x^2 - theta x, so that x = theta / mu; the upper loss is (x - goal)^2 / 2, least at theta = goal where mu is 1. */
function sampleWith(trouble: Trouble): RespondSample {
  const at = (theta: Float64Array) => trouble(theta[0] ?? Number.NaN);
  const mu = (theta: Float64Array) => at(theta).mu ?? 1;
  const first = (vector: Float64Array) => vector[0] ?? Number.NaN;
  return {
    lower: {
      dim: 1,
      thetaDim: 1,
      mu,
      smoothness: (theta) => Math.max(1, mu(theta)),
      value: (x, theta) => 0.5 * mu(theta) * first(x) ** 2 - first(theta) * first(x),
      gradient: (x, theta, out) => out.fill(mu(theta) * first(x) - first(theta)),
      hessianVector: (_, theta, v, out) => out.fill(mu(theta) * first(v)),
      crossTransposed: (_, theta, q, out) => out.fill((at(theta).cross ?? -1) * first(q)),
    },
    upper: {
      smoothness: 1,
      convex: true,
      value: (x) => 0.5 * (first(x) - goal) ** 2,
      gradient: (x, out) => out.fill(first(x) - goal),
    },
    start: () => new Float64Array(1),
  };
}

/** Agents whose samples have a trouble. */
function troubled(trouble: Trouble): OpenSession {
  const sample = sampleWith(trouble);
  const module = respondModule(async () => ({
    samples: 2,
    theta: [startTheta],
    answer: (_, question, start) => answerSample(sample, question, start ?? { x: sample.start(new Float64Array(1)) }),
    close: () => undefined,
  }));
  return (request) => module.open(request);
}

const real: OpenSession = async (request) => (await loadProcedure(request.work.procedure)).open(request);

async function search(open: OpenSession, strategy: string, options: Readonly<Record<string, unknown>>, workload: object = {}) {
  const document = {
    workload: { name: "quadratic-samples", ...workload },
    objective: { metric: "upperLoss", direction: "minimize" },
    strategy: { name: strategy, options: { shards: 2, ...options } },
    parallelism: 4,
  };
  const { facts } = await live({ seed: 1, document, agents: 2, faults: quietFaults, open });
  const steps = facts.flatMap(({ kind }) => (kind?.$case === "strategyStepped" ? [kind.value] : []));
  return { steps, facts, words: steps.map(({ message }) => message) };
}

const findings = (facts: readonly Fact[]) =>
  facts.flatMap(({ kind }) => (kind?.$case === "findingReported" ? [`${kind.value.severity}: ${kind.value.message}`] : []));
const endsOf = (facts: readonly Fact[]) => facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value] : []));

describe("troubles of the lower level", async () => {
  await loadWorkload("quadratic-samples");

  it("a lower level that is not strongly convex where steps lead to: shorter steps are taken, and it is said why", async () => {
    const { steps, words } = await search(
      troubled((theta) => (theta < 1 ? {} : { mu: 0 })),
      "maid",
      { steps: 4, stepLength: 1 },
    );
    assert.match(words[0] ?? "", /^step of length 0\.25 accepted at trial 3 of \d+ \(longer ones: 2 not-strongly-convex\): /);
    assert.ok(steps.every(({ vectors }) => (vectors.theta?.values ?? []).every((theta) => theta < 1)));
    assert.equal(steps.filter((step) => stepOutcome(step) === "taken").length, 4);
  });

  for (const strategy of ["maid", "hoag"]) {
    it(`${strategy}: one that is not strongly convex where it begins ends the search at once, and the last trial says so too`, async () => {
      const { words, facts } = await search(
        troubled(() => ({ mu: 0 })),
        strategy,
        { steps: 4 },
      );
      assert.equal(words.length, 1);
      assert.match(words[0] ?? "", /^it ends \(not-strongly-convex\): the lower level of sample 0 is not strongly convex/);
      const last = endsOf(facts).at(-1);
      assert.equal(last?.reason, EndReason.END_REASON_INFEASIBLE);
      assert.match(last?.message ?? "", /not strongly convex at these hyperparameters: mu is not above 0/);
    });
  }

  it("a hypergradient that is no number where a step led to: the step is taken back, shorter ones follow", async () => {
    const { steps, words } = await search(
      troubled((theta) => (theta < 1 ? {} : { cross: Number.NaN })),
      "maid",
      { steps: 3, stepLength: 0.5 },
    );
    assert.match(words[0] ?? "", /^step of length 0\.5 accepted/);
    assert.equal(words[1], "the hypergradient is not a number after a step of length 0.5: the step is taken back");
    assert.deepEqual(steps[1]?.vectors.theta?.values, [startTheta]);
    assert.equal(stepOutcome(steps[1] ?? assert.fail()), "refused");
    assert.ok(steps.some(({ step, accepted, metrics }) => accepted && step === 3 && (metrics.stepLength ?? 1) < 0.5));
  });

  it("one that is no number where it begins, or wherever a step leads: it ends with a message", async () => {
    const begins = await search(
      troubled(() => ({ cross: Number.NaN })),
      "maid",
      { steps: 3 },
    );
    assert.match(
      begins.words[0] ?? "",
      /^it ends \(not-finite\): .*not a number at the starting hyperparameters: start elsewhere$/,
    );
    const hoag = await search(
      troubled(() => ({ cross: Number.NaN })),
      "hoag",
      { steps: 3 },
    );
    assert.match(hoag.words[0] ?? "", /^it ends \(not-finite\): the loss or its hypergradient is not a number/);
    const around = await search(
      troubled((theta) => (theta === startTheta ? {} : { cross: Number.NaN })),
      "maid",
      { steps: 3, stepLength: 0.5 },
    );
    assert.equal(around.words.filter((one) => one.endsWith("the step is taken back")).length, 10);
    assert.match(
      around.words.at(-1) ?? "",
      /^it ends \(not-finite\): .*11 times in a row: the loss is known here, and no step leads on$/,
    );
  });

  it("an accuracy below what the arithmetic reaches: it ends there, having warned", async () => {
    const options = { steps: 100_000, shards: 1, tolerance: 0, accuracyMin: 1e-300, direction: "l-bfgs", stepLength: 1e-3 };
    const { words, facts } = await search(real, "maid", options, { options: { samples: 2, ridge: 20 } });
    assert.match(words.at(-1) ?? "", /^it ends \(attainable-accuracy\): at accuracy \S+ float64 gives no more; none of /);
    assert.match(
      findings(facts).join("\n"),
      /^warning: the accuracy \d\.?\d*e-1\d reached at step \d+ is near what double precision can reach/m,
    );
    assert.equal(endsOf(facts).at(-1)?.reason, EndReason.END_REASON_DONE, "what it found is measured all the same");
  });
});
