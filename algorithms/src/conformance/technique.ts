/**
 * Conformance suite of a technique: finite numbers of the right shape over the whole range of its hyperparameters, shared or one an example;
 * the same numbers for the same key; a loss whose gradient agrees with finite differences; nothing left in memory; trials of every procedure that
 * resume from a checkpoint bit for bit.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng, type HyperparameterSpec, rangeOf, type TechniqueSpec } from "../core/index.js";
import { softmaxCrossEntropy } from "../kernels/index.js";
import type { Network, Signal } from "../training/contracts/network.js";
import type { TechniqueModule } from "../training/contracts/technique.js";
import { PlainLayers } from "../training/network/plain-layers.js";
import { TensorNetwork, tensorOf } from "../training/network/tensor-network.js";
import { kernelViews } from "../training/state/kernel-views.js";
import { infosOf } from "../training/state/parameter-info.js";
import { ParameterStore } from "../training/state/parameter-store.js";
import { StepMemories } from "../training/state/step-memory.js";
import { type StepValues, TechniquePass } from "../training/techniques/technique-set.js";
import { openCase, refused, stepTo } from "./attempt.js";
import { firstStep } from "./one-technique.js";

const batchSize = 6;
const classes = 3;
/** Numbers of each weight at which a gradient is compared, evenly spread. */
const placesMax = 6;

/** Registers the suite with node's test runner. The backend is the caller's choice. */
export function describeTechnique(module: TechniqueModule<unknown>): void {
  const { name } = module.spec;
  describe(`technique ${name}`, () => {
    const hyperparameters = module.spec.hyperparameters(module.spec.options.parse({}));

    for (const [where, values] of valuesToTry(hyperparameters)) {
      it(`is finite and keeps shapes with ${where}`, () => withModel(module, values, finiteAndShaped));
      it(`has the gradient that finite differences give with ${where}`, () => withModel(module, values, gradientAsDifferences));
    }

    it("draws the same for the same step, and is switched off when measuring", () => {
      const values = spread(hyperparameters);
      withModel(module, values, (model) => {
        assert.equal(model.loss(3), model.loss(3));
        assert.equal(new TensorNetwork(new PlainLayers(model.store)).training, false);
      });
    });

    it("holds what its view of kernels depends on for a whole trial", () => {
      const hooks = module.create(module.spec.options.parse({}));
      if (hooks.view === undefined) return;
      const asked: string[] = [];
      hooks.view((one) => {
        asked.push(one);
        return 1;
      });
      const held = hyperparameters.filter((one) => one.held === true && !one.inside).map(({ parameter }) => parameter.name);
      assert.deepEqual(
        asked.filter((one) => !held.includes(one)),
        [],
      );
    });

    for (const [what, trial] of Object.entries(procedures))
      it(`continues under ${what} from a checkpoint bit for bit, or says why it can't act there`, () =>
        resumed(module.spec, trial));

    it("leaves no tensor behind in fifty steps", () => {
      withModel(module, spread(hyperparameters), (model) => {
        model.ruledGradients(0);
        const before = tf.memory().numTensors;
        for (let step = 0; step < 50; step++) model.ruledGradients(step);
        assert.equal(tf.memory().numTensors, before);
      });
    });
  });
}

/** How trials train. */
const procedures = {
  fit: { procedure: "fit", options: {} },
  stn: { procedure: "self-tune", options: { variant: "stn", warmUpSteps: 0 } },
  "delta-stn": { procedure: "self-tune", options: { variant: "delta-stn", warmUpSteps: 0 } },
} as const;

/** Workloads by what a technique acts on, with options that make them small. */
const workloads = {
  rows: ["mnist-mlp", { hiddenUnits: [8] }],
  images: ["mnist-cnn", { filters: [2, 2], hiddenUnits: 4 }],
  sequences: ["moby-dick-lstm", { testSize: 20, length: 4, embeddingUnits: 4, hiddenUnits: [4] }],
} as const;

