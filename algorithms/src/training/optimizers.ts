/**
 * How weights follow their gradients: plain steps, heavy-ball momentum, Adam. Their memory is kept as tensors by parameter name and the
 * number of updates, and both are saved exactly. Bias correction uses the number of updates on the host, so it is exact too.
 * Source: Polyak 1964 (momentum, without dampening); Kingma and Ba, "Adam", ICLR 2015, algorithm 1.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../core/index.js";
import { applyAdam, applyMomentum } from "../kernels/index.js";
import type { NamedTensor } from "./checkpoint.js";
import { ParameterStore, zeros } from "./parameter-store.js";
import type { TrainingDefaults } from "./workload.js";

export type OptimizerSettings = Pick<TrainingDefaults, "optimizer" | "learningRate" | "momentum">;

/** Updates parameters in place. */
export class Optimizer {
  readonly #kind: TrainingDefaults["optimizer"];
  readonly #learningRate: number;
  readonly #momentum: number;
  readonly #parameters: ParameterStore;
  /** Memory, under "velocity/NAME", "mean/NAME" and "square/NAME". */
  readonly #slots = new ParameterStore(createRng(0)); // all of it begins at zero, so that the seed says nothing
  #updates = 0;

  /** The parameters' owner stays the caller; the optimizer's memory is its own. */
  constructor(settings: OptimizerSettings, parameters: ParameterStore) {
    this.#kind = settings.optimizer;
    this.#learningRate = settings.learningRate;
    this.#momentum = settings.momentum;
    this.#parameters = parameters;
    for (const [name, parameter] of parameters.variables) for (const slot of this.#slotNames()) this.#slot(slot, name, parameter);
  }

  /** Updates done. */
  get updates(): number {
    return this.#updates;
  }

  /** Begins an update: it counts once for every parameter, in however many parts their gradients come. */
  begin(): void {
    this.#updates++;
  }

  /** A part of the update that was begun; parameters without a gradient stay. Call it in a tidy. */
  update(gradients: Readonly<Record<string, tf.Tensor>>): void {
    for (const [name, gradient] of Object.entries(gradients)) {
      const parameter = this.#parameters.variables.get(name);
      assert(parameter !== undefined, `${name} has a gradient and is a parameter`);
      this.#updateOne(name, parameter, gradient);
    }
  }

  /** A copy of its memory. */
  save(): Promise<NamedTensor[]> {
    return this.#slots.save();
  }

  restore(saved: readonly NamedTensor[], updates: number): void {
    this.#slots.restore(saved);
    this.#updates = updates;
  }

  dispose(): void {
    this.#slots.dispose();
  }

  #updateOne(name: string, parameter: tf.Variable, gradient: tf.Tensor): void {
    const rate = this.#learningRate;
    switch (this.#kind) {
      case "sgd":
        parameter.assign(tf.sub(parameter, tf.mul(gradient, rate)));
        return;
      case "momentum":
        applyMomentum(parameter, this.#slot("velocity", name, parameter), gradient, {
          learningRate: rate,
          momentum: this.#momentum,
        });
        return;
      case "adam": {
        const moments = { first: this.#slot("mean", name, parameter), second: this.#slot("square", name, parameter) };
        applyAdam(parameter, moments, gradient, { learningRate: rate, step: this.#updates });
        return;
      }
    }
  }

  #slotNames(): readonly string[] {
    switch (this.#kind) {
      case "sgd":
        return [];
      case "momentum":
        return ["velocity"];
      case "adam":
        return ["mean", "square"];
    }
  }

  #slot(slot: string, name: string, parameter: tf.Variable): tf.Variable {
    return this.#slots.get(`${slot}/${name}`, parameter.shape, zeros);
  }
}
