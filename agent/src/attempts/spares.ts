/**
 * Trial processes that are made ready before there is work: one spare for training and one for programs, each prepared like the last one
 * that was asked for, so that loading tfjs and data costs no trial. A process is used once.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { IdleCores } from "../idle-cores.js";
import type { FromTrial, LikelyTrial, Preparation, ToTrial } from "../trial/messages.js";
import { markVariable, processMark } from "./descendants.js";
import { trialPart } from "./owner-environment.js";

/** Cores that have to have been idle between two looks: a trial that opens takes somewhat more than one, with the threads of its garbage collector. */
const idleCoresWanted = 0.5;
/** Bytes kept of what a trial process writes to standard error. */
const stderrBytesMax = 16 * 1024;

/** What a process is to be like. */
export interface ProcessKind {
  /** A backend preference, or "command". */
  readonly backend: string;
  /** Limit of V8's heap in bytes. */
  readonly memoryBytes: number;
  /** Variables of the devices that it takes when it is made ready; empty where it takes none. */
  readonly devices?: Readonly<Record<string, string>>;
}

/** What the agent does with a trial process: the part of Node's ChildProcess that it needs. */
export interface TrialChild {
  readonly pid?: number | undefined;
  readonly connected: boolean;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  send(message: ToTrial, told: () => void): boolean;
  disconnect(): void;
  kill(signal: NodeJS.Signals): boolean;
  on(event: "message", listener: (message: FromTrial) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "exit" | "close", listener: (code: number | null, signal: NodeJS.Signals | null) => void): this;
  off(event: "message", listener: (message: FromTrial) => void): this;
  off(event: "error", listener: (error: Error) => void): this;
  off(event: "exit" | "close", listener: (code: number | null, signal: NodeJS.Signals | null) => void): this;
}

/** A forked trial process. */
export interface TrialProcess {
  readonly child: TrialChild;
  readonly kind: ProcessKind;
  /** Stands in its environment and in those of all that it starts. */
  readonly mark: string;
  /** What it said when it was prepared; resolves with undefined where it ended before. */
  readonly prepared: Promise<Extract<FromTrial, { kind: "ready" | "unready" }> | undefined>;
  /** The end of what it wrote to standard error. */
  stderr(): string;
}

type Use = "training" | "programs";

/** What the next spare waits for. */
export interface Patience {
  /** Answers a function that tells how many cores were idle since it was made or last asked. */
  watch(): () => number;
  /** Milliseconds between two looks. */
  readonly lookEveryMs: number;
  /**
   * Looks after which a spare is prepared on a machine whose cores are all at work. To prepare one costs what it saves, only earlier, and taken from a
   * running trial it saves nothing; so it can wait for long.
   */
  readonly looksMax: number;
}

/** Bytes of a process's argument. */
const argumentBytesMax = 100_000;

/** What processes get of the agent's environment, and which devices the next trial is likely to have. */
export interface SparesOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** What the marks of its processes begin with. */
  readonly mark: string;
  readonly nextDevices?: () => Readonly<Record<string, string>> | undefined;
}

export class Spares {
  /** One for training and one for programs, each like the last one that was asked for. */
  readonly #spares = new Map<Use, TrialProcess>();
  readonly #timers = new Map<Use, NodeJS.Timeout>();
  #closed = false;

  readonly #trialMain: URL;
  readonly #options: SparesOptions;
  readonly #patience: Patience;

  constructor(
    trialMain: URL,
    options: SparesOptions = { environment: trialPart(process.env), mark: "" },
    patience: Patience = { watch: () => new IdleCores().sinceLast, lookEveryMs: 500, looksMax: 60 },
  ) {
    this.#trialMain = trialMain;
    this.#options = options;
    this.#patience = patience;
  }

  /** A process of a kind, prepared if a spare fits; another spare of that kind is prepared as soon as a core is idle, or half a minute later. */
  take(kind: ProcessKind, likely: LikelyTrial): TrialProcess {
    const use = useOf(kind);
    const spare = this.#spares.get(use);
    this.#spares.delete(use);
    this.#prepareLater(kind, likely);
    if (spare?.child.connected && fits(spare.kind, kind)) return spare;
    spare?.child.kill("SIGKILL");
    return this.#fork(kind, undefined);
  }

