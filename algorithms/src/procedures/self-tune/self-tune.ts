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
import { encodeSchedule, ScheduleRecording, type ScheduleRow } from "../../core/index.js";
import { parseOptions } from "../../settings/parse-options.js";
import type { LearnedHyperparameters } from "../../solvers/self-tuning/learned-hyperparameters.js";
import { VectorAdam } from "../../solvers/self-tuning/vector-optimizers.js";
import type { Observed, ProcedureModule, Session, SessionResult, TrialRequest } from "../../training/contracts/procedure.js";
import { openSession } from "../../training/setup/open-session.js";
import type { TrialSetup } from "../../training/setup/trial-setup.js";
import { DataOrder } from "../../training/trainer/data-order.js";
import { ModelTrainer } from "../../training/trainer/model-trainer.js";
import {
  checkByForks,
  contradicts,
  forkDirection,
  forkSides,
  guardForkSteps,
  guardTuningStepsMin,
} from "./hypergradient-guard.js";
import { type SelfTuneOptions, type SelfTuneSettings, settingsOf, spec } from "./spec.js";
import { type State, stateSchema } from "./state.js";
import { centersOf, heldOf, learnedOf } from "./trial-hyperparameters.js";
import { TuningPasses } from "./tuning-passes.js";

/** Share of the old value in the running mean of hypergradients: a memory of about fifty tuning steps. */
const hypergradientMemory = 0.98;
/** Hypergradients in a row that may be other than finite before tuning ends. */
const lameMax = 3;

export const module: ProcedureModule = {
  spec,
  async open(request) {
    const options = parseOptions("work.options", spec.options, request.work.options);
    return openSession(request, (setup) => new SelfTuneSession(request, setup, options), { tunesInside: true });
  },
};

class SelfTuneSession implements Session {
  readonly #options: SelfTuneSettings;
  readonly #setup: TrialSetup;
  readonly #seed: number;
  readonly #learned: LearnedHyperparameters;
  /** Coordinates that a start from another trial's checkpoint stands at. */
  readonly #centers: ReadonlyMap<string, number>;
  readonly #passes: TuningPasses;
  readonly #trainer: ModelTrainer;
  readonly #tuneOrder: DataOrder;
  /** For coordinates, then raw scales, as one vector: Adam treats each number by itself. */
  readonly #adam: VectorAdam;
  readonly #hypergradients: Float64Array;
  readonly #recording: ScheduleRecording;
  readonly #found: TrialRequest["found"];
  #tuningSteps = 0;
  /** Tuning steps in a row whose hypergradient was not finite. */
  #lame = 0;
  #guardScore: number | undefined;
  /** Why hyperparameters are held for good; empty while they are tuned. */
  #frozen = "";

  constructor(request: TrialRequest, setup: TrialSetup, options: SelfTuneOptions) {
    this.#options = settingsOf(options);
    this.#setup = setup;
    this.#seed = request.seed;
    this.#found = (severity, message) => request.found(severity, message);
    this.#learned = learnedOf(setup, request.spec.space, options);
    this.#centers = centersOf(setup, request.spec.space, options);
    this.#passes = new TuningPasses(setup.task, this.#options, this.#learned, heldOf(setup, this.#learned));
    this.#trainer = new ModelTrainer(request, setup, this.#passes.layersAt(this.#learned.center()));
    this.#tuneOrder = new DataOrder(
      { rows: setup.task.sizes.tune, batchSize: this.#trainer.batchSize },
      setup.rng.fork("tune-order"),
    );
    this.#adam = new VectorAdam(2 * this.#learned.count, this.#options.hyperLearningRate);
    this.#hypergradients = new Float64Array(this.#learned.count);
    const names = this.#learned.each.map(({ name }) => name);
    this.#recording = new ScheduleRecording(names, this.#scheduleRow());
  }

  readonly trainsModel = true;

  get stepsDone(): number {
    return this.#trainer.stepsDone;
  }

  get ended(): boolean {
    return this.#trainer.ended;
  }

  get measureEverySteps(): number {
    return this.#trainer.measureEverySteps;
  }

