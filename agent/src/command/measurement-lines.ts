/**
 * What a program says on its standard output, line by line: JSON objects with a "step" are measurements, ones with a "checkpoint"
 * announce that the checkpoint folder is whole; everything else is output for people. The page docs/command.md states the protocol.
 */
import { limits } from "@regulus/proto";

/** Longest line in bytes that is read as JSON; a longer one is output. */
export const lineBytesMax = 1024 * 1024;

/** What one line says. */
export type Line =
  | { readonly kind: "measurement"; readonly step: number; readonly metrics: Readonly<Record<string, number>> }
  | { readonly kind: "checkpoint"; readonly step: number }
  | { readonly kind: "output" }
  /** Looks like a measurement and is none; `problem` says why. */
  | { readonly kind: "wrong"; readonly problem: string };

/** Reads one line, without its end. */
export function parseLine(line: string): Line {
  const text = line.trim();
  if (!text.startsWith("{") || !text.endsWith("}")) return { kind: "output" };
  const value = parseObject(text);
  if (value === undefined || (!("step" in value) && !("checkpoint" in value))) return { kind: "output" };
  if ("checkpoint" in value) {
    return isStep(value.checkpoint)
      ? { kind: "checkpoint", step: value.checkpoint }
      : wrong(`"checkpoint" is ${show(value.checkpoint)}, expected a whole number of steps`);
  }
  const { step, metrics, ...rest } = value;
  if (!isStep(step)) return wrong(`"step" is ${show(step)}, expected a whole number of steps`);
  const named = metrics === undefined ? rest : metrics;
  if (typeof named !== "object" || named === null || Array.isArray(named)) {
    return wrong(`"metrics" is ${show(named)}, expected an object of numbers`);
  }
  return readMetrics(step, named);
}

function readMetrics(step: number, named: object): Line {
  const metrics: Record<string, number> = {};
  const entries = Object.entries(named);
  if (entries.length === 0) return wrong("there is no metric beside the step");
  if (entries.length > limits.measurementNamesMax) {
    return wrong(`there are ${entries.length} metrics, expected at most ${limits.measurementNamesMax}`);
  }
  for (const [name, value] of entries) {
    const number = readNumber(value);
    if (number === undefined) return wrong(`metric ${show(name)} is ${show(value)}, expected a number`);
    if (name.length === 0 || name.length > limits.nameCharactersMax) {
      return wrong(`a metric's name has ${name.length} characters, expected 1 to ${limits.nameCharactersMax}`);
    }
    metrics[name] = number;
  }
  return { kind: "measurement", step, metrics };
}

/** JSON as programs write it: Python and others print NaN and Infinity bare, which JSON does not know. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    // Outside of strings only: a string is matched first and kept.
    const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
      found.startsWith('"') ? found : `"${found}"`,
    );
    try {
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

function isStep(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function wrong(problem: string): Line {
  return { kind: "wrong", problem };
}

/** A value in words, cut. */
export function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
