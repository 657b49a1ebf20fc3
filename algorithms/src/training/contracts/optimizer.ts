/**
 * The contract of an optimizer: a pure rule from a gradient and named state to a direction and new state. Weights, learning rate, decay and what acts on
 * the direction are the caller's (weight-updates.ts).
 */
import { assert } from "@regulus/proto";
import type { NamedTensorMap, Tensor, Variable } from "@tensorflow/tfjs-core";
import type { OptimizerSpec } from "../../core/component.js";
import type { ParameterInfo } from "../state/parameter-info.js";

/** One update of one parameter. */
export interface UpdateContext {
  readonly parameter: ParameterInfo;
  /** Its values before the update. */
  readonly value: Tensor;
  /** Number of the update, from 1. */
  readonly update: number;
}

/** Where a parameter is to go, and what the optimizer remembers of it from now on. */
export interface Direction {
  /** The parameter loses the learning rate times this. In the parameter's shape. */
  readonly direction: Tensor;
  /** Every name that `init` gave, in its shape. */
  readonly state: NamedTensorMap;
}

/** An optimizer with its settings. All tensors it makes are freed by the caller's tidy. */
export interface OptimizerRule {
  /** Shapes of what it remembers of a parameter, by name; all numbers are 0 before the first update. Pure. */
  init(parameter: ParameterInfo): Readonly<Record<string, readonly number[]>>;
  /** Pure: it changes neither the state nor the parameter. */
  update(gradient: Tensor, state: NamedTensorMap, context: UpdateContext): Direction;
  /**
   * The same update and step in place, in one pass over memory, where nothing acts on the direction between; absent for an optimizer without
   * such a kernel. Equal to `update` but for the rounding of a float32.
   */
  updateInPlace?(step: InPlaceStep): void;
  /** Share of a parameter that is taken off at each update, over the learning rate, apart from its gradient; absent for none. */
  decay?(parameter: ParameterInfo): number;
}

/** An update of a parameter and its state where they lie. */
export interface InPlaceStep {
  readonly parameter: Variable;
  readonly gradient: Tensor;
  /** Every name that `init` gave. */
  readonly state: Readonly<Record<string, Variable>>;
  readonly learningRate: number;
  /** Number of the update, from 1. */
  readonly update: number;
}

/** What an optimizer's folder gives. */
export interface OptimizerModule<Settings> {
  readonly spec: OptimizerSpec<Settings>;
  create(settings: Settings): OptimizerRule;
}

/** A part of an optimizer's state, by the name that its `init` gave. */
export function stateOf<T extends Tensor>(state: Readonly<Record<string, T>>, name: string): T {
  const found = state[name];
  assert(found !== undefined, `the state ${name} is one that init gave`);
  return found;
}
