/**
 * A program that is asked a line and answers a line, in a process group of its own. It runs from the first question until it is ended or is
 * asked to stop before it has an answer; the next question starts another one. Knows nothing of what is asked.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { TrialFailure } from "@regulus/algorithms/training";
import { RegulusError } from "@regulus/proto";
import { Family, leftWords, markVariable } from "../attempts/descendants.js";
import { isEndedFromOutside } from "../attempts/exit-reason.js";
import { closePipes, signalGroup } from "../attempts/process-group.js";
import { LineReader } from "./line-reader.js";
import { OutputRing } from "./output-ring.js";
import { startFailure } from "./start-failure.js";

/** Lines of standard error in a message about a failure. */
const lastLines = 10;

export interface AnsweringProgramOptions {
  readonly argv: readonly string[];
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** From SIGTERM to SIGKILL. */
  readonly stopGraceMs: number;
  readonly answerBytesMax: number;
  /** Told the process group of each program that starts. */
  readonly started: (group: number) => void;
  /** Told in words of processes that a program left and that could not be ended. */
  readonly left: (words: string) => void;
}

interface Running {
  readonly child: ChildProcess;
  /** Resolves once it has ended and its pipes are read. */
  readonly ended: Promise<void>;
}

interface Open {
  readonly resolve: (line: string | undefined) => void;
  readonly reject: (error: Error) => void;
}

export class AnsweringProgram {
  /** What the programs wrote to standard error. */
  readonly output = new OutputRing();
  #running: Running | undefined;
  /** The question that waits for an answer. */
  #open: Open | undefined;
  /** What went wrong while nothing was asked; the next question tells. */
  #failure: Error | undefined;

  readonly #options: AnsweringProgramOptions;

  constructor(options: AnsweringProgramOptions) {
    this.#options = options;
  }

  /** Whether a program runs that has answered or can. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Asks a line. Answers undefined where `end` came before the answer. */
  ask(line: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#running ??= this.#start();
      this.#open = { resolve, reject };
      this.#running.child.stdin?.write(`${line}\n`);
    });
  }

  /** Ends the program: the end of its input and SIGTERM, after the grace SIGKILL. A question that is open gets no answer. */
  async end(graceMs = this.#options.stopGraceMs): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#settle(({ resolve }) => resolve(undefined));
    if (running === undefined) return;
    const { child, ended } = running;
    child.stdin?.end();
    signalGroup(child.pid, "SIGTERM");
    const timer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), graceMs);
    await ended;
    clearTimeout(timer);
  }

  #start(): Running {
    const { argv, directory, env } = this.#options;
    const [program = "", ...args] = argv;
    // A group of its own, so that what it starts ends with it.
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(program, args, { cwd: directory || process.cwd(), env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    } catch (error) {
      // Some failures are thrown and not told by the child: a directory that is none, arguments that are too long.
      throw new TrialFailure(
        "user-error",
        startFailure(program, directory, error instanceof Error ? error : new Error(String(error))),
      );
    }
    const family = child.pid === undefined ? undefined : new Family(child.pid, process.env[markVariable]);
    const endFamily = () => {
      signalGroup(child.pid, "SIGKILL");
      const words = leftWords(family?.end() ?? []);
      if (words !== undefined) this.#options.left(words);
    };
    process.on("exit", endFamily);
    if (child.pid !== undefined) this.#options.started(child.pid);
    const tooLong = () => this.#fail(child, new TrialFailure("user-error", tooLongWords(this.#options.answerBytesMax)));
    const reader = new LineReader(this.#options.answerBytesMax, (line) => this.#line(child, line), tooLong);
    child.stdout.on("data", (chunk: Buffer) => reader.add(chunk));
    child.stderr.on("data", (chunk: Buffer) => this.output.add(chunk));
    // A program that is gone can't be asked; its exit tells.
    child.stdin.on("error", () => undefined);
    const ended = new Promise<void>((resolve) => {
      child.on("error", (error) => {
        this.#fail(child, new TrialFailure("user-error", startFailure(program, directory, error)));
        resolve();
      });
      child.on("exit", () => {
        endFamily();
        closePipes(child);
      });
      child.on("close", (code, signal) => {
        process.off("exit", endFamily);
        this.#fail(child, this.#endFailure(code, signal));
        resolve();
      });
    });
    return { child, ended };
  }

  #line(child: ChildProcess, text: string): void {
    if (this.#running?.child !== child || text.trim() === "") return;
    if (this.#open !== undefined) this.#settle(({ resolve }) => resolve(text));
    else {
      const words = `the program said ${JSON.stringify(text.slice(0, 80))} though nothing was asked, expected one line for each question; print output for people on standard error`;
      this.#fail(child, new TrialFailure("user-error", words));
    }
  }

  /** Something went wrong with the program that is asked now; one that was ended may do what it likes. */
  #fail(child: ChildProcess, error: Error): void {
    if (this.#running?.child !== child) return;
    this.#failure ??= error;
    const failure = this.#failure;
    this.#settle(({ reject }) => reject(failure));
  }

  #settle(how: (open: Open) => void): void {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) how(open);
  }

  #endFailure(code: number | null, signal: NodeJS.Signals | null): Error {
    const last = this.output.lastLines(lastLines);
    const tail = last === "" ? "it wrote nothing to standard error" : `its last lines:\n${last}`;
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
    const words = `the program ${how} before its input did; ${tail}`;
    return isEndedFromOutside({ code, signal }) ? new RegulusError("unavailable", words) : new TrialFailure("user-error", words);
  }
}

function tooLongWords(most: number): string {
  return `the program's answer is longer than ${most} bytes, expected a line that is shorter: a smaller state`;
}
