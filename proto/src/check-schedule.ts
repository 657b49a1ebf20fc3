/** A schedule of hyperparameters: the check of the message, and the reading of the file that a self-tuning trial leaves (docs/schedule.md). */

import { z } from "zod";
import { checkName } from "./check-values.js";
import { counted } from "./counted.js";
import { RegulusError } from "./errors.js";
import type { Schedule } from "./gen/regulus/v1/search.js";
import { limits } from "./limits.js";
import { ProblemList } from "./problem-list.js";
import { toVectors } from "./vectors.js";

/** What a schedule file must have; what else it has (scales ...) is for people and plots. */
const fileSchema = z.object({ steps: z.array(z.number()), values: z.record(z.string(), z.array(z.number())) });

/** Adds everything that is wrong with a schedule. */
export function checkSchedule(problems: ProblemList, field: string, schedule: Schedule): void {
  const steps: unknown = schedule?.steps;
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > limits.scheduleRowsMax) {
    const seen = Array.isArray(steps) ? counted(steps.length, "step") : "no steps";
    problems.addText(`${field}.steps`, seen, `1 to ${limits.scheduleRowsMax} of them`);
    return;
  }
  const wrong = steps.findIndex((step, at) => !Number.isSafeInteger(step) || (at === 0 ? step !== 0 : step <= steps[at - 1]));
  if (wrong >= 0) {
    const expected = wrong === 0 ? "0, where training begins" : `a whole number above ${steps[wrong - 1]}`;
    problems.add(`${field}.steps[${wrong}]`, steps[wrong], expected);
  }
  const named = Object.entries(schedule.values ?? {});
  if (named.length === 0 || named.length > limits.parametersMax) {
    problems.addText(`${field}.values`, counted(named.length, "hyperparameter"), `1 to ${limits.parametersMax} of them`);
  }
  for (const [name, vector] of named.slice(0, limits.parametersMax)) {
    checkName(problems, `${field}.values.${name}`, name);
    const values: unknown = vector?.values;
    if (!Array.isArray(values) || values.length !== steps.length) {
      const seen = Array.isArray(values) ? counted(values.length, "number") : "no numbers";
      problems.addText(`${field}.values.${name}`, seen, `${steps.length}, one for each step`);
      continue;
    }
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) problems.add(`${field}.values.${name}[${bad}]`, values[bad], "a finite number");
  }
}

/** The schedule in a file's content. Throws invalid-argument with everything that is wrong with it. */
export function readSchedule(document: unknown): Schedule {
  const read = fileSchema.safeParse(document);
  if (!read.success) {
    const expected = "an object with steps (a list) and values (a list of numbers by hyperparameter)";
    throw RegulusError.invalid([{ field: "schedule", seen: read.error.issues[0]?.message ?? "something else", expected }]);
  }
  const schedule: Schedule = { steps: read.data.steps, values: toVectors(read.data.values) };
  const problems = new ProblemList();
  checkSchedule(problems, "schedule", schedule);
  if (problems.all().length > 0) throw RegulusError.invalid(problems.all());
  return schedule;
}
