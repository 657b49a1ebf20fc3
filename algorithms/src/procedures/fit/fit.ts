/**
 * Plain training: gradient steps on shuffled batches with the trial's hyperparameters held fixed. Everything random is keyed by the trial's
 * seed and the step, and everything else that a step depends on is in the checkpoint, so that a resumed trial is the same bit for bit.
 * Resumed with other parameters (population based training), it goes on from its weights with the new ones.
 */
import { RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { decodeCheckpoint, encodeCheckpoint } from "../../training/checkpoint.js";
import { DataOrder } from "../../training/data-order.js";
import { measureSplits, rowsMeasured } from "../../training/evaluation.js";
import { Optimizer } from "../../training/optimizers.js";
import { measureEverySteps } from "../../training/pace.js";
import { ParameterStore } from "../../training/parameter-store.js";
import { PlainLayers } from "../../training/plain-layers.js";
import { type Observed, type ProcedureModule, type Session, TrialFailure, type TrialRequest } from "../../training/procedure.js";
import { type StepValues, TechniquePass } from "../../training/technique-set.js";
import { TensorNetwork, tensorOf } from "../../training/tensor-network.js";
import { setUpTrial, type TrialSetup } from "../../training/trial-setup.js";
import { spec } from "./spec.js";

export const module: ProcedureModule = {
  spec,
  async open(request) {
    spec.options.parse(request.work.options ?? {});
    const setup = await setUpTrial(request);
    const session = new FitSession(request, setup);
    try {
      if (request.checkpoint !== undefined) session.restore(request.checkpoint);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  },
};

class FitSession implements Session {
  readonly measureEverySteps: number;
  readonly #setup: TrialSetup;
  readonly #seed: number;
  readonly #untilStep: number;
  readonly #values: StepValues;
  readonly #order: DataOrder;
  readonly #parameters: ParameterStore;
  readonly #optimizer: Optimizer;
  #stepsDone = 0;

  constructor({ work, seed }: TrialRequest, setup: TrialSetup) {
    const { task, rng } = setup;
    this.#setup = setup;
    this.#seed = seed;
    this.#untilStep = work.untilStep;
    this.#values = fixedValues(setup);
    this.#order = new DataOrder({ rows: task.sizes.train, batchSize: task.training.batchSize }, rng.fork("order"));
    this.#parameters = new ParameterStore(rng.fork("weights"));
    tf.tidy(() => void task.forward(this.#network(), task.batch("train", Int32Array.of(0)).inputs));
    this.#optimizer = new Optimizer(task.training, this.#parameters);
    const steps = work.untilStep || task.training.steps;
    this.measureEverySteps = measureEverySteps({ steps, rows: rowsMeasured(task.sizes), batchSize: this.#order.batchSize });
  }

  get stepsDone(): number {
    return this.#stepsDone;
  }

  get ended(): boolean {
    return this.#untilStep === 0 && this.#stepsDone >= this.#setup.task.training.steps;
  }

  async step(): Promise<void> {
    tf.tidy(() => this.#train());
    this.#stepsDone++;
  }

  async measure(): Promise<Observed> {
    const metrics = await measureSplits(this.#setup.task, () => this.#network());
    return {
      step: this.#stepsDone,
      metrics: refuseDiverged(metrics, this.#stepsDone),
      learned: {},
      scales: {},
      hypergradients: {},
    };
  }

  async save(): Promise<Uint8Array> {
    return encodeCheckpoint({
      procedure: spec.name,
      step: this.#stepsDone,
      seed: this.#seed,
      state: { updates: this.#optimizer.updates },
      tensors: [...(await this.#parameters.save()), ...(await this.#optimizer.save())],
    });
  }

  restore(bytes: Uint8Array): void {
    const checkpoint = decodeCheckpoint(bytes);
    if (checkpoint.procedure !== spec.name) {
      throw new RegulusError("failed-precondition", `saw a checkpoint of ${checkpoint.procedure}, expected one of ${spec.name}`);
    }
    this.#parameters.restore(checkpoint.tensors);
    this.#optimizer.restore(checkpoint.tensors, checkpoint.step);
    this.#stepsDone = checkpoint.step;
  }

  close(): void {
    this.#optimizer.dispose();
    this.#parameters.dispose();
    this.#setup.task.close();
  }

  #train(): void {
    const { task, techniques, rng } = this.#setup;
    const rows = this.#order.rows(this.#stepsDone);
    const pass = new TechniquePass(techniques, {
      step: this.#stepsDone,
      batchSize: rows.length,
      rng: rng.fork("step", this.#stepsDone),
      values: this.#values,
    });
    const batch = task.batch("train", rows);
    const inputs = pass.inputs(batch.inputs);
    const targets = pass.targets(batch.targets);
    const { gradients } = this.#parameters.gradients(() => {
      const layers = new PlainLayers(this.#parameters);
      const outputs = tensorOf(task.forward(new TensorNetwork(layers, pass.atSite), inputs));
      return pass.penalize(tf.mean<tf.Scalar>(task.loss(outputs, targets)), layers.weights());
    });
    this.#optimizer.update(pass.gradients(gradients));
  }

  #network(): TensorNetwork {
    return new TensorNetwork(new PlainLayers(this.#parameters));
  }
}

/** Values of all techniques' hyperparameters, each shared by all examples. */
function fixedValues({ hyperparameters, fixed }: TrialSetup): StepValues {
  const values = new Map<string, Float32Array>();
  for (const [name, value] of fixed) values.set(name, Float32Array.of(value));
  for (const [name, { spec: one, value }] of hyperparameters) values.set(name, Float32Array.of(value ?? Number(one.fallback)));
  return values;
}

/** A loss that is not finite stays so: the trial is over. */
export function refuseDiverged(metrics: Record<string, number>, step: number): Record<string, number> {
  const name = ["trainLoss", "validLoss"].find((one) => metrics[one] !== undefined && !Number.isFinite(metrics[one]));
  if (name !== undefined)
    throw new TrialFailure("diverged", `${name} is ${metrics[name]} at step ${step}: training stopped being finite`);
  return metrics;
}
