/**
 * The searches of the demo: the same five hyperparameters of the same network on the same digits, tuned inside one training run and
 * tried from outside in six, at the same number of training steps. They are files in examples/, so that anyone can submit them too.
 */
import { fileURLToPath } from "node:url";
import type { SearchSpec } from "@regulus/proto";
import { readSearchFile } from "../search-files.js";

const files = ["digits-self-tuning.yaml", "digits-random.yaml"].map(
  (name) => new URL(`../../../examples/${name}`, import.meta.url),
);

/** The searches, with a seed in place of the files' own. */
export async function demoSearches(seed: number): Promise<SearchSpec[]> {
  const specs = await Promise.all(files.map((file) => readSearchFile(fileURLToPath(file))));
  return specs.map((spec) => ({ ...spec, seed }));
}

/** Trials that the searches could run at the same moment; more slots than that would stand idle. */
export function slotsUseful(specs: readonly SearchSpec[]): number {
  return specs.reduce((sum, spec) => sum + Math.min(Math.max(1, spec.parallelism), spec.budget?.trials || Infinity), 0);
}
