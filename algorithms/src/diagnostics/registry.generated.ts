/** Written by scripts/generate.mjs from the folders: every registered diagnostic, by name. Do not edit. */
import type { DiagnosticModule } from "../core/index.js";
import { module as diagnosticHypergradientWatch } from "../diagnostics/hypergradient-watch/hypergradient-watch.js";
import { module as diagnosticScaleWatch } from "../diagnostics/scale-watch/scale-watch.js";

export const diagnostics: ReadonlyMap<string, DiagnosticModule<unknown>> = new Map<string, DiagnosticModule<unknown>>([
  ["hypergradient-watch", diagnosticHypergradientWatch],
  ["scale-watch", diagnosticScaleWatch],
]);
