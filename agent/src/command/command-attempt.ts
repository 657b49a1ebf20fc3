/**
 * One attempt of procedure `command`: runs the user's program without a shell in a process group of its own, reads its measurements, packs
 * its checkpoint folder when it says that it is whole, and ends it politely, then not. Runs in the trial process, which outlives no agent
 * and takes the program with it.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Command, Direction, defaults, filledWords, metricOf, RegulusError } from "@regulus/proto";
import { Family, leftWords, markVariable } from "../attempts/descendants.js";
import { closePipes, isRunning, signalGroup } from "../attempts/process-group.js";
import { checkProcedure } from "../trial/checkpoint-file.js";
import type { Begin, FromTrial } from "../trial/messages.js";
import { restoring } from "../trial/restoring.js";
import type { StopReason } from "../trial/trainer.js";
import { restoreDirectory } from "./directory-archive.js";
import { LineReader } from "./line-reader.js";
import { lineBytesMax, parseLine } from "./measurement-lines.js";
import { leaveOutput } from "./output-file.js";
import { OutputRing } from "./output-ring.js";
import { ProgramCheckpoints } from "./program-checkpoints.js";
import { programEnvironment, programPaths } from "./program-environment.js";
import { ProgramMeasurements } from "./program-measurements.js";
import { type ProgramEnd, programOutcome } from "./program-outcome.js";
import { placeOf, startFailure } from "./start-failure.js";

/** Why nothing new was saved of an attempt that was asked to stop while it prepared. */
const notBegun = "its program had not started";

/** Lines of output in a message about a failure. */
const lastLines = 10;

export interface CommandOutside {
  stopReason(): StopReason | undefined;
  /** Whether the last checkpoint that was announced is stored. */
  stored(): boolean;
  /** Calls back whenever a checkpoint that was announced is stored. */
  onStored(call: () => void): void;
  /** Calls back once when the attempt is to stop: at once where it was asked before. */
  onStop(call: () => void): void;
  /** Where the attempt's output is, for those who ask while it runs. */
  showOutput(output: OutputRing): void;
}

/** Works on an attempt to its end. Tells everything by `send`; the last message is "finished". */
export async function runCommand(begin: Begin, outside: CommandOutside, send: (message: FromTrial) => void): Promise<void> {
  const command = begin.spec.command;
  if (command === undefined)
    throw new RegulusError("invalid-argument", "procedure command needs a search with a command, saw one without");
  const paths = programPaths(begin.directory);
  await mkdir(paths.checkpointDirectory, { recursive: true });
  await writeFile(paths.parameters, `${JSON.stringify(begin.work.parameters ?? {}, undefined, 2)}\n`);
  const before =
    begin.checkpoint === ""
      ? undefined
      : await restoring(send, () => restoreDirectory(begin.checkpoint, paths.checkpointDirectory));
  if (before !== undefined) checkProcedure(before, begin.work.procedure);
  const run = new ProgramRun(begin, command, outside, send, before ?? { step: 0, seconds: 0 });
  await run.work();
}

class ProgramRun {
  readonly #output = new OutputRing();
  readonly #startedMs = performance.now();
  readonly #checkpoints: ProgramCheckpoints;
  readonly #measurements: ProgramMeasurements;
  #aliveMs = 0;
  /** Ends the program politely, then not; the first call counts. */
  #stop: () => void = () => undefined;
  #wasKilled = false;
  /** Whether it was asked to stop from outside while it ran. */
  #wasStopped = false;
  /** Whether it was asked to stop since it has reached its target. */
  #wasAsked = false;
  /** Whether it goes on from a checkpoint or announced one. */
  #hasSaved: boolean;
  /** Runs once it has reached its target. */
  #isLate: NodeJS.Timeout | undefined;

  readonly #begin: Begin;
  readonly #command: Command;
  readonly #outside: CommandOutside;
  readonly #send: (message: FromTrial) => void;
  readonly #before: { readonly step: number; readonly seconds: number };

  constructor(
    begin: Begin,
    command: Command,
    outside: CommandOutside,
    send: (message: FromTrial) => void,
    before: { readonly step: number; readonly seconds: number },
  ) {
    this.#begin = begin;
    this.#command = command;
    this.#outside = outside;
    this.#send = send;
    this.#before = before;
    this.#checkpoints = new ProgramCheckpoints({
      directory: begin.directory,
      folder: programPaths(begin.directory).checkpointDirectory,
      everyMs: begin.spec.reporting?.checkpointEveryMs || defaults.checkpointEveryMs,
      resumedStep: before.step,
      objective: begin.spec.objectives[0] ?? { direction: Direction.DIRECTION_MINIMIZE },
      header: (step) => ({ step, seconds: this.#seconds(), procedure: begin.work.procedure }),
      stored: () => outside.stored(),
      send,
      moved: () => this.#packing(),
    });
    outside.showOutput(this.#output);
    outside.onStored(() => this.#checkpoints.look());
    this.#hasSaved = begin.checkpoint !== "";
    this.#measurements = new ProgramMeasurements({
      ...begin,
      fromStep: before.step,
      seconds: () => this.#seconds(),
      send,
    });
  }

