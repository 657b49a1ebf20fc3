/**
 * An attempt in the agent's own process: no isolation, no memory limit, no watchdog. For benches and tests, where the cost of a process would
 * hide what is measured; the path of a trial of a few steps allocates little and sets no timer.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { GivenInput } from "@regulus/algorithms/training";
import { type ArtifactRef, limits } from "@regulus/proto";
import { type Artifacts, isStoreLoss } from "../artifacts/artifact-client.js";
import { checkProcedure, readCheckpoint, writeCheckpoint } from "../trial/checkpoint-file.js";
import type { InputFile } from "../trial/messages.js";
import { failure, type Outcome, type StopReason, train } from "../trial/trainer.js";
import { givenInputs, type ProcedureFinder, planOf } from "../trial/training-attempt.js";
import { endReasonOf } from "./end-reason.js";
import { keyFolder } from "./lease-key.js";
import type { Assignment, AttemptListener, RunningAttempt } from "./running-attempt.js";

export interface InlineAttemptOptions {
  readonly procedures: ProcedureFinder;
  readonly artifacts: Artifacts;
  /** Folder under which an attempt has its own; made only where it saves or resumes. */
  readonly scratch: string;
}

const nothingLeft = { artifacts: [], problem: "" };

export class InlineAttempt implements RunningAttempt {
  /** It has no process of its own. */
  readonly memoryBytes = 0;
  readonly #startedMs = Date.now();
  readonly #abort = new AbortController();
  #stopping: { readonly reason: StopReason; readonly message: string } | undefined;

  readonly #assignment: Assignment;
  readonly #listener: AttemptListener;
  readonly #options: InlineAttemptOptions;

  constructor(assignment: Assignment, listener: AttemptListener, options: InlineAttemptOptions) {
    this.#assignment = assignment;
    this.#listener = listener;
    this.#options = options;
    void this.#work();
  }

  stop(reason: StopReason, message: string): void {
    this.#stopping ??= { reason, message };
  }

  revoke(): void {
    this.#abort.abort();
    this.#stopping = { reason: "stopped-early", message: "" };
  }

  async output(): Promise<undefined> {
    // It runs no program.
  }

  tick(): void {
    // Nothing can be ended from outside here.
  }

  async #work(): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.#train();
    } catch (error) {
      outcome = { ...failure(error, false), step: 0, final: undefined, results: [] };
    }
    const { artifacts, problem } = outcome.results.length === 0 ? nothingLeft : await this.#leave(outcome.results);
    if (!this.#abort.signal.aborted) this.#finish({ ...outcome, message: outcome.message || problem }, artifacts);
    if (this.#used) await rm(this.#directory, { recursive: true, force: true });
    this.#listener.closed();
  }

  #finish(outcome: Outcome, artifacts: ArtifactRef[]): void {
    const message = (outcome.message || this.#stopping?.message || "").slice(0, limits.textCharactersMax);
    const { step, final } = outcome;
    const startedMs = this.#startedMs;
    this.#listener.event({
      $case: "finished",
      value: { reason: endReasonOf(outcome.reason), message, step, final, artifacts, startedMs },
    });
  }

  async #train(): Promise<Outcome> {
    const { work, spec, seed, resumeFrom } = this.#assignment;
    const earlier = resumeFrom === undefined ? undefined : await this.#resume(resumeFrom);
    const procedure = await this.#options.procedures(work.procedure);
    const found = (severity: "info" | "warning" | "error", message: string) =>
      this.#tell({ $case: "found", value: { source: work.procedure, severity, message } });
    const request = { spec, work, seed, found, inputs: await this.#inputs() };
    return await train(
      () => procedure.open(earlier === undefined ? request : { ...request, checkpoint: earlier.bytes }),
      planOf({ spec, work }, earlier?.header.seconds ?? 0),
      {
        stopReason: () => this.#stopping?.reason,
        alive: () => undefined,
        measured: (measurement) => this.#tell({ $case: "measured", value: measurement }),
        mayBeSaved: () => true,
        saved: (step, seconds, bytes) => this.#save(step, seconds, bytes),
        unsaved: (step, { message }) => {
          const words = `no room for the checkpoint at step ${step} (${message}); training continues`;
          this.#tell({ $case: "found", value: { source: "agent", severity: "warning", message: words } });
        },
      },
    );
  }

  /** Stores what the session leaves. What the store will not have is told in words. */
  async #leave(results: Outcome["results"]): Promise<{ artifacts: ArtifactRef[]; problem: string }> {
    const artifacts: ArtifactRef[] = [];
    try {
      for (const [index, { kind, bytes }] of results.entries()) {
        const path = await this.#file(`result-${index}`);
        await writeFile(path, bytes);
        artifacts.push(await this.#options.artifacts.putFile(path, kind, this.#abort.signal));
      }
      return { artifacts, problem: "" };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      return { artifacts, problem: `a result could not be stored: ${words}` };
    }
  }

  #tell(event: Parameters<AttemptListener["event"]>[0]): void {
    if (!this.#abort.signal.aborted) this.#listener.event(event);
  }

  #used = false;

  get #directory(): string {
    return join(this.#options.scratch, keyFolder(this.#assignment.key));
  }

  async #resume(resumeFrom: NonNullable<Assignment["resumeFrom"]>): ReturnType<typeof readCheckpoint> {
    try {
      const checkpoint = await readCheckpoint(await this.#fetch(resumeFrom, "resume"));
      checkProcedure(checkpoint.header, this.#assignment.work.procedure);
      return checkpoint;
    } catch (error) {
      const value = { checkpoint: resumeFrom, message: error instanceof Error ? error.message : String(error) };
      if (isStoreLoss(error)) this.#tell({ $case: "unrestorable", value });
      throw error;
    }
  }

  /** Results of other trials that the work is given. */
  async #inputs(): Promise<readonly GivenInput[]> {
    const files: InputFile[] = [];
    for (const [index, { searchId, trial, artifact }] of this.#assignment.work.inputs.entries()) {
      if (artifact === undefined) continue;
      files.push({ searchId, trial, kind: artifact.kind, path: await this.#fetch(artifact, `input-${index}`) });
    }
    return await givenInputs(files);
  }

  async #fetch(artifact: ArtifactRef, name: string): Promise<string> {
    const path = await this.#file(name);
    await this.#options.artifacts.getFile(artifact, path, this.#abort.signal);
    return path;
  }

  async #save(step: number, seconds: number, bytes: Uint8Array): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const path = await this.#file(`checkpoint-${step}`);
    await writeCheckpoint(path, { step, seconds, procedure: this.#assignment.work.procedure }, bytes);
    const checkpoint = await this.#options.artifacts.putFile(path, "checkpoint", this.#abort.signal);
    this.#tell({ $case: "checkpointed", value: { step, checkpoint } });
    await rm(path, { force: true });
  }

  async #file(name: string): Promise<string> {
    this.#used = true;
    await mkdir(this.#directory, { recursive: true });
    return join(this.#directory, name);
  }
}
