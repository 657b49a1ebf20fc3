/**
 * An attempt in a process of its own, or in the one that waits with its trial's session: fetches the checkpoint, gives the work to a trial
 * process, and watches its time and memory. What it tells and stores goes through `attempt-reports.ts`.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ArtifactRef, defaults, EndReason, type Measurement, type OutputPart } from "@regulus/proto";
import type { Logger } from "pino";
import { type Artifacts, isStoreLoss } from "../artifacts/artifact-client.js";
import { kernelOutOfMemoryCount } from "../facts/machine-memory.js";
import type { Begin, FromTrial, ToTrial } from "../trial/messages.js";
import type { StopReason } from "../trial/trainer.js";
import { type AttemptLimits, limitsOf, passedLimit } from "./attempt-limits.js";
import { AttemptReports } from "./attempt-reports.js";
import { endMarked, killTree, leftWords } from "./descendants.js";
import { endReasonOf } from "./end-reason.js";
import { exitReason } from "./exit-reason.js";
import { keyFolder } from "./lease-key.js";
import { OutputRequests } from "./output-requests.js";
import type { OverrunningSearches } from "./overrunning-searches.js";
import { signalGroup } from "./process-group.js";
import { treeMemoryBytes } from "./process-memory.js";
import type { Resident, Residents } from "./residents.js";
import type { Assignment, AttemptListener, RunningAttempt } from "./running-attempt.js";
import type { Spares, TrialProcess } from "./spares.js";

/** Beyond the grace of a program, how long a trial process may take to save and say its last word, in milliseconds. */
const lastWordMs = 15_000;
/** How long a process may take to exit after its last word, in milliseconds. */
const exitMs = 2000;

export interface ProcessAttemptOptions {
  /** Patient ones: what a trial saved is stored once the store is back. */
  readonly artifacts: Artifacts;
  readonly spares: Spares;
  readonly residents: Residents;
  readonly overrunning: OverrunningSearches;
  /** Folder under which every attempt has its own. */
  readonly scratch: string;
  readonly backend: string;
  readonly memoryBytes: number;
  /** Variables of the devices that its slots have. */
  readonly devices: Readonly<Record<string, string>>;
  /** Whether the backend takes its devices when the process is made ready. */
  readonly backendUsesDevices: boolean;
  /** Variables that the agent's owner passes on to user code. */
  readonly passed: Readonly<Record<string, string>>;
  readonly log: Logger;
}

export class ProcessAttempt implements RunningAttempt {
  memoryBytes = 0;
  private readonly directory: string;
  private readonly reports: AttemptReports;
  private readonly abort = new AbortController();
  private readonly outputs = new OutputRequests();
  private readonly outOfMemoryBefore = kernelOutOfMemoryCount();
  private readonly limits: AttemptLimits;
  private process: TrialProcess | undefined;
  private programGroup: number | undefined;
  private heardMs = performance.now();
  private begunMs = performance.now();
  private step = 0;
  private prepared = false;
  private stopping: { readonly reason: StopReason; readonly message: string; readonly deadlineMs: number } | undefined;
  private newest: Measurement | undefined;
  private release: (() => void) | undefined;
  /** Nothing that the process says counts any more. */
  private over = false;
  private closed = false;
  /** Whether it went on in the process that waited with its trial's session. */
  private wentOn = false;

  constructor(
    private readonly assignment: Assignment,
    private readonly listener: AttemptListener,
    private readonly options: ProcessAttemptOptions,
  ) {
    this.directory = join(options.scratch, keyFolder(assignment.key));
    this.limits = limitsOf(assignment.spec, options.memoryBytes);
    this.reports = new AttemptReports(options.artifacts, listener, this.abort.signal);
    void this.begin();
  }

  stop(reason: StopReason, message: string): void {
    if (this.over || this.stopping !== undefined) return;
    const graceMs = this.isCommand ? this.assignment.spec.command?.stopGraceMs || defaults.stopGraceMs : 0;
    this.stopping = { reason, message, deadlineMs: performance.now() + graceMs + lastWordMs };
    this.send({ kind: "stop", reason });
  }

  revoke(): void {
    this.over = true;
    this.abort.abort();
    this.kill();
    void this.endLeft().then(() => this.cleanUp());
  }

  async output(offset: number, bytesMax: number): Promise<OutputPart | undefined> {
    if (this.over || !this.process?.child.connected) return undefined;
    return await this.outputs.ask((request) => this.send({ kind: "output", request, offset, bytesMax }));
  }

  tick(nowMs: number): void {
    if (this.over || this.process === undefined) return;
    if (this.stopping !== undefined && nowMs > this.stopping.deadlineMs) {
      const { reason, message } = this.stopping;
      this.end(endReasonOf(reason), `${message}${message === "" ? "" : "; "}it did not end in time and was killed`);
      return;
    }
    const pid = this.process.child.pid;
    const memoryBytes = pid === undefined ? undefined : treeMemoryBytes(pid, { countRoot: !this.isCommand });
    this.memoryBytes = memoryBytes ?? 0;
    const { heardMs, begunMs, prepared, step } = this;
    const vitals = { silentMs: nowMs - heardMs, aliveMs: nowMs - begunMs, prepared, memoryBytes, step };
    const passed = passedLimit(vitals, this.limits);
    if (passed !== undefined) this.end(passed.reason, passed.message);
  }

