/**
 * An attempt in a process of its own, or in the one that waits with its trial's session: fetches the checkpoint, gives the work to a trial
 * process, and watches its time and memory. What it tells and stores goes through `attempt-reports.ts`.
 */
import { defaults, EndReason, type Measurement, type OutputPart } from "@regulus/proto";
import { isStoreLoss } from "../artifacts/artifact-client.js";
import type { Begin, FromTrial } from "../trial/messages.js";
import type { StopReason } from "../trial/trainer.js";
import { AttemptFolder } from "./attempt-folder.js";
import { limitsOf } from "./attempt-limits.js";
import { AttemptProcess, type ProcessEnd } from "./attempt-process.js";
import { AttemptReports } from "./attempt-reports.js";
import { AttemptWatch } from "./attempt-watch.js";
import { beginOf, isCommand, kindOf, runsUserCode } from "./attempt-work.js";
import { endReasonOf } from "./end-reason.js";
import { OutputRequests } from "./output-requests.js";
import type { ProcessAttemptOptions } from "./process-attempt-options.js";
import type { Resident } from "./residents.js";
import type { Assignment, AttemptListener, RunningAttempt } from "./running-attempt.js";
import { lastWordMs, type SetEnd, whilePacking } from "./set-end.js";
import type { TrialProcess } from "./spares.js";

/** How long a process may take to exit after its last word, in milliseconds. */
const exitMs = 2000;

export class ProcessAttempt implements RunningAttempt {
  readonly #folder: AttemptFolder;
  readonly #reports: AttemptReports;
  readonly #abort = new AbortController();
  readonly #outputs = new OutputRequests();
  readonly #watch: AttemptWatch;
  #process: AttemptProcess | undefined;
  #stopping: SetEnd<StopReason> | undefined;
  /** Its end, where it passed a limit and its process still tells what the program had printed and saved. */
  #verdict: SetEnd<EndReason> | undefined;
  #newest: Measurement | undefined;
  /** Nothing that the process says counts any more. */
  #over = false;
  #closed = false;
  /** Whether it went on in the process that waited with its trial's session. */
  #wentOn = false;

  readonly #assignment: Assignment;
  readonly #listener: AttemptListener;
  readonly #options: ProcessAttemptOptions;

  constructor(assignment: Assignment, listener: AttemptListener, options: ProcessAttemptOptions) {
    this.#assignment = assignment;
    this.#listener = listener;
    this.#options = options;
    this.#folder = new AttemptFolder(options.scratch, assignment.key, options.artifacts, options.log);
    this.#watch = new AttemptWatch(limitsOf(assignment.spec, options.memoryBytes), !isCommand(assignment));
    this.#reports = new AttemptReports(options.artifacts, listener, this.#abort.signal);
    void this.#begin();
  }

  get memoryBytes(): number {
    return this.#watch.memoryBytes;
  }

