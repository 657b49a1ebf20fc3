/**
 * Setup of every procedure that trains a model: finds the workload and the techniques that a search names, reads their options,
 * sorts the trial's parameters among them, and opens the data. It trains nothing.
 */

import { basename } from "node:path";
import { assert, RegulusError, type SearchSpec, seedOf } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { type Configuration, createRng, type HyperparameterSpec, type ParameterValue, type Rng } from "../../core/index.js";
import { softmaxCrossEntropy } from "../../kernels/index.js";
import { outsideOnlyReason, partNames } from "../../settings/outside-only.js";
import { parseOptions } from "../../settings/parse-options.js";
import { ownLoss, partSettingsOf, type TrainingDefaults } from "../../settings/training-settings.js";
import type { LearningRate, LearningRateModule } from "../contracts/learning-rate.js";
import type { LossHeadModule } from "../contracts/loss-head.js";
import type { ModelKit } from "../contracts/model-kit.js";
import type { OptimizerModule, OptimizerRule } from "../contracts/optimizer.js";
import type { Probe } from "../contracts/probe.js";
import type { TrialRequest } from "../contracts/procedure.js";
import type { KernelView } from "../contracts/technique.js";
import type { Task, WorkloadModule } from "../contracts/workload.js";
import { classificationError, halfSquaredError } from "../network/losses.js";
import { StepMemories } from "../state/step-memory.js";
import type { NamedHooks } from "../techniques/technique-set.js";
import { findWorkload, loadLearningRate, loadLossHead, loadOptimizer, loadProbe, loadTechnique } from "./find-component.js";
import { type GivenToModule, openModule } from "./open-module.js";
import { openRequestOf } from "./open-request.js";

/** What built-in procedures give to every workload. */
export const modelKit: ModelKit = { tf, softmaxCrossEntropy, classificationError, halfSquaredError, createRng };

/** A hyperparameter of a technique in this trial. */
export interface TechniqueHyperparameter {
  readonly spec: HyperparameterSpec;
  /** The trial's value; where the trial has none, undefined: the procedure learns it, or its fallback holds. */
  readonly value: number | undefined;
}

/** How weights follow their gradients. */
export interface Following {
  readonly optimizer: OptimizerRule;
  readonly learningRate: LearningRate;
  /** Steps that training is planned to have: schedules end there. */
  readonly plannedSteps: number;
}

export interface TrialSetup {
  readonly task: Task;
  readonly following: Following;
  /** The loss of each example [batch] that training minimizes, before techniques act on it: a loss head's, or the workload's own. */
  readonly trainingLoss: Task["loss"];
  readonly techniques: readonly NamedHooks[];
  /** What the techniques make of kernels, in their order. */
  readonly views: readonly KernelView[];
  /** What the techniques remember. */
  readonly memories: StepMemories;
  /** What is measured of the model, besides its losses. */
  readonly probes: readonly Probe[];
  /** Hyperparameters of the techniques, by name. */
  readonly hyperparameters: ReadonlyMap<string, TechniqueHyperparameter>;
  /** Values that options of techniques fix, by name. */
  readonly fixed: ReadonlyMap<string, number>;
  /** Random numbers of the trial. */
  readonly rng: Rng;
}

/**
 * Opens a trial's workload. The caller closes the task.
 * @param tunesInside whether the procedure moves hyperparameters inside training: what cannot act there is refused.
 */
