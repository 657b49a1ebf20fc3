/**
 * Lines of a program's standard output: JSON objects with a "step" are measurements, ones with a "checkpoint"
 * announce that the checkpoint folder is whole; everything else is output for people. The page docs/command.md states the protocol.
 */
import { isStep, nameFault, show, stepExpected } from "@regulus/proto";

/** Longest line in bytes that is read as JSON; a longer one is output. */
export const lineBytesMax = 1024 * 1024;

/** A metric of a line that is left out, with why. */
export interface LostMetric {
  readonly name: string;
  readonly problem: string;
}

/** How a line misses being a measurement: an object with numbers and no step, or braces around a step that are no line of JSON. */
export type NearMiss = "no step" | "no JSON";

/** What one line says. */
export type Line =
  | {
      readonly kind: "measurement";
      readonly step: number;
      /** What of it are numbers; empty where nothing is. */
      readonly metrics: Readonly<Record<string, number>>;
      readonly lost: readonly LostMetric[];
    }
  | { readonly kind: "checkpoint"; readonly step: number }
  | { readonly kind: "output" }
  /** Output that may have been meant as a measurement; a program that measures nothing else is told of it. */
  | { readonly kind: "near"; readonly miss: NearMiss }
  /** Looks like a measurement and is none; `problem` says why. */
  | { readonly kind: "wrong"; readonly problem: string };

/** Reads one line, without its end. */
export function parseLine(line: string): Line {
  const text = line.trim();
  const value = text.startsWith("{") && text.endsWith("}") ? parseObject(text) : undefined;
  if (value === undefined) return hasStepInBraces(text) ? { kind: "near", miss: "no JSON" } : { kind: "output" };
  if (!("step" in value) && !("checkpoint" in value)) {
    return Object.values(value).some((one) => readNumber(one) !== undefined)
      ? { kind: "near", miss: "no step" }
      : { kind: "output" };
  }
  if ("checkpoint" in value) {
    return isStep(value.checkpoint)
      ? { kind: "checkpoint", step: value.checkpoint }
      : wrong(`"checkpoint" is ${show(value.checkpoint)}, expected ${stepExpected}`);
  }
  const { step, metrics, ...rest } = value;
  if (!isStep(step)) return wrong(`"step" is ${show(step)}, expected ${stepExpected}`);
  const named = metrics === undefined ? rest : metrics;
  if (typeof named !== "object" || named === null || Array.isArray(named)) {
    return wrong(`"metrics" is ${show(named)}, expected an object of numbers`);
  }
  return readMetrics(step, named);
}

/** As Python prints a dictionary, and as loggers print what is behind their own words. */
function hasStepInBraces(text: string): boolean {
  const from = text.indexOf("{");
  const step = from < 0 ? -1 : text.indexOf("step", from);
  return step >= 0 && text.indexOf("}", step) >= 0;
}

/** Reads each metric by itself: a text or a name that is too long loses only that metric. */
function readMetrics(step: number, named: object): Line {
  const entries = Object.entries(named);
  if (entries.length === 0) return wrong("there is no metric besides the step");
  const metrics = new Map<string, number>();
  const lost: LostMetric[] = [];
  for (const [name, value] of entries) {
    const number = typeof value === "boolean" ? Number(value) : readNumber(value);
    const problem = nameProblem(name) ?? (number === undefined ? valueProblem(name, value) : undefined);
    if (problem !== undefined) lost.push({ name, problem });
    else if (number !== undefined) metrics.set(name, number);
  }
  return { kind: "measurement", step, metrics: Object.fromEntries(metrics), lost };
}

function nameProblem(name: string): string | undefined {
  const fault = nameFault(name);
  return fault && `the name of metric ${show(name)} is not taken: saw ${fault.seen}, expected ${fault.expected}`;
}

function valueProblem(name: string, value: unknown): string {
  return `metric ${show(name)} is ${show(value)}, expected a number, true or false`;
}

/** JSON as programs write it: Python and others print NaN and Infinity bare, which JSON does not know. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    try {
      // Outside of strings only: a string is matched first and kept. One without an end is matched too, so that no text is looked at twice.
      const quoted = text.replace(/"(?:[^"\\]|\\.)*(?:"|$)|-?\b(?:NaN|Infinity)\b/g, (found) =>
        found.startsWith('"') ? found : `"${found}"`,
      );
      return asRecord(JSON.parse(quoted));
    } catch {
      return undefined;
    }
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** A number, or the name of one that JSON does not know. */
export function readNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : undefined;
}

function wrong(problem: string): Line {
  return { kind: "wrong", problem };
}