  /** Whether a program of the user's own works on it. */
  private get isCommand(): boolean {
    return this.assignment.work.procedure === "command" || this.assignment.spec.command !== undefined;
  }

  private get userCode(): boolean {
    return this.isCommand || (this.assignment.spec.workload?.module ?? "") !== "";
  }

  private async begin(): Promise<void> {
    try {
      await mkdir(this.directory, { recursive: true });
      const schedule = await this.fetch(this.assignment.work.schedule, "schedule");
      this.reports.storedSha256 = this.assignment.resumeFrom?.sha256;
      const resident = this.options.residents.take(this.assignment.key, this.assignment.resumeFrom?.sha256);
      if (resident !== undefined) {
        this.goOn(resident, schedule);
        return;
      }
      const checkpoint = await this.fetch(this.assignment.resumeFrom, "resume").catch((error: unknown) => {
        if (isStoreLoss(error)) this.unrestorable(error.message);
        throw error;
      });
      if (this.over) return;
      // Asked to stop before anything ran: there is nothing to save.
      if (this.stopping !== undefined) this.end(endReasonOf(this.stopping.reason), this.stopping.message);
      else this.startProcess(checkpoint, schedule);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.end(EndReason.END_REASON_LOST, `the attempt could not begin: ${words}`);
    }
  }

  private startProcess(checkpoint: string, schedule: string): void {
    const { work, spec, seed } = this.assignment;
    const { backend, memoryBytes, backendUsesDevices, devices } = this.options;
    const kind = this.isCommand
      ? { backend: "command", memoryBytes, devices: {} }
      : { backend, memoryBytes, devices: backendUsesDevices ? devices : {} };
    const process = this.options.spares.take(kind, { spec, work, seed });
    void process.prepared.then(() => {
      this.prepared = true;
      this.heardMs = performance.now();
    });
    this.work(process, { checkpoint, schedule, goesOn: false });
  }

  private goOn(resident: Resident, schedule: string): void {
    const { process, programGroup, step } = resident;
    if (this.over) {
      this.options.residents.keep(this.assignment.key, resident);
      return;
    }
    this.wentOn = true;
    this.programGroup = programGroup;
    this.prepared = true;
    this.listener.standsAt(step);
    this.work(process, { checkpoint: "", schedule, goesOn: true });
    if (this.stopping !== undefined) this.send({ kind: "stop", reason: this.stopping.reason });
  }

  private work(process: TrialProcess, from: Pick<Begin, "checkpoint" | "schedule" | "goesOn">): void {
    const { key, work, spec, seed, slots } = this.assignment;
    const { passed, devices } = this.options;
    this.process = process;
    this.heardMs = performance.now();
    this.begunMs = this.heardMs;
    const onMessage = (message: FromTrial) => this.receive(message);
    const onError = (error: Error) => this.end(EndReason.END_REASON_LOST, `the trial process failed: ${error.message}`);
    const onClose = (code: number | null, signal: NodeJS.Signals | null) => this.exited(code, signal);
    process.child.on("message", onMessage).on("error", onError).on("close", onClose);
    this.release = () => process.child.off("message", onMessage).off("error", onError).off("close", onClose);
    const begin: Begin = {
      spec,
      work,
      seed,
      searchId: key.searchId,
      trial: key.trial,
      attempt: key.attempt,
      directory: this.directory,
      ...from,
      overruns: this.options.overrunning.has(key.searchId),
      environment: { ...passed, ...devices, REGULUS_SLOT: slots.join(",") },
      aliveEveryMs: Math.min(500, this.limits.stepTimeoutMs / 4),
    };
    this.send({ kind: "begin", begin });
  }

  /** The file of an artifact that the work begins with, or empty where it has none. */
  private async fetch(artifact: ArtifactRef | undefined, name: string): Promise<string> {
    if (artifact === undefined) return "";
    const path = join(this.directory, name);
    await this.options.artifacts.getFile(artifact, path, this.abort.signal);
    return path;
  }

  private receive(message: FromTrial): void {
    if (this.over) return;
    if (message.kind === "output") {
      this.outputs.answer(message.request, message.part);
      return;
    }
    this.heardMs = performance.now();
    switch (message.kind) {
      case "alive":
        this.step = message.step;
        return;
      case "measured":
        this.step = message.measurement.step;
        this.newest = message.measurement;
        // Not behind a checkpoint on its way: while the coordinator is away only the link's buffer holds what waits.
        this.reports.measured(message.measurement);
        return;
      case "found":
        this.reports.found(message.source, message.severity, message.message);
        return;
      case "saved":
        this.reports.after(async () => {
          await this.reports.checkpoint(message);
          this.send({ kind: "stored" });
        });
        return;
      case "unrestorable":
        this.unrestorable(message.message);
        return;
      case "overran":
        this.options.overrunning.note(this.assignment.key.searchId);
        return;
      case "program":
        this.programGroup = message.group;
        return;
      case "finished":
        this.lastWord(message);
        return;
      case "ready":
      case "unready":
        return;
      default:
        message satisfies never;
    }
  }

