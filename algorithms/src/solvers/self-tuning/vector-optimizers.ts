/**
 * First-order methods on a short vector of doubles: hyperparameters, their scales, the weights of small convex problems. Pure; their memory
 * is plain data. Source: Polyak 1964 (momentum; dampened as in the released code of self-tuning networks); Tieleman and Hinton 2012 (RMSprop);
 * Kingma and Ba, "Adam", ICLR 2015, algorithm 1.
 */
import { assert } from "@regulus/proto";

/** Moves `values` in place against `gradients`. */
export interface VectorOptimizer {
  update(values: Float64Array, gradients: Float64Array): void;
}

/** What Adam remembers: JSON, exact. */
export interface AdamMemory {
  readonly updates: number;
  readonly mean: readonly number[];
  readonly square: readonly number[];
}

/** Adam with its paper's constants. */
export class VectorAdam implements VectorOptimizer {
  static readonly #beta1 = 0.9;
  static readonly #beta2 = 0.999;
  static readonly #epsilon = 1e-8;
  readonly #learningRate: number;
  #updates = 0;
  #mean: Float64Array;
  #square: Float64Array;

  constructor(size: number, learningRate: number) {
    this.#learningRate = learningRate;
    this.#mean = new Float64Array(size);
    this.#square = new Float64Array(size);
  }

  update(values: Float64Array, gradients: Float64Array): void {
    this.#updates++;
    const meanScale = 1 / (1 - VectorAdam.#beta1 ** this.#updates);
    const squareScale = 1 / (1 - VectorAdam.#beta2 ** this.#updates);
    for (const [i, gradient] of gradients.entries()) {
      const mean = VectorAdam.#beta1 * (this.#mean[i] ?? 0) + (1 - VectorAdam.#beta1) * gradient;
      const square = VectorAdam.#beta2 * (this.#square[i] ?? 0) + (1 - VectorAdam.#beta2) * gradient ** 2;
      this.#mean[i] = mean;
      this.#square[i] = square;
      values[i] =
        (values[i] ?? 0) - (this.#learningRate * mean * meanScale) / (Math.sqrt(square * squareScale) + VectorAdam.#epsilon);
    }
  }

  save(): AdamMemory {
    return { updates: this.#updates, mean: [...this.#mean], square: [...this.#square] };
  }

  restore({ updates, mean, square }: AdamMemory): void {
    assert(mean.length === this.#mean.length && square.length === mean.length, "Adam's memory is of one size");
    this.#updates = updates;
    this.#mean = Float64Array.from(mean);
    this.#square = Float64Array.from(square);
  }
}

/** RMSprop without momentum. @param decay of the mean square. */
export class VectorRmsprop implements VectorOptimizer {
  readonly #learningRate: number;
  readonly #decay: number;
  readonly #square: Float64Array;

  constructor(size: number, { learningRate, decay }: { learningRate: number; decay: number }) {
    this.#learningRate = learningRate;
    this.#decay = decay;
    this.#square = new Float64Array(size);
  }

  update(values: Float64Array, gradients: Float64Array): void {
    for (const [i, gradient] of gradients.entries()) {
      const square = this.#decay * (this.#square[i] ?? 0) + (1 - this.#decay) * gradient ** 2;
      this.#square[i] = square;
      values[i] = (values[i] ?? 0) - (this.#learningRate * gradient) / (Math.sqrt(square) + 1e-8);
    }
  }
}

/** Heavy-ball momentum; `dampening` scales the gradient that joins the velocity. */
export class VectorMomentum implements VectorOptimizer {
  readonly #settings: { readonly learningRate: number; readonly momentum: number; readonly dampening: number };
  readonly #velocity: Float64Array;

  constructor(size: number, settings: { learningRate: number; momentum: number; dampening: number }) {
    this.#settings = settings;
    this.#velocity = new Float64Array(size);
  }

  update(values: Float64Array, gradients: Float64Array): void {
    const { learningRate, momentum, dampening } = this.#settings;
    for (const [i, gradient] of gradients.entries()) {
      const velocity = momentum * (this.#velocity[i] ?? 0) + dampening * gradient;
      this.#velocity[i] = velocity;
      values[i] = (values[i] ?? 0) - learningRate * velocity;
    }
  }
}
