// Fields of experts in double precision, two numbers an instruction: what their energy, gradient, Hessian and derivatives by hyperparameters need
// of an image. A module of its own over memory of its own, built by algorithms/scripts/build-wasm.mjs. Addresses in bytes, lengths in elements, all
// arrays f64. Every output element is the same sum in the same order whatever block of columns it falls into, of plain products and sums without
// relaxed SIMD: all machines compute the same bits.
//
// A filter of side s fits on `rows` by `columns` places of an image of (rows + s - 1) by (columns + s - 1): the image proper and the pixels mirrored around
// it, which callers lay out and fold back. Responses lie inside a frame of s - 1 zeros, so that the transpose of a correlation is a correlation with
// the taps turned round.

/** Bytes of `count` f64 elements. */
// @ts-ignore: decorator
@inline
function bytes(count: i32): usize {
  return usize(count) << 3;
}

/** Zeros a frame for responses of `rows` by `columns` places, as `gradient`, `product` and the rest expect it. */
export function clearFrame(frame: usize, side: i32, rows: i32, columns: i32): void {
  const edge = 2 * (side - 1);
  memory.fill(frame, 0, bytes((rows + edge) * (columns + edge)));
}

/** out = sum over k of C_k' (w_k z_k / sqrt(z_k^2 + s_k)), z_k = C_k x. taps [filters, side, side], weights and smoothings s [filters]. */
export function gradient(
  x: usize, out: usize, taps: usize, weights: usize, smoothings: usize, frame: usize,
  side: i32, rows: i32, columns: i32, filters: i32,
): void {
  memory.fill(out, 0, bytes((columns + side - 1) * (rows + side - 1)));
  for (let k = 0; k < filters; k++) {
    const filter = taps + bytes(k * side * side);
    correlateInto(x, filter, frame, side, rows, columns);
    slopes(inside(frame, side, columns), load<f64>(weights + bytes(k)), load<f64>(smoothings + bytes(k)), side, rows, columns);
    addTransposed(frame, filter, out, side, rows, columns);
  }
}

/** sum over k and places of w_k sqrt(z_k^2 + s_k). */
export function energy(
  x: usize, taps: usize, weights: usize, smoothings: usize, frame: usize, side: i32, rows: i32, columns: i32, filters: i32,
): f64 {
  let total: f64 = 0;
  const row = bytes(columns + 2 * (side - 1));
  for (let k = 0; k < filters; k++) {
    correlateInto(x, taps + bytes(k * side * side), frame, side, rows, columns);
    const smoothing = load<f64>(smoothings + bytes(k));
    let sum: f64 = 0;
    for (let i = 0, start = inside(frame, side, columns); i < rows; i++, start += row)
      for (let at = start, end = start + bytes(columns); at < end; at += 8) {
        const z = load<f64>(at);
        sum += sqrt(z * z + smoothing);
      }
    total += load<f64>(weights + bytes(k)) * sum;
  }
  return total;
}

/** curvatures [filters, rows, columns]: w_k s_k / (z_k^2 + s_k)^(3/2). */
export function curvatures(
  x: usize, out: usize, taps: usize, weights: usize, smoothings: usize, frame: usize,
  side: i32, rows: i32, columns: i32, filters: i32,
): void {
  const row = bytes(columns + 2 * (side - 1));
  for (let k = 0; k < filters; k++) {
    correlateInto(x, taps + bytes(k * side * side), frame, side, rows, columns);
    const smoothing = load<f64>(smoothings + bytes(k));
    const scale = load<f64>(weights + bytes(k)) * smoothing;
    const s = f64x2.splat(smoothing), scales = f64x2.splat(scale);
    for (let i = 0, start = inside(frame, side, columns); i < rows; i++, start += row) {
      const end = start + bytes(columns);
      let at = start;
      for (; at + 16 <= end; at += 16, out += 16) {
        const z = v128.load(at);
        const square = f64x2.add(f64x2.mul(z, z), s);
        v128.store(out, f64x2.div(scales, f64x2.mul(square, f64x2.sqrt(square))));
      }
      if (at < end) {
        const z = load<f64>(at);
        const square = z * z + smoothing;
        store<f64>(out, scale / (square * sqrt(square)));
        out += 8;
      }
    }
  }
}

