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
    const classes = this.#classes;
    const row = this.#row;
    this.#weight += weight;
    for (const [place, target] of targets.entries()) {
      const from = place * classes;
      const greatest = logProbabilities(logits.subarray(from, from + classes), row);
      if (!Number.isFinite(greatest)) {
        throw new RegulusError("invalid-argument", `saw a logit of ${greatest} in ${name}, expected finite ones: leave it out`);
      }
      if (this.#mean === "logits") this.#addRow(from, weight);
      for (let i = 0; i < classes; i++) row[i] = Math.exp(row[i] ?? 0);
      if (this.#mean === "probabilities") this.#addRow(from, weight);
      if (each === undefined) continue;
      const own = scored(row, target);
      each(own, this.#weight === 0 ? undefined : scored(this.probabilities(place), target));
    }
  }

  /** The mean's probabilities of a place. They hold until the next call. */
  probabilities(place: number): Float64Array {
    const row = this.#row;
    const from = place * this.#classes;
    for (let i = 0; i < row.length; i++) row[i] = (this.#sums[from + i] ?? 0) / this.#weight;
    if (this.#mean === "probabilities") return row;
    logProbabilities(row, row);
    for (let i = 0; i < row.length; i++) row[i] = Math.exp(row[i] ?? 0);
    return row;
  }

  /** A member without weight says nothing, not even that something is impossible. */
  #addRow(from: number, weight: number): void {
    if (weight === 0) return;
    for (let i = 0; i < this.#classes; i++) this.#sums[from + i] = (this.#sums[from + i] ?? 0) + weight * (this.#row[i] ?? 0);
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

/** Writes the logarithms of the softmax of some logits. Those of minus infinity stand for impossible classes. Answers the greatest, or NaN. */
function logProbabilities(logits: Float32Array | Float64Array, into: Float64Array): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] ?? Number.NaN;
    if (!(logit <= greatest)) greatest = logit;
    if (Number.isNaN(greatest)) return greatest;
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i] ?? 0) - greatest);
  const logSum = greatest + Math.log(sum);
  for (let i = 0; i < logits.length; i++) into[i] = (logits[i] ?? 0) - logSum;
  return greatest;
}
