/**
 * How specs of techniques and workloads state their hyperparameters, and the training settings that all trained workloads share. Pure: specs
 * are read by the coordinator.
 */
import { type Parameter, Scale } from "@regulus/proto";
import { z } from "zod";
import type { Configuration, HyperparameterSpec } from "../core/index.js";
import { parseOptions } from "./parse-options.js";
import type { TrainingDefaults } from "./workload.js";

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

/** Options of every trained workload: its training settings where the search does not move them. */
export const trainingOptions = {
  batchSize: z.int().min(1).max(65_536).optional(),
  optimizer: z.enum(["sgd", "momentum", "adam"]).optional(),
  learningRate: z.number().positive().max(1000).optional(),
  momentum: z.number().min(0).lt(1).optional(),
  steps: z.int().min(1).max(1_000_000_000).optional(),
};

/** What `trainingOptions` gave. */
export type TrainingOptions = { readonly [Key in keyof TrainingDefaults]?: TrainingDefaults[Key] | undefined };

/** The training settings as hyperparameters: an option stands in where the search moves nothing. */
export function trainingHyperparameters(options: TrainingOptions, defaults: TrainingDefaults): readonly HyperparameterSpec[] {
  const settings = { ...defaults, ...given(options) };
  return [
    outer(realParameter("learningRate", { min: 1e-4, max: 1, scale: Scale.SCALE_LOG }), settings.learningRate),
    outer(realParameter("momentum", { min: 0, max: 0.99 }), settings.momentum),
    outer(wholeParameter("batchSize", { min: 8, max: 512, scale: Scale.SCALE_LOG }), settings.batchSize),
    outer(choiceParameter("optimizer", ["sgd", "momentum", "adam"]), settings.optimizer),
  ];
}

/** The settings of one trial, from its configuration (which has a value for each of `trainingHyperparameters`). */
export function trainingOf(configuration: Configuration, options: TrainingOptions, defaults: TrainingDefaults): TrainingDefaults {
  const settings = { ...defaults, ...given(options) };
  const schema = z.object({
    batchSize: z.int().min(1).default(settings.batchSize),
    optimizer: z.enum(["sgd", "momentum", "adam"]).default(settings.optimizer),
    learningRate: z.number().positive().default(settings.learningRate),
    momentum: z.number().min(0).lt(1).default(settings.momentum),
  });
  return { ...parseOptions("work.parameters", schema, configuration), steps: settings.steps };
}

/** The options that have a value. */
function given(options: TrainingOptions): Partial<TrainingDefaults> {
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => name in trainingOptions && value !== undefined));
}
