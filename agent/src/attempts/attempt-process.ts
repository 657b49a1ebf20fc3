/**
 * The trial process of one attempt, and the program that it runs: hears it, tells it, kills both with all that they started, or lets go of it so
 * that it can wait for its trial's next attempt. What its messages mean is the attempt's affair.
 */
import type { EndReason } from "@regulus/proto";
import { kernelOutOfMemoryCount } from "../facts/machine-memory.js";
import type { FromTrial, ToTrial } from "../trial/messages.js";
import { endMarked, killTree, leftWords } from "./descendants.js";
import { exitReason } from "./exit-reason.js";
import { signalGroup } from "./process-group.js";
import type { Resident } from "./residents.js";
import type { TrialProcess } from "./spares.js";

/** The end of a trial process. */
export interface ProcessEnd {
  /** What it means for the attempt where no last word came before. */
  readonly reason: EndReason;
  readonly message: string;
  /** Whether it ended by itself, with code 0. */
  readonly isClean: boolean;
}

export interface AttemptProcessListener {
  message(message: FromTrial): void;
  /** It could not be forked or told. */
  failed(error: Error): void;
  /** It has ended and its pipes are read; its program was killed. */
  ended(end: ProcessEnd): void;
}

export class AttemptProcess {
  readonly #listeners: {
    readonly message: (message: FromTrial) => void;
    readonly error: (error: Error) => void;
    readonly close: (code: number | null, signal: NodeJS.Signals | null) => void;
  };
  readonly #outOfMemoryBefore = kernelOutOfMemoryCount();
  #isKept = true;

  /**
   * @param userCode whether it may have started anything, so that what it leaves is looked for.
   * @param programGroup process group of a program that it runs already.
   */
  readonly #process: TrialProcess;
  readonly #userCode: boolean;
  #programGroup: number | undefined;

  constructor(process: TrialProcess, userCode: boolean, listener: AttemptProcessListener, programGroup?: number) {
    this.#process = process;
    this.#userCode = userCode;
    this.#programGroup = programGroup;
    this.#listeners = {
      message: (message) => {
        if (message.kind === "program") this.#programGroup = message.group;
        else listener.message(message);
      },
      error: (error) => listener.failed(error),
      close: (code, signal) => {
        this.killProgram();
        listener.ended(this.#endOf(code, signal));
      },
    };
    const { message, error, close } = this.#listeners;
    process.child.on("message", message).on("error", error).on("close", close);
  }

  get pid(): number | undefined {
    return this.#process.child.pid;
  }

  /** Whether it can be told something. */
  get connected(): boolean {
    return this.#isKept && this.#process.child.connected;
  }

  send(message: ToTrial): void {
    // A process that has just ended can't be told; its exit tells the rest.
    if (this.connected) this.#process.child.send(message, () => undefined);
  }

  /** Tells it to go: it hears nothing more. */
  disconnect(): void {
    if (this.connected) this.#process.child.disconnect();
  }

  kill(): void {
    if (!this.#isKept) return;
    const { child } = this.#process;
    if (this.#userCode && child.pid !== undefined && child.exitCode === null && child.signalCode === null) killTree(child.pid);
    child.kill("SIGKILL");
    this.killProgram();
  }

  /** Kills its program with all of its group. Answers whether there was one. */
  killProgram(): boolean {
    const programGroup = this.#programGroup;
    this.#programGroup = undefined;
    signalGroup(programGroup, "SIGKILL");
    return programGroup !== undefined;
  }

  /** Ends what user code started and left behind. Answers in words what could not be ended. */
  async endLeft(): Promise<string | undefined> {
    return this.#userCode && this.#isKept ? leftWords(await endMarked(this.#process.mark)) : undefined;
  }

  /** It is somebody else's from now on. */
  letGo(): Pick<Resident, "process" | "programGroup"> {
    const process = this.#process;
    const programGroup = this.#programGroup;
    const { message, error, close } = this.#listeners;
    process.child.off("message", message).off("error", error).off("close", close);
    this.#isKept = false;
    return { process, programGroup };
  }

  #endOf(code: number | null, signal: NodeJS.Signals | null): ProcessEnd {
    const kernelOutOfMemory = kernelOutOfMemoryCount() > this.#outOfMemoryBefore;
    const exit = { code, signal, stderr: this.#process.stderr(), userCode: this.#userCode, kernelOutOfMemory };
    return { ...exitReason(exit), isClean: code === 0 };
  }
}
