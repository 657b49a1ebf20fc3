/**
 * Regularized least squares as a bilevel problem: the upper loss is |A1 x - b1|^2, where x minimizes |A2 x + A3 theta - b2|^2 + ridge |x|^2.
 * Everything is known in closed form, so that certificates can be held against the truth. With ridge 0 it is the quadratic of section 4.1 of
 * MAID (arXiv 2308.10098). Only products A'A are kept: a step costs dim^2, whatever the number of rows.
 */
import type { Rng } from "../../core/index.js";
import { eigenvalues, solvePositive } from "../dense-symmetric.js";
import type { RespondSample } from "../respond.js";

/** Sizes and noise of a random problem. */
export interface QuadraticLaw {
  /** Rows of each matrix. */
  readonly rows: number;
  /** Length of x. */
  readonly dim: number;
  /** Length of theta. */
  readonly thetaDim: number;
  /** Standard deviation of the noise on b1 and b2. */
  readonly noise: number;
  /** Weight of |x|^2 in the lower level; 0 for none. */
  readonly ridge: number;
  /** What x1, x2 and theta_e are drawn from: standard normal where absent, or uniform in [0, 1]. */
  readonly truths?: "normal" | "uniform";
}

/** A drawn problem with its truth. */
export interface QuadraticProblem extends RespondSample {
  /** The exact minimizer of the lower level [dim]. */
  minimizer(theta: Float64Array): Float64Array;
  /** The exact upper objective f(theta) = g(minimizer(theta)). */
  exact(theta: Float64Array): number;
  /** f(theta) - optimum, without the cancellation of that difference. */
  exactGap(theta: Float64Array): number;
  /** Its gradient [thetaDim]. */
  exactGradient(theta: Float64Array): Float64Array;
  /** Its least value over theta, where as many hyperparameters as weights can reach any minimizer; else a lower bound of it. */
  readonly optimum: number;
  /** Condition number of the lower level's Hessian. */
  readonly condition: number;
}

/** A dense matrix, row by row. */
interface Matrix {
  readonly columns: number;
  readonly entries: Float64Array;
}

/**
 * Draws A_i with entries uniform in [0, 1], b1 = A1 x1 + noise, b2 = A2 x2 + A3 theta_e + noise with normal x1, x2 and theta_e. The first solve starts
 * at x2, as in the paper's experiment.
 */
