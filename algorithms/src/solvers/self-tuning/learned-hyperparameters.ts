/**
 * The hyperparameters of a self-tuning network: for each one an unconstrained coordinate and a scale, perturbed for every example while
 * training, and both moved by gradients of the validation loss. Plain doubles; what computes the loss is the caller's affair.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, section 3.3 (equation 11: the loss with its entropy term) and the released code.
 * The clamps are ours: a sigmoid freezes beyond 7, a softplus underflows below -87, and without curvature a scale grows for ever.
 */
import { assert } from "@regulus/proto";
import type { Rng } from "../../core/index.js";

/** Bounds of a scale. */
export const scaleMin = 1e-3;
export const scaleMax = 3;

/** One hyperparameter that is learned. */
export interface LearnedHyperparameter {
  readonly name: string;
  /** Where its coordinate starts. */
  readonly start: number;
  /** Greatest magnitude of its coordinate. */
  readonly coordinateMax: number;
  /** Whether all examples of a batch share one perturbation, since it acts on weights. */
  readonly sharedInBatch: boolean;
  /** The hyperparameter at a coordinate. */
  value(coordinate: number): number;
}

/** One draw: noise n and coordinates lam + sigma n, [rows, hyperparameters] row by row. */
export interface Perturbation {
  readonly rows: number;
  readonly noise: Float64Array;
  readonly coordinates: Float64Array;
}

/** Gradients of the objective, one a hyperparameter. */
export interface HyperGradients {
  readonly coordinates: Float64Array;
  /** By the raw scales, whose softplus the scales are. */
  readonly rawScales: Float64Array;
}

export class LearnedHyperparameters {
  readonly each: readonly LearnedHyperparameter[];
  /** lam: move it, then call `clamp`. */
  readonly coordinates: Float64Array;
  /** s, with sigma = softplus(s): move it, then call `clamp`. */
  readonly rawScales: Float64Array;

  /** @param scale sigma of every hyperparameter at the start. */
  constructor(each: readonly LearnedHyperparameter[], scale: number) {
    assert(each.length > 0, "there is something to learn");
    assert(scale >= scaleMin && scale <= scaleMax, `a scale lies from ${scaleMin} to ${scaleMax}, not ${scale}`);
    this.each = each;
    this.coordinates = Float64Array.from(each, ({ start }) => start);
    this.rawScales = Float64Array.from(each, () => inverseSoftplus(scale));
    this.clamp();
  }

  get count(): number {
    return this.each.length;
  }

  /** sigma of hyperparameter i. */
  scale(i: number): number {
    return softplus(this.rawScales[i] ?? Number.NaN);
  }

  /** Sets sigma of hyperparameter i. @param scale from scaleMin to scaleMax. */
  setScale(i: number, scale: number): void {
    this.rawScales[i] = inverseSoftplus(scale);
  }

  /** Coordinates around lam for a batch; where all share one, row 0's in every row. */
  perturb(rows: number, rng: Rng): Perturbation {
    const noise = new Float64Array(rows * this.count);
    rng.fillNormal(noise);
    const coordinates = new Float64Array(noise.length);
    for (const [i, { sharedInBatch }] of this.each.entries()) {
      const scale = this.scale(i);
      for (let row = 0; row < rows; row++) {
        const at = row * this.count + i;
        if (sharedInBatch) noise[at] = noise[i] ?? 0;
        coordinates[at] = (this.coordinates[i] ?? 0) + scale * (noise[at] ?? 0);
      }
    }
    return { rows, noise, coordinates };
  }

  /** The point lam itself, in one row. */
  center(): Perturbation {
    return { rows: 1, noise: new Float64Array(this.count), coordinates: Float64Array.from(this.coordinates) };
  }

  /** Values of hyperparameter i at a perturbation: one a row, or one where all share it. */
  values(i: number, { rows, coordinates }: Perturbation): Float32Array {
    const one = this.each[i];
    assert(one !== undefined, `there is a hyperparameter ${i}`);
    return Float32Array.from({ length: one.sharedInBatch ? 1 : rows }, (_, row) =>
      one.value(coordinates[row * this.count + i] ?? 0),
    );
  }

  /**
   * Gradients of J = loss - entropyWeight sum_i log(sigma_i sqrt(2 pi e)), given dLoss/dCoordinates [rows, hyperparameters] at a
   * perturbation: dJ/dlam_i = sum_b G_bi, dJ/ds_i = (sum_b G_bi n_bi - entropyWeight / sigma_i) sigmoid(s_i).
   */
  gradients({ rows, noise }: Perturbation, lossGradients: ArrayLike<number>, entropyWeight: number): HyperGradients {
    const coordinates = new Float64Array(this.count);
    const rawScales = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) {
      let byCoordinate = 0;
      let byScale = 0;
      for (let row = 0; row < rows; row++) {
        const at = row * this.count + i;
        byCoordinate += lossGradients[at] ?? Number.NaN;
        byScale += (lossGradients[at] ?? Number.NaN) * (noise[at] ?? 0);
      }
      coordinates[i] = byCoordinate;
      rawScales[i] = (byScale - entropyWeight / this.scale(i)) * sigmoid(this.rawScales[i] ?? 0);
    }
    return { coordinates, rawScales };
  }

  /** Back into the bounds, after a move. */
  clamp(): void {
    for (const [i, { coordinateMax }] of this.each.entries()) {
      this.coordinates[i] = between(-coordinateMax, this.coordinates[i] ?? 0, coordinateMax);
      this.rawScales[i] = between(inverseSoftplus(scaleMin), this.rawScales[i] ?? 0, inverseSoftplus(scaleMax));
    }
  }
}

/** log(1 + exp(x)), without overflow. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** The x whose softplus is y, as y + log(1 - exp(-y)), which keeps its digits where log(exp(y) - 1) has none. */
export function inverseSoftplus(y: number): number {
  return y + Math.log(-Math.expm1(-y));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function between(min: number, x: number, max: number): number {
  return Math.min(max, Math.max(min, x));
}
