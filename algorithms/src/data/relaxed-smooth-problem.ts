/**
 * A bilevel problem whose upper function has unbounded smoothness and whose answer is known: g = 1/2 y'Dy - y'Bx, so that y*(x) = D^-1 B x, and
 * f(y) = (1/d) sum (cosh(a (y_i - c_i)) - 1), whose curvature grows with its gradient (relaxed smoothness). Oracles are noisy.
 *
 * Source: the class of arXiv 2401.09587; this instance and its sizes are those of our reproduction.
 */
import { createRng, type Rng } from "../core/index.js";
import type { Draw, StochasticProblem } from "../solvers/stochastic-problem.js";

/** What a random problem is drawn from. */
export interface RelaxedSmoothLaw {
  readonly dimension: number;
  /** a: how fast cosh grows. */
  readonly growth: number;
  /** Standard deviation of each coordinate of x0. */
  readonly startDeviation: number;
  /** Standard deviation of the noise of every oracle, and of the relative noise of grad f. */
  readonly noise: number;
}

/** The document's: ten dimensions, condition 10. */
export const relaxedSmoothLaw: RelaxedSmoothLaw = { dimension: 10, growth: 2, startDeviation: 2.5, noise: 0.1 };

const lowerSmoothness = 10;

export interface RelaxedSmoothProblem extends StochasticProblem {
  /** y*(x). */
  lowerSolution(x: ArrayLike<number>): Float64Array;
  /** Norm of the exact gradient of f(y*(x)). */
  gradientNorm(x: ArrayLike<number>): number;
}

export function drawRelaxedSmooth(law: RelaxedSmoothLaw, seed: number): RelaxedSmoothProblem {
  const { dimension: d, growth, startDeviation, noise } = law;
  const rng = createRng(seed).fork("relaxed-smooth");
  const normals = (key: string, count: number) => filled(rng.fork(key), count);
  const diagonal = Float64Array.from({ length: d }, (_, i) => lowerSmoothness ** (i / (d - 1)));
  // M = I + 0.3 N / sqrt(d), so that B = D M and y*(x) = M x.
  const response = normals("response", d * d).map((n, at) => (at % (d + 1) === 0 ? 1 : 0) + (0.3 * n) / Math.sqrt(d));
  const center = normals("center", d);
  const times = (x: ArrayLike<number>): Float64Array => matrixTimes(response, x);
  const timesTransposed = (v: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: d }, (_, j) => sumOver(d, (i) => (response[i * d + j] ?? 0) * (v[i] ?? 0)));
  const upperGradient = (y: ArrayLike<number>) => center.map((c, i) => (growth / d) * Math.sinh(growth * ((y[i] ?? 0) - c)));
  const upperValue = (y: ArrayLike<number>) => sumOver(d, (i) => Math.cosh(growth * ((y[i] ?? 0) - (center[i] ?? 0))) - 1) / d;
  const noiseOf = (role: string, { draw }: Draw) => filled(rng.fork("noise", role, draw), d);
  return {
    upperDim: d,
    lowerDim: d,
    units: 1,
    lower: "shared",
    // |y*(x) - y*(x')| <= |M| |x - x'|, and the Frobenius norm bounds |M|.
    kappa: Math.sqrt(sumOver(d * d, (at) => (response[at] ?? 0) ** 2)),
    start: { x: normals("start", d).map((n) => startDeviation * n), y: new Float64Array(d) },
    lowerSolution: times,
    gradientNorm: (x) => norm(timesTransposed(upperGradient(times(x)))),
    lowerGradient({ x, y }, of, out) {
      const target = times(x);
      const noises = noiseOf("lower", of);
      for (let i = 0; i < d; i++) {
        out[i] = (out[i] ?? 0) + (diagonal[i] ?? 0) * ((y[i] ?? 0) - (target[i] ?? 0)) + noise * (noises[i] ?? 0);
      }
      return lowerSmoothness;
    },
    adjointResidual({ y, z }, of, out) {
      const [additive, relative, product] = [noiseOf("upper", of), noiseOf("relative", of), noiseOf("product", of)];
      const gradient = upperGradient(y);
      for (let i = 0; i < d; i++) {
        const noisy = (gradient[i] ?? 0) * (1 + noise * (relative[i] ?? 0)) + noise * (additive[i] ?? 0);
        out[i] = (out[i] ?? 0) + (diagonal[i] ?? 0) * (z[i] ?? 0) + noise * (product[i] ?? 0) - noisy;
      }
      return { smoothness: lowerSmoothness, upperLoss: upperValue(y) };
    },
    metrics: ["validLoss"],
    evaluate: ({ y }) => [upperValue(y)],
    direction({ z }, of, out) {
      // f does not depend on x itself, and d2g / dx dy = -B.
      const cross = timesTransposed(diagonal.map((value, i) => value * (z[i] ?? 0)));
      const noises = noiseOf("cross", of);
      for (let j = 0; j < d; j++) out[j] = (out[j] ?? 0) + (cross[j] ?? 0) + noise * (noises[j] ?? 0);
    },
  };
}

function filled(rng: Rng, count: number): Float64Array {
  const out = new Float64Array(count);
  rng.fillNormal(out);
  return out;
}

function matrixTimes(matrix: Float64Array, x: ArrayLike<number>): Float64Array {
  const d = x.length;
  return Float64Array.from({ length: d }, (_, i) => sumOver(d, (j) => (matrix[i * d + j] ?? 0) * (x[j] ?? 0)));
}

function sumOver(count: number, term: (index: number) => number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += term(index);
  return sum;
}

function norm(values: Float64Array): number {
  return Math.sqrt(sumOver(values.length, (i) => (values[i] ?? 0) ** 2));
}
