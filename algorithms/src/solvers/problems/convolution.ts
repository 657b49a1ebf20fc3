/**
 * Correlations of an image with small square filters over the places where the filter fits ("valid"), and their transposes, in double precision.
 * The inner loops are written out for sides 3, 5 and 7: the taps of a row stay in registers while the window slides, several times as
 * quick as a loop over taps. All nine taps of side 3 do, and so three rows of an image are gone over at once.
 */

/** Sides of filters that there are loops for. */
export const filterSides = [3, 5, 7] as const;
export type FilterSide = (typeof filterSides)[number];

/** An image size with a filter size. Outputs have (height - side + 1) rows of (width - side + 1). */
export interface Window {
  readonly width: number;
  readonly height: number;
  readonly side: FilterSide;
}

/** out[i, j] = sum over a, b of taps[from + a side + b] x[i + a, j + b]. */
export function correlate(window: Window, x: Float64Array, taps: Float64Array, from: number, out: Float64Array): void {
  const { width, height, side } = window;
  const [columns, rows] = [width - side + 1, height - side + 1];
  if (side === 3) {
    for (let i = 0; i < rows; i++) threeRows(x, i * width, width, taps, from, out, i * columns, columns);
    return;
  }
  const row = rowCorrelation[side];
  out.fill(0, 0, rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let a = 0; a < side; a++) row(x, (i + a) * width, taps, from + a * side, out, i * columns, columns);
  }
}

/** Adds the transpose: out[i + a, j + b] += taps[from + a side + b] z[i, j]. */
export function addTransposed(window: Window, z: Float64Array, taps: Float64Array, from: number, out: Float64Array): void {
  const { width, height, side } = window;
  const [columns, rows] = [width - side + 1, height - side + 1];
  const row = rowTransposed[side];
  for (let i = 0; i < height; i++) {
    if (side === 3 && i >= 2 && i < rows) threeRowsTransposed(z, (i - 2) * columns, columns, taps, from, out, i * width);
    else
      for (let a = Math.max(0, i - rows + 1); a < Math.min(side, i + 1); a++)
        row(z, (i - a) * columns, taps, from + a * side, out, i * width, columns);
  }
}

/** Adds to out[a side + b], from `from`, the sum over i, j of z[i, j] x[i + a, j + b]: what a derivative by taps needs. */
export function addTapProducts(window: Window, z: Float64Array, x: Float64Array, out: Float64Array, from: number): void {
  const { width, height, side } = window;
  const [columns, rows] = [width - side + 1, height - side + 1];
  for (let a = 0; a < side; a++) {
    for (let b = 0; b < side; b++) {
      let sum = 0;
      for (let i = 0; i < rows; i++) {
        const [zRow, xRow] = [i * columns, (i + a) * width + b];
        for (let j = 0; j < columns; j++) sum += (z[zRow + j] as number) * (x[xRow + j] as number);
      }
      const place = from + a * side + b;
      out[place] = (out[place] as number) + sum;
    }
  }
}

/** One row of taps over one row of a window: source and its start, taps and their start, target and its start, columns of the output. */
type Row = (
  source: Float64Array,
  s: number,
  taps: Float64Array,
  t: number,
  out: Float64Array,
  o: number,
  columns: number,
) => void;

/** A row of the output of side 3, from three rows of the image that are `stride` apart. */
function threeRows(
  x: Float64Array,
  s: number,
  stride: number,
  taps: Float64Array,
  t: number,
  out: Float64Array,
  o: number,
  columns: number,
): void {
  const [a0, a1, a2] = [taps[t] as number, taps[t + 1] as number, taps[t + 2] as number];
  const [b0, b1, b2] = [taps[t + 3] as number, taps[t + 4] as number, taps[t + 5] as number];
  const [c0, c1, c2] = [taps[t + 6] as number, taps[t + 7] as number, taps[t + 8] as number];
  const [second, third] = [s + stride, s + 2 * stride];
  let [x0, x1] = [x[s] as number, x[s + 1] as number];
  let [y0, y1] = [x[second] as number, x[second + 1] as number];
  let [z0, z1] = [x[third] as number, x[third + 1] as number];
  for (let j = 0; j < columns; j++) {
    const x2 = x[s + j + 2] as number;
    const y2 = x[second + j + 2] as number;
    const z2 = x[third + j + 2] as number;
    out[o + j] = a0 * x0 + a1 * x1 + a2 * x2 + (b0 * y0 + b1 * y1 + b2 * y2) + (c0 * z0 + c1 * z1 + c2 * z2);
    x0 = x1;
    x1 = x2;
    y0 = y1;
    y1 = y2;
    z0 = z1;
    z1 = z2;
  }
}

/** Adds to a row of the image what three rows of places add to it: those two above it, one above it, and its own. */
function threeRowsTransposed(
  z: Float64Array,
  s: number,
  columns: number,
  taps: Float64Array,
  t: number,
  out: Float64Array,
  o: number,
): void {
  const [a0, a1, a2] = [taps[t] as number, taps[t + 1] as number, taps[t + 2] as number];
  const [b0, b1, b2] = [taps[t + 3] as number, taps[t + 4] as number, taps[t + 5] as number];
  const [c0, c1, c2] = [taps[t + 6] as number, taps[t + 7] as number, taps[t + 8] as number];
  const [second, third] = [s + columns, s + 2 * columns];
  let [x0, x1, y0, y1, z0, z1] = [0, 0, 0, 0, 0, 0];
  for (let j = 0; j < columns; j++) {
    const x2 = z[s + j] as number;
    const y2 = z[second + j] as number;
    const z2 = z[third + j] as number;
    out[o + j] =
      (out[o + j] as number) + (c0 * x2 + c1 * x1 + c2 * x0) + (b0 * y2 + b1 * y1 + b2 * y0) + (a0 * z2 + a1 * z1 + a2 * z0);
    x0 = x1;
    x1 = x2;
    y0 = y1;
    y1 = y2;
    z0 = z1;
    z1 = z2;
  }
  const end = o + columns;
  out[end] = (out[end] as number) + (c1 * x1 + c2 * x0) + (b1 * y1 + b2 * y0) + (a1 * z1 + a2 * z0);
  out[end + 1] = (out[end + 1] as number) + c2 * x1 + b2 * y1 + a2 * z1;
}

