/**
 * The registration of every algorithm, without code that trains: names, words, options and hyperparameters. The coordinator
 * reads these to check a search before anything starts.
 */
import type { Parameter } from "@regulus/proto";
import type { z } from "zod";

/** Facts about a registered algorithm. */
export interface ComponentSpec<Options = unknown> {
  /** The registered name: the name of its folder. */
  readonly name: string;
  /** One sentence for listings. */
  readonly summary: string;
  /** Paper with equation or algorithm, or the decision record. */
  readonly source: string;
  /** Its options with their defaults; unknown ones are refused. */
  readonly options: z.ZodType<Options>;
}

/** A hyperparameter that a workload or technique understands. */
export interface HyperparameterSpec {
  /**
   * Name and default range; the range is used where the technique is switched on and the space does not name it. A search may use another
   * range; where the component has an option of the same name (which fixes the value), every value must be one that the option takes.
   */
  readonly parameter: Parameter;
  /** Value where the search does not move it. */
  readonly fallback: number | string | boolean;
  /** Whether it can be moved inside training by hypergradients. */
  readonly inside: boolean;
  /** Whether all examples of a batch must share one value, since it acts on weights. */
  readonly sharedInBatch: boolean;
  /** Whether it keeps one value for a whole trial, so that no schedule moves it; absent for no. */
  readonly held?: boolean;
}

/** Facts about a technique. */
export interface TechniqueSpec<Options = unknown> extends ComponentSpec<Options> {
  /**
   * What a model has to work on for the technique to act: images [batch, height, width, channels], or sequences (tokens, or [batch, time, units]
   * inside the model). Absent for anything.
   */
  readonly inputs?: "images" | "sequences";
  /** Why it can't act where hyperparameters are tuned inside training (`self-tune`), for messages; absent where it can. */
  readonly outsideOnly?: string;
  /** Hyperparameters of its own, given its options. */
  hyperparameters(options: Options): readonly HyperparameterSpec[];
}

/** Facts about a workload. */
export interface WorkloadSpec<Options = unknown> extends ComponentSpec<Options> {
  /** Hyperparameters of its own (learning rate, batch size, widths), given its options. They join no space by themselves. */
  hyperparameters(options: Options): readonly HyperparameterSpec[];
  /** Metrics that its trials report. */
  readonly metrics: readonly string[];
  /** The procedure of its plain trials; absent for `fit`. */
  readonly procedure?: string;
}

/** Facts about a procedure. */
export interface ProcedureSpec<Options = unknown> extends ComponentSpec<Options> {
  /** Whether it learns hyperparameters inside training. */
  readonly learnsInside: boolean;
  /** Kinds of results of other trials that it can be given; absent for none. */
  readonly takes?: readonly string[];
  /** Whether it works without a configuration: its trials have no parameters. */
  readonly withoutParameters?: boolean;
}

/** Facts about a probe. */
export interface ProbeSpec<Options = unknown> extends ComponentSpec<Options> {
  /** Metrics that it adds to every measurement. */
  metrics(options: Options): readonly string[];
}

/** A setting of an optimizer, a learning-rate schedule or a loss head. Every trained workload takes it, as an option or as a hyperparameter. */
export interface TrainingSetting extends HyperparameterSpec {
  /** Values that it takes. */
  readonly schema: z.ZodType<number | string | boolean>;
}

/** Facts about a part of the training step that every workload may name: an optimizer, a learning-rate schedule or a loss head. */
export interface TrainingPartSpec<Settings = unknown> extends ComponentSpec<Settings> {
  /** Its options, one by one; a name means the same in every part that has it. */
  readonly settings: readonly TrainingSetting[];
  /** Why it can't act where hyperparameters are tuned inside training (`self-tune`), for messages; absent where it can. */
  readonly outsideOnly?: string;
}

/** Facts about an optimizer. */
export type OptimizerSpec<Settings = unknown> = TrainingPartSpec<Settings>;

/** Facts about a learning-rate schedule. */
export interface LearningRateSpec<Settings = unknown> extends TrainingPartSpec<Settings> {
  /** Whether it is a controller, which follows gradients and not the planned length alone; absent for no. */
  readonly controller?: true;
}

/** Facts about a loss head. */
export type LossHeadSpec<Settings = unknown> = TrainingPartSpec<Settings>;
