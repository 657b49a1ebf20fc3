/**
 * Checks a search space: names, ranges, scales, choices, initial values and conditions. Conditions look backwards only, so that one pass
 * over the parameters finds everything. Paths are those of the message: `space[2].double.max`.
 */

import { checkName } from "./check-values.js";
import { counted } from "./counted.js";
import { closestName } from "./did-you-mean.js";
import type { Condition, DoubleDomain, IntDomain, Parameter } from "./gen/regulus/v1/search.js";
import { limits } from "./limits.js";
import { type ProblemList, show } from "./problem-list.js";
import { steppedOf } from "./stepped.js";
import { sameValue, valueKey } from "./value-key.js";

type Domain = NonNullable<Parameter["domain"]>;

/** Adds everything that is wrong with a space. */
export function checkSpace(problems: ProblemList, space: readonly Parameter[]): void {
  if (space.length > limits.parametersMax) {
    problems.addText("space", counted(space.length, "parameter"), `at most ${limits.parametersMax}`);
  }
  const parameters = space.slice(0, limits.parametersMax);
  const indexes = new Map<unknown, number>();
  for (const [index, parameter] of parameters.entries()) {
    const first = indexes.get(parameter?.name);
    if (first === undefined) indexes.set(parameter?.name, index);
    else problems.add(`space[${index}].name`, parameter.name, `a name of its own; space[${first}] has this one`);
  }
  for (const [index, parameter] of parameters.entries()) checkParameter(problems, { index, parameter, parameters, indexes });
}

/** Whether a value lies in a domain; where not, what was expected. */
export function outsideDomain(domain: Domain, value: unknown): string | undefined {
  switch (domain.$case) {
    case "double": {
      const { min, max } = domain.value;
      if (typeof value !== "number" || !(value >= min && value <= max)) return `a number from ${min} to ${max}`;
      return offStep(domain.value, value);
    }
    case "int": {
      const { min, max } = domain.value;
      if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max)
        return `a whole number from ${min} to ${max}`;
      return offStep(domain.value, value);
    }
    case "categorical": {
      const { choices } = domain.value;
      if (choices.some((choice) => sameValue(choice, value))) return undefined;
      const distinct = [...new Map(choices.map((choice) => [valueKey(choice), choice])).values()];
      const some = distinct.slice(0, 8).map(show).join(", ");
      return `one of ${some}${distinct.length > 8 ? " …" : ""}`;
    }
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
  }
}

/** What was expected of a value between the steps of a range; undefined for nothing. */
function offStep(range: DoubleDomain | IntDomain, value: number): string | undefined {
  const stepped = steppedOf(range);
  if (stepped === undefined || stepped.indexOf(value) !== undefined) return undefined;
  return `${range.min} and whole steps of ${range.step} above it`;
}

interface ParameterAt {
  readonly index: number;
  readonly parameter: Parameter;
  readonly parameters: readonly Parameter[];
  /** First index of each name. */
  readonly indexes: ReadonlyMap<unknown, number>;
}

function checkParameter(problems: ProblemList, at: ParameterAt): void {
  const { index, parameter } = at;
  const field = `space[${index}]`;
  if (typeof parameter !== "object" || parameter === null) {
    problems.add(field, parameter, "a parameter");
    return;
  }
  checkName(problems, `${field}.name`, parameter.name);
  const domain = readDomain(parameter);
  if (domain === undefined) {
    problems.add(field, parameter.domain?.$case, "a domain: double, int, categorical or boolean");
  } else if (checkDomain(problems, `${field}.${domain.$case}`, domain) && parameter.initial !== undefined) {
    const expected = outsideDomain(domain, parameter.initial);
    if (expected !== undefined) problems.add(`${field}.initial`, parameter.initial, expected);
  }
  const { tuned } = parameter;
  if (tuned !== undefined && tuned !== null && !["TUNED_UNSPECIFIED", "TUNED_INSIDE", "TUNED_OUTSIDE"].includes(tuned)) {
    problems.add(`${field}.tuned`, tuned, "inside or outside");
  }
  if (parameter.when !== undefined && parameter.when !== null) checkCondition(problems, `${field}.when`, parameter.when, at);
}

