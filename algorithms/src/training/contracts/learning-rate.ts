/**
 * The contract of a learning-rate schedule: a function of the step and the planned length. A controller is a schedule that also looks at the step's
 * gradients, and remembers.
 */
import type { NamedTensorMap } from "@tensorflow/tfjs-core";
import type { LearningRateSpec } from "../../core/component.js";
import type { StepMemory } from "../state/step-memory.js";
import type { MoreGradients } from "./technique.js";

/** Where training stands. */
export interface RateContext {
  /** The step, from 0. */
  readonly step: number;
  /** Steps that training is planned to have, at least 1; it may go on beyond them. */
  readonly plannedSteps: number;
  /** The rate that the search gives: schedules scale it. */
  readonly base: number;
  /** What a controller remembers from step to step. Every checkpoint holds it. */
  readonly memory: StepMemory;
}

/** What a controller may look at besides. */
export interface RateGradients extends MoreGradients {
  /** Gradients of the step, after all gradient transforms, by parameter. */
  readonly gradients: NamedTensorMap;
}

/** A schedule with its settings. */
export interface LearningRate {
  /**
   * The step's rate: finite, not negative. Asked once a step, with the gradients of the step's first pass: under `self-tune` with `delta-stn` the
   * one at the centre.
   */
  rate(context: RateContext, step: RateGradients): number;
}

/** What a schedule's folder gives. */
export interface LearningRateModule<Settings> {
  readonly spec: LearningRateSpec<Settings>;
  create(settings: Settings): LearningRate;
}
