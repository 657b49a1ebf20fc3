/**
 * What a search file gets that does not say: defaults as the cards state them, the ends of every range, and what strategies say of themselves. Whoever
 * changes a number here changes searches of users.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { strategies } from "./index.js";

const specOf = (name: string) => strategies.get(name)?.spec ?? assert.fail(`${name} is registered`);

const bilevel = {
  accuracy: 0.1,
  accuracyMin: 1e-12,
  tolerance: 1e-6,
  steps: 1000,
  work: 0,
  thetaMin: -15,
  thetaMax: 15,
  iterationsMax: 100_000,
  speculation: 3,
  replacements: 3,
};
const defaults: Readonly<Record<string, object>> = {
  asha: { eta: 3, sampler: "random", incumbents: [], finishBest: true },
  ensemble: { members: 4, mean: "probabilities" },
  grid: { steps: 5 },
  random: {},
  sobol: {},
  hoag: { ...bilevel, schedule: "quadratic" },
  maid: {
    ...bilevel,
    residual: 0.1,
    stepLength: 0.01,
    stepShrink: 0.5,
    stepGrowth: 10 / 9,
    accuracyShrink: 0.5,
    accuracyGrowth: 1.05,
    decrease: 1e-4,
    descentMargin: 0.5,
    trials: 10,
    futility: 4,
    checkDescent: false,
    direction: "gradient",
    freezeAccuracy: false,
    earlyRejection: false,
  },
  "bo-rep": {
    steps: 1000,
    eta: 0.05,
    etaDecaySteps: 0,
    momentum: 0.9,
    lowerRate: 0.05,
    adjointRate: 0.01,
    period: 2,
    innerSteps: 3,
    radius: 0,
    normalize: true,
    adjoint: "fresh",
    refinementEpochs: 0,
    refinementSteps: 100,
    stopMomentum: 0,
    stopWindow: 50,
    staleTolerance: 0,
    replacements: 3,
  },
  "self-tuning-network": {
    population: 1,
    copyShare: 0.25,
    replays: 0,
    variant: "stn",
    scale: 0.5,
    learnScales: true,
    entropyWeight: 1e-3,
    tuneSteps: 1,
    guardEverySteps: 2000,
    jitter: 1,
  },
};

test("options that are left out have the values of the cards", () => {
  assert.deepEqual([...strategies.keys()].sort(), Object.keys(defaults).sort());
  for (const [name, expected] of Object.entries(defaults)) assert.deepEqual(specOf(name).options.parse({}), expected, name);
});

/** Least and greatest values that are taken, and values beyond them. */
const ranges: readonly (readonly [strategy: string, option: string, taken: readonly unknown[], refused: readonly unknown[]])[] = [
  ["asha", "eta", [2, 2.5, 64], [1.99, 64.01]],
  ["asha", "minSteps", [1], [0, 1.5]],
  ["asha", "maxSteps", [1], [0, 1.5]],
  ["asha", "incumbents", [new Array(1000).fill({ x: [1, "a", null] })], [new Array(1001).fill({ x: 1 }), [{ x: { y: 1 } }]]],
  ["asha", "sampler", ["random", "sobol"], ["halton"]],
  ["grid", "steps", [1, 10_000, { x: 1, y: 10_000 }], [0, 10_001, 2.5, { x: 0 }]],
  ["maid", "accuracy", [1e-300, 1e12], [0, -1, 1.1e12]],
  ["maid", "accuracyMin", [1e-300, 1], [0, 1.1]],
  ["maid", "tolerance", [0, 1e12], [-1e-9, 1.1e12]],
  ["maid", "steps", [1, 10_000_000], [0, 10_000_001]],
  ["maid", "work", [0, 1e15], [-1, 1.1e15]],
  ["maid", "thetaMin", [-1e6, 14.9], [-1.1e6, 15, 16]],
  ["maid", "thetaMax", [1e6, -14.9], [1.1e6, -15, -16]],
  ["maid", "stepShrink", [0.01, 0.99], [0.009, 1]],
  ["maid", "stepGrowth", [1, 100], [0.99, 101]],
  ["maid", "accuracyShrink", [0.001, 0.99], [0, 1]],
  ["maid", "accuracyGrowth", [1, 10], [0.99, 10.1]],
  ["maid", "decrease", [1e-9, 0.499], [0, 0.5, 0.6]],
  ["maid", "descentMargin", [0.0002, 0.999], [1e-4, 1]],
  ["maid", "trials", [1, 100], [0, 101]],
  ["maid", "futility", [0, 1e6], [-1]],
  ["maid", "shards", [1, 10_000], [0, 10_001]],
  ["maid", "speculation", [0, 100], [-1, 101]],
  ["maid", "replacements", [0, 1000], [-1, 1001]],
  ["hoag", "thetaMin", [-1e6, 14.9], [15]],
  ["hoag", "stepLength", [1e-9, 1e12], [0]],
  ["hoag", "schedule", ["geometric", "cubic"], ["linear"]],
  ["bo-rep", "momentum", [0, 0.999], [1, -0.1]],
  ["bo-rep", "eta", [1e-9, 1e6], [0]],
  ["bo-rep", "period", [1, 100_000], [0, 100_001]],
  ["bo-rep", "innerSteps", [1, 100_000], [0, 100_001]],
  ["bo-rep", "refinementEpochs", [0, 100], [-1, 101]],
  ["bo-rep", "radius", [0], [-1]],
  ["bo-rep", "staleTolerance", [0], [-1]],
  ["bo-rep", "kappa", [1e-9], [0]],
  ["bo-rep", "steps", [1, 1_000_000], [0, 1_000_001]],
  ["self-tuning-network", "population", [1, 1000], [0, 1001]],
  ["self-tuning-network", "copyShare", [0, 0.5], [-0.1, 0.51]],
  ["self-tuning-network", "copyEverySteps", [1], [0]],
  ["self-tuning-network", "restartsMax", [0, 1000], [-1, 1001]],
  ["self-tuning-network", "replays", [0, 100], [-1, 101]],
  ["self-tuning-network", "jitter", [0, 10], [-1, 10.1]],
  ["self-tuning-network", "scale", [0.001, 3], [0.0009, 3.01]],
];

