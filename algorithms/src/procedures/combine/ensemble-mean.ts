/** The weighted mean of predictions for one block of rows, member after member, in float64. After each it is the mean of those so far. */
import { RegulusError } from "@regulus/proto";
import type { PredictionRows, ScoredPrediction } from "../../predictions/index.js";

/** What is averaged. */
export type Mean = "probabilities" | "logits";

/** Hears of a prediction how the member's own scores, and how the mean of the members so far does; undefined while they have no weight. */
export type OnPrediction = (own: ScoredPrediction, mean: ScoredPrediction | undefined) => void;

export class EnsembleMean {
  readonly #mean: Mean;
  readonly #classes: number;
  /** Sum over members of weight x probability, or of weight x log-probability: [places, classes]. */
  readonly #sums: Float64Array;
  /** Numbers of one place. */
  readonly #row: Float64Array;
  #weight = 0;

  constructor(mean: Mean, places: number, classes: number) {
    this.#mean = mean;
    this.#classes = classes;
    this.#sums = new Float64Array(places * classes);
    this.#row = new Float64Array(classes);
  }

  /** Adds a member. Fails where its logits give no probabilities. */
  add(
    { logits, targets }: Pick<PredictionRows, "logits" | "targets">,
    { name, weight }: { readonly name: string; readonly weight: number },
    each?: OnPrediction,
  ): void {
    const row = this.#row;
    this.#weight += weight;
    for (let place = 0; place < targets.length; place++) {
      const from = place * this.#classes;
      for (let i = 0; i < row.length; i++) row[i] = logits[from + i] ?? Number.NaN;
      const logSum = toProbabilities(row);
      if (!Number.isFinite(logSum)) {
        throw new RegulusError("invalid-argument", `saw a logit of ${logSum} in ${name}, expected finite ones: leave it out`);
      }
      // A member without weight says nothing, not even that something is impossible.
      if (weight > 0 && this.#mean === "probabilities") this.#addProbabilities(from, weight);
      else if (weight > 0) this.#addLogits(logits, from, { weight, logSum });
      if (each === undefined) continue;
      const target = targets[place] ?? -1;
      const own = scored(row, target);
      each(own, this.#weight === 0 ? undefined : scored(this.probabilities(place), target));
    }
  }

  /** The mean's probabilities of a place. They hold until the next call. */
  probabilities(place: number): Float64Array {
    const row = this.#row;
    const from = place * this.#classes;
    for (let i = 0; i < row.length; i++) row[i] = (this.#sums[from + i] ?? 0) / this.#weight;
    if (this.#mean === "logits") toProbabilities(row);
    return row;
  }

  #addProbabilities(from: number, weight: number): void {
    for (let i = 0; i < this.#classes; i++) this.#sums[from + i] = (this.#sums[from + i] ?? 0) + weight * (this.#row[i] ?? 0);
  }

  #addLogits(logits: Float32Array, from: number, { weight, logSum }: { readonly weight: number; readonly logSum: number }): void {
    for (let i = 0; i < this.#classes; i++) {
      this.#sums[from + i] = (this.#sums[from + i] ?? 0) + weight * ((logits[from + i] ?? 0) - logSum);
    }
  }
}

function scored(probabilities: Float64Array, target: number): ScoredPrediction {
  let best = 0;
  for (let i = 1; i < probabilities.length; i++) if ((probabilities[i] ?? 0) > (probabilities[best] ?? 0)) best = i;
  return {
    likelihood: probabilities[target] ?? Number.NaN,
    confidence: probabilities[best] ?? Number.NaN,
    right: best === target,
  };
}

/**
 * Turns logits into their softmax, in place. Those of minus infinity stand for impossible classes. Answers the logarithm of the sum of their exponentials;
 * where a logit is NaN or infinite, that logit.
 */
function toProbabilities(row: Float64Array): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) {
    const logit = row[i] ?? 0;
    if (Number.isNaN(logit)) return logit;
    if (logit > greatest) greatest = logit;
  }
  if (!Number.isFinite(greatest)) return greatest;
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    const share = Math.exp((row[i] ?? 0) - greatest);
    row[i] = share;
    sum += share;
  }
  for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) / sum;
  return greatest + Math.log(sum);
}
