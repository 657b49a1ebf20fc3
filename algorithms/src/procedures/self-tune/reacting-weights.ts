/**
 * Weights that react to hyperparameters, for one forward pass: W(h) = W + diag(V h) W', made of an ordinary weight W, its response W' and
 * slopes V, all in a ParameterStore (NAME/kernel, NAME/response/kernel, NAME/response/kernel-slopes). What layers make of them is theirs.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, equation 7.
 */
import * as tf from "@tensorflow/tfjs";
import { bend, halfBentSquares } from "../../kernels/index.js";
import type { Weight } from "../../training/contracts/technique.js";
import { responsePart, roleOf } from "../../training/state/parameter-info.js";
import { type Initializer, normal, type ParameterStore, zeros } from "../../training/state/parameter-store.js";

export interface ResponseOptions {
  /** Layers that react; absent for all. */
  readonly layers?: readonly string[] | undefined;
  /** Standard deviation of the first V, C and S; 0 for none. */
  readonly responseDeviation: number;
}

/** Which of a layer's weights. */
export type Part = "kernel" | "recurrent" | "bias" | "table" | "gain";

/** A weight, its response, and the slopes [hyperparameters, outputs] of the response's multipliers. */
export interface ReactingWeight {
  readonly own: tf.Tensor;
  readonly response: tf.Tensor;
  readonly slopes: tf.Tensor;
}

export class ReactingWeights {
  readonly #store: ParameterStore;
  readonly #coordinates: tf.Tensor;
  readonly #options: ResponseOptions;
  readonly #used: Weight[] = [];
  readonly #multipliers = new Map<tf.Tensor, tf.Tensor>();
  #shared: tf.Tensor | undefined;

  /** @param coordinates h [batch, hyperparameters], or [1, hyperparameters] for all examples. */
  constructor(store: ParameterStore, coordinates: tf.Tensor, options: ResponseOptions) {
    this.#store = store;
    this.#coordinates = coordinates;
    this.#options = options;
  }

  /** Whether all examples have the same hyperparameters. */
  get single(): boolean {
    return this.#coordinates.shape[0] === 1;
  }

  /** Whether a layer has weights that react. */
  reacts(layer: string): boolean {
    return this.#options.layers?.includes(layer) ?? true;
  }

  /** @param fillResponse absent where the response begins as the weight does. */
  get(layer: string, part: Part, shape: readonly number[], fill: Initializer, fillResponse: Initializer = fill): ReactingWeight {
    const [hyperparameters, outputs] = [this.#coordinates.shape[1] ?? 0, shape[shape.length - 1] ?? 0];
    const { responseDeviation } = this.#options;
    const own = this.#store.get(`${layer}/${part}`, shape, fill);
    const response = this.#store.get(`${layer}${responsePart}${part}`, shape, fillResponse);
    const fillSlopes = responseDeviation === 0 ? zeros : normal(responseDeviation);
    const slopes = this.#store.get(`${layer}${responsePart}${part}-slopes`, [hyperparameters, outputs], fillSlopes);
    const weight = { own, response, slopes };
    const form = () => bentAt(weight, tf.matMul(this.#sharedCoordinates(), slopes));
    const halfSquares = () => halfBentSquares(own, response, this.#coordinates, slopes);
    this.#used.push(lazyWeight({ name: `${layer}/${part}`, kind: roleOf(part), halfSquares }, form));
    return weight;
  }

  /** A response's multipliers at every example's hyperparameters, [batch, outputs] or [1, outputs]. */
  multipliers({ slopes }: ReactingWeight): tf.Tensor {
    const known = this.#multipliers.get(slopes) ?? tf.matMul(this.#coordinates, slopes);
    this.#multipliers.set(slopes, known);
    return known;
  }

  /** The weight where all examples have the same hyperparameters. */
  effective(weight: ReactingWeight): tf.Tensor {
    return bentAt(weight, this.multipliers(weight));
  }

  /** What multiplies a response, [batch, hyperparameters] or [1, hyperparameters]. */
  get coordinates(): tf.Tensor {
    return this.#coordinates;
  }

  /** The weights that were got, at the first example's hyperparameters. */
  weights(): readonly Weight[] {
    return this.#used;
  }

  /** The first example's coordinates, [1, hyperparameters]: what acts on weights is shared by all. */
  #sharedCoordinates(): tf.Tensor {
    this.#shared ??= tf.slice(this.#coordinates, [0, 0], [1, this.#coordinates.shape[1] ?? 0]);
    return this.#shared;
  }
}

/** The weight at one point. @param multipliers [1, outputs]; they scale the last axis. */
function bentAt({ own, response }: ReactingWeight, multipliers: tf.Tensor): tf.Tensor {
  return bend(own, response, tf.reshape(multipliers, [multipliers.size]));
}

/** A weight that is formed when it is first asked for: it costs a pass over the kernel. */
function lazyWeight(weight: Omit<Weight, "value">, form: () => tf.Tensor): Weight {
  let formed: tf.Tensor | undefined;
  return {
    ...weight,
    get value() {
      formed ??= form();
      return formed;
    },
  };
}
