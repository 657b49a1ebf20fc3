/**
 * A linear head with softmax cross entropy over rows of features, in float64 and by forward arithmetic only: loss, gradient and Hessian-vector
 * product of one row, and what hypergradients need of it. With p the probabilities, e the class and f the features:
 * gradient (p - e) f', Hessian-vector product ((diag p - p p') Z f) f', curvature at most |f|^2 / 2.
 * Source: Böhning, "Multinomial logistic regression algorithm", Annals of the Institute of Statistical Mathematics 44 (1992), for the bound.
 */

/** Weights are [classes, width], row by row. Not re-entrant: rows share scratch space. */
export class SoftmaxHead {
  readonly classes: number;
  readonly width: number;
  /** Probabilities of the newest row. */
  readonly probabilities: Float64Array;
  readonly #products: Float64Array;

  constructor(classes: number, width: number) {
    this.classes = classes;
    this.width = width;
    this.probabilities = new Float64Array(classes);
    this.#products = new Float64Array(classes);
  }

  get size(): number {
    return this.classes * this.width;
  }

  /** Cross entropy of a row whose features begin at `at`; leaves its probabilities. */
  loss(weights: Float64Array, features: Float64Array, at: number, label: number): number {
    const logits = this.#apply(weights, features, at, this.probabilities);
    let most = Number.NEGATIVE_INFINITY;
    for (const logit of logits) if (logit > most) most = logit;
    const chosen = logits[label] ?? Number.NaN;
    let sum = 0;
    for (let c = 0; c < logits.length; c++) {
      const raised = Math.exp((logits[c] ?? 0) - most);
      logits[c] = raised;
      sum += raised;
    }
    for (let c = 0; c < logits.length; c++) logits[c] = (logits[c] ?? 0) / sum;
    return Math.log(sum) + most - chosen;
  }

  /** The likeliest class of the newest row. */
  get likeliest(): number {
    let best = 0;
    for (let c = 1; c < this.classes; c++) if ((this.probabilities[c] ?? 0) > (this.probabilities[best] ?? 0)) best = c;
    return best;
  }

  /** Adds scale * gradient of the newest row's loss to `out` [size]. */
  addGradient(features: Float64Array, at: number, label: number, scale: number, out: Float64Array): void {
    for (let c = 0; c < this.classes; c++) {
      this.#addRow(out, c, scale * ((this.probabilities[c] ?? 0) - (c === label ? 1 : 0)), features, at);
    }
  }

  /** Adds scale * (Hessian of the newest row's loss times z) to `out` [size]. */
  addHessianVector(z: Float64Array, features: Float64Array, at: number, scale: number, out: Float64Array): void {
    const bent = this.bend(this.#apply(z, features, at, this.#products));
    for (let c = 0; c < this.classes; c++) this.#addRow(out, c, scale * (bent[c] ?? 0), features, at);
  }

  /** Inner product of the newest row's gradient with z. */
  gradientAlong(z: Float64Array, features: Float64Array, at: number, label: number): number {
    const products = this.#apply(z, features, at, this.#products);
    let sum = -(products[label] ?? 0);
    for (let c = 0; c < this.classes; c++) sum += (this.probabilities[c] ?? 0) * (products[c] ?? 0);
    return sum;
  }

  /** z times the row's features [classes], into scratch space. */
  products(z: Float64Array, features: Float64Array, at: number): Float64Array {
    return this.#apply(z, features, at, this.#products);
  }

  /** (diag p - p p') u in place, p of the newest row. */
  bend(u: Float64Array): Float64Array {
    let mean = 0;
    for (let c = 0; c < this.classes; c++) mean += (this.probabilities[c] ?? 0) * (u[c] ?? 0);
    for (let c = 0; c < this.classes; c++) u[c] = (this.probabilities[c] ?? 0) * ((u[c] ?? 0) - mean);
    return u;
  }

  /** A bound of the curvature of a row's loss: half its squared length. */
  curvature(features: Float64Array, at: number): number {
    let squared = 0;
    for (let k = 0; k < this.width; k++) squared += (features[at + k] ?? 0) ** 2;
    return squared / 2;
  }

  #apply(weights: Float64Array, features: Float64Array, at: number, out: Float64Array): Float64Array {
    for (let c = 0; c < this.classes; c++) {
      let sum = 0;
      const row = c * this.width;
      for (let k = 0; k < this.width; k++) sum += (weights[row + k] as number) * (features[at + k] as number);
      out[c] = sum;
    }
    return out;
  }

  #addRow(out: Float64Array, c: number, scale: number, features: Float64Array, at: number): void {
    const row = c * this.width;
    for (let k = 0; k < this.width; k++) out[row + k] = (out[row + k] as number) + scale * (features[at + k] as number);
  }
}
