/**
 * The part of training that `fit` and `self-tune` share: a model's weights, their optimizer, the order of the data, one gradient step, metrics
 * over splits, and what of all that a checkpoint holds. Everything random is keyed by the trial's seed and the step, and everything else that
 * a step depends on is saved, so that a resumed trial is the same bit for bit. What weights are, it leaves to the Layers that it is given.
 */
import { assert, type Predictions } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { RateGradients } from "../contracts/learning-rate.js";
import type { Network, Signal } from "../contracts/network.js";
import type { ProbeContext } from "../contracts/probe.js";
import { type SessionResult, TrialFailure, type TrialRequest } from "../contracts/procedure.js";
import type { Outcome, Weight } from "../contracts/technique.js";
import type { Batch } from "../contracts/workload.js";
import { measureSplits, rowsMeasured } from "../network/evaluation.js";
import { type Layers, TensorNetwork, type TrainingRules, tensorOf } from "../network/tensor-network.js";
import type { TrialSetup } from "../setup/trial-setup.js";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type NamedTensor } from "../state/checkpoint.js";
import { kernelViews, type ParameterView } from "../state/kernel-views.js";
import { infosOf } from "../state/parameter-info.js";
import { ParameterStore } from "../state/parameter-store.js";
import { type StepValues, TechniquePass } from "../techniques/technique-set.js";
import { DataOrder } from "./data-order.js";
import { checkPredicts, predictionsOf } from "./model-predictions.js";
import { measureEverySteps } from "./pace.js";
import { probeContext } from "./probing.js";
import { WeightUpdates } from "./weight-updates.js";

/** Layers for one forward pass, on the trainer's weights. */
export type LayersOf = (parameters: ParameterStore) => Layers;

/** A network in one forward pass of a training step. */
export interface PassNetwork {
  readonly network: Network;
  /** The tensor that the loss is of, from what the model gave. */
  outputs(signal: Signal): tf.Tensor;
  /** The weights used, as penalties see them. */
  weights(): readonly Weight[];
}

/** One forward pass of a training step and what it moves. */
export interface TrainingPass {
  /** Values of the techniques' hyperparameters. */
  readonly values: StepValues;
  network(parameters: ParameterStore, rules: TrainingRules): PassNetwork;
  /** How many of the batch's first rows it is on; absent for all. The order of rows is random. */
  readonly rows?: number;
  /** Whether the pass moves a parameter; absent for all that its loss depends on. */
  moves?(parameter: string): boolean;
}

/** The pass of ordinary training: tensors through layers. */
export function layersPass(values: StepValues, layersOf: LayersOf): TrainingPass {
  return {
    values,
    network(parameters, rules) {
      const layers = layersOf(parameters);
      return { network: new TensorNetwork(layers, rules), outputs: tensorOf, weights: () => layers.weights() };
    },
  };
}

export class ModelTrainer {
  /** Steps between two measurements where the search does not say. */
  readonly measureEverySteps: number;
  readonly #procedure: string;
  readonly #seed: number;
  readonly #untilStep: number;
  readonly #predictions: Predictions | undefined;
  readonly #setup: TrialSetup;
  readonly #order: DataOrder;
  readonly #parameters: ParameterStore;
  readonly #updates: WeightUpdates;
  #stepsDone = 0;
  /** Latest documents and pictures of probes, by kind. */
  readonly #probed = new Map<string, Uint8Array>();

