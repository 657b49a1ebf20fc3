/**
 * One attempt of procedure `command`: runs the user's program without a shell in a process group of its own, reads its measurements, packs
 * its checkpoint folder when it says that it is whole, and ends it politely, then not. Runs in the trial process, which outlives no agent
 * and takes the program with it.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Command, defaults, filledWords, type Measurement, RegulusError } from "@regulus/proto";
import { closePipes, signalGroup } from "../attempts/process-group.js";
import { checkProcedure } from "../trial/checkpoint-file.js";
import type { Begin, FromTrial } from "../trial/messages.js";
import type { OutcomeReason, StopReason } from "../trial/trainer.js";
import { restoreDirectory } from "./directory-archive.js";
import { LineReader } from "./line-reader.js";
import { lineBytesMax, parseLine } from "./measurement-lines.js";
import { OutputRing } from "./output-ring.js";
import { ProgramCheckpoints } from "./program-checkpoints.js";
import { programEnvironment, programPaths } from "./program-environment.js";
import { RateLimit } from "./rate-limit.js";
import { startFailure } from "./start-failure.js";

/** Measurements that may come at once, and a second after that; the rest is thinned to the newest. */
const measurementRate = { burst: 1000, perSecond: 100 };
/** Wrong lines that are told of; the others stand in the output. */
const wrongLinesMax = 5;
/** Lines of output in a message about a failure. */
const lastLines = 10;

export interface CommandOutside {
  stopReason(): StopReason | undefined;
  /** Whether the last checkpoint that was announced is stored. */
  stored(): boolean;
  /** Calls back whenever a checkpoint that was announced is stored. */
  onStored(call: () => void): void;
  /** Calls back once when the attempt is to stop. */
  onStop(call: () => void): void;
}

/** Works on an attempt to its end. Tells everything by `send`; the last message is "finished". */
export async function runCommand(begin: Begin, outside: CommandOutside, send: (message: FromTrial) => void): Promise<void> {
  const command = begin.spec.command;
  if (command === undefined)
    throw new RegulusError("invalid-argument", "procedure command needs a search with a command, saw one without");
  const paths = programPaths(begin.directory);
  await mkdir(paths.checkpointDirectory, { recursive: true });
  await writeFile(paths.parameters, `${JSON.stringify(begin.work.parameters ?? {}, undefined, 2)}\n`);
  const before = begin.checkpoint === "" ? undefined : await restoreDirectory(begin.checkpoint, paths.checkpointDirectory);
  if (before !== undefined) checkProcedure(before, begin.work.procedure);
  const run = new ProgramRun(begin, command, outside, send, before ?? { step: 0, seconds: 0 });
  await run.work();
}

class ProgramRun {
  private readonly output = new OutputRing();
  private readonly rate = new RateLimit(measurementRate);
  private readonly startedMs = performance.now();
  private newest: Measurement | undefined;
  private unsent: Measurement | undefined;
  private readonly checkpoints: ProgramCheckpoints;
  private wrongLines = 0;
  private aliveMs = 0;
  private diverged = "";

  constructor(
    private readonly begin: Begin,
    private readonly command: Command,
    private readonly outside: CommandOutside,
    private readonly send: (message: FromTrial) => void,
    private readonly before: { readonly step: number; readonly seconds: number },
  ) {
    this.checkpoints = new ProgramCheckpoints({
      directory: begin.directory,
      folder: programPaths(begin.directory).checkpointDirectory,
      everyMs: begin.spec.reporting?.checkpointEveryMs || defaults.checkpointEveryMs,
      resumedStep: before.step,
      header: (step) => ({ step, seconds: this.seconds(), procedure: begin.work.procedure }),
      stored: () => outside.stored(),
      send,
    });
    outside.onStored(() => this.checkpoints.look());
  }

  async work(): Promise<void> {
    const ended = await this.runProgram();
    if (this.unsent !== undefined) this.send({ kind: "measured", measurement: this.unsent });
    // What the program saved last is worth keeping however it ended: its trial goes on from there, or that is its final checkpoint.
    await this.checkpoints.finish();
    const outcome = this.outcome(ended);
    const path = join(this.begin.directory, "output.txt");
    await writeFile(path, this.output.contents());
    const leaves = this.output.totalBytes > 0 ? [{ path, kind: "output" }] : [];
    this.send({ kind: "finished", ...outcome, step: this.newest?.step ?? 0, final: this.newest, leaves });
  }

