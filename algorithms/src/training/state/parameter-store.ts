/**
 * The trained tensors of a model, by name. A name's tensor is made at its first use, filled from random numbers of that name alone, so that
 * neither the order of layers nor a restart changes it. It owns its tensors: `dispose` frees them all.
 */
import { assert, RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { Rng } from "../../core/index.js";
import type { NamedTensor } from "./checkpoint.js";
import type { ParameterView } from "./kernel-views.js";

/** Fills a new tensor's values. */
export type Initializer = (values: Float32Array, rng: Rng) => void;

export class ParameterStore {
  readonly #rng: Rng;
  readonly #view: ParameterView | undefined;
  readonly #variables = new Map<string, tf.Variable>();
  /** tfjs' own names of our variables, which must be unique in the process, to ours. */
  readonly #names = new Map<string, string>();

  /** @param view what `get` shows of the trained tensors; absent for the tensors themselves. */
  constructor(rng: Rng, view?: ParameterView) {
    this.#rng = rng;
    this.#view = view;
  }

  /** The tensor of a name, as layers see it; made and filled where it does not exist yet. */
  get(name: string, shape: readonly number[], fill: Initializer): tf.Tensor {
    const trained = this.#trained(name, shape, fill);
    return this.#view?.seen(name, trained) ?? trained;
  }

  #trained(name: string, shape: readonly number[], fill: Initializer): tf.Variable {
    const known = this.#variables.get(name);
    if (known !== undefined) {
      assert(
        tf.util.arraysEqual(known.shape, [...shape]),
        `${name} is used with one shape: [${known.shape}], now [${shape}]; names are unique in a model`,
      );
      return known;
    }
    const values = new Float32Array(tf.util.sizeFromShape([...shape]));
    fill(values, this.#rng.fork(name));
    this.#view?.invert(name, values);
    const variable = tf.tidy(() => tf.variable(tf.tensor(values, [...shape])));
    this.#variables.set(name, variable);
    this.#names.set(variable.name, name);
    return variable;
  }

  /** Every trained tensor that was made, by name, in the order of first use. */
  get variables(): ReadonlyMap<string, tf.Variable> {
    return this.#variables;
  }

  /** Gradients of those parameters that a loss depends on, or of those of them that are wanted. Call it in a tidy. */
  gradients(loss: () => tf.Scalar, wanted?: (name: string) => boolean): Record<string, tf.Tensor> {
    const variables = [...this.#variables].flatMap(([name, variable]) => (wanted?.(name) === false ? [] : [variable]));
    const { grads } = tf.variableGrads(loss, variables);
    const gradients: Record<string, tf.Tensor> = {};
    for (const [theirs, gradient] of Object.entries(grads)) {
      const ours = this.#names.get(theirs);
      // tfjs gives null for what the loss does not depend on, whatever its types say.
      if (ours !== undefined && gradient !== null) gradients[ours] = gradient;
    }
    return gradients;
  }

  /**
   * What `ask` gives while these parameters stand elsewhere; they are back afterwards, bit for bit. Call it in a tidy.
   * @param moves what is added to parameters, by name.
   */
  movedBy<T>(moves: Readonly<Record<string, tf.Tensor>>, ask: () => T): T {
    const back = Object.entries(moves).map(([name, move]) => {
      const variable = this.#variables.get(name);
      assert(variable !== undefined, `${name} is moved and is a parameter`);
      const before = variable.clone();
      variable.assign(tf.add(variable, move));
      return { variable, before };
    });
    try {
      return ask();
    } finally {
      for (const { variable, before } of back) variable.assign(before);
    }
  }

  /** A copy of every tensor's values. */
  async save(): Promise<NamedTensor[]> {
    const saved: NamedTensor[] = [];
    for (const [name, variable] of this.#variables) {
      saved.push({ name, shape: variable.shape, values: Float32Array.from(await variable.data<"float32">()) });
    }
    return saved;
  }

  /** Takes saved values; the model was run once before, so that every tensor exists. */
  restore(saved: readonly NamedTensor[]): void {
    const byName = new Map(saved.map((tensor) => [tensor.name, tensor]));
    for (const [name, variable] of this.#variables) {
      const tensor = byName.get(name);
      if (tensor === undefined || !tf.util.arraysEqual([...tensor.shape], variable.shape))
        throw unlike(name, variable.shape, tensor);
      tf.tidy(() => variable.assign(tf.tensor(tensor.values, [...tensor.shape])));
    }
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
    this.#variables.clear();
    this.#names.clear();
  }
}

/** Uniform between -1/sqrt(fanIn) and 1/sqrt(fanIn). */
export function uniformFanIn(fanIn: number): Initializer {
  return (values, rng) => {
    rng.fillUniform(values);
    const bound = 1 / Math.sqrt(fanIn);
    for (let i = 0; i < values.length; i++) values[i] = bound * (2 * (values[i] ?? 0) - 1);
  };
}

/** Normal around 0. */
export function normal(deviation: number): Initializer {
  return (values, rng) => {
    rng.fillNormal(values);
    for (let i = 0; i < values.length; i++) values[i] = deviation * (values[i] ?? 0);
  };
}

export const zeros: Initializer = () => undefined;

export const ones: Initializer = (values) => void values.fill(1);

function unlike(name: string, shape: readonly number[], seen: NamedTensor | undefined): RegulusError {
  const saw = seen === undefined ? "none" : `[${seen.shape.join(", ")}]`;
  return new RegulusError(
    "failed-precondition",
    `the checkpoint has ${saw} for ${name}, expected [${shape.join(", ")}]: it belongs to another model (did a width or a workload option change?)`,
  );
}