export async function setUpTrial(request: TrialRequest, { tunesInside }: { readonly tunesInside: boolean }): Promise<TrialSetup> {
  const { spec, work, seed } = request;
  const parameters: Configuration = work.parameters ?? {};
  const techniques: NamedHooks[] = [];
  const hyperparameters = new Map<string, TechniqueHyperparameter>();
  const fixed = new Map<string, number>();
  for (const { name, options: raw } of spec.techniques) {
    const module = await loadTechnique(name);
    const options = parseOptions(`techniques.${name}.options`, module.spec.options, raw);
    if (tunesInside) refuse(request, name, module.spec.outsideOnly);
    techniques.push({ name, hooks: module.create(options) });
    for (const one of module.spec.hyperparameters(options)) {
      hyperparameters.set(one.parameter.name, { spec: one, value: numberOf(one.parameter.name, parameters[one.parameter.name]) });
    }
    for (const [option, value] of Object.entries(raw ?? {})) {
      if (!hyperparameters.has(option) && typeof value === "number") fixed.set(option, value);
    }
  }
  const module = await findWorkload(spec);
  if (!("open" in module)) {
    const words = `the workload ${module.spec.name} is a function in closed form: its procedure is evaluate, not ${work.procedure}`;
    throw new RegulusError("failed-precondition", words);
  }
  const rest = Object.entries(parameters).filter(([name]) => !hyperparameters.has(name));
  const given = { options: { ...spec.workload?.options }, parameters: Object.fromEntries(rest), seed: seedOf(spec) };
  const task = await openTask(request, module, given);
  try {
    if (tunesInside) {
      for (const part of partNames) refuse(request, `${task.training[part]}`, outsideOnlyReason(part, task.training[part]));
    }
    const following = await followingOf(request, task);
    const trainingLoss = await trainingLossOf(task);
    const views = viewsOf(techniques, (name) => fixed.get(name) ?? trialValue(hyperparameters.get(name)));
    const memories = new StepMemories();
    const rng = createRng(seed);
    return {
      task,
      following,
      trainingLoss,
      techniques,
      views,
      memories,
      probes: await probesOf(spec),
      hyperparameters,
      fixed,
      rng,
    };
  } catch (error) {
    task.close();
    throw error;
  }
}

function refuse({ work }: TrialRequest, name: string, reason: string | undefined): void {
  if (reason === undefined) return;
  throw new RegulusError("failed-precondition", `saw ${name} under ${work.procedure}, expected one of the two: ${reason}`);
}

/** A user's module is told which of the names that it was given nobody reads: once a trial, at its beginning. */
async function openTask(
  { spec, checkpoint, found }: TrialRequest,
  module: WorkloadModule<unknown>,
  given: Omit<GivenToModule, "kit">,
): Promise<Task> {
  const path = spec.workload?.module ?? "";
  if (path === "") return await module.open({ ...openRequestOf(module.spec, given), kit: modelKit });
  const { task, unread } = await openModule(module, { ...given, kit: modelKit });
  if (unread.length > 0 && checkpoint === undefined) {
    found("warning", `the module ${basename(path)} did not read ${unread.join(", ")} when it was opened; is the name right?`);
  }
  return task;
}

async function probesOf({ probes }: SearchSpec): Promise<readonly Probe[]> {
  const made: Probe[] = [];
  for (const { name, options } of probes) {
    const module = await loadProbe(name);
    made.push(module.create(parseOptions(`probes.${name}.options`, module.spec.options, options)));
  }
  return made;
}

function viewsOf(techniques: readonly NamedHooks[], value: (name: string) => number): readonly KernelView[] {
  return techniques.flatMap(({ hooks }) => hooks.view?.(value) ?? []);
}

function trialValue(one: TechniqueHyperparameter | undefined): number {
  assert(one !== undefined, "a view asks for a hyperparameter of its technique");
  return one.value ?? Number(one.spec.fallback);
}

async function followingOf({ spec, work }: TrialRequest, { training }: Task): Promise<Following> {
  const optimizer = await loadOptimizer(training.optimizer);
  const schedule = await loadLearningRate(training.learningRateSchedule ?? "constant");
  return {
    optimizer: optimizer.create(settingsOf(optimizer, training)),
    learningRate: schedule.create(settingsOf(schedule, training)),
    // What a rung asks for is not the end: the search's own length is, where it has one.
    plannedSteps: spec.budget?.stepsPerTrial || Math.max(work.untilStep, training.steps),
  };
}

async function trainingLossOf(task: Task): Promise<Task["loss"]> {
  const { lossHead = ownLoss } = task.training;
  if (lossHead === ownLoss) return (outputs, targets) => task.loss(outputs, targets);
  const module = await loadLossHead(lossHead);
  const head = module.create(settingsOf(module, task.training));
  return (outputs, targets) => head.losses(outputs, targets);
}

type TrainingPart = OptimizerModule<unknown> | LearningRateModule<unknown> | LossHeadModule<unknown>;

function settingsOf({ spec }: TrainingPart, training: TrainingDefaults): unknown {
  return parseOptions(`training (${spec.name})`, spec.options, partSettingsOf(spec, training));
}

function numberOf(name: string, value: ParameterValue | undefined): number | undefined {
  if (value === undefined || typeof value === "number") return value;
  throw new RegulusError("invalid-argument", `saw ${name} = ${String(value)}, expected a number`);
}
