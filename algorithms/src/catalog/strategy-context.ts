/**
 * What a strategy is told of a resolved search. Takes a spec that `resolveSpec` gave, as the log's first fact holds it.
 */
import type { SearchSpec } from "@regulus/proto";
import { createSpace, type StrategyContext } from "../core/index.js";
import { techniqueSpecs, workloadSpecs } from "./registry.generated.js";

/** The context of a search's strategy. */
export function strategyContext(spec: SearchSpec): StrategyContext {
  return {
    space: createSpace(spec.space),
    objectives: spec.objectives,
    budget: spec.budget ?? { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 },
    parallelism: Math.max(1, spec.parallelism),
    inside: insideParameters(spec),
    plainProcedure: plainProcedure(spec),
  };
}

/** Names of the space's parameters that can be moved inside training: numbers that a technique understands and can learn. */
export function insideParameters(spec: SearchSpec): readonly string[] {
  const learnable = new Set<string>();
  for (const { name, options } of spec.techniques) {
    const technique = techniqueSpecs.get(name);
    for (const hyperparameter of technique?.hyperparameters(technique.options.parse(options ?? {})) ?? []) {
      if (hyperparameter.inside) learnable.add(hyperparameter.parameter.name);
    }
  }
  const numeric = spec.space.filter(({ domain }) => domain?.$case === "double" || domain?.$case === "int");
  return numeric.map(({ name }) => name).filter((name) => learnable.has(name));
}

/** The procedure of a search's plain trials. */
export function plainProcedure(spec: SearchSpec): string {
  if (spec.command) return "command";
  return workloadSpecs.get(spec.workload?.name ?? "")?.procedure ?? "fit";
}
