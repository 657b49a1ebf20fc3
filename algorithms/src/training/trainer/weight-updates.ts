/**
 * Updates weights from their gradients: an optimizer's direction, what acts on it, the learning rate and decoupled decay, in that order
 * (docs/training-step.md). The optimizer's memory is kept as tensors under STATE/PARAMETER with the number of updates, and both are saved exactly.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../../core/index.js";
import type { OptimizerRule } from "../contracts/optimizer.js";
import type { NamedTensor } from "../state/checkpoint.js";
import { infosOf, type ParameterInfo } from "../state/parameter-info.js";
import { ParameterStore, zeros } from "../state/parameter-store.js";

/** What acts on all directions of an update before weights follow them; undefined where nothing does. */
export type ActOnDirections = (directions: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/** Updates parameters in place. */
export class WeightUpdates {
  readonly #rule: OptimizerRule;
  readonly #parameters: ParameterStore;
  readonly #infos: ReadonlyMap<string, ParameterInfo>;
  /** State names of each parameter. */
  readonly #stateNames = new Map<string, readonly string[]>();
  readonly #state = new ParameterStore(createRng(0)); // all of it begins at zero, so that the seed says nothing
  #updates = 0;

  /** The parameters' owner stays the caller; the optimizer's memory is its own. */
  constructor(rule: OptimizerRule, parameters: ParameterStore) {
    this.#rule = rule;
    this.#parameters = parameters;
    this.#infos = infosOf(parameters);
    for (const info of this.#infos.values()) {
      const shapes = Object.entries(rule.init(info));
      this.#stateNames.set(
        info.name,
        shapes.map(([state]) => state),
      );
      for (const [state, shape] of shapes) this.#state.get(`${state}/${info.name}`, shape, zeros);
    }
  }

  /** What is known of every parameter, by name. */
  get infos(): ReadonlyMap<string, ParameterInfo> {
    return this.#infos;
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
  update(gradients: Readonly<Record<string, tf.Tensor>>, learningRate: number, act?: ActOnDirections): void {
    if (act === undefined && this.#rule.updateInPlace !== undefined) {
      for (const [name, gradient] of Object.entries(gradients)) this.#updateInPlace(name, gradient, learningRate);
      return;
    }
    const directions = Object.fromEntries(
      Object.entries(gradients).map(([name, gradient]) => [name, this.#direction(name, gradient)]),
    );
    for (const [name, direction] of Object.entries(act === undefined ? directions : act(directions))) {
      const parameter = this.#parameter(name);
      this.#decay(name, parameter, learningRate);
      parameter.assign(tf.sub(parameter, tf.mul(direction, learningRate)));
    }
  }

  /** A copy of its memory. */
  save(): Promise<NamedTensor[]> {
    return this.#state.save();
  }

  restore(saved: readonly NamedTensor[], updates: number): void {
    this.#state.restore(saved);
    this.#updates = updates;
  }

  dispose(): void {
    this.#state.dispose();
  }

  #updateInPlace(name: string, gradient: tf.Tensor, learningRate: number): void {
    const parameter = this.#parameter(name);
    this.#decay(name, parameter, learningRate);
    this.#rule.updateInPlace?.({ parameter, gradient, state: this.#stateOf(name), learningRate, update: this.#updates });
  }

  /** The direction of one parameter; its state has moved on. */
  #direction(name: string, gradient: tf.Tensor): tf.Tensor {
    const kept = this.#stateOf(name);
    const context = { parameter: this.#info(name), value: this.#parameter(name), update: this.#updates };
    const { direction, state } = this.#rule.update(gradient, kept, context);
    for (const [key, variable] of Object.entries(kept)) {
      const next = state[key];
      assert(next !== undefined, `the optimizer gives its state ${key} of ${name} back`);
      variable.assign(next);
    }
    return direction;
  }

  #decay(name: string, parameter: tf.Variable, learningRate: number): void {
    const share = (this.#rule.decay?.(this.#info(name)) ?? 0) * learningRate;
    // The product is freed at once: a weight that alone holds its memory can be updated in place.
    if (share !== 0) tf.tidy(() => parameter.assign(tf.mul(parameter, 1 - share)));
  }

  #stateOf(name: string): Record<string, tf.Variable> {
    return Object.fromEntries(
      (this.#stateNames.get(name) ?? []).map((state) => {
        const variable = this.#state.variables.get(`${state}/${name}`);
        assert(variable !== undefined, `${state} of ${name} was made with the optimizer`);
        return [state, variable];
      }),
    );
  }

  #info(name: string): ParameterInfo {
    const info = this.#infos.get(name);
    assert(info !== undefined, `${name} has a gradient and is a parameter`);
    return info;
  }

  #parameter(name: string): tf.Variable {
    const parameter = this.#parameters.variables.get(name);
    assert(parameter !== undefined, `${name} has a gradient and is a parameter`);
    return parameter;
  }
}
