/**
 * The one structural check of a search: what can be told from the message alone. Which strategies, workloads, techniques and options
 * exist is for `@regulus/algorithms/catalog`, and so is whether a search without a budget ends by itself. Everything wrong is told at
 * once, and no value that a message can hold makes it throw.
 */

import { checkCommandWords } from "./check-command-words.js";
import { checkInputs } from "./check-inputs.js";
import { checkSchedule } from "./check-schedule.js";
import { checkSpace } from "./check-space.js";
import { checkCount, checkLabels, checkLine, checkName, checkOptions, listAt } from "./check-values.js";
import { counted } from "./counted.js";
import { expectedOneOf } from "./did-you-mean.js";
import type { Problem } from "./gen/regulus/v1/problem.js";
import type { Command, Component, Objective, Predictions, Resources, SearchSpec, Workload } from "./gen/regulus/v1/search.js";
import { defaults, limits } from "./limits.js";
import { ProblemList } from "./problem-list.js";
import { retryReason, retryWord, retryWordProblem } from "./retry-reasons.js";

/** Compute backends that a search may ask for. */
export const backendNames = ["tensorflow", "webgpu", "wasm", "cpu"] as const;

const whole = { least: 0, greatest: Number.MAX_SAFE_INTEGER };
const timer = { least: 0, greatest: limits.timerMsMax };

/** Everything that is wrong with a search, with paths as in the message; empty where it is sound. */
export function checkSpec(spec: SearchSpec): Problem[] {
  const problems = new ProblemList();
  if (typeof spec !== "object" || spec === null) {
    problems.add("spec", spec, "a search");
    return problems.all();
  }
  checkLine(problems, "name", spec.name, 1);
  checkWhatRuns(problems, spec);
  checkObjectives(problems, listAt(problems, "objectives", spec.objectives));
  checkComponent(problems, "strategy", spec.strategy);
  const space = listAt(problems, "space", spec.space);
  const techniques = listAt(problems, "techniques", spec.techniques);
  // Whether it may be empty is the catalog's to say: techniques and some workloads bring hyperparameters of their own.
  checkSpace(problems, space);
  if (isSet(spec.command)) checkCommandWords(problems, spec.command, space);
  checkComponents(problems, "techniques", techniques);
  checkComponents(problems, "probes", listAt(problems, "probes", spec.probes));
  checkComponents(problems, "diagnostics", listAt(problems, "diagnostics", spec.diagnostics));
  checkSpending(problems, spec);
  checkResources(problems, spec.resources);
  if (spec.tuning !== undefined && spec.tuning !== null) checkComponent(problems, "tuning", spec.tuning);
  const share: unknown = spec.control?.share;
  if (spec.control !== undefined && spec.control !== null && !(typeof share === "number" && share > 0 && share < 1)) {
    problems.add("control.share", share, "a number above 0 and below 1");
  }
  if (spec.schedule !== undefined && spec.schedule !== null) checkSchedule(problems, "schedule", spec.schedule);
  checkInputs(problems, listAt(problems, "inputs", spec.inputs));
  if (spec.seed !== undefined && spec.seed !== null) checkCount(problems, "seed", spec.seed, whole);
  checkLabels(problems, "labels", spec.labels);
  checkCount(problems, "priority", spec.priority, { least: -limits.priorityMax, greatest: limits.priorityMax });
  if (isSet(spec.weight)) checkCount(problems, "weight", spec.weight, { least: 1, greatest: limits.weightMax });
  return problems.all();
}

function checkWhatRuns(problems: ProblemList, spec: SearchSpec): void {
  const { workload, command } = spec;
  if (isSet(workload) && isSet(command)) problems.addText("workload", "a workload and a command", "exactly one of the two");
  if (!isSet(workload) && !isSet(command)) problems.addText("workload", "nothing", "a workload or a command");
  if (isSet(workload)) checkWorkload(problems, workload);
  if (isSet(command)) checkCommand(problems, command);
}

function checkWorkload(problems: ProblemList, workload: Workload): void {
  const { name, module, options } = workload;
  if (name === "" && module === "") problems.addText("workload.name", "nothing", "a registered name, or the path of a module");
  else if (name !== "" && module !== "") problems.addText("workload.module", "a name and a module", "exactly one of the two");
  if (name !== "") checkName(problems, "workload.name", name);
  if (module !== "") checkArgument(problems, "workload.module", module);
  checkOptions(problems, "workload.options", options);
}

