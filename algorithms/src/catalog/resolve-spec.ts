/**
 * From a search as its user states it to a search that can run: every name known, every option checked and filled in, the techniques'
 * hyperparameters joined to the space. Idempotent. Everything wrong is told at once: each check runs wherever the parts that it looks at are
 * sound, whatever is wrong with the others.
 */
import {
  type Component,
  checkSpec,
  closestName,
  counted,
  expectedOneOf,
  limits,
  type Parameter,
  type Problem,
  ProblemList,
  RegulusError,
  type SearchSpec,
} from "@regulus/proto";
import type { ComponentSpec, ProbeSpec, StrategySpec, TechniqueSpec, WorkloadSpec } from "../core/index.js";
import { type Resolved, resolveComponent } from "./components.js";
import { checkUnderstood, joinedSpace, understoodBy } from "./hyperparameters.js";
import { insideProblems, resolveTuning, withoutScheduled } from "./inside-problems.js";
import { diagnosticSpecs, probeSpecs, strategySpecs, techniqueSpecs, workloadSpecs } from "./registry.generated.js";
import { strategyContext } from "./strategy-context.js";
import { withDefaults } from "./with-defaults.js";

/** The search with all defaults. Throws RegulusError "invalid-argument" with every problem, paths as in the message. */
export function resolveSpec(spec: SearchSpec): SearchSpec {
  const structural = checkSpec(spec);
  if (typeof spec !== "object" || spec === null) throw RegulusError.invalid(structural);
  const problems = new ProblemList();
  const strategy = resolveComponent(problems, strategySpecs, { field: "strategy", component: spec.strategy });
  const workload = spec.workload ? resolveWorkload(problems, spec) : undefined;
  const techniques = resolveList(problems, techniqueSpecs, { field: "techniques", components: spec.techniques });
  const diagnostics = resolveList(problems, diagnosticSpecs, { field: "diagnostics", components: spec.diagnostics });
  const probes = resolveList(problems, probeSpecs, { field: "probes", components: spec.probes });
  checkTrained(problems, spec, { workload, probes });
  checkSearched(problems, spec, strategy);
  if (strategy !== undefined) checkTaken(problems, spec, strategy.spec);
  const tuning = resolveTuning(problems, spec);
  const space = resolveSpace(problems, spec, { workload, techniques });
  const found = [...structural, ...problems.all()];
  const sound = (...tops: readonly string[]) => !found.some(({ field }) => tops.some((top) => isUnder(field, top)));
  if (sound("budget")) found.push(...budgetProblems(spec));
  if (
    strategy !== undefined &&
    sound("strategy", "space", "budget", "objectives", "parallelism", "techniques", "inputs", "reporting")
  ) {
    const joined = withDefaults({ ...spec, space, techniques: techniques.map(toComponent) });
    const inside = insideProblems(joined, strategy.spec.tunesInside === true);
    found.push(...inside, ...(inside.length === 0 ? strategyProblems(joined, strategy) : []));
  }
  throwIfAny(found);
  return {
    ...withDefaults({ ...spec, space }),
    workload: spec.workload && { ...spec.workload, options: { ...(workload?.options ?? spec.workload.options) } },
    strategy: strategy && toComponent(strategy),
    techniques: techniques.map(toComponent),
    probes: probes.map(toComponent),
    diagnostics: [...diagnostics.map(toComponent), ...unasked(strategy, diagnostics, { inside: tuning !== undefined })],
    ...(tuning && { tuning }),
  };
}

/** What watches trials that learn hyperparameters inside training. */
const insideWatches = ["scale-watch", "hypergradient-watch"];

/** Diagnostics that the search does not name and its strategy, or its tuning inside, brings along, with their defaults. */
function unasked(
  strategy: Resolved<StrategySpec> | undefined,
  named: readonly Resolved<ComponentSpec>[],
  { inside }: { readonly inside: boolean },
): Component[] {
  const wanted = new Set([...(strategy?.spec.watchedBy ?? []), ...(inside ? insideWatches : [])]);
  return [...wanted].flatMap((name) => {
    const spec = diagnosticSpecs.get(name);
    if (spec === undefined || named.some((one) => one.spec.name === name)) return [];
    return [toComponent({ spec, options: { ...Object(spec.options.parse({})) } })];
  });
}