  async work(): Promise<void> {
    const stop = this.#outside.stopReason();
    if (stop !== undefined) {
      this.#send({ kind: "finished", reason: stop, message: notBegun, step: this.#before.step, final: undefined, leaves: [] });
      return;
    }
    const ended = await this.#runProgram();
    this.#measurements.finish();
    // What the program saved last is worth keeping however it ended: its trial goes on from there, or that is its final checkpoint.
    await this.#checkpoints.finish();
    const outcome = programOutcome(ended, this.#course());
    const leaves = await leaveOutput(this.#begin.directory, this.#output, this.#send);
    const { step, newest: final } = this.#measurements;
    this.#send({ kind: "finished", ...outcome, step, final, leaves });
  }

  async #runProgram(): Promise<ProgramEnd> {
    const [program = "", ...args] = filledWords(this.#command.argv, this.#begin.work.parameters ?? {});
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn(program, args, {
        cwd: this.#command.directory || this.#begin.directory,
        env: programEnvironment(this.#begin, programPaths(this.#begin.directory), process.env),
        stdio: ["ignore", "pipe", "pipe"],
        // A group of its own, so that what it starts ends with it.
        detached: true,
      });
    } catch (error) {
      // Some failures are thrown and not told by the child: a directory that is none, arguments that are too long.
      return this.#unstarted(error);
    }
    const family = child.pid === undefined ? undefined : new Family(child.pid, process.env[markVariable]);
    const endFamily = () => {
      signalGroup(child.pid, "SIGKILL");
      const message = leftWords(family?.end() ?? []);
      if (message !== undefined) this.#send({ kind: "found", source: "command", severity: "warning", message });
    };
    process.on("exit", endFamily);
    this.#stop = () => this.#endPolitely(child);
    this.#outside.onStop(() => {
      this.#wasStopped = isRunning(child);
      this.#stop();
    });
    const reader = new LineReader(lineBytesMax, (line) => this.#line(line));
    child.stdout.on("data", (chunk: Buffer) => {
      this.#output.add(chunk);
      reader.add(chunk);
      this.#alive();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#output.add(chunk);
      this.#alive();
    });
    if (child.pid !== undefined) this.#send({ kind: "program", group: child.pid });
    const end = await new Promise<ProgramEnd>((resolve) => {
      child.on("error", (error) => resolve(this.#unstarted(error)));
      child.on("exit", () => {
        endFamily();
        closePipes(child);
      });
      child.on("close", (code, signal) =>
        resolve({ code, signal, unstarted: undefined, wasKilled: this.#wasKilled, endedFirst: !this.#wasStopped }),
      );
    });
    reader.end();
    clearTimeout(this.#isLate);
    process.off("exit", endFamily);
    return end;
  }

  #unstarted(error: unknown): ProgramEnd {
    const { argv, directory } = this.#command;
    const words = startFailure(argv[0] ?? "", directory, error instanceof Error ? error : new Error(String(error)));
    return { code: null, signal: null, unstarted: words, wasKilled: false, endedFirst: !this.#wasStopped };
  }

  #endPolitely(child: ChildProcess): void {
    this.#stop = () => undefined;
    signalGroup(child.pid, "SIGTERM");
    setTimeout(() => {
      if (!isRunning(child)) return;
      this.#wasKilled = true;
      signalGroup(child.pid, "SIGKILL");
    }, this.#graceMs).unref();
  }

  #line(text: string): void {
    const line = parseLine(text);
    switch (line.kind) {
      case "output":
        return;
      case "near":
        this.#measurements.near(line.miss, text);
        return;
      case "checkpoint":
        this.#measurements.flush();
        this.#hasSaved = true;
        this.#checkpoints.announce(line.step);
        return;
      case "wrong":
        this.#measurements.wrong(line.problem);
        return;
      case "measurement": {
        this.#checkpoints.measured(line.step, metricOf(line.metrics, this.#measurements.objective));
        const arrival = this.#measurements.add(line);
        if (arrival === "reached") this.#hasReached();
        if (arrival === "beyond") this.#askToStop();
        if (this.#measurements.diverged !== "") this.#stop();
        return;
      }
      default:
        line satisfies never;
    }
  }

  /** It has its grace to save and end by itself: a program that keeps to its target is not disturbed, nor one that saves as it goes. */
  #hasReached(): void {
    if (this.#isLate !== undefined) return;
    if (this.#begin.overruns && !this.#hasSaved) {
      this.#askToStop();
      return;
    }
    this.#isLate = setTimeout(() => this.#askToStop(), this.#graceMs).unref();
  }

  #askToStop(): void {
    this.#wasAsked = true;
    this.#stop();
  }

  #alive(): void {
    if (this.#isTimeToTell()) this.#send({ kind: "alive", step: this.#measurements.step });
  }

  /** Bytes of a checkpoint moved, which are bounded: so is the time that this buys. */
  #packing(): void {
    if (this.#isTimeToTell()) this.#send({ kind: "packing" });
  }

  #isTimeToTell(): boolean {
    const now = performance.now();
    if (now - this.#aliveMs < this.#begin.aliveEveryMs) return false;
    this.#aliveMs = now;
    return true;
  }

  #course() {
    const { diverged, objective, names, hasReached, newestWrong, nearWords } = this.#measurements;
    return {
      diverged,
      stop: this.#outside.stopReason(),
      hasReached,
      untilStep: this.#begin.work.untilStep,
      pauses: !this.#begin.work.final,
      wasAsked: this.#wasAsked,
      objective,
      hasMeasured: names.has(objective),
      names: [...names],
      wrong: newestWrong,
      near: nearWords,
      isLater: this.#begin.attempt > 1,
      lastLines: this.#output.lastLines(lastLines),
      place: placeOf(this.#command.directory),
    };
  }

  get #graceMs(): number {
    return this.#command.stopGraceMs || defaults.stopGraceMs;
  }

  #seconds(): number {
    return this.#before.seconds + (performance.now() - this.#startedMs) / 1000;
  }
}
