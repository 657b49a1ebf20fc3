/**
 * The search file's shape (YAML or JSON, read into plain values): which fields there are and of which types. The published JSON Schema
 * for editors is generated from it. What values mean together (ranges, conditions, bounds) is `checkSpec`'s business.
 */
import { z } from "zod";
import { byteSizePattern } from "./byte-sizes.js";
import { backendNames, predictedSplits, predictionPrecisions } from "./check-spec.js";
import { namePattern } from "./check-values.js";
import { durationPattern } from "./durations.js";
import { limits } from "./limits.js";
import { retryWordProblem, retryWords } from "./retry-reasons.js";

const name = z.string().min(1).max(limits.nameCharactersMax);
const count = z.int().nonnegative();
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const choice = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(scalar)]);
const options = z.record(z.string(), z.unknown());
const labels = z.record(z.string(), z.string());

const durationText = z.string().regex(durationPattern);
/** A number without a unit is refused: read as milliseconds, 10 that was meant as seconds ends a search at once. */
const noDuration = z.number().refine((value) => value === 0, "a duration with a unit, such as 10s or 5m");
const duration = z
  .union([noDuration.meta({ const: 0 }), durationText])
  .describe("A duration such as 10m, 1h30m or 250ms, with units ms, s, m, h or d; or 0.");
/** Where the field's own name says the unit. */
const milliseconds = z.union([count, durationText]);
const byteSize = z
  .union([count, z.string().regex(byteSizePattern)])
  .describe("A size such as 2GiB or 500MB; a plain number counts bytes.");

const retriedReason = z
  .string()
  .superRefine((word, context) => {
    const expected = retryWordProblem(word);
    if (expected !== undefined) context.addIssue({ code: "custom", message: expected, input: word });
  })
  .meta({ enum: [...retryWords] });

/** A strategy, technique or diagnostic: its name, or its name with options. */
export const componentSchema = z.union([name, z.strictObject({ name, options: options.optional() })]);

const when = z
  .strictObject({
    parameter: name.describe("Name of an earlier parameter."),
    equals: z
      .union([z.string(), z.number(), z.boolean(), z.null(), z.array(choice).min(1)])
      .describe(
        "The value, or the list of values, for which this parameter exists. A value that is a list stands in a list: [[1, 2]].",
      ),
  })
  .describe("The parameter exists only while this holds.");

const initial = "Where the search starts.";
const tuned = z
  .enum(["inside", "outside"])
  .optional()
  .describe("Who moves it: the trial itself while it trains, or the strategy once a trial; absent for whoever can.");
/** One parameter of the space. */
export const parameterSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("double").describe("A real number."),
    min: z.number().describe("Least value."),
    max: z.number().describe("Greatest value, above min."),
    scale: z.enum(["linear", "log", "logit"]).optional().describe("The axis it is searched along; linear where absent."),
    step: z
      .number()
      .optional()
      .describe("Distance of the values: min, min + step ... up to max; every value between where absent."),
    initial: z.number().optional().describe(initial),
    when: when.optional(),
    tuned,
  }),
  z.strictObject({
    type: z.literal("int").describe("A whole number."),
    min: z.int().describe("Least value."),
    max: z.int().describe("Greatest value, not below min."),
    scale: z.enum(["linear", "log"]).optional().describe("The axis it is searched along; linear where absent."),
    step: z.int().optional().describe("Distance of the values: min, min + step ... up to max; 1 where absent."),
    initial: z.int().optional().describe(initial),
    when: when.optional(),
    tuned,
  }),
  z.strictObject({
    type: z.literal("categorical").describe("One of a list."),
    choices: z
      .array(choice)
      .min(1)
      .max(limits.choicesMax)
      .describe("Distinct choices: texts, numbers, booleans, null, or lists of these."),
    initial: choice.optional().describe(initial),
    when: when.optional(),
    tuned,
  }),
  z.strictObject({
    type: z.literal("boolean").describe("True or false."),
    initial: z.boolean().optional().describe(initial),
    when: when.optional(),
    tuned,
  }),
]);

