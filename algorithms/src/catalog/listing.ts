/**
 * The registered algorithms, for people: the command line's listings and its completion.
 */
import type { ComponentSpec } from "../core/index.js";
import { learningRateSpecs, lossHeadSpecs, optimizerSpecs } from "../settings/registry.generated.js";
import { optionNames } from "./components.js";
import {
  diagnosticSpecs,
  probeSpecs,
  procedureSpecs,
  strategySpecs,
  techniqueSpecs,
  workloadSpecs,
} from "./registry.generated.js";

/** Kinds of components, in the order of listings. */
export type ComponentKind =
  | "strategy"
  | "workload"
  | "technique"
  | "optimizer"
  | "learning-rate"
  | "loss-head"
  | "probe"
  | "procedure"
  | "diagnostic";

/** One registered component. */
export interface Listed {
  readonly kind: ComponentKind;
  readonly name: string;
  readonly summary: string;
  readonly source: string;
  /** Names of its options. */
  readonly options: readonly string[];
}

/** Everything registered, by kind, then by name. */
export function listComponents(): readonly Listed[] {
  const list = (kind: ComponentKind, specs: ReadonlyMap<string, ComponentSpec>) =>
    [...specs.values()].map((spec) => ({
      kind,
      name: spec.name,
      summary: spec.summary,
      source: spec.source,
      options: optionNames(spec),
    }));
  return [
    ...list("strategy", strategySpecs),
    ...list("workload", workloadSpecs),
    ...list("technique", techniqueSpecs),
    ...list("optimizer", optimizerSpecs),
    ...list("learning-rate", learningRateSpecs),
    ...list("loss-head", lossHeadSpecs),
    ...list("probe", probeSpecs),
    ...list("procedure", procedureSpecs),
    ...list("diagnostic", diagnosticSpecs),
  ];
}