/** The domain where it has a kind that we know and a value. */
function readDomain(parameter: Parameter): Domain | undefined {
  const domain = parameter.domain;
  if (typeof domain !== "object" || domain === null || typeof domain.value !== "object" || domain.value === null)
    return undefined;
  return ["double", "int", "categorical", "boolean"].includes(domain.$case) ? domain : undefined;
}

/** Answers whether the domain is sound, so that values can be held against it. */
function checkDomain(problems: ProblemList, field: string, domain: Domain): boolean {
  switch (domain.$case) {
    case "double":
      return checkDouble(problems, field, domain.value);
    case "int":
      return checkInt(problems, field, domain.value);
    case "categorical":
      return checkChoices(problems, `${field}.choices`, domain.value.choices);
    case "boolean":
      return true;
  }
}

function checkDouble(problems: ProblemList, field: string, { min, max, scale, step }: DoubleDomain): boolean {
  let good = true;
  const refuse = (name: string, seen: unknown, expected: string) => {
    problems.add(`${field}.${name}`, seen, expected);
    good = false;
  };
  if (!Number.isFinite(min)) refuse("min", min, "a finite number");
  if (!Number.isFinite(max)) refuse("max", max, "a finite number");
  checkScale(problems, field, scale, ["linear", "log", "logit"]);
  if (!good) return false;
  if (max <= min) refuse("max", max, `a number above min, which is ${min}`);
  if (scale === "SCALE_LOG" && min <= 0) refuse("min", min, "a number above 0 on a log scale");
  if (scale === "SCALE_LOGIT" && min <= 0) refuse("min", min, "a number above 0 on a logit scale");
  if (scale === "SCALE_LOGIT" && max >= 1) refuse("max", max, "a number below 1 on a logit scale");
  return good && checkStep(problems, `${field}.step`, { min, max, scale, step });
}

function checkInt(problems: ProblemList, field: string, { min, max, scale, step }: IntDomain): boolean {
  let good = true;
  const refuse = (name: string, seen: unknown, expected: string) => {
    problems.add(`${field}.${name}`, seen, expected);
    good = false;
  };
  if (!Number.isSafeInteger(min)) refuse("min", min, "a whole number from -(2^53 - 1) to 2^53 - 1");
  if (!Number.isSafeInteger(max)) refuse("max", max, "a whole number from -(2^53 - 1) to 2^53 - 1");
  checkScale(problems, field, scale, ["linear", "log"]);
  if (!good) return false;
  if (max < min) refuse("max", max, `a whole number not below min, which is ${min}`);
  if (scale === "SCALE_LOG" && min <= 0) refuse("min", min, "a whole number above 0 on a log scale");
  if (good && isSet(step) && !Number.isSafeInteger(step)) refuse("step", step, "a whole number above 0");
  return good && checkStep(problems, `${field}.step`, { min, max, scale, step });
}

/** The step of a range whose ends are sound. */
function checkStep(problems: ProblemList, field: string, { min, max, scale, step }: DoubleDomain): boolean {
  if (!isSet(step)) return true;
  const fail = (expected: string): boolean => {
    problems.add(field, step, expected);
    return false;
  };
  if (scale === "SCALE_LOG" || scale === "SCALE_LOGIT")
    return fail(
      "none on a log or logit scale, where equal steps are ratios: list the values as choices of a categorical parameter",
    );
  if (!Number.isFinite(step) || step <= 0 || step > max - min)
    return fail(`a number above 0 and at most max - min, ${max - min}`);
  if ((steppedOf({ min, max, step })?.count ?? 0) > Number.MAX_SAFE_INTEGER)
    return fail("a step that gives at most 2^53 - 1 values");
  return true;
}

function isSet<T>(value: T | undefined | null): value is T {
  return value !== undefined && value !== null;
}

