/** Builders for the hyperparameters of a spec. Pure: the coordinator reads specs. */
import { type Parameter, Scale } from "@regulus/proto";
import type { HyperparameterSpec } from "../core/index.js";

/** A real parameter. @param scale defaults to linear. */
export function realParameter(name: string, range: { min: number; max: number; scale?: Scale }): Parameter {
  const { min, max, scale = Scale.SCALE_LINEAR } = range;
  return { name, domain: { $case: "double", value: { min, max, scale } }, initial: undefined, when: undefined };
}

/** A whole-number parameter. @param scale defaults to linear. */
export function wholeParameter(name: string, range: { min: number; max: number; scale?: Scale }): Parameter {
  const { min, max, scale = Scale.SCALE_LINEAR } = range;
  return { name, domain: { $case: "int", value: { min, max, scale } }, initial: undefined, when: undefined };
}

/** A parameter with a list of choices. */
export function choiceParameter(name: string, choices: readonly string[]): Parameter {
  return { name, domain: { $case: "categorical", value: { choices: [...choices] } }, initial: undefined, when: undefined };
}

/** A hyperparameter that no hypergradient moves. */
export function outer(parameter: Parameter, fallback: number | string | boolean): HyperparameterSpec {
  return { parameter, fallback, inside: false, sharedInBatch: false };
}

/** A number that a technique adds to the space unless its options fix it. */
export interface FreeHyperparameter {
  readonly range: { readonly min: number; readonly max: number; readonly scale?: Scale };
  /** Whether it is a whole number; absent for a real one. */
  readonly whole?: true;
  /** Its value where the search moves nothing. */
  readonly fallback: number;
  /** Whether hypergradients may move it; absent for yes. */
  readonly inside?: false;
  /** Whether a batch has one value of it; absent where each example may have its own. */
  readonly sharedInBatch?: true;
}

/** Those that a technique's options leave free, in order. */
export function freeHyperparameters(
  fixed: Readonly<Record<string, unknown>>,
  all: Readonly<Record<string, FreeHyperparameter>>,
): HyperparameterSpec[] {
  return Object.entries(all)
    .filter(([name]) => fixed[name] === undefined)
    .map(([name, { range, whole, fallback, inside = true, sharedInBatch = false }]) => {
      const parameter = whole === true ? wholeParameter(name, range) : realParameter(name, range);
      return { parameter, fallback, inside, sharedInBatch };
    });
}
