/**
 * What predictions are worth, one after the other: mean negative log-likelihood, share of wrong ones, and expected calibration error over bins of
 * equal width. In float64, in the order in which they come.
 * Source: Guo et al., "On calibration of modern neural networks", ICML 2017, equation 3.
 */

/** One prediction, as far as its score needs it. */
export interface ScoredPrediction {
  /** Probability of the class that it should be. */
  readonly likelihood: number;
  /** Greatest probability of a class. */
  readonly confidence: number;
  readonly right: boolean;
}

/** Confidence and accuracy over bins of equal width of confidence. */
export class CalibrationBins {
  readonly #confidence: Float64Array;
  readonly #right: Float64Array;
  #predictions = 0;

  constructor(bins: number) {
    this.#confidence = new Float64Array(bins);
    this.#right = new Float64Array(bins);
  }

  add({ confidence, right }: Pick<ScoredPrediction, "confidence" | "right">): void {
    const bins = this.#right.length;
    // A bin holds its upper end: (0, 0.1], (0.1, 0.2] ...
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    this.#confidence[bin] = (this.#confidence[bin] ?? 0) + confidence;
    this.#right[bin] = (this.#right[bin] ?? 0) + (right ? 1 : 0);
    this.#predictions += 1;
  }

  /** Expected calibration error, the mean gap of confidence and accuracy weighted by the predictions of each bin: 0 to 1. */
  get error(): number {
    const gaps = this.#right.map((right, bin) => Math.abs(right - (this.#confidence[bin] ?? 0)));
    return gaps.reduce((sum, gap) => sum + gap, 0) / this.#predictions;
  }
}

export class PredictionScore {
  readonly #bins: CalibrationBins;
  #predictions = 0;
  #loss = 0;
  #wrong = 0;

  /** @param bins bins of confidence for the calibration error. */
  constructor(bins: number) {
    this.#bins = new CalibrationBins(bins);
  }

  add({ likelihood, confidence, right }: ScoredPrediction): void {
    this.#bins.add({ confidence, right });
    this.#predictions += 1;
    this.#loss -= Math.log(likelihood);
    this.#wrong += right ? 0 : 1;
  }

  /** Mean negative log-likelihood in nats. */
  get loss(): number {
    return this.#loss / this.#predictions;
  }

  /** Share of wrong predictions: 0 to 1. */
  get error(): number {
    return this.#wrong / this.#predictions;
  }

  /** Expected calibration error: 0 to 1. */
  get calibrationError(): number {
    return this.#bins.error;
  }
}