/** A metric that is improved. */
export const objectiveSchema = z.strictObject({
  metric: name.describe("Name of the metric as trials report it, such as validLoss."),
  direction: z.enum(["minimize", "maximize"]).optional().describe("Which way is better; minimize where absent."),
  value: z
    .enum(["best", "last"])
    .optional()
    .describe("Which measurement of a trial counts: its best or its newest one; best where absent."),
  goal: z.number().optional().describe("The search ends as completed once its best value is this good."),
});

/** Results of another search. */
export const searchInputSchema = z.strictObject({
  search: name.describe("The id of the other search, or the name of the newest one with that name."),
  trials: z.array(count).min(1).max(limits.trialInputsMax).optional().describe("Numbers of its trials. Either these or best."),
  best: z.int().min(1).max(limits.trialInputsMax).optional().describe("So many of its best trials that left all of these kinds."),
  kinds: z.array(name).min(1).max(limits.componentsMax).describe("Kinds of results, such as predictions-valid."),
});

/** The shape, with a sentence for every field. */
export const searchDocumentSchema = z
  .strictObject({
    $schema: z.string().optional().describe("Where an editor finds this schema."),
    name: name.describe("A name for people; it need not be unique."),
    workload: z
      .union([
        name,
        z.strictObject({
          name: name.optional().describe("A registered workload."),
          module: z.string().min(1).optional().describe("Path of a JavaScript module on the agent's machine, instead of a name."),
          options: options.optional(),
        }),
      ])
      .optional()
      .describe("What every trial trains: a registered workload, or a module of your own. Either this or command."),
    command: z
      .strictObject({
        argv: z.array(z.string()).min(1).describe("Program and arguments. No shell takes part."),
        env: labels.optional().describe("Environment variables added to the agent's own short list."),
        directory: z
          .string()
          .optional()
          .describe("Working directory on the agent; the attempt's own scratch directory where absent."),
        stopGraceMs: milliseconds
          .optional()
          .describe("How long a program that was asked to stop may take, in milliseconds or with a unit; 10s where absent."),
      })
      .optional()
      .describe("Your own program in any language, run for every trial instead of a workload."),
    objective: objectiveSchema.optional().describe("What is minimized or maximized."),
    objectives: z
      .array(objectiveSchema)
      .min(1)
      .max(limits.componentsMax)
      .optional()
      .describe("Several of them, instead of objective; the first is the one that strategies with a single objective use."),
    strategy: componentSchema.describe("Who decides what to try: random, grid, sobol, asha, self-tuning-network ..."),
    space: z
      .record(z.string().max(limits.nameCharactersMax).regex(namePattern), parameterSchema)
      .optional()
      .describe("The hyperparameters that are searched, by name, in order."),
    techniques: z
      .array(componentSchema)
      .max(limits.componentsMax)
      .optional()
      .describe("Losses, gradient rules and regularizers to switch on; hyperparameters of theirs join the space."),
    probes: z
      .array(componentSchema)
      .max(limits.componentsMax)
      .optional()
      .describe("Measurements of the model, beside its losses."),
    diagnostics: z.array(componentSchema).max(limits.componentsMax).optional().describe("Watchers over the measurements."),
    budget: z
      .strictObject({
        trials: count.optional().describe("Trials that may be started."),
        steps: count.optional().describe("Training steps over all trials."),
        stepsPerTrial: count.optional().describe("Training steps of one trial."),
        wallTime: duration.optional().describe("Time in which the search runs; pauses do not count."),
        failures: z
          .int()
          .min(1)
          .optional()
          .describe(
            "Trials that may fail (lost, out of memory, timed out, user error); once so many did, the search ends as failed.",
          ),
      })
      .optional()
      .describe("What the search may spend; the first limit that is reached ends it. 0 stands for no limit."),
    parallelism: z.int().min(1).optional().describe("How many trials may run at the same moment; 1 where absent."),
    resources: z
      .strictObject({
        slots: z.int().min(1).optional().describe("Slots (a GPU, or a core); 1 where absent."),
        backend: z
          .enum(backendNames)
          .optional()
          .describe("Compute backend that the agent must have; the agent's best where absent."),
        memory: byteSize.optional().describe("Memory that a trial process may take; the agent's own limit where absent."),
        agentLabels: labels.optional().describe("Labels that an agent must carry."),
        stepTimeout: duration.optional().describe("Longest time between two signs of life of a training step; 2m where absent."),
        attemptTimeout: duration.optional().describe("Longest time of one attempt; no limit where absent."),
      })
      .optional()
      .describe("What one trial needs of an agent."),
    retries: z
      .strictObject({
        max: count.optional().describe("Failed attempts of a trial that are retried; 3 where absent."),
        backoff: duration.optional().describe("Wait before the next attempt, doubled at every failure; 1s where absent."),
        on: z
          .array(retriedReason)
          .min(1)
          .max(limits.retryReasonsMax)
          .optional()
          .describe("Reasons after which another attempt follows; lost, out-of-memory and timed-out where absent."),
      })
      .optional()
      .describe("How often a failed attempt is retried."),
    reporting: z
      .strictObject({
        measureEverySteps: count.optional().describe("Training steps between two measurements."),
        checkpointEvery: duration.optional().describe("Time between two checkpoints; 30s where absent."),
        predictions: z
          .strictObject({
            splits: z.array(z.enum(predictedSplits)).min(1).describe("Splits of the data set."),
            precision: z.enum(predictionPrecisions).optional().describe("How numbers are written; float32 where absent."),
          })
          .optional()
          .describe("What its model says of each row, as files that trials leave when they pause and when they end."),
      })
      .optional()
      .describe("How often a trial measures and saves."),
    seed: count.optional().describe("Seed of every random choice of the search; one is drawn, stored and shown where absent."),
    labels: labels.optional().describe("Labels for people and filters."),
    tuning: componentSchema
      .optional()
      .describe("How trials learn what is tuned inside them: self-tune, or its name with options. Tunes inside whatever can be."),
    control: z
      .strictObject({ share: z.number().describe("Share of the budget's trials or steps, above 0 and below 1.") })
      .optional()
      .describe("A part of the budget for random search, so that the strategy's gain is measured."),
    schedule: z
      .union([
        z.string().min(1),
        z.looseObject({ steps: z.array(z.number()), values: z.record(z.string(), z.array(z.number())) }),
      ])
      .optional()
      .describe(
        "Hyperparameters of techniques that all trials take from here at every step: a schedule, or the path of its file.",
      ),
    inputs: z
      .array(searchInputSchema)
      .max(limits.searchInputsMax)
      .optional()
      .describe("Results of trials of other searches, pinned when the search is created, which its trials may be given."),
    priority: z
      .int()
      .min(-limits.priorityMax)
      .max(limits.priorityMax)
      .optional()
      .describe("A search with a higher priority gets free slots first; 0 where absent."),
    weight: z
      .int()
      .min(1)
      .max(limits.weightMax)
      .optional()
      .describe("Share of slots among searches of one priority: twice the weight, twice the slots; 1 where absent."),
  })
  .describe("A search of Regulus.");

/** A search file as plain values. */
export type SearchDocument = z.infer<typeof searchDocumentSchema>;
/** One parameter of its space. */
export type ParameterDocument = z.infer<typeof parameterSchema>;

/** JSON Schema (draft 2020-12) of the search file, for editors. */
export function searchJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(searchDocumentSchema, { io: "input" });
  return {
    $schema,
    title: "Regulus search",
    ...rest,
    anyOf: [{ required: ["workload"] }, { required: ["command"] }],
    oneOf: [{ required: ["objective"] }, { required: ["objectives"] }],
  };
}