  private async runProgram(): Promise<ProgramEnd> {
    const [program = "", ...args] = filledWords(this.command.argv, this.begin.work.parameters ?? {});
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn(program, args, {
        cwd: this.command.directory || this.begin.directory,
        env: programEnvironment(this.begin, programPaths(this.begin.directory), process.env),
        stdio: ["ignore", "pipe", "pipe"],
        // A group of its own, so that what it starts ends with it.
        detached: true,
      });
    } catch (error) {
      // Some failures are thrown and not told by the child: a directory that is none, arguments that are too long.
      return { code: null, signal: null, error: error instanceof Error ? error : new Error(String(error)), killedByUs: false };
    }
    const killed = { byUs: false };
    const endGroup = () => signalGroup(child.pid, "SIGKILL");
    process.on("exit", endGroup);
    this.outside.onStop(() => this.stop(child, killed));
    const reader = new LineReader(lineBytesMax, (line) => this.line(line, child, killed));
    child.stdout.on("data", (chunk: Buffer) => {
      this.output.add(chunk);
      reader.add(chunk);
      this.alive();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.output.add(chunk);
      this.alive();
    });
    if (child.pid !== undefined) this.send({ kind: "program", group: child.pid });
    const end = await new Promise<ProgramEnd>((resolve) => {
      child.on("error", (error) => resolve({ code: null, signal: null, error, killedByUs: false }));
      child.on("exit", () => {
        endGroup();
        closePipes(child);
      });
      child.on("close", (code, signal) => resolve({ code, signal, error: undefined, killedByUs: killed.byUs }));
    });
    reader.end();
    process.off("exit", endGroup);
    return end;
  }

  private stop(child: ChildProcess, killed: { byUs: boolean }): void {
    signalGroup(child.pid, "SIGTERM");
    const grace = this.command.stopGraceMs || defaults.stopGraceMs;
    setTimeout(() => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      killed.byUs = true;
      signalGroup(child.pid, "SIGKILL");
    }, grace).unref();
  }

  private line(text: string, child: ChildProcess, killed: { byUs: boolean }): void {
    const line = parseLine(text);
    switch (line.kind) {
      case "output":
        return;
      case "checkpoint":
        this.checkpoints.announce(line.step);
        return;
      case "wrong":
        this.wrongLines += 1;
        if (this.wrongLines <= wrongLinesMax) {
          this.send({
            kind: "found",
            source: "command",
            severity: "warning",
            message: `a line is no measurement: ${line.problem}`,
          });
        }
        return;
      case "measurement":
        this.measured(line.step, line.metrics);
        if (this.diverged !== "") this.stop(child, killed);
        return;
      default:
        line satisfies never;
    }
  }

  private measured(step: number, metrics: Readonly<Record<string, number>>): void {
    const measurement: Measurement = {
      step,
      metrics: { ...metrics },
      learned: {},
      scales: {},
      hypergradients: {},
      vectors: {},
      seconds: this.seconds(),
    };
    this.newest = measurement;
    this.checkpoints.measured(step);
    const free = this.rate.take();
    if (free) this.send({ kind: "measured", measurement });
    this.unsent = free ? undefined : measurement;
    const objective = this.begin.spec.objectives[0]?.metric ?? "";
    const value = metrics[objective];
    if (value !== undefined && !Number.isFinite(value) && this.diverged === "") {
      this.diverged = `${objective} is ${value} at step ${step}: the program's training stopped being finite`;
    }
  }

  private alive(): void {
    const now = performance.now();
    if (now - this.aliveMs < this.begin.aliveEveryMs) return;
    this.aliveMs = now;
    this.send({ kind: "alive", step: this.newest?.step ?? 0 });
  }

  private outcome(end: ProgramEnd): { reason: OutcomeReason; message: string } {
    if (this.diverged !== "") return { reason: "diverged", message: this.diverged };
    const stop = this.outside.stopReason();
    if (stop !== undefined) {
      const message = end.killedByUs ? "the program did not end in its grace after SIGTERM and was killed" : "";
      return { reason: stop, message };
    }
    if (end.error !== undefined)
      return { reason: "user-error", message: startFailure(this.command.argv[0] ?? "", this.command.directory, end.error) };
    const last = this.output.lastLines(lastLines);
    const tail = last === "" ? "it printed nothing" : `its last lines:\n${last}`;
    if (end.signal !== null) {
      // SIGKILL and SIGTERM come from outside (an operator, the kernel); other signals are the program's own fault.
      const outside = end.signal === "SIGKILL" || end.signal === "SIGTERM" || end.signal === "SIGHUP";
      return { reason: outside ? "lost" : "user-error", message: `the program was ended by ${end.signal}; ${tail}` };
    }
    if (end.code !== 0) return { reason: "user-error", message: `the program ended with code ${end.code}; ${tail}` };
    return this.checkFinal(tail);
  }

  /** A program that ended well must have measured the objective. */
  private checkFinal(tail: string): { reason: OutcomeReason; message: string } {
    const objective = this.begin.spec.objectives[0]?.metric ?? "";
    const seen = this.newest === undefined ? "no measurement" : `metrics ${Object.keys(this.newest.metrics).join(", ")}`;
    if (this.newest !== undefined && objective in this.newest.metrics) return { reason: "done", message: "" };
    const expected = `a line such as {"step": 10, "${objective}": 0.5}`;
    return {
      reason: "user-error",
      message: `the program ended well, but its last word was ${seen}; expected ${expected}; ${tail}`,
    };
  }

  private seconds(): number {
    return this.before.seconds + (performance.now() - this.startedMs) / 1000;
  }
}

interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | undefined;
  readonly killedByUs: boolean;
}
