/**
 * Facts of bilevel methods as Prometheus histograms and counters: hypergradients, perturbation scales, accuracies and what
 * became of a strategy's own steps. Distributions over all searches: no label names a search, a trial or a hyperparameter.
 */
import { type Fact, type Measurement, type StrategyStepped, stepOutcome } from "@regulus/proto";
import { Counter, Histogram, type Registry } from "prom-client";

/** Ends of buckets, a decade each. */
const decades = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));

const severities = ["info", "warning", "error"];

/** Observes facts once they are durable. */
export interface BilevelMetrics {
  observe(fact: Fact): void;
}

export function createBilevelMetrics(registry: Registry): BilevelMetrics {
  const registers = [registry];
  const norms = new Histogram({
    name: "regulus_hypergradient_norm",
    help: "Euclidean norms of hypergradients: of a trial's measurement (self_tuning) or of a strategy's own step (strategy).",
    labelNames: ["of"],
    buckets: decades(-8, 4),
    registers,
  });
  const notFinite = new Counter({
    name: "regulus_hypergradients_not_finite_total",
    help: "Hypergradients that were not finite numbers.",
    labelNames: ["of"],
    registers,
  });
  const scales = new Histogram({
    name: "regulus_perturbation_scale",
    help: "Perturbation scales of hyperparameters learned inside training, in the unconstrained coordinate.",
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers,
  });
  const steps = new Counter({
    name: "regulus_strategy_steps_total",
    help: "Steps of strategies of their own, such as outer iterations, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const accuracies = new Histogram({
    name: "regulus_strategy_accuracy",
    help: "Accuracies of lower levels that strategies' steps asked for.",
    buckets: decades(-12, 2),
    registers,
  });
  const lengths = new Histogram({
    name: "regulus_strategy_step_length",
    help: "Step lengths of strategies' line searches.",
    buckets: decades(-8, 4),
    registers,
  });
  const findings = new Counter({
    name: "regulus_findings_total",
    help: "Findings about searches and trials, by severity.",
    labelNames: ["severity"],
    registers,
  });
  for (const of of ["self_tuning", "strategy"]) notFinite.inc({ of }, 0);
  for (const outcome of ["accepted", "refused"]) steps.inc({ outcome }, 0);
  for (const severity of [...severities, "other"]) findings.inc({ severity }, 0);

  const gradient = (of: string, norm: number) => {
    if (Number.isFinite(norm)) norms.observe({ of }, norm);
    else notFinite.inc({ of });
  };
  const measured = ({ hypergradients, scales: widths }: Measurement) => {
    const components = Object.values(hypergradients);
    if (components.length > 0) gradient("self_tuning", Math.hypot(...components));
    for (const width of Object.values(widths)) if (Number.isFinite(width)) scales.observe(width);
  };
  const stepped = (step: StrategyStepped) => {
    const outcome = stepOutcome(step);
    if (outcome !== "news") steps.inc({ outcome: outcome === "taken" ? "accepted" : "refused" });
    const { gradientNorm, accuracy, stepLength } = step.metrics;
    if (gradientNorm !== undefined) gradient("strategy", gradientNorm);
    if (accuracy !== undefined && Number.isFinite(accuracy)) accuracies.observe(accuracy);
    if (stepLength !== undefined && Number.isFinite(stepLength)) lengths.observe(stepLength);
  };
  return {
    observe({ kind }) {
      if (kind?.$case === "trialMeasured" && kind.value.measurement) measured(kind.value.measurement);
      else if (kind?.$case === "strategyStepped") stepped(kind.value);
      else if (kind?.$case === "findingReported") {
        const { severity } = kind.value;
        findings.inc({ severity: severities.includes(severity) ? severity : "other" });
      }
    },
  };
}
