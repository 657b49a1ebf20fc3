/**
 * Questions to a program that answers for samples, and its answers: one JSON object per line. The page docs/respond-programs.md
 * states the protocol. Pure. What is wrong with an answer is the user's to mend: TrialFailure with field, seen and expected.
 */
import type { AnsweredSample, RespondQuestion, SampleAnswer, WarmStart } from "@regulus/algorithms/solvers";
import { TrialFailure } from "@regulus/algorithms/training";
import { counted, cutText, limits, nameFault, show } from "@regulus/proto";
import { parseObject, readNumber } from "./measurement-lines.js";

/** Version of the protocol. */
export const respondProtocol = 1;
/** Longest answer in bytes: a state and a hypergradient of as many numbers as they may have fit several times. */
export const answerBytesMax = 64 * 1024 * 1024;
/** Numbers in one sample's state. A checkpoint holds two states a sample. */
export const stateNumbersMax = 1_000_000;

/** What a program says of itself. */
export interface Hello {
  readonly samples: number;
  readonly theta: readonly number[];
}

type Fields = Readonly<Record<string, unknown>>;

export function helloLine(seed: number, parameters: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ask: "hello", protocol: respondProtocol, seed, parameters });
}

export function readHello(line: string): Hello {
  const fields = readFields(line, "hello");
  const samples = count(fields, "samples", "hello");
  if (samples < 1) throw wrong("hello", "samples", fields.samples, "at least 1");
  if (samples > limits.bilevelSamplesMax) throw wrong("hello", "samples", fields.samples, `at most ${limits.bilevelSamplesMax}`);
  const theta = numbers(fields, "theta", "hello", limits.vectorNumbersMax);
  if (theta.length < 1) throw wrong("hello", "theta", fields.theta, "at least one hyperparameter");
  return { samples, theta };
}

export function questionLine(sample: number, question: RespondQuestion, start: WarmStart | undefined): string {
  const { theta, accuracy, gradient, iterationsMax } = question;
  const state = start === undefined || start.x.length === 0 ? null : [...start.x];
  return JSON.stringify({ ask: "sample", sample, theta, accuracy, residual: gradient?.residual ?? null, iterationsMax, state });
}

/** The answer for a sample. `start` is the state that stays where it has no answer. */
export function readAnswer(
  line: string,
  sample: number,
  question: RespondQuestion,
  start: WarmStart | undefined,
): AnsweredSample {
  const who = `sample ${sample}`;
  const fields = readFields(line, who);
  if (fields.sample !== sample) throw wrong(who, "sample", fields.sample, `${sample}, the one that was asked`);
  const { problem } = fields;
  if (problem !== undefined) {
    if (problem !== "not-strongly-convex" && problem !== "not-finite") {
      throw wrong(who, "problem", problem, '"not-strongly-convex" or "not-finite"');
    }
    return noAnswer(problem, start);
  }
  const value = number(fields, "value", who);
  const gradientNorm = number(fields, "gradientNorm", who);
  const accuracy = number(fields, "accuracy", who);
  const smoothness = number(fields, "smoothness", who);
  if (![value, gradientNorm, accuracy, smoothness].every(Number.isFinite)) return noAnswer("not-finite", start);
  for (const name of ["gradientNorm", "accuracy", "smoothness"]) {
    if (Number(fields[name]) < 0) throw wrong(who, name, fields[name], "at least 0");
  }
  const state = fields.state === undefined || fields.state === null ? [] : numbers(fields, "state", who, stateNumbersMax);
  const metrics = fields.metrics === undefined ? undefined : readMetrics(fields.metrics, who);
  const answer: SampleAnswer = {
    value,
    gradientNorm,
    accuracy,
    smoothness,
    convex: flag(fields, "convex", who),
    iterations: fields.iterations === undefined ? 0 : count(fields, "iterations", who),
    stalled: flag(fields, "stalled", who),
    ...(metrics === undefined ? {} : { metrics }),
  };
  const solution: WarmStart = { x: Float64Array.from(state) };
  if (question.gradient === undefined) return { answer, solution };
  const p = question.theta.length;
  const hypergradient = numbers(fields, "hypergradient", who, p);
  if (hypergradient.length !== p) {
    throw wrong(who, "hypergradient", counted(hypergradient.length, "number"), `${p}, one for each hyperparameter`);
  }
  const adjoint = {
    residual: finite(fields, "residual", who),
    iterations: fields.adjointIterations === undefined ? 0 : count(fields, "adjointIterations", who),
    ...(fields.bound === undefined ? {} : { bound: finite(fields, "bound", who) }),
  };
  return { answer: { ...answer, adjoint }, solution, hypergradient: Float64Array.from(hypergradient) };
}

