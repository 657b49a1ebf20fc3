/**
 * The weights of a ridge regression together with their response to the penalty's coordinate, as a self-tuning network of one output has
 * them: w(h) = w0 + h v. Under stn h is the coordinate itself and both follow the loss at perturbed coordinates; under delta-stn h is the
 * displacement from the present coordinate, w0 follows the loss there, and v alone the perturbed losses (which are those of the linearised
 * prediction, since w is linear in h). In double precision, on whole batches.
 * Source: MacKay et al., ICLR 2019, section 3; Bae and Grosse, "Delta-STN", NeurIPS 2020.
 */
import type { Rng } from "../../core/index.js";
import { predict, type RidgeRows } from "../../data/ridge-problem.js";
import { VectorMomentum } from "./vector-optimizers.js";

export type SelfTuningVariant = "stn" | "delta-stn";

/** Deviation of the first numbers. */
const firstDeviation = 0.01;

export class RidgeResponse {
  readonly #train: RidgeRows;
  readonly #variant: SelfTuningVariant;
  readonly #dimension: number;
  /** w0, then v. */
  readonly #both: Float64Array;
  readonly #followers: readonly VectorMomentum[];

  constructor(
    train: RidgeRows,
    variant: SelfTuningVariant,
    optimizer: { readonly learningRate: number; readonly momentum: number; readonly dampening: number },
    rng: Rng,
  ) {
    this.#train = train;
    this.#variant = variant;
    this.#dimension = train.inputs.length / train.count;
    this.#both = new Float64Array(2 * this.#dimension);
    rng.fillNormal(this.#both);
    for (let i = 0; i < this.#both.length; i++) this.#both[i] = firstDeviation * (this.#both[i] ?? 0);
    this.#followers = [0, 1].map(() => new VectorMomentum(this.#dimension, optimizer));
  }

  /** v, which stands for dw/dcoordinate. A view. */
  get slope(): Float64Array {
    return this.#both.subarray(this.#dimension);
  }

  /** w at a coordinate. @param center the present coordinate. */
  weightsAt(at: number, center: number): Float64Array {
    const h = this.#input(at, center);
    return Float64Array.from({ length: this.#dimension }, (_, i) => (this.#both[i] ?? 0) + h * (this.slope[i] ?? 0));
  }

  /** One training step on the mean over perturbed coordinates. @param penalty at a coordinate. */
  train(center: number, perturbed: readonly number[], penalty: (at: number) => number): void {
    const [own, slope] = [new Float64Array(this.#dimension), new Float64Array(this.#dimension)];
    if (this.#variant === "delta-stn") {
      this.#add(own, center, center, penalty, 1);
      this.#followers[0]?.update(this.#both.subarray(0, this.#dimension), own);
    }
    for (const at of perturbed) {
      const share = 1 / perturbed.length;
      if (this.#variant === "stn") this.#add(own, at, center, penalty, share);
      this.#add(slope, at, center, penalty, share * this.#input(at, center));
    }
    if (this.#variant === "stn") this.#followers[0]?.update(this.#both.subarray(0, this.#dimension), own);
    this.#followers[1]?.update(this.slope, slope);
  }

  #input(at: number, center: number): number {
    return this.#variant === "stn" ? at : at - center;
  }

  /** Adds `times` the gradient by w of the penalized loss at a coordinate. */
  #add(sum: Float64Array, at: number, center: number, penalty: (at: number) => number, times: number): void {
    const weights = this.weightsAt(at, center);
    const gradient = ridgeLossGradient(this.#train, weights);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + times * ((gradient[i] ?? 0) + penalty(at) * (weights[i] ?? 0));
  }
}

/** Gradient of half the mean squared error. */
export function ridgeLossGradient({ count, inputs, targets }: RidgeRows, weights: Float64Array): Float64Array {
  const dimension = weights.length;
  const gradient = new Float64Array(dimension);
  for (let row = 0; row < count; row++) {
    const residual = (predict(inputs, row, weights) - (targets[row] ?? 0)) / count;
    for (let i = 0; i < dimension; i++) gradient[i] = (gradient[i] ?? 0) + residual * (inputs[row * dimension + i] ?? 0);
  }
  return gradient;
}