/** A trial of four steps that was stopped after two is the one that was not. */
async function resumed(spec: TechniqueSpec, trial: (typeof procedures)[keyof typeof procedures]): Promise<void> {
  const { name, inputs } = spec;
  const [workload, options] = workloads[inputs ?? "rows"];
  const workloadOptions = { trainSize: 32, tuneSize: 16, validSize: 16, batchSize: 8, ...options };
  // Weight decay beside it, so that there is a hyperparameter that self-tune can learn.
  const techniques = name === "weight-decay" ? [name] : [name, "weight-decay"];
  const one = { ...trial, workload, workloadOptions, techniques };
  if (await refused(spec, one)) return;
  const whole = await openCase(one);
  await stepTo(whole, 2);
  const second = await openCase(one, await whole.save());
  await stepTo(whole, 4);
  await stepTo(second, 4);
  assert.deepEqual(await second.save(), await whole.save());
  whole.close();
  second.close();
}

/** A small smooth network with sites of all kinds, for techniques that act on inputs of one kind. */
interface SmallNetwork {
  /** Of one example. */
  readonly shape: readonly number[];
  /** Whether inputs are whole numbers, 0 to 4. */
  readonly tokens?: boolean;
  logits(net: Network, x: Signal): Signal;
}

const networks: Readonly<Record<"rows" | NonNullable<TechniqueSpec["inputs"]>, SmallNetwork>> = {
  rows: {
    shape: [5],
    logits(net, x) {
      const hidden = net.dense("dense", net.site("inputs", x, "input"), { units: 4, activation: "tanh" });
      return net.dense("logits", net.site("hidden", hidden, "output"), { units: classes });
    },
  },
  images: {
    shape: [5, 6, 2],
    logits(net, x) {
      const hidden = net.conv2d("conv", net.site("inputs", x, "input"), { filters: 2, kernel: 3, activation: "tanh" });
      return net.dense("logits", net.globalAverage(net.site("hidden", hidden, "hidden")), { units: classes });
    },
  },
  sequences: {
    shape: [3],
    tokens: true,
    logits(net, x) {
      const embedded = net.site("embedded", net.embedding("embedding", x, { vocabulary: 5, units: 3 }), "input");
      const first = net.site("first", net.dense("dense", embedded, { units: 2, activation: "tanh" }), "hidden");
      const last = net.site("last", net.lstm("lstm", first, { units: 2 }), "output");
      return net.dense("logits", net.globalAverage(last), { units: classes });
    },
  },
};

/** The network with the technique at each of its places. */
interface Model {
  readonly store: ParameterStore;
  /** Penalized mean loss at a step, as a number. */
  loss(step: number): number;
  /** Gradients of that loss, before the technique's gradient rule. */
  gradients(step: number): Map<string, Float32Array>;
  /** The same after its gradient rule. */
  ruledGradients(step: number): Map<string, Float32Array>;
}

function withModel(module: TechniqueModule<unknown>, values: StepValues, check: (model: Model) => void): void {
  const rng = createRng(7);
  const plain = new ParameterStore(rng.fork("weights"));
  const hooks = module.create(module.spec.options.parse({}));
  const network = networks[module.spec.inputs ?? "rows"];
  const rows = new Float32Array(batchSize * tf.util.sizeFromShape([...network.shape]));
  if (network.tokens === true) for (const at of rows.keys()) rows[at] = rng.fork("inputs", at).integer(5);
  else rng.fork("inputs").fillNormal(rows);
  const labels = Int32Array.from({ length: batchSize }, (_, row) => row % classes);
  const memories = new StepMemories();
  const inputsOf = () => tf.tensor(rows, [batchSize, ...network.shape], network.tokens === true ? "int32" : "float32");
  tf.tidy(() => void network.logits(new TensorNetwork(new PlainLayers(plain)), inputsOf()));
  const view = hooks.view?.((name) => values.get(name)?.[0] ?? Number.NaN);
  const store = new ParameterStore(rng.fork("weights"), view && kernelViews([view], infosOf(plain)));
  plain.dispose();
  const pass = (step: number) =>
    new TechniquePass([{ name: module.spec.name, hooks }], {
      ...firstStep(batchSize),
      ...{ step, rng: rng.fork("step", step), memories, values, epoch: step, plannedEpochs: 60 },
    });
  const penalizedLoss = (step: number) => {
    const at = pass(step);
    const layers = new PlainLayers(store);
    const net = new TensorNetwork(layers, at);
    const logits = tensorOf(network.logits(net, at.inputs(inputsOf())));
    const targets = at.targets(tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), classes), "float32"));
    const losses = at.losses(softmaxCrossEntropy(logits, targets), { outputs: logits, targets });
    return at.penalize(tf.mean<tf.Scalar>(losses), layers.weights());
  };
  const gradientsAt = (step: number) => store.gradients(() => penalizedLoss(step));
  tf.tidy(() => void penalizedLoss(0));
  try {
    check({
      store,
      loss: (step) => tf.tidy(() => penalizedLoss(step).dataSync()[0] ?? Number.NaN),
      gradients: (step) => valuesOf(() => gradientsAt(step)),
      ruledGradients: (step) =>
        valuesOf(() =>
          pass(step).gradients(gradientsAt(step), { gradientsAt: (moves) => store.movedBy(moves, () => gradientsAt(step)) }),
        ),
    });
  } finally {
    store.dispose();
  }
}