/** out = sum over k of C_k' diag(curvatures_k) C_k v: the product with the energy's Hessian. */
export function product(
  v: usize, out: usize, taps: usize, curvature: usize, frame: usize, side: i32, rows: i32, columns: i32, filters: i32,
): void {
  memory.fill(out, 0, bytes((columns + side - 1) * (rows + side - 1)));
  const row = bytes(columns + 2 * (side - 1));
  for (let k = 0; k < filters; k++) {
    const filter = taps + bytes(k * side * side);
    correlateInto(v, filter, frame, side, rows, columns);
    for (let i = 0, start = inside(frame, side, columns); i < rows; i++, start += row) {
      const end = start + bytes(columns);
      let at = start;
      for (; at + 16 <= end; at += 16, curvature += 16) v128.store(at, f64x2.mul(v128.load(at), v128.load(curvature)));
      if (at < end) {
        store<f64>(at, load<f64>(at) * load<f64>(curvature));
        curvature += 8;
      }
    }
    addTransposed(frame, filter, out, side, rows, columns);
  }
}

/**
 * Derivatives of q' gradient(x) by what each filter is made of: by the logarithm of its weight, by that of its smoothing (half that of s), and by its
 * taps. byWeights and bySmoothings [filters], byTaps [filters, side, side]. `other` is a second frame.
 */
export function cross(
  x: usize, q: usize, byWeights: usize, bySmoothings: usize, byTaps: usize,
  taps: usize, weights: usize, smoothings: usize, frame: usize, other: usize, side: i32, rows: i32, columns: i32, filters: i32,
): void {
  const row = bytes(columns + 2 * (side - 1));
  for (let k = 0; k < filters; k++) {
    const filter = bytes(k * side * side);
    correlateInto(x, taps + filter, frame, side, rows, columns);
    correlateInto(q, taps + filter, other, side, rows, columns);
    const weight = load<f64>(weights + bytes(k));
    const smoothing = load<f64>(smoothings + bytes(k));
    let byWeight: f64 = 0, bySmoothing: f64 = 0;
    for (let i = 0, a = inside(frame, side, columns), b = inside(other, side, columns); i < rows; i++, a += row, b += row)
      for (let at: usize = 0, end = bytes(columns); at < end; at += 8) {
        const z = load<f64>(a + at);
        const along = load<f64>(b + at);
        const square = z * z + smoothing;
        const root = sqrt(square);
        const slope = (weight * z) / root;
        const bent = ((weight * smoothing) / (square * root)) * along;
        byWeight += slope * along;
        bySmoothing -= z * bent;
        // By a tap: curvature (C q) x + slope q, at the place of the tap.
        store<f64>(a + at, slope);
        store<f64>(b + at, bent);
      }
    store<f64>(byWeights + bytes(k), byWeight);
    store<f64>(bySmoothings + bytes(k), bySmoothing);
    tapProducts(frame, q, other, x, byTaps + filter, side, rows, columns);
  }
}

/** Where the responses' first place lies in a frame. */
// @ts-ignore: decorator
@inline
function inside(frame: usize, side: i32, columns: i32): usize {
  const edge = side - 1;
  return frame + bytes(edge * (columns + 2 * edge) + edge);
}

/** z = w z / sqrt(z^2 + s), in place. */
function slopes(start: usize, weight: f64, smoothing: f64, side: i32, rows: i32, columns: i32): void {
  const w = f64x2.splat(weight), s = f64x2.splat(smoothing);
  const row = bytes(columns + 2 * (side - 1));
  for (let i = 0; i < rows; i++, start += row) {
    const end = start + bytes(columns);
    let at = start;
    for (; at + 16 <= end; at += 16) {
      const z = v128.load(at);
      v128.store(at, f64x2.div(f64x2.mul(w, z), f64x2.sqrt(f64x2.add(f64x2.mul(z, z), s))));
    }
    if (at < end) {
      const z = load<f64>(at);
      store<f64>(at, (weight * z) / sqrt(z * z + smoothing));
    }
  }
}

/** The responses of an image, into the inside of a frame. */
function correlateInto(x: usize, taps: usize, frame: usize, side: i32, rows: i32, columns: i32): void {
  correlate(x, columns + side - 1, taps, 8, inside(frame, side, columns), columns + 2 * (side - 1), side, rows, columns, false);
}

/** out [image] += the transposed correlation of a frame's inside: over the whole frame, with the taps from the last to the first. */
function addTransposed(frame: usize, taps: usize, out: usize, side: i32, rows: i32, columns: i32): void {
  const edge = side - 1;
  const last = taps + bytes(side * side - 1);
  correlate(frame, columns + 2 * edge, last, -8, out, columns + edge, side, rows + edge, columns + edge, true);
}

