/**
 * The forward passes of a self-tuning network: training on perturbed hyperparameters (under delta-stn in two halves), training at the centre, and
 * the loss on the tune split with its gradient by the hyperparameters. It reads the hyperparameters and moves nothing.
 */
import * as tf from "@tensorflow/tfjs";
import type { LearnedHyperparameters, Perturbation } from "../../solvers/self-tuning/learned-hyperparameters.js";
import type { Task } from "../../training/contracts/workload.js";
import { PlainLayers } from "../../training/network/plain-layers.js";
import { TensorNetwork, tensorOf } from "../../training/network/tensor-network.js";
import { isResponse } from "../../training/state/parameter-info.js";
import type { ParameterStore } from "../../training/state/parameter-store.js";
import type { StepValues } from "../../training/techniques/technique-set.js";
import { layersPass, type TrainingPass } from "../../training/trainer/model-trainer.js";
import { DualLayers } from "./dual-layers.js";
import { DualNetwork, linearised } from "./dual-network.js";
import { HyperLayers } from "./hyper-layers.js";
import { guardRowsMax } from "./hypergradient-guard.js";
import type { SelfTuneSettings } from "./spec.js";

/** Rows that delta-stn learns responses on where no share is asked for: on 16 of 32, hyperparameters of a small network wandered. */
const responseRowsMin = 32;

export class TuningPasses {
  readonly #task: Task;
  readonly #options: SelfTuneSettings;
  readonly #learned: LearnedHyperparameters;
  /** Values that nothing learns. */
  readonly #held: StepValues;

  constructor(task: Task, options: SelfTuneSettings, learned: LearnedHyperparameters, held: StepValues) {
    this.#task = task;
    this.#options = options;
    this.#learned = learned;
    this.#held = held;
  }

  /** Rows of a training batch that are perturbed. */
  perturbedRows(batchSize: number): number {
    const { variant, responseShare } = this.#options;
    if (variant === "stn") return batchSize;
    if (responseShare !== undefined) return Math.ceil(responseShare * batchSize);
    return Math.min(batchSize, Math.max(responseRowsMin, Math.ceil(batchSize / 2)));
  }

  /** What a training step at a perturbation does, in order. */
  perturbed(perturbation: Perturbation): readonly TrainingPass[] {
    const values = this.#valuesAt(perturbation);
    if (this.#options.variant === "stn") return [layersPass(values, this.layersAt(perturbation))];
    return [this.plainPass(this.#learned.center()), this.#responsePass(values, perturbation)];
  }

  /** Training at the network's centre, with techniques at one point for all examples; elsewhere than at the centre for the guard alone. */
  plainPass(at: Perturbation): TrainingPass {
    const centered = this.layersAt(this.#learned.center());
    const delta = this.#options.variant === "delta-stn";
    return layersPass(this.#valuesAt(at), delta ? (parameters) => new PlainLayers(parameters) : centered);
  }

  /** Moves responses by the loss of the linearised prediction on the perturbed rows; weights are constants there. */
  #responsePass(values: StepValues, perturbation: Perturbation): TrainingPass {
    return {
      values,
      rows: perturbation.rows,
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

  /** Mean loss of the tune split's first rows at the network's centre. */
  async tuneLoss(parameters: ParameterStore): Promise<number> {
    const task = this.#task;
    const rows = Int32Array.from({ length: Math.min(guardRowsMax, task.sizes.tune) }, (_, row) => row);
    const loss = tf.tidy(() => {
      const { inputs, targets } = task.batch("tune", rows);
      const layers = this.layersAt(this.#learned.center())(parameters);
      return tf.mean(task.loss(tensorOf(task.forward(new TensorNetwork(layers), inputs)), targets));
    });
    const [value = Number.NaN] = await loss.data();
    loss.dispose();
    return value;
  }

  /** Gradient of the plain mean loss of rows of the tune split by the coordinates of a perturbation, in its shape. */
  lossGradients(parameters: ParameterStore, rows: Int32Array, perturbation: Perturbation): tf.Tensor {
    const task = this.#task;
    const { inputs, targets } = task.batch("tune", rows);
    const loss = (input: tf.Tensor) => {
      const layers = new HyperLayers(parameters, input, this.#options);
      return tf.mean<tf.Scalar>(task.loss(tensorOf(task.forward(new TensorNetwork(layers), inputs)), targets));
    };
    return tf.grad(loss)(this.#inputAt(perturbation));
  }

  layersAt(perturbation: Perturbation): (parameters: ParameterStore) => HyperLayers {
    return (parameters) => new HyperLayers(parameters, this.#inputAt(perturbation), this.#options);
  }

  /** What weights react to, [rows, hyperparameters]: the coordinates, or under delta-stn how far they are from the centre. */
  #inputAt({ rows, coordinates }: Perturbation): tf.Tensor2D {
    const { variant } = this.#options;
    const { count, coordinates: center } = this.#learned;
    const input = variant === "stn" ? coordinates : coordinates.map((at, place) => at - (center[place % count] ?? 0));
    return tf.tensor2d(Float32Array.from(input), [rows, count]);
  }
}
