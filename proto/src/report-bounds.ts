/**
 * Bounds of a trial's reports: steps, names, numbers and texts. An agent leaves out what is past them, and a coordinator refuses it;
 * both ask here, so that nothing that a program says is taken by the one and ends the connection with the other. Pure.
 */
import { counted } from "./counted.js";
import type { Report } from "./gen/regulus/v1/agent_service.js";
import type { Problem } from "./gen/regulus/v1/problem.js";
import type { Measurement } from "./gen/regulus/v1/trial.js";
import { limits } from "./limits.js";
import { ProblemList, show } from "./problem-list.js";
import { numbersIn } from "./vectors.js";

export type ReportEvent = NonNullable<Report["event"]>;

/** What a step is expected to be. */
export const stepExpected = `a whole number of steps from 0 to ${limits.stepMax}`;
const severities = ["info", "warning", "error"];
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const controlPattern = /[\u0000-\u0008\u000b-\u001f\u007f]/;

export function isStep(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= limits.stepMax;
}

/** What is wrong with a text that is to be of at most `max` characters, without control characters; undefined for nothing. */
export function textFault(value: string, max: number = limits.nameCharactersMax): Omit<Problem, "field"> | undefined {
  if (value.length > max) return { seen: counted(value.length, "character"), expected: `at most ${max}` };
  return controlPattern.test(value) ? { seen: show(value), expected: "no control characters" } : undefined;
}

/** The same of a name that a program gives a number. Half a surrogate pair would come out of a message as another text. */
export function nameFault(name: string): Omit<Problem, "field"> | undefined {
  if (name === "") return { seen: "an empty name", expected: `1 to ${limits.nameCharactersMax} characters` };
  return /\p{Surrogate}/u.test(name) ? { seen: show(name), expected: "whole characters" } : textFault(name);
}

/** What of an event is past its bounds and may be a trial's doing. Values that are not finite are allowed: they mean "could not be computed". */
export function eventProblems(event: ReportEvent): readonly Problem[] {
  const problems = new ProblemList();
  switch (event.$case) {
    case "measured":
      checkMeasurement(problems, "", event.value);
      break;
    case "checkpointed":
      checkStep(problems, "step", event.value.step);
      break;
    case "finished":
      checkStep(problems, "step", event.value.step);
      if (event.value.final !== undefined) checkMeasurement(problems, "final.", event.value.final);
      break;
    case "found":
      checkText(problems, "source", event.value.source);
      if (!severities.includes(event.value.severity)) {
        problems.add("severity", event.value.severity, `one of ${severities.join(", ")}`);
      }
      break;
    case "unrestorable":
      break;
    default:
      event satisfies never;
  }
  return problems.all();
}

/** Problems in one line. */
export function problemWords(problems: readonly Problem[]): string {
  return problems.map(({ field, seen, expected }) => `${field}: saw ${seen}, expected ${expected}`).join("; ");
}

function checkMeasurement(problems: ProblemList, prefix: string, measurement: Measurement): void {
  const { metrics, learned, scales, hypergradients, vectors, seconds, step } = measurement;
  checkNames(problems, prefix, "metrics", metrics);
  checkNames(problems, prefix, "learned", learned);
  checkNames(problems, prefix, "scales", scales);
  checkNames(problems, prefix, "hypergradients", hypergradients);
  checkNames(problems, prefix, "vectors", vectors);
  isFew(problems, `${prefix}vectors' numbers`, numbersIn(vectors), limits.vectorNumbersMax);
  if (!(seconds >= 0 && Number.isFinite(seconds))) {
    problems.add(`${prefix}seconds`, seconds, "seconds of training, finite and not negative");
  }
  checkStep(problems, `${prefix}step`, step);
}

/** Each measurement comes by here: words are made only for what is wrong. */
function checkNames(problems: ProblemList, prefix: string, field: string, values: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(values);
  if (!isFew(problems, `${prefix}${field}`, names.length, limits.measurementNamesMax)) return;
  for (const name of names) {
    const fault = textFault(name);
    if (fault !== undefined) problems.addText(`${prefix}${field}[${name}]`, fault.seen, fault.expected);
  }
}

function checkStep(problems: ProblemList, field: string, step: number): void {
  if (!isStep(step)) problems.add(field, step, stepExpected);
}

function checkText(problems: ProblemList, field: string, value: string): void {
  const fault = textFault(value);
  if (fault !== undefined) problems.addText(field, fault.seen, fault.expected);
}

function isFew(problems: ProblemList, field: string, count: number, max: number): boolean {
  if (count > max) problems.addText(field, `${count} of them`, `at most ${max}`);
  return count <= max;
}
