/**
 * The training settings that all trained workloads share: batch size, steps, the optimizer, the learning rate and its schedule, the loss. The
 * settings of every registered optimizer, schedule and loss head are among them, so that a new one is an option and a hyperparameter of every
 * workload. Pure: the coordinator reads specs.
 */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import type { Configuration, HyperparameterSpec, TrainingPartSpec } from "../core/index.js";
import { choiceParameter, outer, realParameter, wholeParameter } from "./parameters.js";
import { parseOptions } from "./parse-options.js";
import { learningRateSpecs, lossHeadSpecs, optimizerSpecs } from "./registry.generated.js";

/** How a workload wants its weights trained where the search says nothing else. */
export interface TrainingDefaults {
  readonly batchSize: number;
  /** A registered optimizer. */
  readonly optimizer: string;
  readonly learningRate: number;
  /** A registered learning-rate schedule; absent for `constant`. */
  readonly learningRateSchedule?: string;
  /** Steps after which training ends where neither the budget nor the strategy says. */
  readonly steps: number;
  /** What training minimizes: a registered loss head; absent for `workload`, the workload's own loss. */
  readonly lossHead?: string;
  /** Settings of the optimizer, the schedule or the loss head, by name (momentum, warmUpShare ...); an absent one has the fallback of its spec. */
  readonly [setting: string]: number | string | boolean | undefined;
}

/** The schedule of a workload that names none. */
const defaultSchedule = "constant";

/** The loss head that is none: the workload's own loss. */
export const ownLoss = "workload";

const lossHeads: readonly string[] = [ownLoss, ...lossHeadSpecs.keys()];

/** Optimizers, learning-rate schedules and loss heads: their settings are training's. */
const parts: readonly TrainingPartSpec[] = [optimizerSpecs, learningRateSpecs, lossHeadSpecs].flatMap((specs) => [
  ...specs.values(),
]);

/** Settings of all parts, each name once. */
const partSettings: ReadonlyMap<
  string,
  { readonly schema: z.ZodType<number | string | boolean>; readonly spec: HyperparameterSpec }
> = new Map(
  parts.flatMap(({ settings }) => settings.map(({ schema, ...spec }) => [spec.parameter.name, { schema, spec }] as const)),
);

/** What `trainingOptions` gives. */
export interface TrainingOptions {
  readonly batchSize?: number | undefined;
  readonly optimizer?: string | undefined;
  readonly learningRate?: number | undefined;
  readonly learningRateSchedule?: string | undefined;
  readonly lossHead?: string | undefined;
  readonly steps?: number | undefined;
}

const common = {
  batchSize: z.int().min(1).max(65_536),
  optimizer: z.enum([...optimizerSpecs.keys()]),
  learningRate: z.number().positive().max(1000),
  learningRateSchedule: z.enum([...learningRateSpecs.keys()]),
  lossHead: z.enum(lossHeads),
};

/** Options of every trained workload: its training settings where the search does not move them. */
export const trainingOptions: { readonly [Key in keyof TrainingOptions]-?: z.ZodType<TrainingOptions[Key]> } = {
  batchSize: common.batchSize.optional(),
  optimizer: common.optimizer.optional(),
  learningRate: common.learningRate.optional(),
  learningRateSchedule: common.learningRateSchedule.optional(),
  lossHead: common.lossHead.optional(),
  steps: z.int().min(1).max(1_000_000_000).optional(),
  ...Object.fromEntries([...partSettings].map(([name, { schema }]) => [name, schema.optional()])),
};

/** The training settings among options that no schema has read yet. */
export function readTrainingOptions(options: Readonly<Record<string, unknown>>): TrainingOptions {
  return parseOptions("workload.options", z.object(trainingOptions), options);
}

/** The training settings as hyperparameters: an option stands in where the search moves nothing. */
export function trainingHyperparameters(options: TrainingOptions, defaults: TrainingDefaults): readonly HyperparameterSpec[] {
  const settings = settingsOf(options, defaults);
  return [
    outer(realParameter("learningRate", { min: 1e-4, max: 1, scale: Scale.SCALE_LOG }), settings.learningRate),
    outer(wholeParameter("batchSize", { min: 8, max: 512, scale: Scale.SCALE_LOG }), settings.batchSize),
    outer(choiceParameter("optimizer", [...optimizerSpecs.keys()]), settings.optimizer),
    outer(
      choiceParameter("learningRateSchedule", [...learningRateSpecs.keys()]),
      settings.learningRateSchedule ?? defaultSchedule,
    ),
    outer(choiceParameter("lossHead", lossHeads), settings.lossHead ?? ownLoss),
    ...[...partSettings].map(([name, { spec }]) => ({ ...spec, fallback: settings[name] ?? spec.fallback })),
  ];
}

/** The settings of one trial, from its configuration: each setting that it lacks is an option's, the workload's or the spec's. */
export function trainingOf(configuration: Configuration, options: TrainingOptions, defaults: TrainingDefaults): TrainingDefaults {
  const settings = settingsOf(options, defaults);
  const schema = z.object({
    batchSize: common.batchSize.default(settings.batchSize),
    optimizer: common.optimizer.default(settings.optimizer),
    learningRate: common.learningRate.default(settings.learningRate),
    learningRateSchedule: common.learningRateSchedule.default(settings.learningRateSchedule ?? defaultSchedule),
    lossHead: common.lossHead.default(settings.lossHead ?? ownLoss),
  });
  const moved = [...partSettings].map(([name, { schema: one }]) => [name, one.optional()] as const);
  const others = parseOptions("work.parameters", z.object(Object.fromEntries(moved)), configuration);
  return { ...settings, ...others, ...parseOptions("work.parameters", schema, configuration), steps: settings.steps };
}

/** The settings of an optimizer, a schedule or a loss head, all of them, from a trial's training settings. */
export function partSettingsOf({ settings }: TrainingPartSpec, training: TrainingDefaults): Readonly<Record<string, unknown>> {
  return Object.fromEntries(settings.map(({ parameter: { name }, fallback }) => [name, training[name] ?? fallback]));
}

/** A workload's defaults with the options that have a value. */
function settingsOf(options: TrainingOptions, defaults: TrainingDefaults): TrainingDefaults {
  const known = Object.entries(options).filter(([name, value]) => name in trainingOptions && value !== undefined);
  return { ...defaults, ...Object.fromEntries(known) };
}