function checkScale(problems: ProblemList, field: string, scale: unknown, known: readonly string[]): void {
  const accepted = ["SCALE_UNSPECIFIED", ...known.map((name) => `SCALE_${name.toUpperCase()}`)];
  if (!accepted.some((name) => name === scale)) problems.add(`${field}.scale`, scaleWord(scale), known.join(" or "));
}

function scaleWord(scale: unknown): unknown {
  return typeof scale === "string" && scale.startsWith("SCALE_") ? scale.slice(6).toLowerCase() : scale;
}

function checkChoices(problems: ProblemList, field: string, choices: readonly unknown[]): boolean {
  if (!Array.isArray(choices) || choices.length === 0) {
    problems.add(field, choices, `1 to ${limits.choicesMax} choices`);
    return false;
  }
  if (choices.length > limits.choicesMax)
    problems.addText(field, counted(choices.length, "choice"), `at most ${limits.choicesMax}`);
  const seen = new Set<unknown>();
  let good = choices.length <= limits.choicesMax;
  for (const [index, choice] of choices.slice(0, limits.choicesMax).entries()) {
    if (!isChoice(choice)) problems.add(`${field}[${index}]`, choice, choiceWords);
    else if (seen.has(valueKey(choice)))
      problems.add(`${field}[${index}]`, choice, "a choice that the list does not hold already");
    else {
      seen.add(valueKey(choice));
      continue;
    }
    good = false;
  }
  return good;
}

const choiceWords = `a text of at most ${limits.textCharactersMax} characters, a finite number, true, false, null, or a list of these`;

function isChoice(value: unknown): boolean {
  if (!Array.isArray(value)) return isScalar(value);
  return (
    value.length <= limits.textCharactersMax && value.every(isScalar) && JSON.stringify(value).length <= limits.textCharactersMax
  );
}

function isScalar(value: unknown): boolean {
  if (typeof value === "string") return value.length <= limits.textCharactersMax;
  return value === null || typeof value === "boolean" || Number.isFinite(value);
}

function checkCondition(problems: ProblemList, field: string, condition: Condition, at: ParameterAt): void {
  const name: unknown = condition.parameter;
  const earlier = at.indexes.get(name);
  const values: unknown = condition.equals;
  if (!Array.isArray(values) || values.length === 0) problems.add(`${field}.equals`, values, "at least one value");
  if (earlier === undefined) {
    const known = at.parameters.slice(0, at.index).flatMap((p) => (typeof p?.name === "string" ? [p.name] : []));
    const close = typeof name === "string" ? closestName(name, known) : undefined;
    const hint = close === undefined ? "" : `; did you mean ${close}?`;
    problems.add(`${field}.parameter`, name === "" ? undefined : name, `the name of an earlier parameter${hint}`);
  } else if (earlier >= at.index) {
    const words = earlier === at.index ? "another parameter, not itself" : "a parameter that stands earlier in the space";
    problems.add(`${field}.parameter`, name, words);
  } else {
    const other = at.parameters[earlier];
    const domain = other === undefined ? undefined : readDomain(other);
    if (domain !== undefined && Array.isArray(values)) checkConditionValues(problems, `${field}.equals`, domain, values);
  }
}

function checkConditionValues(problems: ProblemList, field: string, domain: Domain, values: readonly unknown[]): void {
  if (values.length > limits.choicesMax) problems.addText(field, counted(values.length, "value"), `at most ${limits.choicesMax}`);
  if (domain.$case === "categorical" && !Array.isArray(domain.value.choices)) return;
  const choices = domain.$case === "categorical" ? new Set(domain.value.choices.map(valueKey)) : undefined;
  for (const [index, value] of values.slice(0, limits.choicesMax).entries()) {
    if (choices?.has(valueKey(value))) continue;
    const expected = outsideDomain(domain, value);
    if (expected !== undefined) problems.add(`${field}[${index}]`, value, expected);
  }
}
