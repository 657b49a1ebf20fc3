/**
 * Watches what self-tuning trials report of themselves: a perturbation scale that collapses leaves the response unidentified, one that
 * explodes makes the network average over all settings; any trial's metrics may stop being finite; and the guard may have ended a trial's
 * tuning. Each is found once a trial and name. Hypergradients are hypergradient-watch's.
 * Source: MacKay et al., ICLR 2019, section 3.4; at equilibrium a scale is sqrt(entropy weight / curvature of the loss).
 */
import type { Measurement } from "@regulus/proto";
import { type Diagnostic, type DiagnosticModule, type Finding, type Findings, noteFindings } from "../../core/index.js";
import { type ScaleWatchOptions, spec } from "./spec.js";

export const module: DiagnosticModule<ScaleWatchOptions> = {
  spec,
  create: (_context, options): Diagnostic<Findings> => ({
    init: () => ({ found: [], keys: {} }),
    tell: (state, { kind }) => {
      if (kind?.$case !== "trialMeasured" || kind.value.measurement === undefined) return state;
      noteFindings(state, findingsOf(kind.value.trial, kind.value.measurement, options));
      return state;
    },
    findings: ({ found }) => found,
  }),
};

function findingsOf(trial: number, { step, metrics, scales }: Measurement, options: ScaleWatchOptions): readonly Finding[] {
  const at = `at step ${step} of trial ${trial}`;
  const found: Finding[] = [];
  for (const [name, scale] of Object.entries(scales)) {
    if (!Number.isFinite(scale)) {
      const message = `the scale of ${name} is ${scale} ${at}: self-tuning has diverged; lower hyperLearningRate`;
      found.push({ key: `not-finite/${trial}/${name}`, trial, severity: "error", message });
    } else if (scale <= options.collapsedBelow) {
      const message = `the scale of ${name} collapsed to ${scale.toPrecision(3)} ${at}: its hypergradient can't be trusted; raise entropyWeight`;
      found.push({ key: `collapsed/${trial}/${name}`, trial, severity: "warning", message });
    } else if (scale >= options.explodedAbove) {
      const message = `the scale of ${name} grew to ${scale.toPrecision(3)} ${at}: the loss hardly depends on it; lower entropyWeight`;
      found.push({ key: `exploded/${trial}/${name}`, trial, severity: "warning", message });
    }
  }
  if (metrics.tuningFrozen === 1) {
    const message = `tuning had ended ${at}: its hypergradients were unreliable (guardScore ${metrics.guardScore ?? "none"}), and it continues as plain training`;
    found.push({ key: `frozen/${trial}`, trial, severity: "warning", message });
  }
  for (const [name, value] of Object.entries(metrics)) {
    if (Number.isFinite(value)) continue;
    const message = `the metric ${name} is ${value} ${at}: it could not be computed, or training has diverged`;
    found.push({ key: `metric/${trial}/${name}`, trial, severity: "warning", message });
  }
  return found;
}