function checkCommand(problems: ProblemList, command: Command): void {
  const argv = listAt(problems, "command.argv", command.argv);
  if (argv.length === 0 || argv[0] === "") problems.addText("command.argv", "no program", "a program and its arguments");
  if (argv.length > limits.commandWordsMax) {
    problems.addText("command.argv", counted(argv.length, "argument"), `at most ${limits.commandWordsMax}`);
  }
  for (const [index, word] of argv.slice(0, limits.commandWordsMax).entries())
    checkArgument(problems, `command.argv[${index}]`, word);
  checkArgument(problems, "command.directory", command.directory);
  checkCount(problems, "command.stopGraceMs", command.stopGraceMs, timer);
  const env = Object.entries(command.env ?? {});
  if (env.length > limits.commandWordsMax)
    problems.addText("command.env", counted(env.length, "variable"), `at most ${limits.commandWordsMax}`);
  for (const [name, value] of env.slice(0, limits.commandWordsMax)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > limits.nameCharactersMax) {
      problems.add(`command.env.${name}`, name, "a variable's name: letters, digits and '_', not a digit first");
    }
    if (name === "__proto__") problems.addText("command.env", "the name __proto__", "another name");
    checkArgument(problems, `command.env.${name}`, value);
  }
}

/** A text that is handed to the operating system, which ends texts at a NUL. */
function checkArgument(problems: ProblemList, field: string, text: unknown): void {
  const good = typeof text === "string" && text.length <= limits.textCharactersMax && !text.includes("\0");
  if (!good) problems.add(field, text, `a text of at most ${limits.textCharactersMax} characters without NUL`);
}

function checkObjectives(problems: ProblemList, objectives: readonly Objective[]): void {
  if (objectives.length === 0) problems.addText("objectives", "nothing", "at least one objective: a metric and its direction");
  if (objectives.length > limits.componentsMax) {
    problems.addText("objectives", counted(objectives.length, "objective"), `at most ${limits.componentsMax}`);
  }
  const seen = new Set<unknown>();
  for (const [index, objective] of objectives.slice(0, limits.componentsMax).entries()) {
    const field = `objectives[${index}]`;
    if (!isSet(objective)) {
      problems.add(field, objective, "an objective");
      continue;
    }
    if (checkLine(problems, `${field}.metric`, objective.metric, 1) && seen.has(objective.metric)) {
      problems.add(`${field}.metric`, objective.metric, "a metric that no earlier objective has");
    }
    seen.add(objective.metric);
    const known = ["DIRECTION_UNSPECIFIED", "DIRECTION_MINIMIZE", "DIRECTION_MAXIMIZE"];
    if (!known.includes(objective.direction)) problems.add(`${field}.direction`, objective.direction, "minimize or maximize");
    const values = [undefined, null, "OBJECTIVE_VALUE_UNSPECIFIED", "OBJECTIVE_VALUE_BEST", "OBJECTIVE_VALUE_LAST"];
    if (!values.includes(objective.value)) problems.add(`${field}.value`, objective.value, "best or last");
    checkGoal(problems, `${field}.goal`, objective.goal, index);
  }
}

function checkGoal(problems: ProblemList, field: string, goal: unknown, index: number): void {
  if (!isSet(goal)) return;
  if (index > 0) problems.add(field, goal, "nothing: a search ends by the goal of its first objective");
  else if (typeof goal !== "number" || !Number.isFinite(goal)) problems.add(field, goal, "a finite number");
}

function checkComponents(problems: ProblemList, field: string, components: readonly Component[]): void {
  if (components.length > limits.componentsMax) {
    problems.addText(field, `${components.length} ${field}`, `at most ${limits.componentsMax}`);
  }
  const seen = new Set<string>();
  for (const [index, component] of components.slice(0, limits.componentsMax).entries()) {
    checkComponent(problems, `${field}[${index}]`, component);
    const name = component?.name;
    if (seen.has(name)) problems.add(`${field}[${index}].name`, name, `each of the ${field} once`);
    seen.add(name);
  }
}

function checkComponent(problems: ProblemList, field: string, component: Component | undefined): void {
  if (!isSet(component)) {
    problems.addText(field, "nothing", "a registered name, with or without options");
    return;
  }
  checkName(problems, `${field}.name`, component.name);
  checkOptions(problems, `${field}.options`, component.options);
}

