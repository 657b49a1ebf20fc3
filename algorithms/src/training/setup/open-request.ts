/** The inputs of a workload's `open`: options by its schema, hyperparameters with their fallbacks. */
import type { Configuration, WorkloadSpec } from "../../core/index.js";
import { parseOptions } from "../../settings/parse-options.js";
import type { OpenRequest } from "../contracts/workload.js";

/** @param given.options as a search has them. @param given.parameters values that take the place of fallbacks. @param given.seed of the search. */
export function openRequestOf<Options>(
  spec: WorkloadSpec<Options>,
  {
    options: raw,
    parameters,
    seed,
  }: { readonly options: unknown; readonly parameters?: Configuration | undefined; readonly seed: number },
): Omit<OpenRequest<Options>, "kit"> {
  const options = parseOptions("workload.options", spec.options, raw);
  const fallbacks = spec.hyperparameters(options).map(({ parameter, fallback }) => [parameter.name, fallback] as const);
  return { options, hyperparameters: { ...Object.fromEntries(fallbacks), ...parameters }, seed };
}
