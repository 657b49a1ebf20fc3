/**
 * The outcome of an attempt from its program's end. Pure. The coordinator retries what was lost, and by default not what the user must mend, so
 * the line is drawn by who ended it. A program that has measured at its target has nothing left to do: however it is ended then, it is done.
 */
import { isEndedFromOutside } from "../attempts/exit-reason.js";
import type { OutcomeReason, StopReason } from "../trial/trainer.js";

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started, in words; undefined where it was. */
  readonly unstarted: string | undefined;
  /** Whether it outlived its grace and was killed. */
  readonly wasKilled: boolean;
  /** Whether it had ended, or could not be started, before it was asked to stop from outside. */
  readonly endedFirst: boolean;
}

export interface ProgramCourse {
  /** Why it diverged; empty where it did not. */
  readonly diverged: string;
  /** Why the attempt was asked to stop from outside. */
  readonly stop: StopReason | undefined;
  /** Whether it measured at its target or past it. */
  readonly hasReached: boolean;
  /** The step at which it was told to end; 0 for none. */
  readonly untilStep: number;
  /** Whether its strategy pauses the trial there, and may let it go on. */
  readonly pauses: boolean;
  /** Whether it was asked to stop for that. */
  readonly wasAsked: boolean;
  readonly objective: string;
  /** Whether this attempt measured the objective. */
  readonly hasMeasured: boolean;
  /** Names of the metrics that it measured. */
  readonly names: readonly string[];
  /** What is wrong with the last line that looked like a measurement and was none; empty for none. */
  readonly wrong: string;
  /** Which lines may have been meant as measurements, in words; empty for none. */
  readonly near: string;
  /** Whether an attempt before this one may have measured: the coordinator, which has the log, says whether that is enough. */
  readonly isLater: boolean;
  /** Its last lines; empty for none. */
  readonly lastLines: string;
  /** Where it ran, in words, if that may surprise its user; empty else. */
  readonly place: string;
}

/** Metrics that a message names. */
const namesShown = 8;

/** What programs print about a file or a module that is not there. */
const missingFile = /no such file|can't open file|cannot find|ENOENT|ModuleNotFoundError/i;

export function programOutcome(end: ProgramEnd, course: ProgramCourse): { reason: OutcomeReason; message: string } {
  const killed = end.wasKilled ? "the program did not end in its grace after SIGTERM and was killed" : "";
  if (course.diverged !== "") return { reason: "diverged", message: course.diverged };
  const isOutside = isEndedFromOutside(end);
  // What stops an agent may have ended its program a moment before; one that ended by itself has its own outcome.
  const stop = end.endedFirst && !isOutside ? undefined : course.stop;
  if (stop !== undefined && !(stop === "preempted" && course.hasReached)) return { reason: stop, message: killed };
  if (end.unstarted !== undefined) return { reason: "user-error", message: end.unstarted };
  if (course.hasReached && (course.wasAsked || isOutside || stop !== undefined)) return { reason: "done", message: killed };
  const tail = course.lastLines === "" ? "it printed nothing" : `its last lines:\n${course.lastLines}`;
  if (end.signal !== null || end.code !== 0) {
    const how = end.signal === null ? `ended with code ${end.code}` : `was ended by ${end.signal}`;
    return { reason: isOutside ? "lost" : "user-error", message: `the program ${how}; ${placeWords(course)}${tail}` };
  }
  if (course.hasMeasured || course.isLater) return { reason: "done", message: "" };
  return { reason: "user-error", message: `${unmeasuredWords(course)}; ${tail}` };
}

/** A program that misses a file may look for it in a folder that its user did not expect. */
function placeWords({ place, lastLines }: ProgramCourse): string {
  return place !== "" && missingFile.test(lastLines) ? `${place}; ` : "";
}

/** A program that measures every so many steps may have been told to end before its first measurement. */
function targetWords({ untilStep, pauses }: ProgramCourse): string {
  if (untilStep === 0) return "";
  const later = pauses ? ", or have the strategy pause it later (minSteps of asha)" : "";
  return `; it was asked to stop at step ${untilStep} (REGULUS_UNTIL_STEP): measure there at the latest${later}`;
}

function unmeasuredWords(course: ProgramCourse): string {
  const { objective, names, wrong, near } = course;
  const further = names.length > namesShown ? ` and ${names.length - namesShown} more` : "";
  const seen = names.length === 0 ? "no measurement" : `only ${names.slice(0, namesShown).join(", ")}${further}`;
  const expected = `{"step": 10, ${JSON.stringify(objective)}: 0.5}`;
  return `the program ended with code 0 and printed ${seen}; expected a line with the objective, such as ${expected}${targetWords(course)}${wrong === "" ? "" : `; a line was left out: ${wrong}`}${near === "" ? "" : `; ${near}`}`;
}
