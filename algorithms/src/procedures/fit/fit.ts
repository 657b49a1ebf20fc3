/**
 * Plain training: gradient steps on shuffled batches with the trial's hyperparameters held fixed, or moved by a schedule that the search or an
 * earlier trial gives. Resumed with other parameters (population based training), it goes on from its weights with the new ones.
 * Source of the replay: MacKay et al., "Self-tuning networks", ICLR 2019, section 4.1.
 */
import { RegulusError, type Schedule } from "@regulus/proto";
import { decodeSchedule, rowOf } from "../../core/index.js";
import { parseOptions } from "../../settings/parse-options.js";
import type { Observed, ProcedureModule, Session, SessionResult, TrialRequest } from "../../training/contracts/procedure.js";
import { PlainLayers } from "../../training/network/plain-layers.js";
import { openSession } from "../../training/setup/open-session.js";
import type { TrialSetup } from "../../training/setup/trial-setup.js";
import type { ParameterStore } from "../../training/state/parameter-store.js";
import type { StepValues } from "../../training/techniques/technique-set.js";
import { layersPass, ModelTrainer } from "../../training/trainer/model-trainer.js";
import { spec } from "./spec.js";

export const module: ProcedureModule = {
  spec,
  async open(request) {
    parseOptions("work.options", spec.options, request.work.options);
    return openSession(request, async (setup) => {
      const schedule = await scheduleOf(request, setup);
      return new FitSession(new ModelTrainer(request, setup, plainLayers), fixedValues(setup), schedule);
    });
  },
};

class FitSession implements Session {
  readonly #trainer: ModelTrainer;
  readonly #fixed: StepValues;
  readonly #schedule: Schedule | undefined;
  /** The schedule's row in `#values`; -1 for none yet. */
  #row = -1;
  #values: StepValues;

  constructor(trainer: ModelTrainer, fixed: StepValues, schedule: Schedule | undefined) {
    this.#trainer = trainer;
    this.#fixed = fixed;
    this.#schedule = schedule;
    this.#values = fixed;
  }

  readonly trainsModel = true;

  restore(checkpoint: Uint8Array): void {
    this.#trainer.restore(checkpoint);
  }

  get stepsDone(): number {
    return this.#trainer.stepsDone;
  }

  get ended(): boolean {
    return this.#trainer.ended;
  }

  get measureEverySteps(): number {
    return this.#trainer.measureEverySteps;
  }

  async step(): Promise<void> {
    this.#look();
    this.#trainer.step(layersPass(this.#values, plainLayers));
  }

  async measure(): Promise<Observed> {
    const metrics = await this.#trainer.measure(plainLayers);
    this.#look();
    const scheduled = Object.keys(this.#schedule?.values ?? {});
    const learned = Object.fromEntries(scheduled.map((name) => [name, this.#values.get(name)?.[0] ?? Number.NaN]));
    return { step: this.stepsDone, metrics, learned, scales: {}, hypergradients: {} };
  }

  /** What probes saw when the model was last measured, and predictions. */
  results(): Promise<readonly SessionResult[]> {
    return this.#trainer.results(plainLayers);
  }

  resultsAtPause(): Promise<readonly SessionResult[]> {
    return this.#trainer.predictions(plainLayers);
  }

  save(): Promise<Uint8Array> {
    return this.#trainer.save({});
  }

  close(): void {
    this.#trainer.close();
  }

  /** Takes the values of the step that is next. */
  #look(): void {
    if (this.#schedule === undefined) return;
    const { steps, values } = this.#schedule;
    const row = rowOf(steps, this.stepsDone);
    if (row === this.#row) return;
    this.#row = row;
    const moved = Object.entries(values).map(
      ([name, vector]) => [name, Float32Array.of(vector.values[row] ?? Number.NaN)] as const,
    );
    this.#values = new Map([...this.#fixed, ...moved]);
  }
}

/** What the trial replays: an earlier trial's schedule, else the search's. Closes the task where that can't be. */
async function scheduleOf(request: TrialRequest, { hyperparameters, task }: TrialSetup): Promise<Schedule | undefined> {
  try {
    const [file, another] = (request.inputs ?? []).filter(({ kind }) => kind === "schedule").map(({ bytes }) => bytes);
    if (another !== undefined) throw new RegulusError("invalid-argument", "saw several schedules, expected one to replay");
    const schedule = file === undefined ? request.spec.schedule : decodeSchedule(await file.read(0, file.size));
    const movable = [...hyperparameters].flatMap(([name, { spec: one }]) => (one.held === true ? [] : [name]));
    const strange = Object.keys(schedule?.values ?? {}).find((name) => !movable.includes(name));
    if (strange === undefined) return schedule;
    const known = movable.join(", ") || "none";
    throw new RegulusError(
      "invalid-argument",
      `the schedule moves ${strange}, expected hyperparameters of techniques that can move during a trial: ${known}`,
    );
  } catch (error) {
    task.close();
    throw error;
  }
}

function plainLayers(parameters: ParameterStore): PlainLayers {
  return new PlainLayers(parameters);
}

/** Values of all techniques' hyperparameters, each shared by all examples. */
function fixedValues({ hyperparameters, fixed }: TrialSetup): StepValues {
  const values = new Map<string, Float32Array>();
  for (const [name, value] of fixed) values.set(name, Float32Array.of(value));
  for (const [name, { spec: one, value }] of hyperparameters) values.set(name, Float32Array.of(value ?? Number(one.fallback)));
  return values;
}