  /** Prepares a spare now and answers it, to learn which backend it found. */
  prepare(kind: ProcessKind, likely?: LikelyTrial): TrialProcess {
    const use = useOf(kind);
    const spare = this.#fork(kind, likely);
    this.#spares.set(use, spare);
    spare.child.on("exit", () => {
      if (this.#spares.get(use) === spare) this.#spares.delete(use);
    });
    return spare;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearInterval(timer);
    for (const spare of this.#spares.values()) spare.child.kill("SIGKILL");
    this.#spares.clear();
  }

  #prepareLater(kind: ProcessKind, likely: LikelyTrial): void {
    const use = useOf(kind);
    clearInterval(this.#timers.get(use));
    let looks = 0;
    const { watch, lookEveryMs, looksMax } = this.#patience;
    const idleCores = watch();
    const timer = setInterval(() => {
      looks++;
      if (idleCores() < idleCoresWanted && looks < looksMax) return;
      clearInterval(timer);
      if (!this.#closed && !this.#spares.has(use)) this.prepare(this.#nextOf(kind), use === "training" ? likely : undefined);
    }, lookEveryMs);
    this.#timers.set(use, timer);
  }

  /** A kind whose devices are those of the slot that is taken next. */
  #nextOf(kind: ProcessKind): ProcessKind {
    const devices = takesDevices(kind) ? this.#options.nextDevices?.() : undefined;
    return devices === undefined ? kind : { ...kind, devices };
  }

  #fork(kind: ProcessKind, likely: LikelyTrial | undefined): TrialProcess {
    const heapMb = Math.max(64, Math.floor(kind.memoryBytes / 2 ** 20));
    const mark = processMark(this.#options.mark);
    const child = fork(fileURLToPath(this.#trialMain), [preparationText(kind.backend, likely)], {
      serialization: "advanced",
      env: { ...this.#options.environment, ...kind.devices, [markVariable]: mark },
      execArgv: [`--max-old-space-size=${heapMb}`, "--enable-source-maps"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    // A process that can't be forked ends like one that crashed: "exit" or "error" tells, and the attempt says why.
    const prepared = new Promise<Awaited<TrialProcess["prepared"]>>((resolve) => {
      child.on("message", (message: FromTrial) => {
        if (message.kind === "ready" || message.kind === "unready") resolve(message);
      });
      child.on("exit", () => resolve(undefined));
      child.on("error", () => resolve(undefined));
    });
    let stderr = Buffer.alloc(0);
    child.stderr?.on("data", (chunk: Buffer) => {
      const all = Buffer.concat([stderr, chunk]);
      stderr = Buffer.from(all.subarray(Math.max(0, all.length - stderrBytesMax)));
    });
    return { child, kind, mark, prepared, stderr: () => stderr.toString("utf8").trim() };
  }
}

function useOf(kind: ProcessKind): Use {
  return kind.backend === "command" ? "programs" : "training";
}

/** Whether a process may be used where one of a kind is wanted. A kind that takes no devices does not mind which the process has. */
function fits(made: ProcessKind, wanted: ProcessKind): boolean {
  const sameDevices = !takesDevices(wanted) || JSON.stringify(made.devices) === JSON.stringify(wanted.devices);
  return made.backend === wanted.backend && made.memoryBytes === wanted.memoryBytes && sameDevices;
}

function takesDevices({ devices }: ProcessKind): boolean {
  return devices !== undefined && Object.keys(devices).length > 0;
}

/**
 * How a process is made ready, as its argument. What a trial is given is left out, since a session is opened ahead without it; where the rest is still
 * longer than an argument may be (128 KiB on Linux), nothing is opened ahead.
 */
export function preparationText(backend: string, likely: LikelyTrial | undefined): string {
  const bare: Preparation = { backend };
  if (likely === undefined) return JSON.stringify(bare);
  const { spec, work, seed } = likely;
  const light = { spec: { ...spec, inputs: [] }, work: { ...work, inputs: [], vectors: {} }, seed };
  const text = JSON.stringify({ ...bare, likely: light });
  return Buffer.byteLength(text) > argumentBytesMax ? JSON.stringify(bare) : text;
}