  stop(reason: StopReason, message: string): void {
    if (this.#over || this.#stopping !== undefined || this.#verdict !== undefined) return;
    const graceMs = isCommand(this.#assignment) ? this.#assignment.spec.command?.stopGraceMs || defaults.stopGraceMs : 0;
    this.#stopping = { reason, message, deadlineMs: performance.now() + graceMs + lastWordMs };
    this.#process?.send({ kind: "stop", reason });
  }

  revoke(): void {
    this.#over = true;
    this.#abort.abort();
    this.#process?.kill();
    void this.#endLeft().then(() => this.#cleanUp());
  }

  async output(offset: number, bytesMax: number): Promise<OutputPart | undefined> {
    const process = this.#process;
    if (this.#over || !process?.connected) return undefined;
    return await this.#outputs.ask((request) => process.send({ kind: "output", request, offset, bytesMax }));
  }

  tick(nowMs: number): void {
    if (this.#over || this.#process === undefined) return;
    if (this.#verdict !== undefined) {
      if (nowMs > this.#verdict.deadlineMs) this.#end(this.#verdict.reason, this.#verdict.message);
      return;
    }
    if (this.#stopping !== undefined && nowMs > this.#stopping.deadlineMs) {
      const { reason, message } = this.#stopping;
      this.#end(endReasonOf(reason), `${message}${message === "" ? "" : "; "}it did not end in time and was killed`);
      return;
    }
    const passed = this.#watch.look(nowMs, this.#process.pid);
    if (passed === undefined) return;
    // A program is killed alone: its trial process then tells what it had printed and saved. Without one there is nobody to tell.
    if (this.#process.killProgram()) this.#verdict = { ...passed, deadlineMs: nowMs + lastWordMs };
    else this.#end(passed.reason, passed.message);
  }

  async #begin(): Promise<void> {
    const { signal } = this.#abort;
    try {
      await this.#folder.make();
      const inputs = await this.#folder.fetchInputs(this.#assignment.work.inputs, signal);
      this.#reports.storedSha256 = this.#assignment.resumeFrom?.sha256;
      const resident = this.#options.residents.take(this.#assignment.key, this.#assignment.resumeFrom?.sha256);
      if (resident !== undefined) {
        this.#goOn(resident, inputs);
        return;
      }
      const checkpoint = await this.#folder.fetch(this.#assignment.resumeFrom, "resume", signal).catch((error: unknown) => {
        if (isStoreLoss(error)) this.#unrestorable(error.message);
        throw error;
      });
      if (this.#over) return;
      // Asked to stop before anything ran: there is nothing to save.
      if (this.#stopping !== undefined) this.#end(endReasonOf(this.#stopping.reason), this.#stopping.message);
      else this.#startProcess(checkpoint, inputs);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#end(EndReason.END_REASON_LOST, `the attempt could not begin: ${words}`);
    }
  }

  #startProcess(checkpoint: string, inputs: Begin["inputs"]): void {
    const { work, spec, seed } = this.#assignment;
    const process = this.#options.spares.take(kindOf(this.#assignment, this.#options), { spec, work, seed });
    void process.prepared.then(() => this.#watch.prepared());
    this.#work(process, { checkpoint, inputs, goesOn: false });
  }

  #goOn(resident: Resident, inputs: Begin["inputs"]): void {
    const { process, programGroup, step } = resident;
    if (this.#over) {
      this.#options.residents.keep(this.#assignment.key, resident);
      return;
    }
    this.#wentOn = true;
    this.#watch.prepared();
    this.#listener.standsAt(step);
    this.#work(process, { checkpoint: "", inputs, goesOn: true }, programGroup);
    if (this.#stopping !== undefined) this.#process?.send({ kind: "stop", reason: this.#stopping.reason });
  }

  #work(process: TrialProcess, from: Pick<Begin, "checkpoint" | "inputs" | "goesOn">, programGroup?: number): void {
    this.#watch.begun();
    const listener = {
      message: (message: FromTrial) => this.#receive(message),
      failed: (error: Error) => this.#end(EndReason.END_REASON_LOST, `the trial process failed: ${error.message}`),
      ended: (end: ProcessEnd) => this.#exited(end),
    };
    this.#process = new AttemptProcess(process, runsUserCode(this.#assignment), listener, programGroup);
    const begin: Begin = {
      ...beginOf(this.#assignment, this.#options),
      directory: this.#folder.path,
      ...from,
      overruns: this.#options.overrunning.has(this.#assignment.key.searchId),
      aliveEveryMs: this.#watch.aliveEveryMs,
    };
    this.#process.send({ kind: "begin", begin });
  }

  #receive(message: FromTrial): void {
    if (this.#over) return;
    if (message.kind === "output") {
      this.#outputs.answer(message.request, message.part);
      return;
    }
    this.#watch.heard();
    switch (message.kind) {
      case "alive":
        this.#watch.step = message.step;
        return;
      case "packing":
        this.#stopping = whilePacking(this.#stopping, performance.now());
        this.#verdict = whilePacking(this.#verdict, performance.now());
        return;
      case "measured":
        this.#watch.step = message.measurement.step;
        this.#newest = message.measurement;
        // Not behind a checkpoint on its way: while the coordinator is away only the link's buffer holds what waits.
        this.#reports.measured(message.measurement);
        return;
      case "found":
        this.#reports.found(message.source, message.severity, message.message);
        return;
      case "saved":
        this.#reports.after(async () => {
          await this.#reports.checkpoint(message);
          this.#process?.send({ kind: "stored" });
        });
        return;
      case "unrestorable":
        this.#unrestorable(message.message);
        return;
      case "overran":
        this.#options.overrunning.note(this.#assignment.key.searchId);
        return;
      case "finished":
        this.#lastWord(message);
        return;
      case "program":
      case "ready":
      case "unready":
        return;
      default:
        message satisfies never;
    }
  }

  #lastWord(message: Extract<FromTrial, { kind: "finished" }>): void {
    this.#over = true;
    const verdict = this.#verdict;
    const stays = verdict === undefined ? message.stays : undefined;
    if (stays === undefined) {
      // What it leaves is in files: the process is not needed while the store may be away.
      this.#process?.disconnect();
      setTimeout(() => this.#process?.kill(), exitMs).unref();
    }
    this.#reports.after(async () => {
      const artifacts = await this.#reports.storeFiles(message.leaves);
      // Before the end is told: the next lease of the trial may follow at once.
      const { reason, step, final } = message;
      if (stays !== undefined) this.#handOver(stays, step);
      const end = verdict ?? { reason: endReasonOf(reason), message: this.#endWords(message) };
      this.#reports.finished({ reason: end.reason, message: end.message, step, final, artifacts });
      await this.#cleanUp();
    });
  }

  /** Why it was asked to stop stands before what came of that. One that ended otherwise all the same has its own words. */
  #endWords({ reason, message }: Extract<FromTrial, { kind: "finished" }>): string {
    const why = this.#stopping?.reason === reason ? this.#stopping.message : "";
    return [why, message].filter((words) => words !== "").join("; ");
  }

  /** Leaves the process waiting where it stands; where that is what it saved and it was not stored, no lease can go on from there. */
  #handOver(stays: "saved" | "ahead", step: number): void {
    const process = this.#process;
    const { storedSha256: sha256 } = this.#reports;
    if (process === undefined) return;
    if (stays === "saved" && sha256 === undefined) {
      process.kill();
      return;
    }
    const aheadOf = stays === "ahead" ? this.#assignment.key.attempt : undefined;
    this.#process = undefined;
    this.#options.residents.keep(this.#assignment.key, {
      ...process.letGo(),
      sha256,
      aheadOf,
      step,
      slots: this.#assignment.slots,
    });
  }

  #exited({ reason, message, isClean }: ProcessEnd): void {
    this.#outputs.drop();
    if (this.#over) {
      // A trial process that ends well has ended what its program left; a module's may have started anything.
      if (!isCommand(this.#assignment) || !isClean) void this.#endLeft();
    } else if (this.#verdict !== undefined) this.#end(this.#verdict.reason, this.#verdict.message);
    else if (this.#stopping === undefined) this.#end(reason, message);
    else this.#end(endReasonOf(this.#stopping.reason), `${this.#stopping.message}; the trial process ended without a result`);
  }

  /** Tells that the lease's checkpoint is damaged or gone. Not of one that this agent itself holds open: that says nothing of the store. */
  #unrestorable(message: string): void {
    const { resumeFrom } = this.#assignment;
    if (resumeFrom !== undefined && !this.#wentOn) this.#reports.unrestorable(resumeFrom, message);
  }

  /** Ends it from here: kills the process and reports, once what was under way is told. */
  #end(reason: EndReason, message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#process?.kill();
    this.#reports.after(async () => {
      await this.#endLeft();
      this.#reports.finished({ reason, message, step: this.#watch.step, final: this.#newest, artifacts: [] });
      await this.#cleanUp();
    });
  }

  /** Ends what user code started and left behind; where that can't be done, says so. */
  async #endLeft(): Promise<void> {
    const words = await this.#process?.endLeft();
    if (words === undefined) return;
    this.#options.log.warn({ search: this.#assignment.key.searchId, trial: this.#assignment.key.trial }, words);
    if (!this.#closed && !this.#abort.signal.aborted) this.#reports.found("agent", "warning", words);
  }

  async #cleanUp(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#outputs.drop();
    this.#abort.abort();
    await this.#folder.remove();
    this.#listener.closed();
  }
}