function valuesOf(gradients: () => Record<string, tf.Tensor>): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  tf.tidy(() => {
    for (const [name, gradient] of Object.entries(gradients())) values.set(name, Float32Array.from(gradient.dataSync()));
  });
  return values;
}

function finiteAndShaped(model: Model): void {
  assert.ok(Number.isFinite(model.loss(0)));
  const gradients = model.ruledGradients(0);
  assert.deepEqual([...gradients.keys()].sort(), [...model.store.variables.keys()].sort());
  for (const [name, values] of gradients) {
    assert.equal(values.length, model.store.variables.get(name)?.size);
    assert.ok(values.every(Number.isFinite), `${name} has finite gradients`);
  }
}

/**
 * Central differences with a step of 0.02 on a loss of about 1: float32 rounding gives 1e-7 / 0.02, the third derivative 0.02^2 / 6 of
 * itself; 5e-3 of the gradient's greatest number leaves room for both.
 */
function gradientAsDifferences(model: Model): void {
  const raw = model.gradients(0);
  const step = 0.02;
  for (const [name, variable] of model.store.variables) {
    const values = Float32Array.from(variable.dataSync());
    const lossAt = (index: number, shift: number) => {
      const moved = Float32Array.from(values);
      moved[index] = (moved[index] ?? 0) + shift;
      tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
      return model.loss(0);
    };
    const gradient = raw.get(name) ?? new Float32Array(0);
    const size = Math.max(...[...raw.values()].map((one) => Math.max(...one.map(Math.abs))));
    for (let index = 0; index < values.length; index += Math.ceil(values.length / placesMax)) {
      const difference = (lossAt(index, step) - lossAt(index, -step)) / (2 * step);
      assert.ok(
        Math.abs(difference - (gradient[index] ?? 0)) <= 5e-3 * size,
        `${name}[${index}]: ${gradient[index]} for ${difference}`,
      );
    }
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

/** The ends and the fallback of all hyperparameters, shared; and one value an example. */
function valuesToTry(hyperparameters: readonly HyperparameterSpec[]): [string, StepValues][] {
  const shared = (of: (one: HyperparameterSpec) => number): StepValues =>
    new Map(hyperparameters.map((one) => [one.parameter.name, Float32Array.of(of(one))]));
  return [
    ["least values", shared((one) => endsOf(one).min)],
    ["greatest values", shared((one) => endsOf(one).max)],
    ["fallbacks", shared((one) => Number(one.fallback))],
    ["a value an example", spread(hyperparameters)],
  ];
}

/** Values from least to greatest over the batch; one in the middle where a batch shares it. */
function spread(hyperparameters: readonly HyperparameterSpec[]): StepValues {
  return new Map(
    hyperparameters.map((one) => {
      const { min, max } = endsOf(one);
      const at = (share: number) => min + share * (max - min);
      const values = one.sharedInBatch ? [at(0.5)] : Array.from({ length: batchSize }, (_, row) => at(row / (batchSize - 1)));
      return [one.parameter.name, Float32Array.from(values)];
    }),
  );
}

function endsOf(one: HyperparameterSpec): { min: number; max: number } {
  const range = rangeOf(one.parameter);
  assert.ok(range !== undefined, `${one.parameter.name} is a number`);
  return range;
}
