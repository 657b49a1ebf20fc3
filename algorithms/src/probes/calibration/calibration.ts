/**
 * Calibration of a classifier on the validation and the test split: negative log-likelihood, expected calibration error over bins of equal width, and the
 * area under the risk-coverage curve by the greatest probability. Outputs are logits [batch, classes], targets probabilities. All in float64.
 * Source: Guo et al., "On calibration of modern neural networks", ICML 2017, equation 3; Geifman, Uziel and El-Yaniv, "Bias-reduced uncertainty
 * estimation for deep neural classifiers", ICLR 2019, section 2.
 */
import { CalibrationBins } from "../../predictions/index.js";
import type { ProbedBatch, ProbeModule } from "../../training/contracts/probe.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { type CalibrationOptions, spec } from "./spec.js";

/** What one prediction says. */
export interface Prediction {
  /** Probability of the class that is predicted. */
  readonly confidence: number;
  readonly right: boolean;
  /** Negative log-likelihood of the target, in nats. */
  readonly nll: number;
}

export const module: ProbeModule<CalibrationOptions> = {
  spec,
  create: ({ bins }) => ({
    async measure(context) {
      const metrics: Record<string, number> = {};
      for (const split of ["valid", "test"] as const) {
        const predictions: Prediction[] = [];
        for await (const batch of context.batches(split)) predictions.push(...predictionsOf(batch));
        if (predictions.length === 0) continue;
        metrics[`${split}Nll`] = predictions.reduce((sum, { nll }) => sum + nll, 0) / predictions.length;
        metrics[`${split}Ece`] = expectedCalibrationError(predictions, bins);
        metrics[`${split}Aurc`] = areaUnderRiskCoverage(predictions);
      }
      return { metrics };
    },
  }),
};

/** Mean gap of confidence and accuracy over bins of equal width of confidence, weighted by their predictions: 0 to 1. */
export function expectedCalibrationError(predictions: readonly Prediction[], bins: number): number {
  const sums = new CalibrationBins(bins);
  for (const prediction of predictions) sums.add(prediction);
  return sums.error;
}

/** Mean, over all coverages, of the error among the most confident predictions: 0 to 1. Those of equal confidence stand in row order. */
export function areaUnderRiskCoverage(predictions: readonly Prediction[]): number {
  const inOrder = [...predictions].sort((a, b) => b.confidence - a.confidence);
  let wrong = 0;
  let sum = 0;
  for (const [index, { right }] of inOrder.entries()) {
    wrong += right ? 0 : 1;
    sum += wrong / (index + 1);
  }
  return sum / inOrder.length;
}

function predictionsOf({ outputs, targets }: ProbedBatch): Prediction[] {
  const [rows = 0, classes = 1, ...more] = outputs.shape;
  if (more.length > 0 || classes < 2 || targets.values.length !== outputs.values.length) {
    const words = `saw outputs [${outputs.shape.join(", ")}] and targets [${targets.shape.join(", ")}], expected [rows, classes] both: calibration is a measure of classifiers`;
    throw new TrialFailure("user-error", words);
  }
  return Array.from({ length: rows }, (_, row) => {
    const from = row * classes;
    return predictionOf(outputs.values.subarray(from, from + classes), targets.values.subarray(from, from + classes));
  });
}

/** @param logits of one row. @param target probabilities of its classes. */
export function predictionOf(logits: Float32Array, target: Float32Array): Prediction {
  const greatest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const logSum = greatest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - greatest), 0));
  const nll = target.reduce((sum, share, index) => sum + (share === 0 ? 0 : share * (logSum - (logits[index] ?? 0))), 0);
  return { confidence: Math.exp(greatest - logSum), right: argMax(logits) === argMax(target), nll };
}

/** The first greatest. */
function argMax(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? Number.NEGATIVE_INFINITY) ? index : best), 0);
}
