/**
 * Plain training: gradient steps on shuffled batches with the trial's hyperparameters held fixed. Resumed with other parameters (population
 * based training), it goes on from its weights with the new ones.
 */
import { layersPass, ModelTrainer } from "../../training/model-trainer.js";
import type { ParameterStore } from "../../training/parameter-store.js";
import { parseOptions } from "../../training/parse-options.js";
import { PlainLayers } from "../../training/plain-layers.js";
import type { Observed, ProcedureModule, Session } from "../../training/procedure.js";
import type { StepValues } from "../../training/technique-set.js";
import { setUpTrial, type TrialSetup } from "../../training/trial-setup.js";
import { spec } from "./spec.js";

export const module: ProcedureModule = {
  spec,
  async open(request) {
    parseOptions("work.options", spec.options, request.work.options);
    const setup = await setUpTrial(request);
    const trainer = new ModelTrainer(request, setup, plainLayers);
    try {
      if (request.checkpoint !== undefined) trainer.restore(request.checkpoint);
    } catch (error) {
      trainer.close();
      throw error;
    }
    return new FitSession(trainer, fixedValues(setup));
  },
};

class FitSession implements Session {
  readonly #trainer: ModelTrainer;
  readonly #values: StepValues;

  constructor(trainer: ModelTrainer, values: StepValues) {
    this.#trainer = trainer;
    this.#values = values;
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

  async step(): Promise<void> {
    this.#trainer.step(layersPass(this.#values, plainLayers));
  }

  async measure(): Promise<Observed> {
    const metrics = await this.#trainer.measure(plainLayers);
    return { step: this.stepsDone, metrics, learned: {}, scales: {}, hypergradients: {} };
  }

  save(): Promise<Uint8Array> {
    return this.#trainer.save({});
  }

  close(): void {
    this.#trainer.close();
  }
}

function plainLayers(parameters: ParameterStore): PlainLayers {
  return new PlainLayers(parameters);
}

/** Values of all techniques' hyperparameters, each shared by all examples. */
function fixedValues({ hyperparameters, fixed }: TrialSetup): StepValues {
  const values = new Map<string, Float32Array>();
  for (const [name, value] of fixed) values.set(name, Float32Array.of(value));
  for (const [name, { spec: one, value }] of hyperparameters) values.set(name, Float32Array.of(value ?? Number(one.fallback)));
  return values;
}
