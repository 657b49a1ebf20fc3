/**
 * A self-tuning network: one training run whose weights learn how they would react to other hyperparameters, so that gradients of the tune
 * split's loss can move the hyperparameters while it trains. A training step perturbs them for every example and hands techniques the
 * perturbed values as constants; a tuning step switches techniques off, and its gradient reaches the hyperparameters through the weights'
 * response alone. So no technique need be differentiable in its strength. Measured at the centre, on weights formed once.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, algorithm 1; Bae and Grosse, "Delta-STN", NeurIPS 2020 (centred
 * hyperparameters; weights trained without perturbation, responses on linearised predictions).
 */
import { RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import {
  encodeSchedule,
  type HyperparameterSpec,
  ScheduleRecording,
  type ScheduleRow,
  unconstrainedMax,
  unconstrainedOf,
} from "../../core/index.js";
import { LearnedHyperparameters, type Perturbation } from "../../solvers/self-tuning/learned-hyperparameters.js";
import { VectorAdam } from "../../solvers/self-tuning/vector-optimizers.js";
import { DataOrder } from "../../training/data-order.js";
import { layersPass, ModelTrainer, type TrainingPass } from "../../training/model-trainer.js";
import type { ParameterStore } from "../../training/parameter-store.js";
import { parseOptions } from "../../training/parse-options.js";
import { PlainLayers } from "../../training/plain-layers.js";
import type { Observed, ProcedureModule, Session, SessionResult, TrialRequest } from "../../training/procedure.js";
import type { StepValues } from "../../training/technique-set.js";
import { TensorNetwork, tensorOf } from "../../training/tensor-network.js";
import { setUpTrial, type TrialSetup } from "../../training/trial-setup.js";
import { DualLayers } from "./dual-layers.js";
import { DualNetwork, linearised } from "./dual-network.js";
import { HyperLayers } from "./hyper-layers.js";
import { isResponse } from "./reacting-weights.js";
import { type SelfTuneOptions, type SelfTuneSettings, settingsOf, spec } from "./spec.js";

/** Share of the old value in the running mean of hypergradients: a memory of about fifty tuning steps. */
const hypergradientMemory = 0.98;

export const module: ProcedureModule = {
  spec,
  async open(request) {
    const options = parseOptions("work.options", spec.options, request.work.options);
    const setup = await setUpTrial(request);
    let session: SelfTuneSession | undefined;
    try {
      session = new SelfTuneSession(request, setup, options);
      if (request.checkpoint !== undefined) session.restore(request.checkpoint);
      return session;
    } catch (error) {
      if (session === undefined) setup.task.close();
      else session.close();
      throw error;
    }
  },
};

class SelfTuneSession implements Session {
  readonly #options: SelfTuneSettings;
  readonly #setup: TrialSetup;
  readonly #seed: number;
  readonly #learned: LearnedHyperparameters;
  /** Coordinates that a start from another trial's checkpoint stands at. */
  readonly #centers: ReadonlyMap<string, number>;
  /** Values that nothing learns. */
  readonly #held: StepValues;
  readonly #trainer: ModelTrainer;
  readonly #tuneOrder: DataOrder;
  /** For coordinates, then raw scales, as one vector: Adam treats each number by itself. */
  readonly #adam: VectorAdam;
  readonly #hypergradients: Float64Array;
  readonly #recording: ScheduleRecording;
  #tuningSteps = 0;

  constructor(request: TrialRequest, setup: TrialSetup, options: SelfTuneOptions) {
    this.#options = settingsOf(options);
    this.#setup = setup;
    this.#seed = request.seed;
    this.#learned = learnedOf(setup, request.spec.space, options);
    this.#centers = centersOf(setup, request.spec.space, options);
    this.#held = heldOf(setup, this.#learned);
    this.#trainer = new ModelTrainer(request, setup, this.#layersAt(this.#learned.center()));
    this.#tuneOrder = new DataOrder(
      { rows: setup.task.sizes.tune, batchSize: this.#trainer.batchSize },
      setup.rng.fork("tune-order"),
    );
    this.#adam = new VectorAdam(2 * this.#learned.count, options.hyperLearningRate);
    this.#hypergradients = new Float64Array(this.#learned.count);
    const names = this.#learned.each.map(({ name }) => name);
    this.#recording = new ScheduleRecording(names, this.#scheduleRow());
  }

  get stepsDone(): number {
    return this.#trainer.stepsDone;
  }

  get ended(): boolean {
    return this.#trainer.ended;
  }

  get measureEverySteps(): number {
    return this.#trainer.measureEverySteps;
  }

  /** One training step, and after every `trainSteps` of them a round of tuning steps, which are not counted. */
  async step(): Promise<void> {
    const { warmUpSteps, trainSteps, tuneSteps } = this.#options;
    this.#train();
    const sinceWarmUp = this.stepsDone - warmUpSteps;
    if (sinceWarmUp <= 0 || sinceWarmUp % trainSteps !== 0) return;
    for (let i = 0; i < tuneSteps; i++) await this.#tune();
    this.#recording.tuned(this.stepsDone, this.#scheduleRow());
  }

  async measure(): Promise<Observed> {
    const learned = this.#learned;
    const metrics = await this.#trainer.measure(this.#layersAt(learned.center()));
    const byName = (of: (i: number) => number) => Object.fromEntries(learned.each.map(({ name }, i) => [name, of(i)]));
    const unbiased = this.#tuningSteps === 0 ? 0 : 1 / (1 - hypergradientMemory ** this.#tuningSteps);
    return {
      step: this.stepsDone,
      metrics,
      learned: byName((i) => learned.each[i]?.value(learned.coordinates[i] ?? 0) ?? Number.NaN),
      scales: byName((i) => learned.scale(i)),
      hypergradients: byName((i) => unbiased * (this.#hypergradients[i] ?? 0)),
    };
  }

  save(): Promise<Uint8Array> {
    const state: State = {
      names: this.#learned.each.map(({ name }) => name),
      coordinates: [...this.#learned.coordinates],
      rawScales: [...this.#learned.rawScales],
      adam: this.#adam.save(),
      hypergradients: [...this.#hypergradients],
      tuningSteps: this.#tuningSteps,
      recording: this.#recording.save(),
    };
    return this.#trainer.save(state);
  }

  restore(bytes: Uint8Array): void {
    const checkpoint = this.#trainer.restore(bytes);
    const state = stateSchema.parse(checkpoint.state);
    const names = this.#learned.each.map(({ name }) => name).join(", ");
    if (state.names.join(", ") !== names) {
      throw new RegulusError(
        "failed-precondition",
        `saw a checkpoint that learned ${state.names.join(", ")}, expected one that learned ${names}`,
      );
    }
    this.#learned.coordinates.set(state.coordinates);
    this.#learned.rawScales.set(state.rawScales);
    this.#adam.restore(state.adam);
    this.#hypergradients.set(state.hypergradients);
    this.#tuningSteps = state.tuningSteps;
    this.#recording.restore(state.recording);
    if (checkpoint.seed === this.#seed) return;
    this.#moveAway();
    this.#recording.jumped(this.stepsDone, this.#scheduleRow());
  }

  /** How the hyperparameters moved (docs/schedule.md). */
  async results(): Promise<readonly SessionResult[]> {
    return [{ kind: "schedule", bytes: encodeSchedule(this.#recording.document(this.stepsDone, this.#scheduleRow())) }];
  }

  close(): void {
    this.#trainer.close();
  }

  #train(): void {
    const learned = this.#learned;
    const perturbation = learned.perturb(this.#trainer.batchSize, this.#setup.rng.fork("perturb", this.stepsDone));
    const perturbed = this.#valuesAt(perturbation);
    if (this.#options.variant === "stn") this.#trainer.step(layersPass(perturbed, this.#layersAt(perturbation)));
    else {
      const general = layersPass(this.#valuesAt(learned.center()), (parameters) => new PlainLayers(parameters));
      this.#trainer.step(general, this.#responsePass(perturbed, perturbation));
    }
  }

  /** Moves responses by the loss of the linearised prediction; weights are constants there. */
  #responsePass(values: StepValues, perturbation: Perturbation): TrainingPass {
    return {
      values,
      moves: isResponse,
      network: (parameters, rules) => {
        const layers = new DualLayers(parameters, this.#inputAt(perturbation), this.#options);
        return { network: new DualNetwork(layers, rules), outputs: linearised, weights: () => layers.weights() };
      },
    };
  }

  /** Values for techniques at a perturbation. */
  #valuesAt(perturbation: Perturbation): StepValues {
    const values = new Map(this.#held);
    for (const [i, { name }] of this.#learned.each.entries()) values.set(name, this.#learned.values(i, perturbation));
    return values;
  }

  #scheduleRow(): ScheduleRow {
    const { each, coordinates } = this.#learned;
    return {
      values: each.map((one, i) => one.value(coordinates[i] ?? 0)),
      scales: each.map((_, i) => this.#learned.scale(i)),
    };
  }

  async #tune(): Promise<void> {
    const { learnScales, entropyWeight } = this.#options;
    const learned = this.#learned;
    const rows = this.#tuneOrder.rows(this.#tuningSteps);
    const noise = this.#setup.rng.fork("tune-perturb", this.#tuningSteps);
    const perturbation = learnScales ? learned.perturb(rows.length, noise) : learned.center();
    const tensor = tf.tidy(() => this.#lossGradients(rows, perturbation));
    const { coordinates, rawScales } = learned.gradients(perturbation, await tensor.data(), entropyWeight);
    tensor.dispose();

    const moved = Float64Array.of(...learned.coordinates, ...learned.rawScales);
    if (!learnScales) rawScales.fill(0);
    this.#adam.update(moved, Float64Array.of(...coordinates, ...rawScales));
    learned.coordinates.set(moved.subarray(0, learned.count));
    learned.rawScales.set(moved.subarray(learned.count));
    learned.clamp();
    this.#tuningSteps++;
    for (const [i, gradient] of coordinates.entries()) {
      this.#hypergradients[i] = hypergradientMemory * (this.#hypergradients[i] ?? 0) + (1 - hypergradientMemory) * gradient;
    }
  }

  /** Gradient of the plain mean loss of rows of the tune split by the coordinates of a perturbation, in its shape. */
  #lossGradients(rows: Int32Array, perturbation: Perturbation): tf.Tensor {
    const { task } = this.#setup;
    const { inputs, targets } = task.batch("tune", rows);
    const loss = (input: tf.Tensor) => {
      const layers = new HyperLayers(this.#trainer.parameters, input, this.#options);
      return tf.mean<tf.Scalar>(task.loss(tensorOf(task.forward(new TensorNetwork(layers), inputs)), targets));
    };
    return tf.grad(loss)(this.#inputAt(perturbation));
  }

  #layersAt(perturbation: Perturbation): (parameters: ParameterStore) => HyperLayers {
    return (parameters) => new HyperLayers(parameters, this.#inputAt(perturbation), this.#options);
  }

  /** What weights react to, [rows, hyperparameters]: the coordinates, or under delta-stn how far they are from the centre. */
  #inputAt({ rows, coordinates }: Perturbation): tf.Tensor2D {
    const { variant } = this.#options;
    const { count, coordinates: center } = this.#learned;
    const input = variant === "stn" ? coordinates : coordinates.map((at, place) => at - (center[place % count] ?? 0));
    return tf.tensor2d(Float32Array.from(input), [rows, count]);
  }

  /** Moves away from the trial whose checkpoint this one took, so that the two do not do the same. */
  #moveAway(): void {
    const { coordinates, each } = this.#learned;
    for (const [i, { name }] of each.entries()) {
      const center = this.#centers.get(name);
      if (center === undefined) continue;
      coordinates[i] = center;
      this.#learned.setScale(i, this.#options.scale);
    }
    const rng = this.#setup.rng.fork("jitter", this.stepsDone);
    for (const [i, at] of coordinates.entries())
      coordinates[i] = at + this.#options.jitter * this.#learned.scale(i) * rng.normal();
    this.#learned.clamp();
  }
}

const stateSchema = z.strictObject({
  names: z.array(z.string()),
  coordinates: z.array(z.number()),
  rawScales: z.array(z.number()),
  adam: z.strictObject({ updates: z.int(), mean: z.array(z.number()).readonly(), square: z.array(z.number()).readonly() }),
  hypergradients: z.array(z.number()),
  tuningSteps: z.int(),
  recording: z.strictObject({
    steps: z.array(z.int()),
    rows: z.array(z.strictObject({ values: z.array(z.number()), scales: z.array(z.number()) })),
    rounds: z.int(),
    stride: z.int(),
  }),
});
type State = Readonly<z.infer<typeof stateSchema>>;

/** The techniques' hyperparameters that can be learned and that the trial gives no value. */
function learnedOf(
  { hyperparameters }: TrialSetup,
  space: TrialRequest["spec"]["space"],
  options: SelfTuneOptions,
): LearnedHyperparameters {
  const each = [...hyperparameters].flatMap(([name, { spec: one, value }]) => {
    if (!one.inside || value !== undefined) return [];
    const parameter = parameterOf(space, one);
    const line = unconstrainedOf(parameter);
    const start = line.coordinate(options.initial[name] ?? Number(parameter.initial ?? one.fallback));
    return [{ name, start, coordinateMax: unconstrainedMax, sharedInBatch: one.sharedInBatch, value: line.value }];
  });
  if (each.length > 0) return new LearnedHyperparameters(each, options.scale);
  const words =
    "saw no hyperparameter that self-tune could learn, expected techniques with hyperparameters that the trial leaves open";
  throw new RegulusError("failed-precondition", `${words}: add dropout or weight-decay to techniques`);
}

/** Coordinates of values that the options name for a start from another trial's checkpoint, by hyperparameter. */
function centersOf(
  { hyperparameters }: TrialSetup,
  space: TrialRequest["spec"]["space"],
  { recenter }: SelfTuneOptions,
): ReadonlyMap<string, number> {
  const known = [...hyperparameters].filter(([name]) => recenter[name] !== undefined);
  return new Map(
    known.map(([name, { spec: one }]) => [name, unconstrainedOf(parameterOf(space, one)).coordinate(recenter[name] ?? 0)]),
  );
}

/** The search's own range of a hyperparameter, else the technique's. */
function parameterOf(
  space: TrialRequest["spec"]["space"],
  { parameter }: HyperparameterSpec,
): TrialRequest["spec"]["space"][number] {
  return space.find(({ name }) => name === parameter.name) ?? parameter;
}

function heldOf({ hyperparameters, fixed }: TrialSetup, learned: LearnedHyperparameters): StepValues {
  const values = new Map([...fixed].map(([name, value]) => [name, Float32Array.of(value)]));
  const names = new Set(learned.each.map(({ name }) => name));
  for (const [name, { spec: one, value }] of hyperparameters) {
    if (!names.has(name)) values.set(name, Float32Array.of(value ?? Number(one.fallback)));
  }
  return values;
}
