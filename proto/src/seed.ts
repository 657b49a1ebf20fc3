/** The seed of a search that was created. */
import type { SearchSpec } from "./gen/regulus/v1/search.js";

/** A search always has a seed; one from before seeds were drawn, whose file had none, has 0. */
export function seedOf(spec: Pick<SearchSpec, "seed">): number {
  return spec.seed ?? 0;
}
