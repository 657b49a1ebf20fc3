/**
 * Small dense symmetric matrices in double precision: Cholesky solves and all eigenvalues. For oracles and curvature bounds of a few hundred
 * dimensions, not for large systems. Source: Golub and Van Loan, Matrix Computations, 4.2.5 (Cholesky) and 8.5.3 (cyclic Jacobi).
 */
import { RegulusError } from "@regulus/proto";

/** A symmetric matrix, row by row [n * n]. */
export type SymmetricMatrix = Float64Array;

/** Sweeps of Jacobi rotations; convergence is quadratic, so that ten are plenty and more mean broken input. */
const sweepsMax = 60;

/** Solves A x = b for a positive definite A. Neither is changed. Refuses a matrix that is not positive definite. */
export function solvePositive(matrix: SymmetricMatrix, right: Float64Array): Float64Array {
  const n = right.length;
  const lower = Float64Array.from(matrix);
  const at = (i: number, j: number): number => lower[i * n + j] as number;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      if (i === j && !(sum > 0)) throw notPositive(sum);
      lower[i * n + j] = i === j ? Math.sqrt(sum) : sum / at(j, j);
    }
  }
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    let sum = x[i] as number;
    for (let k = 0; k < i; k++) sum -= at(i, k) * (x[k] as number);
    x[i] = sum / at(i, i);
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i] as number;
    for (let k = i + 1; k < n; k++) sum -= at(k, i) * (x[k] as number);
    x[i] = sum / at(i, i);
  }
  return x;
}

/** All eigenvalues, ascending, each to about n u times the largest. The matrix is not changed. */
export function eigenvalues(matrix: SymmetricMatrix): Float64Array {
  const n = Math.round(Math.sqrt(matrix.length));
  const a = Float64Array.from(matrix);
  const size = Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
  for (let sweep = 0; sweep < sweepsMax; sweep++) {
    let off = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) off += (a[i * n + j] as number) ** 2;
    if (Math.sqrt(2 * off) <= Number.EPSILON * size) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, { n, p, q });
  }
  return Float64Array.from({ length: n }, (_, i) => a[i * n + i] as number).sort();
}

/** One Jacobi rotation that makes the entry (p, q) zero. */
function rotate(a: Float64Array, { n, p, q }: { n: number; p: number; q: number }): void {
  const apq = a[p * n + q] as number;
  if (apq === 0) return;
  const tau = ((a[q * n + q] as number) - (a[p * n + p] as number)) / (2 * apq);
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const c = 1 / Math.sqrt(1 + t * t);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const [akp, akq] = [a[k * n + p] as number, a[k * n + q] as number];
    a[k * n + p] = c * akp - s * akq;
    a[k * n + q] = s * akp + c * akq;
  }
  for (let k = 0; k < n; k++) {
    const [apk, aqk] = [a[p * n + k] as number, a[q * n + k] as number];
    a[p * n + k] = c * apk - s * aqk;
    a[q * n + k] = s * apk + c * aqk;
  }
}

function notPositive(pivot: number): RegulusError {
  return new RegulusError(
    "failed-precondition",
    `saw a pivot of ${pivot}, expected a positive definite matrix: add regularization`,
  );
}