function isUnder(field: string, top: string): boolean {
  return field === top || field.startsWith(`${top}.`) || field.startsWith(`${top}[`);
}

function throwIfAny(problems: readonly Problem[]): void {
  if (problems.length > 0) throw RegulusError.invalid(problems);
}

/** A user's own module brings its spec along on the agent; only a registered workload can be checked here. */
function resolveWorkload(problems: ProblemList, { workload }: SearchSpec): Resolved<WorkloadSpec> | undefined {
  return workload?.module === ""
    ? resolveComponent(problems, workloadSpecs, { field: "workload", component: workload })
    : undefined;
}

function resolveList<Spec extends ComponentSpec>(
  problems: ProblemList,
  specs: ReadonlyMap<string, Spec>,
  { field, components }: { readonly field: string; readonly components: readonly Component[] },
): Resolved<Spec>[] {
  if (!Array.isArray(components)) return [];
  return components.flatMap((one, index) => {
    const found = resolveComponent(problems, specs, { field: `${field}[${index}]`, component: one });
    return found === undefined ? [] : [found];
  });
}

function toComponent({ spec, options }: Resolved<ComponentSpec>): Component {
  return { name: spec.name, options: { ...options } };
}

/** Metrics of a registered workload are known; a program trains by itself, so techniques can do nothing for it. */
function checkTrained(
  problems: ProblemList,
  spec: SearchSpec,
  {
    workload,
    probes,
  }: { readonly workload: Resolved<WorkloadSpec> | undefined; readonly probes: readonly Resolved<ProbeSpec>[] },
): void {
  for (const field of ["techniques", "probes"] as const) {
    const named = spec[field];
    if (!Array.isArray(named) || named.length === 0) continue;
    if (spec.command) problems.add(field, named, `none with a command: ${field} act inside built-in training`);
    else if (field === "probes" && workload?.spec.procedure !== undefined)
      problems.add(field, named, `none with ${workload.spec.name}: it trains no model that a probe could measure`);
  }
  if (spec.reporting?.predictions !== undefined) checkPredicted(problems, spec, workload);
  if (workload === undefined || !Array.isArray(spec.objectives)) return;
  for (const [index, objective] of spec.objectives.entries()) {
    const metric: unknown = objective?.metric;
    const measured = [...workload.spec.metrics, ...probes.flatMap(({ spec: probe, options }) => probe.metrics(options))];
    if (typeof metric !== "string" || metric === "" || measured.includes(metric)) continue;
    problems.add(`objectives[${index}].metric`, metric, expectedOneOf(metric, measured));
  }
}

/** Predictions are those of a model that we train. */
function checkPredicted(problems: ProblemList, spec: SearchSpec, workload: Resolved<WorkloadSpec> | undefined): void {
  const field = "reporting.predictions";
  if (spec.command) problems.addText(field, "predictions", "none with a command: only built-in training makes them");
  else if (workload?.spec.procedure !== undefined)
    problems.addText(field, "predictions", `none with ${workload.spec.name}: it trains no model that could predict`);
}

/** There is something to search: parameters, or hyperparameters of techniques or of the workload. */
function checkSearched(
  problems: ProblemList,
  { space, techniques }: SearchSpec,
  strategy: Resolved<StrategySpec> | undefined,
): void {
  if (Array.isArray(techniques) && techniques.length > 0) return;
  if (Array.isArray(space) && (space.length > 0 || strategy?.spec.ownParameters === true)) return;
  problems.addText("space", "no parameters", "at least one parameter to search");
}

