/**
 * A procedure that trains nothing: its "weight" is a number that depends on every step before, so that a resume which is not exact shows in
 * the first measurement after it. What goes wrong, and when, are parameters of the trial.
 */
import type { ProcedureModule, Session, TrialRequest } from "@regulus/algorithms/training";
import { TrialFailure } from "@regulus/algorithms/training";
import type { Work } from "@regulus/proto";
import { z } from "zod";

const parameters = z.object({
  /** Milliseconds that a step takes. */
  stepMs: z.number().default(0),
  /** At this step the process throws, exits, hangs, takes memory or measures NaN. */
  at: z.number().default(-1),
  fault: z.enum(["throw", "exit", "hang", "memory", "nan", "infeasible", "loop"]).default("throw"),
  /** What it leaves at its end, as a report; absent for nothing. "fail" makes making it fail. */
  leaves: z.string().optional(),
  /** What it leaves where it pauses, as a report; absent for nothing. */
  leavesAtPause: z.string().optional(),
  /** Whether a held session takes new work; else it is opened anew. */
  resumes: z.boolean().default(true),
  /** Whether it may pause unsaved: what it did can be done again. */
  unsaved: z.boolean().default(false),
});
type Parameters = z.infer<typeof parameters>;

/** Works that a held session of this process took. */
let resumesTotal = 0;

const saved = z.object({ step: z.number(), weight: z.number() });

export const countingProcedure: ProcedureModule = {
  spec: { name: "fit", summary: "Counts.", source: "this test", options: z.object({}), learnsInside: false },
  open: async (request: TrialRequest) => new CountingSession(request),
};

class CountingSession implements Session {
  stepsDone = 0;
  readonly ended = false;
  readonly measureEverySteps = 10;
  #weight: number;
  readonly #parameters: Parameters;
  readonly #held: Uint8Array[] = [];

  constructor(request: TrialRequest) {
    this.#parameters = parameters.parse(request.work.parameters ?? {});
    this.#weight = request.seed;
    if (request.checkpoint !== undefined) {
      const state = saved.parse(JSON.parse(Buffer.from(request.checkpoint).toString("utf8")));
      this.stepsDone = state.step;
      this.#weight = state.weight;
    }
  }

  get mayPauseUnsaved(): boolean {
    return this.#parameters.unsaved;
  }

  async step(): Promise<void> {
    const { stepMs, at, fault } = this.#parameters;
    if (stepMs > 0) await new Promise((resolve) => setTimeout(resolve, stepMs));
    // The logistic map: a difference in the last bit is a difference in the first after fifty steps.
    this.#weight = 3.99 * fraction(this.#weight) * (1 - fraction(this.#weight));
    this.stepsDone += 1;
    if (this.stepsDone === at) await this.#goWrong(fault);
  }

  async measure() {
    const { at, fault } = this.#parameters;
    const validLoss = fault === "nan" && at >= 0 && this.stepsDone >= at ? Number.NaN : this.#weight;
    const metrics = { validLoss, process: process.pid, resumes: resumesTotal };
    return { step: this.stepsDone, metrics, learned: {}, scales: {}, hypergradients: {} };
  }

  async save(): Promise<Uint8Array> {
    return Buffer.from(JSON.stringify({ step: this.stepsDone, weight: this.#weight }));
  }

  async results() {
    const { leaves } = this.#parameters;
    if (leaves === undefined) return [];
    if (leaves === "fail") throw new Error("no paper");
    return [{ kind: "report", bytes: Buffer.from(`${leaves} at ${this.stepsDone}`) }];
  }

  async resultsAtPause() {
    const { leavesAtPause } = this.#parameters;
    return leavesAtPause === undefined ? [] : [{ kind: "report", bytes: Buffer.from(`${leavesAtPause} at ${this.stepsDone}`) }];
  }

  async resume({ parameters: given }: Work): Promise<boolean> {
    const { resumes } = parameters.parse(given ?? {});
    if (resumes) resumesTotal += 1;
    return resumes;
  }

  close(): void {}

  async #goWrong(fault: Parameters["fault"]): Promise<void> {
    switch (fault) {
      case "throw":
        throw new Error("the test's own failure");
      case "exit":
        console.error("the process says goodbye");
        return process.exit(3);
      case "hang":
        return new Promise(() => undefined);
      case "loop":
        for (;;) this.#weight += 1;
      case "memory":
        for (;;) {
          this.#held.push(new Uint8Array(16 * 2 ** 20).fill(1));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      case "infeasible":
        throw new TrialFailure("infeasible", "this configuration can't be built");
      case "nan":
        return;
      default:
        fault satisfies never;
    }
  }
}

/** Into [0, 1): seeds are whole numbers. */
function fraction(value: number): number {
  const inside = value % 1;
  return inside === 0 ? ((Math.abs(value) % 997) + 1) / 1000 : inside;
}