  private lastWord(message: Extract<FromTrial, { kind: "finished" }>): void {
    this.over = true;
    const { stays } = message;
    if (stays === undefined) {
      // What it leaves is in files: the process is not needed while the store may be away.
      if (this.process?.child.connected) this.process.child.disconnect();
      setTimeout(() => this.kill(), exitMs).unref();
    }
    this.reports.after(async () => {
      const artifacts: ArtifactRef[] = [];
      for (const leaf of message.leaves) {
        const artifact = await this.reports.storeFile(leaf.path, leaf.kind);
        if (artifact !== undefined) artifacts.push(artifact);
      }
      // Before the end is told: the next lease of the trial may follow at once.
      const { reason, step, final } = message;
      if (stays !== undefined) this.handOver(stays, step);
      this.reports.finished({
        reason: endReasonOf(reason),
        message: message.message || (this.stopping?.message ?? ""),
        step,
        final,
        artifacts,
      });
      await this.cleanUp();
    });
  }

  /** Leaves the process waiting where it stands; where that is what it saved and it was not stored, no lease can go on from there. */
  private handOver(stays: "saved" | "ahead", step: number): void {
    const { process, programGroup } = this;
    const { storedSha256: sha256 } = this.reports;
    if (process === undefined) return;
    if (stays === "saved" && sha256 === undefined) {
      this.kill();
      return;
    }
    const aheadOf = stays === "ahead" ? this.assignment.key.attempt : undefined;
    this.release?.();
    this.process = undefined;
    this.programGroup = undefined;
    this.options.residents.keep(this.assignment.key, {
      process,
      programGroup,
      sha256,
      aheadOf,
      step,
      slots: this.assignment.slots,
    });
  }

  private exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.outputs.drop();
    this.killGroup();
    if (this.over) {
      // A trial process that ends well has ended what its program left; a module's may have started anything.
      if (!this.isCommand || code !== 0) void this.endLeft();
      return;
    }
    if (this.stopping !== undefined) {
      const { reason, message } = this.stopping;
      this.end(endReasonOf(reason), `${message}; the trial process ended without a last word`);
      return;
    }
    const kernelOutOfMemory = kernelOutOfMemoryCount() > this.outOfMemoryBefore;
    const { reason, message } = exitReason({
      code,
      signal,
      stderr: this.process?.stderr() ?? "",
      userCode: this.userCode,
      kernelOutOfMemory,
    });
    this.end(reason, message);
  }

  /** Tells that the lease's checkpoint is damaged or gone. Not of one that this agent itself holds open: that says nothing of the store. */
  private unrestorable(message: string): void {
    const { resumeFrom } = this.assignment;
    if (resumeFrom !== undefined && !this.wentOn) this.reports.unrestorable(resumeFrom, message);
  }

  /** Ends it from here: kills the process and reports, once what was under way is told. */
  private end(reason: EndReason, message: string): void {
    if (this.over) return;
    this.over = true;
    this.kill();
    this.reports.after(async () => {
      await this.endLeft();
      this.reports.finished({ reason, message, step: this.step, final: this.newest, artifacts: [] });
      await this.cleanUp();
    });
  }

  private send(message: ToTrial): void {
    const child = this.process?.child;
    // A process that has just ended can't be told; its exit tells the rest.
    if (child?.connected) child.send(message, () => undefined);
  }

  private kill(): void {
    const { child } = this.process ?? {};
    if (this.userCode && child?.pid !== undefined && child.exitCode === null && child.signalCode === null) killTree(child.pid);
    child?.kill("SIGKILL");
    this.killGroup();
  }

  private killGroup(): void {
    signalGroup(this.programGroup, "SIGKILL");
    this.programGroup = undefined;
  }

  /** Ends what user code started and left behind; where that can't be done, says so. */
  private async endLeft(): Promise<void> {
    if (!this.userCode || this.process === undefined) return;
    const words = leftWords(await endMarked(this.process.mark));
    if (words === undefined) return;
    this.options.log.warn({ search: this.assignment.key.searchId, trial: this.assignment.key.trial }, words);
    if (!this.closed && !this.abort.signal.aborted) this.reports.found("agent", "warning", words);
  }

  private async cleanUp(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.outputs.drop();
    this.abort.abort();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
      this.options.log.warn({ directory: this.directory, error: String(error) }, "the attempt's folder could not be removed");
    });
    this.listener.closed();
  }
}