  /** Owns the setup's task from now on. @param layers any layers of the procedure: they make the weights that there are to be. */
  constructor(request: TrialRequest, setup: TrialSetup, layers: LayersOf) {
    const { task, following, rng } = setup;
    this.#procedure = request.work.procedure;
    this.#seed = request.seed;
    this.#untilStep = request.work.untilStep;
    this.#predictions = request.spec.reporting?.predictions;
    this.#setup = setup;
    tf.tidy(() => checkPredicts(this.#predictions, task, (split) => task.batch(split, Int32Array.of(0)).targets));
    this.#order = new DataOrder({ rows: task.sizes.train, batchSize: task.training.batchSize }, rng.fork("order"));
    this.#parameters = firstParameters(setup, layers);
    this.#updates = new WeightUpdates(following.optimizer, this.#parameters);
    const steps = this.#untilStep || task.training.steps;
    this.measureEverySteps = measureEverySteps({ steps, rows: rowsMeasured(task.sizes), batchSize: this.#order.batchSize });
  }

  get stepsDone(): number {
    return this.#stepsDone;
  }

  /** Whether the workload's own number of steps is done, where the work has none. */
  get ended(): boolean {
    return this.#untilStep === 0 && this.#stepsDone >= this.#setup.task.training.steps;
  }

  get batchSize(): number {
    return this.#order.batchSize;
  }

  get parameters(): ParameterStore {
    return this.#parameters;
  }

  /** One step: for each pass in turn a gradient step on the penalized mean loss, all on one batch and with the same random numbers. */
  step(...passes: readonly TrainingPass[]): void {
    tf.tidy(() => {
      const rows = this.#order.rows(this.#stepsDone);
      const whole = this.#setup.task.batch("train", rows);
      this.#updates.begin();
      let rate: number | undefined;
      for (const pass of passes) {
        const first = rows.subarray(0, pass.rows);
        const batch = first.length === rows.length ? whole : this.#setup.task.batch("train", first);
        rate = this.#update(pass, batch, first, rate);
      }
    });
    this.#stepsDone++;
  }

  /** The gradient step of one pass; gives its rate. @param known the rate of an earlier pass of the step. */
  #update(pass: TrainingPass, batch: Batch, rows: Int32Array, known?: number): number {
    const acting = this.#acting(pass, rows);
    // A pass that moves only a part of the parameters repeats another one's batch, and there is one outcome to remember.
    const remembers = acting.remembers && pass.moves === undefined;
    let outcome: Outcome | undefined;
    const keep = (seen: Outcome) => {
      // The gradients' own tidy would free it.
      outcome = { outputs: tf.keep(seen.outputs.clone()), targets: seen.targets };
    };
    const gradients = this.#gradients(pass, batch, acting, remembers ? keep : undefined);
    const gradientsAt = (moves: Record<string, tf.Tensor>) =>
      this.#parameters.movedBy(moves, () => this.#gradients(pass, batch, this.#acting(pass, rows)));
    const ruled = acting.gradients(gradients, { gradientsAt });
    if (outcome !== undefined) {
      acting.remember(outcome);
      outcome.outputs.dispose();
    }
    const rate = known ?? this.#rate({ gradients: ruled, gradientsAt });
    this.#updates.update(ruled, rate, acting.directions);
    return rate;
  }

  /** The techniques in this step's pass. */
  #acting(pass: TrainingPass, rows: Int32Array): TechniquePass {
    const { task, techniques, following, memories, rng } = this.#setup;
    const step = this.#stepsDone;
    const epochs = { epoch: this.#order.epoch(step), plannedEpochs: this.#order.epoch(following.plannedSteps - 1) + 1 };
    const key = { step, rows, trainRows: task.sizes.train, rng: rng.fork("step", step), memories, values: pass.values };
    return new TechniquePass(techniques, { ...key, ...epochs });
  }

  /** Gradients of the penalized mean loss, before any transform. @param see is shown the forward pass. */
  #gradients(
    pass: TrainingPass,
    batch: Batch,
    acting: TechniquePass,
    see?: (outcome: Outcome) => void,
  ): Record<string, tf.Tensor> {
    const { task, trainingLoss } = this.#setup;
    const inputs = acting.inputs(batch.inputs);
    const targets = acting.targets(batch.targets);
    return this.#parameters.gradients(() => {
      const { network, outputs: outputsOf, weights } = pass.network(this.#parameters, acting);
      const outputs = outputsOf(task.forward(network, inputs));
      see?.({ outputs, targets });
      const losses = acting.losses(trainingLoss(outputs, targets), { outputs, targets });
      return acting.penalize(tf.mean<tf.Scalar>(losses), weights());
    }, pass.moves);
  }

  #rate(gradients: RateGradients): number {
    const { task, following, memories } = this.#setup;
    const { learningRate, plannedSteps } = following;
    const { learningRate: base, learningRateSchedule = "constant" } = task.training;
    const memory = memories.of(learningRateSchedule, "learning-rate");
    const rate = learningRate.rate({ step: this.#stepsDone, plannedSteps, base, memory }, gradients);
    assert(Number.isFinite(rate) && rate >= 0, `a learning rate is finite and not negative, not ${rate}`);
    return rate;
  }

  /**
   * Trains on for some steps on batches from `ahead` steps later, asks, and goes back: weights, the optimizer's memory and the count of steps are
   * then what they were, bit for bit.
   */
  async tryOut<T>({ ahead, steps }: { ahead: number; steps: number }, pass: TrainingPass, ask: () => Promise<T>): Promise<T> {
    const done = this.#stepsDone;
    const tensors = await this.#tensors();
    try {
      this.#stepsDone += ahead;
      for (let i = 0; i < steps; i++) this.step(pass);
      return await ask();
    } finally {
      this.#goBack(tensors, done);
    }
  }

  /** Metrics of the reported splits, without techniques, and what probes see. Throws TrialFailure where a loss is not finite, since it stays so. */
  async measure(layersOf: LayersOf): Promise<Record<string, number>> {
    const metrics = await measureSplits(this.#setup.task, () => new TensorNetwork(layersOf(this.#parameters)));
    const bad = ["trainLoss", "validLoss"].find((name) => metrics[name] !== undefined && !Number.isFinite(metrics[name]));
    if (bad === undefined) return { ...metrics, ...(await this.#probe(layersOf)) };
    throw new TrialFailure("diverged", `${bad} is ${metrics[bad]} at step ${this.#stepsDone}: training stopped being finite`);
  }

  async #probe(layersOf: LayersOf): Promise<Record<string, number>> {
    const metrics: Record<string, number> = {};
    for (const probe of this.#setup.probes) {
      const probed = await probe.measure(this.#shown(layersOf));
      Object.assign(metrics, probed.metrics);
      for (const [kind, bytes] of Object.entries(probed.results ?? {})) this.#probed.set(kind, bytes);
    }
    return metrics;
  }

  /** What the model is shown to probes as. */
  #shown(layersOf: LayersOf): ProbeContext {
    const { task, trainingLoss } = this.#setup;
    const model = { step: this.#stepsDone, task, trainingLoss, parameters: this.#parameters, infos: this.#updates.infos };
    return probeContext({ ...model, layers: () => layersOf(this.#parameters) });
  }

  /** What probes left when the model was last measured, and the predictions that the search wants. */
  async results(layersOf: LayersOf): Promise<readonly SessionResult[]> {
    return [...[...this.#probed].map(([kind, bytes]) => ({ kind, bytes })), ...(await this.predictions(layersOf))];
  }

  /** The predictions that the search wants, of the model as it is now. */
  predictions(layersOf: LayersOf): Promise<readonly SessionResult[]> {
    return predictionsOf(this.#predictions, this.#shown(layersOf));
  }

  /** @param state what the procedure itself has to remember: JSON with finite numbers. */
  async save(state: unknown): Promise<Uint8Array> {
    return encodeCheckpoint({
      procedure: this.#procedure,
      step: this.#stepsDone,
      seed: this.#seed,
      state,
      tensors: await this.#tensors(),
    });
  }

  /** Goes back to a checkpoint of this procedure, of this trial or of another one. */
  restore(bytes: Uint8Array): Checkpoint {
    const checkpoint = decodeCheckpoint(bytes, this.#procedure);
    this.#goBack(checkpoint.tensors, checkpoint.step);
    return checkpoint;
  }

  /** All that a step depends on, besides the count of steps: weights, and what optimizer and techniques remember. */
  async #tensors(): Promise<readonly NamedTensor[]> {
    return [...(await this.#parameters.save()), ...(await this.#updates.save()), ...this.#setup.memories.save()];
  }

  #goBack(tensors: readonly NamedTensor[], step: number): void {
    this.#parameters.restore(tensors);
    this.#updates.restore(tensors, step);
    this.#setup.memories.restore(tensors);
    this.#stepsDone = step;
  }

  close(): void {
    this.#updates.dispose();
    this.#parameters.dispose();
    this.#setup.task.close();
  }
}

/** The weights of a model that was not trained yet. */
function firstParameters({ task, views, rng }: TrialSetup, layers: LayersOf): ParameterStore {
  const made = (view?: ParameterView) => {
    const store = new ParameterStore(rng.fork("weights"), view);
    tf.tidy(() => void task.forward(new TensorNetwork(layers(store)), task.batch("train", Int32Array.of(0)).inputs));
    return store;
  };
  const plain = made();
  if (views.length === 0) return plain;
  // A view depends on what a parameter is, which shows once all layers were made.
  const infos = infosOf(plain);
  plain.dispose();
  return made(kernelViews(views, infos));
}
