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
