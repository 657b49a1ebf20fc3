/**
 * Watches what bilevel methods report: hypergradients of trials and of the strategy's own steps that are no numbers, line searches that
 * refuse step after step, accuracies that the arithmetic can hardly reach, and trials that own a shard and give no sign of life. Each is
 * found once, with what it means. It judges what was measured; the strategy decides what is done about it.
 */
import { counted, EndReason, type Fact, type Measurement, type StrategyStepped, stepOutcome } from "@regulus/proto";
import { type Diagnostic, type DiagnosticModule, type Finding, type Findings, noteFindings } from "../../core/index.js";
import { type HypergradientWatchOptions, spec } from "./spec.js";

/** Plain data. */
export interface HypergradientWatchState extends Findings {
  /** Steps of the strategy that were refused since the last that was taken. */
  refused: number;
  /** Position of the newest fact about a step, so that none counts twice. */
  position: number;
}

export const module: DiagnosticModule<HypergradientWatchOptions> = {
  spec,
  create: (_context, options): Diagnostic<HypergradientWatchState> => ({
    init: () => ({ found: [], keys: {}, refused: 0, position: 0 }),
    tell: (state, fact) => {
      noteFindings(state, findingsOf(state, fact, options));
      return state;
    },
    findings: ({ found }) => found,
  }),
};

function findingsOf(
  state: HypergradientWatchState,
  { kind, position }: Fact,
  options: HypergradientWatchOptions,
): readonly Finding[] {
  switch (kind?.$case) {
    case "trialMeasured":
      return kind.value.measurement === undefined ? [] : measured(kind.value.trial, kind.value.measurement);
    case "strategyStepped":
      if (position <= state.position) return [];
      state.position = position;
      return stepped(state, kind.value, options);
    case "attemptEnded":
    case "trialEnded":
      return kind.value.reason === EndReason.END_REASON_TIMED_OUT ? [silent(kind.value.trial, kind.value.message)] : [];
    default:
      return [];
  }
}

function measured(trial: number, { step, hypergradients }: Measurement): readonly Finding[] {
  return Object.entries(hypergradients).flatMap(([name, value]): Finding[] => {
    if (Number.isFinite(value)) return [];
    const message = `the hypergradient of ${name} is ${value} at step ${step} of trial ${trial}: training diverged before it; lower the learning rates`;
    return [{ key: `not-finite/${trial}/${name}`, trial, severity: "error", message }];
  });
}

function stepped(
  state: HypergradientWatchState,
  { step, accepted, metrics, message }: StrategyStepped,
  { refusedInARow, accuracyFloor }: HypergradientWatchOptions,
): readonly Finding[] {
  const found: Finding[] = [];
  const broken = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (broken !== undefined) {
    const words = `${broken[0]} is ${broken[1]} at the strategy's step ${step}: its result can't be used`;
    found.push({ key: `step-not-finite/${broken[0]}`, severity: "error", message: words });
  }
  const outcome = stepOutcome({ accepted, metrics });
  if (outcome === "taken") state.refused = 0;
  else if (outcome === "refused") state.refused += 1;
  if (outcome === "refused" && state.refused === refusedInARow) {
    const words = `${counted(refusedInARow, "step")} were refused in a row at step ${step}; the newest: ${message || "no reason given"}`;
    found.push({ key: `refused/${step}`, severity: "warning", message: words });
  }
  const { accuracy } = metrics;
  // 0 is a problem that was solved exactly.
  if (accuracy !== undefined && accuracy > 0 && accuracy <= accuracyFloor) {
    const words = `the accuracy ${Number(accuracy.toPrecision(3))} reached at step ${step} is near what double precision can reach: no further decrease can be certified for long`;
    found.push({ key: "accuracy-floor", severity: "warning", message: words });
  }
  return found;
}

function silent(trial: number, seen: string): Finding {
  const message = `trial ${trial} gave no sign of life in time (${seen}); its shard waits for another attempt. Raise resources.stepTimeout where its work takes long`;
  return { key: `silent/${trial}`, trial, severity: "warning", message };
}