export function drawQuadratic(law: QuadraticLaw, rng: Rng): QuadraticProblem {
  const { rows, dim, thetaDim, noise, ridge } = law;
  const matrix = (name: string, columns: number): Matrix => {
    const entries = new Float64Array(rows * columns);
    rng.fork(name).fillUniform(entries);
    return { columns, entries };
  };
  const normal = (name: string, length: number): Float64Array => {
    const vector = new Float64Array(length);
    rng.fork(name).fillNormal(vector);
    return vector;
  };
  const truth = (name: string, length: number): Float64Array => {
    if (law.truths !== "uniform") return normal(name, length);
    const vector = new Float64Array(length);
    rng.fork(name).fillUniform(vector);
    return vector;
  };
  const [a1, a2, a3] = [matrix("A1", dim), matrix("A2", dim), matrix("A3", thetaDim)];
  const [x1, x2, thetaTrue] = [truth("x1", dim), truth("x2", dim), truth("theta", thetaDim)];
  const [noise1, noise2] = [normal("noise 1", rows), normal("noise 2", rows)];
  const b1 = Float64Array.from(noise1, (value, row) => noise * value + rowTimes(a1, row, x1));
  const b2 = Float64Array.from(noise2, (value, row) => noise * value + rowTimes(a2, row, x2) + rowTimes(a3, row, thetaTrue));

  // Upper: g(x) = g(x*) + (x - x*)' M1 (x - x*), which has no cancellation near its minimizer x*.
  const m1 = transposedTimes(a1, a1);
  const best = solvePositive(m1, transposedTimes(a1, { columns: 1, entries: b1 }));
  const optimum = b1.reduce((sum, value, row) => sum + (rowTimes(a1, row, best) - value) ** 2, 0);
  // Lower: half the gradient is M2 x + C theta - c.
  const m2 = transposedTimes(a2, a2);
  for (let i = 0; i < dim; i++) m2[i * dim + i] = (m2[i * dim + i] as number) + ridge;
  const cross = { columns: thetaDim, entries: transposedTimes(a2, a3) };
  const constant = transposedTimes(a2, { columns: 1, entries: b2 });
  const spectrum = eigenvalues(m2);
  // Outwards by more than the eigenvalues' rounding.
  const [mu, smoothness] = [2 * (spectrum[0] as number) * (1 - 1e-12), 2 * (spectrum.at(-1) as number) * (1 + 1e-12)];

  const centred = new Float64Array(dim);
  const product = new Float64Array(dim);
  const minimizer = (theta: Float64Array): Float64Array =>
    solvePositive(
      m2,
      Float64Array.from(constant, (value, i) => value - rowTimes(cross, i, theta)),
    );
  const gap = (x: Float64Array): number => {
    for (let i = 0; i < dim; i++) centred[i] = (x[i] as number) - (best[i] as number);
    multiply(m1, centred, product);
    return product.reduce((sum, one, i) => sum + one * (centred[i] as number), 0);
  };
  const value = (x: Float64Array): number => optimum + gap(x);
  const gradient = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < dim; i++) centred[i] = (x[i] as number) - (best[i] as number);
    multiply(m1, centred, out);
    for (let i = 0; i < dim; i++) out[i] = 2 * (out[i] as number);
  };
  const crossTransposed = (q: Float64Array, out: Float64Array): void => {
    out.fill(0);
    for (let i = 0; i < dim; i++)
      for (let j = 0; j < thetaDim; j++)
        out[j] = (out[j] as number) + 2 * (cross.entries[i * thetaDim + j] as number) * (q[i] as number);
  };
  const crossNorm = 2 * Math.sqrt(eigenvalues(transposedTimes(cross, cross)).at(-1) as number) * (1 + 1e-12);

  return {
    lower: {
      dim,
      thetaDim,
      mu: () => mu,
      smoothness: () => smoothness,
      value: (x, theta) =>
        b2.reduce((sum, right, row) => sum + (rowTimes(a2, row, x) + rowTimes(a3, row, theta) - right) ** 2, 0) +
        ridge * x.reduce((sum, one) => sum + one * one, 0),
      gradient(x, theta, out) {
        multiply(m2, x, out);
        for (let i = 0; i < dim; i++) out[i] = 2 * ((out[i] as number) + rowTimes(cross, i, theta) - (constant[i] as number));
      },
      hessianVector(_x, _theta, v, out) {
        multiply(m2, v, out);
        for (let i = 0; i < dim; i++) out[i] = 2 * (out[i] as number);
      },
      crossTransposed: (_x, _theta, q, out) => crossTransposed(q, out),
      lipschitz: () => ({ crossNorm, crossLipschitz: 0, hessianLipschitz: 0 }),
    },
    upper: { smoothness: 2 * (eigenvalues(m1).at(-1) as number) * (1 + 1e-12), convex: true, value, gradient },
    start: () => Float64Array.from(x2),
    minimizer,
    exact: (theta) => value(minimizer(theta)),
    exactGap: (theta) => gap(minimizer(theta)),
    exactGradient(theta) {
      const right = new Float64Array(dim);
      gradient(minimizer(theta), right);
      const out = new Float64Array(thetaDim);
      crossTransposed(solvePositive(m2, right), out);
      // H is 2 M2, and J is 2 C: the twos of one and the other go into one half.
      return out.map((one) => -one / 2);
    },
    optimum,
    condition: (spectrum.at(-1) as number) / (spectrum[0] as number),
  };
}

function rowTimes({ columns, entries }: Matrix, row: number, x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < columns; i++) sum += (entries[row * columns + i] as number) * (x[i] as number);
  return sum;
}

/** A'B, row by row. */
function transposedTimes(a: Matrix, b: Matrix): Float64Array {
  const out = new Float64Array(a.columns * b.columns);
  const rows = a.entries.length / a.columns;
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < a.columns; i++)
      for (let j = 0; j < b.columns; j++)
        out[i * b.columns + j] =
          (out[i * b.columns + j] as number) +
          (a.entries[row * a.columns + i] as number) * (b.entries[row * b.columns + j] as number);
  return out;
}

/** M v, into `out`. */
function multiply(matrix: Float64Array, v: Float64Array, out: Float64Array): void {
  const n = v.length;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += (matrix[i * n + j] as number) * (v[j] as number);
    out[i] = sum;
  }
}