const rowCorrelation: Readonly<Record<Exclude<FilterSide, 3>, Row>> = {
  5: (x, s, taps, t, out, o, columns) => {
    const [c0, c1, c2] = [taps[t] as number, taps[t + 1] as number, taps[t + 2] as number];
    const [c3, c4] = [taps[t + 3] as number, taps[t + 4] as number];
    let x0 = x[s] as number;
    let x1 = x[s + 1] as number;
    let x2 = x[s + 2] as number;
    let x3 = x[s + 3] as number;
    for (let j = 0; j < columns; j++) {
      const x4 = x[s + j + 4] as number;
      out[o + j] = (out[o + j] as number) + (c0 * x0 + c1 * x1) + (c2 * x2 + c3 * x3) + c4 * x4;
      x0 = x1;
      x1 = x2;
      x2 = x3;
      x3 = x4;
    }
  },
  7: (x, s, taps, t, out, o, columns) => {
    const [c0, c1, c2] = [taps[t] as number, taps[t + 1] as number, taps[t + 2] as number];
    const [c3, c4] = [taps[t + 3] as number, taps[t + 4] as number];
    const [c5, c6] = [taps[t + 5] as number, taps[t + 6] as number];
    let x0 = x[s] as number;
    let x1 = x[s + 1] as number;
    let x2 = x[s + 2] as number;
    let x3 = x[s + 3] as number;
    let x4 = x[s + 4] as number;
    let x5 = x[s + 5] as number;
    for (let j = 0; j < columns; j++) {
      const x6 = x[s + j + 6] as number;
      out[o + j] = (out[o + j] as number) + (c0 * x0 + c1 * x1) + (c2 * x2 + c3 * x3) + (c4 * x4 + c5 * x5) + c6 * x6;
      x0 = x1;
      x1 = x2;
      x2 = x3;
      x3 = x4;
      x4 = x5;
      x5 = x6;
    }
  },
};

/** A transposed row is a correlation with the taps turned round, whose window hangs over both ends: the far one has a loop of its own. */
const rowTransposed: Readonly<Record<FilterSide, Row>> = {
  3: (z, s, taps, t, out, o, columns) => {
    const [c0, c1, c2] = [taps[t] as number, taps[t + 1] as number, taps[t + 2] as number];
    let [z0, z1] = [0, 0];
    for (let j = 0; j < columns; j++) {
      const z2 = z[s + j] as number;
      out[o + j] = (out[o + j] as number) + c0 * z2 + c1 * z1 + c2 * z0;
      z0 = z1;
      z1 = z2;
    }
    for (let j = columns; j < columns + 2; j++) {
      out[o + j] = (out[o + j] as number) + c1 * z1 + c2 * z0;
      z0 = z1;
      z1 = 0;
    }
  },
  5: (z, s, taps, t, out, o, columns) => {
    const [c0, c1, c2] = [taps[t] as number, taps[t + 1] as number, taps[t + 2] as number];
    const [c3, c4] = [taps[t + 3] as number, taps[t + 4] as number];
    let [z0, z1, z2, z3] = [0, 0, 0, 0];
    for (let j = 0; j < columns; j++) {
      const z4 = z[s + j] as number;
      out[o + j] = (out[o + j] as number) + (c0 * z4 + c1 * z3) + (c2 * z2 + c3 * z1) + c4 * z0;
      z0 = z1;
      z1 = z2;
      z2 = z3;
      z3 = z4;
    }
    for (let j = columns; j < columns + 4; j++) {
      out[o + j] = (out[o + j] as number) + c1 * z3 + (c2 * z2 + c3 * z1) + c4 * z0;
      z0 = z1;
      z1 = z2;
      z2 = z3;
      z3 = 0;
    }
  },
  7: (z, s, taps, t, out, o, columns) => {
    const [c0, c1, c2] = [taps[t] as number, taps[t + 1] as number, taps[t + 2] as number];
    const [c3, c4] = [taps[t + 3] as number, taps[t + 4] as number];
    const [c5, c6] = [taps[t + 5] as number, taps[t + 6] as number];
    let [z0, z1, z2, z3, z4, z5] = [0, 0, 0, 0, 0, 0];
    for (let j = 0; j < columns; j++) {
      const z6 = z[s + j] as number;
      out[o + j] = (out[o + j] as number) + (c0 * z6 + c1 * z5) + (c2 * z4 + c3 * z3) + (c4 * z2 + c5 * z1) + c6 * z0;
      z0 = z1;
      z1 = z2;
      z2 = z3;
      z3 = z4;
      z4 = z5;
      z5 = z6;
    }
    for (let j = columns; j < columns + 6; j++) {
      out[o + j] = (out[o + j] as number) + c1 * z5 + (c2 * z4 + c3 * z3) + (c4 * z2 + c5 * z1) + c6 * z0;
      z0 = z1;
      z1 = z2;
      z2 = z3;
      z3 = z4;
      z4 = z5;
      z5 = 0;
    }
  },
};
