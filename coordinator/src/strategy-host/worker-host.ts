/**
 * A strategy in a thread of its own, so that a question which takes seconds holds up no lease. The thread may die, throw, hang or take
 * too much memory; each becomes a failure of the strategy in words.
 */
import { Worker } from "node:worker_threads";
import type { Fact, SearchSpec } from "@regulus/proto";
import { failureWords, type StrategyAnswer, type StrategyHost } from "./strategy-host.js";
import type { FromWorker, ToWorker, WorkerStart } from "./worker-messages.js";

/** Longest time for one answer, in milliseconds of the real clock: past it the thread hangs, as far as anybody can tell. */
const answerMsMax = 300_000;
/** Memory of a strategy's thread, in MiB. */
const heapMiBMax = 2048;

/** Where a heavy strategy comes from. */
export interface WorkerHostOptions {
  /** URL of a module that exports `strategies`; the registered ones where absent. */
  readonly strategiesUrl?: string;
  readonly answerMsMax?: number;
}

export class WorkerHost implements StrategyHost {
  readonly #worker: Worker;
  readonly #answerMsMax: number;
  #answer: ((answer: StrategyAnswer) => void) | undefined;
  #late: NodeJS.Timeout | undefined;
  #failure: string | undefined;
  #closed = false;

  constructor(spec: SearchSpec, options: WorkerHostOptions = {}) {
    this.#answerMsMax = options.answerMsMax ?? answerMsMax;
    const start: WorkerStart = {
      spec,
      strategiesUrl: options.strategiesUrl ?? import.meta.resolve("@regulus/algorithms/strategies"),
    };
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: heapMiBMax },
    });
    this.#worker.on("message", (answer: FromWorker) => this.#finish(answer));
    this.#worker.on("error", (thrown) => this.#fail(failureWords("ran in its thread", thrown)));
    this.#worker.on("exit", (code) => this.#fail(`its thread ended with exit code ${code}`));
  }

  tell(facts: readonly Fact[]): void {
    if (facts.length > 0) this.#post({ kind: "tell", facts });
  }

  ask(limit: number, answer: (answer: StrategyAnswer) => void): void {
    if (this.#failure !== undefined) {
      answer({ failure: this.#failure });
      return;
    }
    this.#answer = answer;
    this.#late = setTimeout(() => this.#fail(`it gave no answer for ${this.#answerMsMax} ms`), this.#answerMsMax);
    this.#post({ kind: "ask", limit });
  }

  close(): void {
    this.#closed = true;
    this.#answer = undefined;
    clearTimeout(this.#late);
    void this.#worker.terminate();
  }

  #post(message: ToWorker): void {
    if (this.#closed || this.#failure !== undefined) return;
    try {
      this.#worker.postMessage(message);
    } catch (thrown) {
      this.#fail(failureWords("was sent a message", thrown));
    }
  }

  #fail(failure: string): void {
    if (this.#closed || this.#failure !== undefined) return;
    this.#failure = failure;
    void this.#worker.terminate();
    this.#finish({ failure });
  }

  #finish(answer: StrategyAnswer): void {
    clearTimeout(this.#late);
    const waiting = this.#answer;
    this.#answer = undefined;
    waiting?.(answer);
  }
}