function noAnswer(problem: "not-strongly-convex" | "not-finite", start: WarmStart | undefined): AnsweredSample {
  const nothing = { value: 0, gradientNorm: 0, accuracy: 0, smoothness: 0, convex: false, iterations: 0, stalled: false };
  return { answer: { ...nothing, problem }, solution: start ?? { x: new Float64Array(0) } };
}

function readFields(line: string, who: string): Fields {
  const fields = parseObject(line);
  if (fields === undefined) {
    const words = "expected one JSON object on one line; print output for people on standard error";
    throw new TrialFailure("user-error", `the program answered ${show(line)} to ${who}: ${words}`);
  }
  if (fields.error !== undefined) {
    const words = typeof fields.error === "string" ? fields.error : show(fields.error);
    throw new TrialFailure("user-error", `the program says of ${who}: ${words.slice(0, 1000)}`);
  }
  return fields;
}

function number(fields: Fields, name: string, who: string): number {
  const value = readNumber(fields[name]);
  if (value === undefined) throw wrong(who, name, fields[name], "a number");
  return value;
}

/** A finite number of at least 0. */
function finite(fields: Fields, name: string, who: string): number {
  const value = number(fields, name, who);
  if (!Number.isFinite(value) || value < 0) throw wrong(who, name, fields[name], "a finite number of at least 0");
  return value;
}

function count(fields: Fields, name: string, who: string): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(who, name, value, "a whole number of at least 0");
}

function flag(fields: Fields, name: string, who: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value === "boolean") return value;
  throw wrong(who, name, value, "true or false");
}

function numbers(fields: Fields, name: string, who: string, most: number): readonly number[] {
  const list: unknown = fields[name];
  if (!Array.isArray(list)) throw wrong(who, name, list, "a list of numbers");
  if (list.length > most) throw wrong(who, name, counted(list.length, "number"), `at most ${most}`);
  const strange = list.findIndex((one: unknown) => typeof one !== "number" || !Number.isFinite(one));
  if (strange >= 0) throw wrong(who, `${name}[${strange}]`, list[strange], "a finite number");
  return list;
}

function readMetrics(named: unknown, who: string): Readonly<Record<string, number>> {
  if (typeof named !== "object" || named === null || Array.isArray(named)) {
    throw wrong(who, "metrics", named, "an object of numbers");
  }
  const fields: Fields = { ...named };
  const names = Object.keys(fields);
  if (names.length > limits.componentsMax)
    throw wrong(who, "metrics", counted(names.length, "name"), `at most ${limits.componentsMax}`);
  for (const name of names) {
    const fault = nameFault(name);
    if (fault !== undefined) throw wrong(who, `metrics[${cutText(name, 40)}]`, fault.seen, fault.expected);
  }
  return Object.fromEntries(names.map((name) => [name, number(fields, name, `${who}, metrics`)]));
}

function wrong(who: string, field: string, seen: unknown, expected: string): TrialFailure {
  const saw = seen === undefined ? "nothing" : show(seen);
  return new TrialFailure("user-error", `the program's answer to ${who}: "${field}" is ${saw}, expected ${expected}`);
}
