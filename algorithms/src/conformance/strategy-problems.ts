/** The searches of the strategies' suite: spaces, budgets, and losses in closed form. */
import { type Budget, Direction, type Parameter, Scale } from "@regulus/proto";
import { type Configuration, createRng, createSpace, type StrategyContext, type StrategySpec } from "../core/index.js";

/** A search of the suite that a strategy accepts. */
export interface Problem {
  readonly name: string;
  readonly context: StrategyContext;
}

/** A curve from 2 down to a floor that depends on the configuration, faster for some; early ranks mostly foretell late ones. */
export function learningCurve(configuration: Configuration, step: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = ["a", "b", "c", "d"].map((name) => Number(configuration[name]));
  const floor = 0.1 + (a - 0.3) ** 2 + (b - 0.6) ** 2 + (c - 0.5) ** 2 / 2;
  return floor + (2 - floor) * (1 + step / (1 + 2 * d)) ** -1;
}

/** Searches along that curve. */
export function curveContext(budget: Budget): StrategyContext {
  const space = createSpace(["a", "b", "c", "d"].map((name) => double(name, 0, 1)));
  return { ...common, space, budget, inside: ["d"] };
}

/** What they have in common. */
export const common = {
  objectives: [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }],
  parallelism: 4,
  plainProcedure: "fit",
  predictions: ["valid", "test"],
} as const;

/** The suite's searches, less those that the strategy says it does not accept. */
export function problemsFor({ accepts }: StrategySpec): readonly Problem[] {
  const numbers = createSpace([double("a", 0, 1), double("b", 1e-4, 10, Scale.SCALE_LOG)]);
  const whole = createSpace([int("units", 4, 64), int("depth", 1, 3), int("b", 0, 9)]);
  const mixed = createSpace([
    categorical("optimizer", ["sgd", "adam"]),
    { ...double("momentum", 0, 0.99), when: { parameter: "optimizer", equals: ["sgd"] } },
    { name: "nesterov", domain: { $case: "boolean", value: {} }, when: undefined },
    { ...double("b", 0.01, 0.99, Scale.SCALE_LOGIT), initial: 0.25 },
    int("units", 4, 64),
  ]);
  const problems: Problem[] = [{ name: "whole numbers", context: { ...common, space: whole, budget, inside: ["b"] } }];
  if (accepts.double) problems.push({ name: "real numbers", context: { ...common, space: numbers, budget, inside: ["b"] } });
  if (accepts.double && accepts.categorical && accepts.conditional) {
    problems.push({ name: "mixed and conditional", context: { ...common, space: mixed, budget, inside: ["b"] } });
  }
  return problems;
}

/** The budget of the suite's searches. */
export const budget: Budget = { trials: 40, steps: 0, stepsPerTrial: 81, wallTimeMs: 0 };

/** Learned hyperparameters and their scales, one in six of which has collapsed. */
export function learnedAt(trial: number, step: number): { learned: Record<string, number>; scales: Record<string, number> } {
  const rng = createRng(step).fork("learned", trial);
  return { learned: { b: 0.05 + 0.9 * rng.uniform() }, scales: { b: rng.integer(6) === 0 ? 1e-3 : 0.5 } };
}

/** Any function of the configuration that gets better with steps. */
export function simpleLoss(configuration: Configuration, step: number): number {
  const score = Object.values(configuration).reduce<number>(
    (sum, value) => sum + Math.sin(Number(value) || String(value).length),
    0,
  );
  return score + 10 / (1 + step);
}

/** A real number. */
export function double(name: string, min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter {
  return { name, domain: { $case: "double", value: { min, max, scale } }, when: undefined };
}

/** A whole number. */
export function int(name: string, min: number, max: number): Parameter {
  return { name, domain: { $case: "int", value: { min, max, scale: Scale.SCALE_LINEAR } }, when: undefined };
}

/** One of some choices. */
export function categorical(name: string, choices: readonly string[]): Parameter {
  return { name, domain: { $case: "categorical", value: { choices: [...choices] } }, when: undefined };
}
