/** The samples of a workload, opened in this thread as the procedure `respond` would. */
import type { RespondTask } from "@regulus/algorithms/solvers";
import { loadWorkload, openRequestOf } from "@regulus/algorithms/training";

/** A workload with its options, and the seed of its data. */
export interface SampleSource {
  readonly workload: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

export async function respondTask({ workload, options, seed }: SampleSource): Promise<RespondTask> {
  const module = await loadWorkload(workload);
  if (!("respond" in module)) throw new Error(`${workload} answers no questions`);
  return module.respond(openRequestOf(module.spec, { options, seed }));
}