  /** One training step, and after every `trainSteps` of them a round of tuning steps, which are not counted; now and then a check. */
  async step(): Promise<void> {
    const { warmUpSteps, trainSteps, tuneSteps, guardEverySteps } = this.#options;
    this.#train();
    const sinceWarmUp = this.stepsDone - warmUpSteps;
    if (this.#frozen !== "" || sinceWarmUp <= 0) return;
    if (sinceWarmUp % trainSteps === 0) {
      for (let i = 0; i < tuneSteps && this.#frozen === ""; i++) await this.#tune();
      this.#recording.tuned(this.stepsDone, this.#scheduleRow());
    }
    if (guardEverySteps > 0 && sinceWarmUp % guardEverySteps === 0) await this.#guard();
  }

  async measure(): Promise<Observed> {
    const learned = this.#learned;
    const metrics = await this.#trainer.measure(this.#passes.layersAt(learned.center()));
    const byName = (of: (i: number) => number) => Object.fromEntries(learned.each.map(({ name }, i) => [name, of(i)]));
    const guard = this.#guardScore === undefined ? {} : { guardScore: this.#guardScore };
    return {
      step: this.stepsDone,
      metrics: { ...metrics, ...guard, tuningFrozen: this.#frozen === "" ? 0 : 1 },
      learned: byName((i) => learned.each[i]?.value(learned.coordinates[i] ?? 0) ?? Number.NaN),
      scales: byName((i) => learned.scale(i)),
      hypergradients: byName((i) => this.#meanHypergradients()[i] ?? 0),
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
      lame: this.#lame,
      ...(this.#guardScore === undefined ? {} : { guardScore: this.#guardScore }),
      frozen: this.#frozen,
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
    this.#lame = state.lame;
    this.#guardScore = state.guardScore;
    this.#frozen = state.frozen;
    this.#recording.restore(state.recording);
    if (checkpoint.seed === this.#seed) return;
    // What ended the other trial's tuning need not end this one's.
    this.#frozen = "";
    this.#lame = 0;
    this.#guardScore = undefined;
    this.#moveAway();
    this.#recording.jumped(this.stepsDone, this.#scheduleRow());
  }

  /** How the hyperparameters moved (docs/schedule.md), what probes saw when the model was last measured, and predictions. */
  async results(): Promise<readonly SessionResult[]> {
    return [
      ...(await this.#trainer.results(this.#passes.layersAt(this.#learned.center()))),
      { kind: "schedule", bytes: encodeSchedule(this.#recording.document(this.stepsDone, this.#scheduleRow())) },
    ];
  }

  resultsAtPause(): Promise<readonly SessionResult[]> {
    return this.#trainer.predictions(this.#passes.layersAt(this.#learned.center()));
  }

  close(): void {
    this.#trainer.close();
  }

  #train(): void {
    const learned = this.#learned;
    if (this.#frozen !== "") {
      this.#trainer.step(this.#passes.plainPass(learned.center()));
      return;
    }
    const perturbation = learned.perturb(
      this.#passes.perturbedRows(this.#trainer.batchSize),
      this.#setup.rng.fork("perturb", this.stepsDone),
    );
    this.#trainer.step(...this.#passes.perturbed(perturbation));
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
    const tensor = tf.tidy(() => this.#passes.lossGradients(this.#trainer.parameters, rows, perturbation));
    const { coordinates, rawScales } = learned.gradients(perturbation, await tensor.data(), entropyWeight);
    tensor.dispose();
    this.#tuningSteps++;
    if (!this.#isSound(coordinates, rawScales)) return;

    const moved = Float64Array.of(...learned.coordinates, ...learned.rawScales);
    if (!learnScales) rawScales.fill(0);
    this.#adam.update(moved, Float64Array.of(...coordinates, ...rawScales));
    learned.coordinates.set(moved.subarray(0, learned.count));
    learned.rawScales.set(moved.subarray(learned.count));
    learned.clamp();
    for (const [i, gradient] of coordinates.entries()) {
      this.#hypergradients[i] = hypergradientMemory * (this.#hypergradients[i] ?? 0) + (1 - hypergradientMemory) * gradient;
    }
  }

  /** Whether a hypergradient is finite. One that is not moves nothing; several in a row end tuning. */
  #isSound(...gradients: readonly Float64Array[]): boolean {
    const sound = gradients.every((gradient) => gradient.every(Number.isFinite));
    this.#lame = sound ? 0 : this.#lame + 1;
    if (this.#lame === 1) {
      const names = this.#learned.each.flatMap(({ name }, i) => (gradients.every((g) => Number.isFinite(g[i])) ? [] : [name]));
      this.#found(
        "warning",
        `the hypergradient of ${names.join(", ")} is not finite at step ${this.stepsDone}: it moved nothing`,
      );
    }
    if (this.#lame === lameMax) this.#freeze(`${lameMax} hypergradients in a row were not finite`);
    return sound;
  }

  /** Holds hyperparameters where they are from now on. */
  #freeze(reason: string): void {
    this.#frozen = reason;
    this.#found("warning", `step ${this.stepsDone}: ${reason}; the trial continues as plain training with fixed hyperparameters`);
  }

  /** Checks the hypergradient by forks; one that fails is checked once more on other batches, and then believed no longer. */
  async #guard(): Promise<void> {
    if (this.#frozen !== "" || this.#tuningSteps < guardTuningStepsMin) return;
    const scales = Float64Array.from(this.#learned.each, (_, i) => this.#learned.scale(i));
    const direction = forkDirection(this.#meanHypergradients(), scales);
    if (direction === undefined) return;
    const limits = this.#learned.each.map(({ coordinateMax }) => coordinateMax);
    const sides = forkSides(this.#learned.coordinates, direction, limits);
    for (const check of [0, 1]) {
      this.#guardScore = await checkByForks(sides, check, (at, ahead) => this.#lossOfFork(at, ahead));
      if (!contradicts(this.#guardScore)) return;
    }
    const score = this.#guardScore?.toFixed(1);
    this.#freeze(`the hypergradient is contradicted by forks twice (the loss falls where it should rise, t = ${score})`);
  }

  /** The tune split's loss after a short fork whose techniques stand at other coordinates. */
  #lossOfFork(coordinates: Float64Array, ahead: number): Promise<number> {
    const pass = this.#passes.plainPass({ ...this.#learned.center(), coordinates });
    const fork = { ahead, steps: guardForkSteps };
    return this.#trainer.tryOut(fork, pass, () => this.#passes.tuneLoss(this.#trainer.parameters));
  }

  #meanHypergradients(): Float64Array {
    const unbiased = this.#tuningSteps === 0 ? 0 : 1 / (1 - hypergradientMemory ** this.#tuningSteps);
    return this.#hypergradients.map((gradient) => unbiased * gradient);
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
