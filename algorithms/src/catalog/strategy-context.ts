/**
 * A strategy's view of a resolved search, and which of its parameters are tuned inside training. Takes a spec that `resolveSpec` gave, as
 * the log's first fact holds it.
 */
import { type Budget, type SearchInput, type SearchSpec, Tuned } from "@regulus/proto";
import { createSpace, type StrategyContext } from "../core/index.js";
import { type Shares, sharesOf } from "../strategies/control-arm.js";
import { strategySpecs, techniqueSpecs, workloadSpecs } from "./registry.generated.js";

/** Steps of the warm-up of a trial that tunes inside, where the search does not say: a share of a trial's, but no more than this. */
const warmUpStepsMax = 400;
const warmUpShare = 0.1;

const noBudget: Budget = { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 };

/** The context of a search's strategy. */
export function strategyContext(spec: SearchSpec): StrategyContext {
  const inside = insideParameters(spec);
  const common = {
    objectives: spec.objectives,
    budget: armShares(spec)?.own ?? spec.budget ?? noBudget,
    parallelism: Math.max(1, spec.parallelism),
    inside,
    inputs: spec.inputs.flatMap(inputsOf),
    predictions: spec.reporting?.predictions?.splits ?? [],
  };
  if (!tunesTrialsInside(spec)) return { ...common, space: createSpace(spec.space), plainProcedure: plainProcedure(spec) };
  const learned = new Set(inside);
  return {
    ...common,
    space: createSpace(spec.space.filter(({ name }) => !learned.has(name))),
    plainProcedure: spec.tuning?.name ?? "self-tune",
    plainOptions: { ...(spec.tuning === undefined ? warmUpOf(spec) : spec.tuning.options) },
  };
}

/** What a strategy may name of another search. Before the coordinator has found it, as many stand-ins, for checks. */
function inputsOf({ search, trials, best, kinds, results }: SearchInput): NonNullable<StrategyContext["inputs"]> {
  if (results.length > 0) {
    return results.map(({ searchId, trial, artifact }) => ({ search: searchId, trial, kind: artifact?.kind ?? "" }));
  }
  const numbers = trials.length > 0 ? trials : Array.from({ length: best }, (_, trial) => trial);
  return numbers.flatMap((trial) => kinds.map((kind) => ({ search, trial, kind })));
}

/** The warm-up of a trial that tunes inside, as an option of its procedure: short in a short trial. */
export function warmUpOf({ budget }: SearchSpec): { readonly warmUpSteps?: number } {
  const stepsPerTrial = budget?.stepsPerTrial ?? 0;
  return stepsPerTrial === 0 ? {} : { warmUpSteps: Math.min(warmUpStepsMax, Math.floor(warmUpShare * stepsPerTrial)) };
}

/** The context of random search in the control arm: the whole space, by plain trials. Undefined where the search has no such arm. */
export function controlContext(spec: SearchSpec): StrategyContext | undefined {
  const shares = armShares(spec);
  if (shares === undefined) return undefined;
  const { objectives, parallelism } = spec;
  const space = createSpace(spec.space);
  const common = { objectives, parallelism: Math.max(1, parallelism), inside: [], plainProcedure: plainProcedure(spec) };
  return { ...common, space, budget: shares.control };
}

/** How a search's budget is shared with its control arm; undefined where it has none. */
export function armShares({ control, budget }: SearchSpec): Shares | undefined {
  return control === undefined ? undefined : sharesOf(budget ?? noBudget, control.share);
}

/** Whether trials of a strategy that does not tune inside by itself are to do so. */
export function tunesTrialsInside(spec: SearchSpec): boolean {
  if (strategySpecs.get(spec.strategy?.name ?? "")?.tunesInside === true) return false;
  return spec.tuning !== undefined || spec.space.some(({ tuned }) => tuned === Tuned.TUNED_INSIDE);
}

/**
 * Names of the space's parameters that are moved inside training. Where neither strategy nor search tunes inside, those that could be.
 */
export function insideParameters(spec: SearchSpec): readonly string[] {
  const learnable = learnableParameters(spec);
  const onlyMarked = tunesTrialsInside(spec) && spec.tuning === undefined;
  const moved = spec.space.filter(({ tuned }) => (onlyMarked ? tuned === Tuned.TUNED_INSIDE : tuned !== Tuned.TUNED_OUTSIDE));
  return moved.map(({ name }) => name).filter((name) => learnable.has(name));
}

/** Names of the space's parameters that can be moved inside training: numbers that a technique understands and can learn. */
export function learnableParameters(spec: SearchSpec): ReadonlySet<string> {
  const learnable = new Set<string>();
  for (const { name, options } of spec.techniques) {
    const technique = techniqueSpecs.get(name);
    for (const hyperparameter of technique?.hyperparameters(technique.options.parse(options ?? {})) ?? []) {
      if (hyperparameter.inside) learnable.add(hyperparameter.parameter.name);
    }
  }
  // A range whose width is no number has no gradient in its unconstrained coordinate, and a list of steps has none anywhere.
  const numeric = spec.space.filter(
    ({ domain }) =>
      (domain?.$case === "double" || domain?.$case === "int") &&
      domain.value.step === undefined &&
      Number.isFinite(domain.value.max - domain.value.min),
  );
  return new Set(numeric.map(({ name }) => name).filter((name) => learnable.has(name)));
}

/** Configurations that a search's strategy can try; Infinity where there is no end of them or the strategy does not go through the space. */
export function configurationsToTry(spec: SearchSpec): number {
  const strategy = strategySpecs.get(spec.strategy?.name ?? "");
  const options = strategy?.options.safeParse(spec.strategy?.options ?? {});
  if (strategy?.configurations === undefined || options?.success !== true) return Number.POSITIVE_INFINITY;
  return strategy.configurations(strategyContext(spec), options.data);
}

/** The arm whose trials are the result of a search; undefined where any trial is. */
export function resultArm(spec: SearchSpec): string | undefined {
  return strategySpecs.get(spec.strategy?.name ?? "")?.resultArm;
}

/** The procedure of a search's plain trials. */
export function plainProcedure(spec: SearchSpec): string {
  if (spec.command) return "command";
  return workloadSpecs.get(spec.workload?.name ?? "")?.procedure ?? "fit";
}