/** What other searches left is of a kind that the strategy takes. */
function checkTaken(problems: ProblemList, { inputs }: SearchSpec, { name, takes = [] }: StrategySpec): void {
  if (!Array.isArray(inputs) || inputs.length === 0) return;
  if (takes.length === 0) {
    problems.addText("inputs", counted(inputs.length, "input"), `none: the strategy ${name} takes no inputs`);
    return;
  }
  for (const [index, input] of inputs.slice(0, limits.searchInputsMax).entries()) {
    const kinds: unknown = input?.kinds;
    for (const [at, kind] of (Array.isArray(kinds) ? kinds.slice(0, limits.componentsMax) : []).entries()) {
      if (takes.includes(kind)) continue;
      problems.add(`inputs[${index}].kinds[${at}]`, kind, `${expectedOneOf(String(kind), [...takes])}, which ${name} takes`);
    }
  }
}

/** The space with the techniques' hyperparameters. A program, or a user's module, may understand any parameter. */
function resolveSpace(
  problems: ProblemList,
  spec: SearchSpec,
  {
    workload,
    techniques,
  }: { readonly workload: Resolved<WorkloadSpec> | undefined; readonly techniques: readonly Resolved<TechniqueSpec>[] },
): Parameter[] {
  if (!Array.isArray(spec.space) || spec.command) return spec.space;
  const understood = understoodBy(problems, workload, techniques);
  const complete = workload !== undefined && techniques.length === (spec.techniques?.length ?? 0);
  if (complete) checkUnderstood(problems, spec.space, { understood, techniques });
  const known = new Set(
    [...understood.values()]
      .filter(({ joins, hyperparameter: h }) => joins && h.held !== true)
      .map(({ hyperparameter: h }) => h.parameter.name),
  );
  const space = withoutScheduled(problems, spec, { space: joinedSpace(spec.space, understood), known });
  if (complete && space.length === 0 && techniques.length > 0 && spec.schedule === undefined) {
    problems.addText("space", "no parameters, and none of the techniques", "at least one parameter to search");
  }
  return space;
}

/** A search ends: by its budget, or because its strategy does. One of unknown name is taken for the one that was likely meant. */
function budgetProblems({ budget, strategy }: SearchSpec): readonly Problem[] {
  const name: unknown = strategy?.name;
  const written = typeof name === "string" ? name : "";
  const meant = strategySpecs.get(written) ?? strategySpecs.get(closestName(written, [...strategySpecs.keys()]) ?? "");
  if (meant?.endsByItself === true || (budget && (budget.trials > 0 || budget.steps > 0 || budget.wallTimeMs > 0))) return [];
  const why = meant === undefined ? "unless the strategy ends by itself" : `since ${meant.name} does not end by itself`;
  return [{ field: "budget", seen: "no limit", expected: `trials, steps or wallTime, ${why}` }];
}

/** What the strategy can't do with this search. */
function strategyProblems(spec: SearchSpec, { spec: strategy, options }: Resolved<StrategySpec>): readonly Problem[] {
  const problems = new ProblemList();
  const context = strategyContext(spec);
  const { steps, stepsPerTrial } = context.budget;
  const own = strategy.problems?.(context, options) ?? [];
  // A strategy that can take its steps from an option too says so itself.
  if (strategy.needsSteps && stepsPerTrial === 0 && steps === 0 && strategy.problems === undefined) {
    problems.addText("budget.stepsPerTrial", "no limit", `the steps of a trial, which ${strategy.name} shares out`);
  }
  for (const { name: parameter, domain, when } of context.space.parameters) {
    const index = spec.space.findIndex(({ name }) => name === parameter);
    const { accepts, name } = strategy;
    const refuse = (what: string) => problems.addText(`space[${index}]`, what, `another strategy than ${name}, which takes none`);
    if (when !== undefined && !accepts.conditional) refuse("a conditional parameter");
    if ((domain?.$case === "categorical" || domain?.$case === "boolean") && !accepts.categorical)
      refuse(`a ${domain.$case} parameter`);
    if (domain?.$case === "double" && !accepts.double) refuse("a double parameter");
  }
  return [...problems.all(), ...own];
}
