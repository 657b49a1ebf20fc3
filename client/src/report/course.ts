/**
 * A search's course, folded from its facts: when each value was measured and how many training steps had been done by then, both as the log
 * says. A report invents no time: a trial that was paused for an hour measured nothing in it.
 */
import { type Fact, type Measurement, metricOf, signOf } from "@regulus/proto";
import { progress } from "../display/progress.js";
import type { Progress } from "../display/progress-state.js";

/** A value of the first objective at the moment in which the log has it. */
export interface CourseMoment {
  readonly trial: number;
  /** Step of its trial. */
  readonly step: number;
  /** When, in milliseconds since 1970. */
  readonly timeMs: number;
  /** Training steps over all trials, this one's among them. */
  readonly steps: number;
  readonly value: number;
  /** Position of its fact. */
  readonly position: number;
}

/** What a report needs of a search's facts. */
export interface Course {
  /** Values that improved their own trial, in the order of the log; where only the newest value counts, each trial's newest. */
  readonly moments: readonly CourseMoment[];
  /** Training steps over all trials at the end. */
  readonly steps: number;
  /** When the newest measurement came, in milliseconds since 1970; 0 for none. */
  readonly measuredMs: number;
  /** Attempts that began before what their trial had measured, as `trial/attempt`: curves are cut there. */
  readonly restarts: ReadonlySet<string>;
}

/** Collects a course from facts, in order. */
export class CourseCollector {
  readonly #state: Progress = progress.init();
  readonly #moments = new Map<number, CourseMoment[]>();
  readonly #restarts = new Set<string>();
  #measuredMs = 0;

  tell(fact: Fact): void {
    const { kind } = fact;
    if (kind?.$case === "attemptStarted") {
      const { trial, attempt, fromStep } = kind.value;
      if (fromStep < (this.#state.live.get(trial)?.last?.step ?? 0)) this.#restarts.add(attemptKey(trial, attempt));
    }
    // The end of a trial takes it out of the fold, so its value is read before; its steps are counted by then.
    const value =
      kind?.$case === "trialEnded" ? kind.value.final : kind?.$case === "trialMeasured" ? kind.value.measurement : undefined;
    progress.tell(this.#state, fact);
    if (value !== undefined && (kind?.$case === "trialEnded" || kind?.$case === "trialMeasured")) {
      this.#measured(kind.value.trial, value, fact);
    }
  }

  all(): Course {
    const moments = [...this.#moments.values()].flat().sort((a, b) => a.position - b.position);
    return { moments, steps: this.#state.steps, measuredMs: this.#measuredMs, restarts: this.#restarts };
  }

  #measured(trial: number, measurement: Measurement, { timeMs, position }: Fact): void {
    this.#measuredMs = timeMs;
    const objective = this.#state.course?.spec.objectives[0];
    const value = objective === undefined ? undefined : metricOf(measurement.metrics, objective.metric);
    if (value === undefined) return;
    const sign = signOf(objective);
    const known = this.#moments.get(trial) ?? [];
    // A step that is measured again replaces what it measured.
    while (known.at(-1)?.step === measurement.step) known.pop();
    const before = known.at(-1);
    const lastCounts = objective?.value === "OBJECTIVE_VALUE_LAST";
    const isBetter = before === undefined || sign * value < sign * before.value;
    if (lastCounts) known.length = 0;
    if (Number.isFinite(value) && (lastCounts || isBetter)) {
      known.push({ trial, step: measurement.step, timeMs, steps: this.#state.steps, value, position });
    }
    this.#moments.set(trial, known);
  }
}

/** The course of a search whose facts are at hand. */
export function courseOf(facts: Iterable<Fact>): Course {
  const collector = new CourseCollector();
  for (const fact of facts) collector.tell(fact);
  return collector.all();
}

/** How `restarts` names an attempt. */
export function attemptKey(trial: number, attempt: number): string {
  return `${trial}/${attempt}`;
}