/** Splits of a data set, and the precisions, of predictions that trials leave. */
export const predictedSplits = ["train", "tune", "valid", "test"] as const;
export const predictionPrecisions = ["float32", "float16"] as const;

/** Budget, parallelism, retries and reporting. */
function checkSpending(problems: ProblemList, { budget, parallelism, retries, reporting }: SearchSpec): void {
  if (isSet(budget)) {
    checkCount(problems, "budget.trials", budget.trials, { least: 0, greatest: limits.trialsMax });
    checkCount(problems, "budget.steps", budget.steps, whole);
    checkCount(problems, "budget.stepsPerTrial", budget.stepsPerTrial, { least: 0, greatest: limits.stepMax });
    checkCount(problems, "budget.wallTimeMs", budget.wallTimeMs, { least: 0, greatest: limits.wallTimeMsMax });
    if (isSet(budget.failures))
      checkCount(problems, "budget.failures", budget.failures, { least: 1, greatest: limits.trialsMax });
  }
  checkCount(problems, "parallelism", parallelism, { least: 0, greatest: limits.parallelismMax });
  if (isSet(retries)) {
    if (retries.max !== undefined) checkCount(problems, "retries.max", retries.max, { least: 0, greatest: limits.retriesMax });
    checkCount(problems, "retries.backoffMs", retries.backoffMs, { least: 0, greatest: defaults.retryBackoffMsMax });
    checkRetriedReasons(problems, listAt<unknown>(problems, "retries.on", retries.on));
  }
  if (isSet(reporting)) {
    checkCount(problems, "reporting.measureEverySteps", reporting.measureEverySteps, { least: 0, greatest: limits.stepMax });
    checkCount(problems, "reporting.checkpointEveryMs", reporting.checkpointEveryMs, timer);
    if (isSet(reporting.predictions)) checkPredictions(problems, reporting.predictions);
  }
}

function checkPredictions(problems: ProblemList, { splits, precision }: Predictions): void {
  const field = "reporting.predictions";
  const named = listAt<unknown>(problems, `${field}.splits`, splits);
  if (named.length === 0) problems.addText(`${field}.splits`, "none", expectedOneOf("", [...predictedSplits]));
  for (const [index, split] of named.slice(0, limits.componentsMax).entries()) {
    const isKnown = predictedSplits.some((known) => known === split);
    if (!isKnown || named.indexOf(split) < index) {
      problems.add(`${field}.splits[${index}]`, split, `each once, ${expectedOneOf(String(split), [...predictedSplits])}`);
    }
  }
  if (precision !== "" && !predictionPrecisions.some((known) => known === precision)) {
    problems.add(`${field}.precision`, precision, expectedOneOf(String(precision), [...predictionPrecisions]));
  }
}

function checkRetriedReasons(problems: ProblemList, reasons: readonly unknown[]): void {
  if (reasons.length > limits.retryReasonsMax) {
    problems.addText("retries.on", counted(reasons.length, "reason"), `at most ${limits.retryReasonsMax}`);
  }
  for (const [index, reason] of reasons.slice(0, limits.retryReasonsMax).entries()) {
    const word = typeof reason === "string" ? retryWord(reason) : "";
    const expected = retryWordProblem(word);
    if (expected !== undefined || retryReason(word) !== reason)
      problems.add(`retries.on[${index}]`, reason, expected ?? retryReason(word));
  }
}

function checkResources(problems: ProblemList, resources: Resources | undefined): void {
  if (!isSet(resources)) return;
  checkCount(problems, "resources.slots", resources.slots, { least: 0, greatest: limits.slotsMax });
  const backend: string = resources.backend;
  if (backend !== "" && !backendNames.some((name) => name === backend)) {
    problems.add("resources.backend", backend, `${backendNames.join(", ")}, or nothing for the agent's best`);
  }
  checkCount(problems, "resources.memoryBytes", resources.memoryBytes, whole);
  checkLabels(problems, "resources.agentLabels", resources.agentLabels);
  checkCount(problems, "resources.stepTimeoutMs", resources.stepTimeoutMs, timer);
  checkCount(problems, "resources.attemptTimeoutMs", resources.attemptTimeoutMs, timer);
}

function isSet<T>(message: T | undefined | null): message is T {
  return message !== undefined && message !== null;
}
