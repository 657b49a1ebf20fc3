/**
 * A trial's state from its program's lines: the measurements, when it has reached its target, whether it diverged, and what of it was left out.
 * Measurements past the end of the work are left out too; a program that pauses may print further ones, which save it another attempt.
 */
import { counted, limits, type Measurement, metricOf, type SearchSpec, signOf, type Work } from "@regulus/proto";
import type { FromTrial } from "../trial/messages.js";
import type { Line, NearMiss } from "./measurement-lines.js";
import { NearMisses } from "./near-misses.js";
import { RateLimit } from "./rate-limit.js";
import { StepMeasurements } from "./step-measurements.js";
import { type Arrival, StepTarget } from "./step-target.js";

/** Measurements that may come at once, and a second after that; the rest is thinned to the newest and the best. */
const measurementRate = { burst: 1000, perSecond: 100 };
/** Wrong lines, and metrics that are no numbers, that are told of; the others stand in the output. */
const warningsMax = 5;
/** Characters of a line that is left out in the warning about it. */
const lineShown = 120;

type MeasurementLine = Extract<Line, { kind: "measurement" }>;

export interface ProgramMeasurementsOptions {
  readonly spec: Pick<SearchSpec, "objectives" | "budget">;
  readonly work: Pick<Work, "untilStep" | "final">;
  /** The step that the program goes on from; 0 for the beginning. */
  readonly fromStep: number;
  /** Whether the program is known to run past its target, which is not told again. */
  readonly overruns: boolean;
  readonly seconds: () => number;
  readonly send: (message: FromTrial) => void;
}

/** A line as a program should print it. */
function exampleLine(objective: string): string {
  return `{"step": 1, ${JSON.stringify(objective)}: 0.5}`;
}

export class ProgramMeasurements {
  /** Why the program diverged; empty while it has not. */
  diverged = "";
  /** Names of metrics that were measured, the objective's in any case. */
  readonly names = new Set<string>();
  /** What is wrong with the last line that looked like a measurement and was none; empty for none. */
  newestWrong = "";
  readonly #steps: StepMeasurements;
  readonly #target: StepTarget;
  /** Where measurements end to count: at the end of the work, or of what the budget allows a trial. */
  readonly #end: StepTarget;
  /** Names of metrics that were left out and told of. */
  readonly #lost = new Set<string>();
  #lostUntold = 0;
  #wrongLines = 0;
  #toldBeyond = false;
  readonly #misses = new NearMisses();

  readonly #options: ProgramMeasurementsOptions;

  constructor(options: ProgramMeasurementsOptions) {
    this.#options = options;
    const { spec, work, fromStep, seconds, send } = options;
    const rate = new RateLimit(measurementRate);
    this.#target = new StepTarget(work.untilStep, this.objective);
    this.#end = new StepTarget(work.final ? work.untilStep : (spec.budget?.stepsPerTrial ?? 0), this.objective);
    this.#steps = new StepMeasurements({
      objective: this.objective,
      sign: signOf(spec.objectives[0]),
      fromStep,
      seconds,
      mayBeSent: () => rate.take(),
      send: (measurement) => send({ kind: "measured", measurement }),
      after: (ms, call) => void setTimeout(call, ms).unref(),
    });
  }

  get objective(): string {
    return this.#options.spec.objectives[0]?.metric ?? "";
  }

  /** The newest measurement; undefined for none. */
  get newest(): Measurement | undefined {
    return this.#steps.newest;
  }

  /** The newest step; where the program goes on from while it measured nothing. */
  get step(): number {
    return this.#steps.step;
  }

  get hasReached(): boolean {
    return this.#target.reachedStep !== undefined;
  }

  /** Takes a measurement line. Answers what it says of the target. */
  add({ step, metrics, lost }: MeasurementLine): Arrival {
    for (const { name, problem } of lost) this.#lose(name, problem);
    if (Object.keys(metrics).length === 0) return "before";
    if (step < this.#steps.step) {
      this.#leaveOut(step, metrics);
      return "before";
    }
    const arrival = this.#target.add(step, metrics);
    if (arrival === "beyond") this.#tellBeyond(step);
    if (this.#end.add(step, metrics) === "beyond") return arrival;
    this.#steps.add(step, metrics);
    for (const name of Object.keys(metrics)) {
      if (name === this.objective || this.names.size < limits.measurementNamesMax) this.names.add(name);
    }
    if (arrival === "reached") this.#steps.flush(true);
    const value = metricOf(metrics, this.objective);
    if (value !== undefined && !Number.isFinite(value) && this.diverged === "") {
      this.diverged = `${this.objective} is ${value} at step ${step}: the program's training stopped being finite`;
    }
    return arrival;
  }

  /** A checkpoint is announced: what was measured before it is sent before it. */
  flush(): void {
    this.#steps.flush();
  }

  wrong(problem: string): void {
    this.#wrongLines += 1;
    this.newestWrong = problem;
    if (this.#wrongLines <= warningsMax) this.#found("warning", `a line is not a measurement: ${problem}`);
  }

  /** A line may have been meant as a measurement: told early where the program has measured nothing so far. */
  near(miss: NearMiss, line: string): void {
    const isEnough = this.#misses.add(miss, line);
    if (isEnough && this.names.size === 0)
      this.#found("warning", `nothing is measured so far: ${this.#misses.words()}; expected ${exampleLine(this.objective)}`);
  }

  /** What may have been meant as measurements, in words; empty for nothing. */
  get nearWords(): string {
    return this.#misses.words();
  }

  /** All lines were read. */
  finish(): void {
    this.#steps.end();
    const { leftOut, overfull } = this.#steps;
    if (leftOut > 1)
      this.#found("warning", `${counted(leftOut, "line")} in all are left out: each has a lower step than a line before it`);
    const most = `a measurement has at most ${limits.measurementNamesMax}`;
    if (overfull > 0) this.#found("warning", `${counted(overfull, "metric")} left out: ${most}`);
    if (this.#lostUntold > 0)
      this.#found(
        "warning",
        `${counted(this.#lostUntold, "more value")} of metrics left out: not numbers, or with invalid names`,
      );
    if (this.#wrongLines > warningsMax)
      this.#found("warning", `${counted(this.#wrongLines, "line")} in all are not measurements`);
  }

  #leaveOut(step: number, metrics: Readonly<Record<string, number>>): void {
    const expected = `a step of at least ${this.#steps.step}, the newest so far`;
    this.#steps.add(step, metrics);
    if (this.#steps.leftOut > 1) return;
    const line = JSON.stringify({ step, ...metrics }).slice(0, lineShown);
    this.#found("warning", `a line is left out: ${line}; expected ${expected}`);
  }

  #tellBeyond(step: number): void {
    if (this.#toldBeyond || this.#options.overruns) return;
    this.#toldBeyond = true;
    this.#options.send({ kind: "overran" });
    const told = `REGULUS_UNTIL_STEP told it to end at step ${this.#options.work.untilStep}`;
    const counts = `it was asked to stop, and its measurement at step ${this.#target.reachedStep} counts`;
    this.#found("info", `the program continued to step ${step}, though ${told}; ${counts}`);
  }

  #lose(name: string, problem: string): void {
    if (this.#lost.has(name)) return;
    if (this.#lost.size >= warningsMax) {
      this.#lostUntold += 1;
      return;
    }
    this.#lost.add(name);
    this.#found("warning", `a metric is left out: ${problem}`);
  }

  #found(severity: "info" | "warning", message: string): void {
    this.#options.send({ kind: "found", source: "command", severity, message });
  }
}