/** out[i, j] (+)= sum over a, b of taps[a side + b] x[i + a, j + b], taps `tapStep` bytes apart, rows xRow and outRow elements apart. */
function correlate(
  x: usize, xRow: i32, taps: usize, tapStep: isize, out: usize, outRow: i32, side: i32, rows: i32, columns: i32, add: bool,
): void {
  const xStep = bytes(xRow);
  for (let i = 0; i < rows; i++, x += xStep, out += bytes(outRow)) {
    let j = 0;
    for (; j + 8 <= columns; j += 8) {
      const to = out + bytes(j);
      let s0 = add ? v128.load(to) : f64x2.splat(0);
      let s1 = add ? v128.load(to, 16) : f64x2.splat(0);
      let s2 = add ? v128.load(to, 32) : f64x2.splat(0);
      let s3 = add ? v128.load(to, 48) : f64x2.splat(0);
      let tap = taps;
      for (let a = 0, line = x + bytes(j); a < side; a++, line += xStep) {
        for (let at = line, end = line + bytes(side); at < end; at += 8, tap += tapStep) {
          const t = v128.load_splat<f64>(tap);
          s0 = f64x2.add(s0, f64x2.mul(t, v128.load(at)));
          s1 = f64x2.add(s1, f64x2.mul(t, v128.load(at, 16)));
          s2 = f64x2.add(s2, f64x2.mul(t, v128.load(at, 32)));
          s3 = f64x2.add(s3, f64x2.mul(t, v128.load(at, 48)));
        }
      }
      v128.store(to, s0);
      v128.store(to, s1, 16);
      v128.store(to, s2, 32);
      v128.store(to, s3, 48);
    }
    for (; j + 2 <= columns; j += 2) {
      const to = out + bytes(j);
      let s = add ? v128.load(to) : f64x2.splat(0);
      let tap = taps;
      for (let a = 0, line = x + bytes(j); a < side; a++, line += xStep)
        for (let at = line, end = line + bytes(side); at < end; at += 8, tap += tapStep)
          s = f64x2.add(s, f64x2.mul(v128.load_splat<f64>(tap), v128.load(at)));
      v128.store(to, s);
    }
    if (j < columns) {
      const to = out + bytes(j);
      let s: f64 = add ? load<f64>(to) : 0;
      let tap = taps;
      for (let a = 0, line = x + bytes(j); a < side; a++, line += xStep)
        for (let at = line, end = line + bytes(side); at < end; at += 8, tap += tapStep) s = s + load<f64>(tap) * load<f64>(at);
      store<f64>(to, s);
    }
  }
}

/** out[a side + b] = sum over places i, j of f[i, j] q[i + a, j + b] + g[i, j] x[i + a, j + b], f and g the insides of two frames. */
function tapProducts(f: usize, q: usize, g: usize, x: usize, out: usize, side: i32, rows: i32, columns: i32): void {
  const frameRow = bytes(columns + 2 * (side - 1));
  const imageRow = bytes(columns + side - 1);
  const end = bytes(columns);
  for (let a = 0; a < side; a++)
    for (let b = 0; b < side; b++, out += 8) {
      // Four sums side by side: one would wait for itself.
      let s0 = f64x2.splat(0), s1 = f64x2.splat(0);
      let rest: f64 = 0;
      let fRow = inside(f, side, columns), gRow = inside(g, side, columns);
      let qRow = q + usize(a) * imageRow + bytes(b), xRow = x + usize(a) * imageRow + bytes(b);
      for (let i = 0; i < rows; i++, fRow += frameRow, gRow += frameRow, qRow += imageRow, xRow += imageRow) {
        let at: usize = 0;
        for (; at + 16 <= end; at += 16) {
          s0 = f64x2.add(s0, f64x2.mul(v128.load(fRow + at), v128.load(qRow + at)));
          s1 = f64x2.add(s1, f64x2.mul(v128.load(gRow + at), v128.load(xRow + at)));
        }
        if (at < end) rest += load<f64>(fRow + at) * load<f64>(qRow + at) + load<f64>(gRow + at) * load<f64>(xRow + at);
      }
      const sum = f64x2.add(s0, s1);
      store<f64>(out, f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1) + rest);
    }
}