test("an option takes both ends of its range, and nothing beyond", () => {
  for (const [strategy, option, taken, refused] of ranges) {
    const { options } = specOf(strategy);
    const takes = (value: unknown) => options.safeParse({ [option]: value }).success;
    for (const value of taken) assert.ok(takes(value), `${strategy} takes ${option} ${JSON.stringify(value)?.slice(0, 80)}`);
    for (const value of refused) assert.ok(!takes(value), `${strategy} refuses ${option} ${JSON.stringify(value)?.slice(0, 80)}`);
  }
});

test("where a member's hyperparameters start is the strategy's business, and unknown options are nobody's", () => {
  for (const name of ["initial", "recenter"])
    assert.equal(specOf("self-tuning-network").options.safeParse({ [name]: {} }).success, false);
  for (const name of strategies.keys()) assert.equal(specOf(name).options.safeParse({ unheardOf: 1 }).success, false, name);
});

test("strategies say whether they end by themselves, need steps, bring parameters, tune inside and are watched", () => {
  const said = [...strategies.values()].map(({ spec }) => [
    spec.name,
    [
      ...(spec.endsByItself ? ["ends"] : []),
      ...(spec.needsSteps ? ["steps"] : []),
      ...(spec.ownParameters ? ["own"] : []),
      ...(spec.tunesInside ? ["inside"] : []),
      ...(spec.watchedBy ?? []),
      ...(spec.claims.orderFree ? ["order-free"] : []),
      ...(spec.claims.beatsRandom ? ["beats random"] : []),
    ].join(" "),
  ]);
  assert.deepEqual(Object.fromEntries(said), {
    asha: "steps beats random",
    "bo-rep": "ends own hypergradient-watch",
    ensemble: "ends own order-free",
    grid: "ends order-free",
    hoag: "ends own hypergradient-watch",
    maid: "ends own hypergradient-watch",
    random: "order-free",
    "self-tuning-network": "ends steps inside scale-watch hypergradient-watch order-free",
    sobol: "order-free",
  });
});
