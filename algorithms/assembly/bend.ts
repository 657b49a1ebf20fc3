// out = base + slope * by, elementwise over [rows, columns], where any of the three may be one row that all share: how a weight or an
// activation follows hyperparameters. One pass forward and one back, instead of two and up to eight.
import { bytes } from "./size";

/** A `step` is the bytes from a row of an operand to its next one: a row's, or 0 where all rows share one. */
export function bend(
  base: usize, slope: usize, by: usize, out: usize, rows: i32, columns: i32, baseStep: i32, slopeStep: i32, byStep: i32,
): void {
  const row = bytes(columns);
  for (let r = 0; r < rows; r++) {
    let i: usize = 0;
    for (; i + 16 <= row; i += 16) {
      v128.store(out + i, f32x4.add(v128.load(base + i), f32x4.mul(v128.load(slope + i), v128.load(by + i))));
    }
    for (; i < row; i += 4) store<f32>(out + i, load<f32>(base + i) + load<f32>(slope + i) * load<f32>(by + i));
    out += row;
    base += baseStep;
    slope += slopeStep;
    by += byStep;
  }
}

/** outBy = dy * by and outSlope = dy * slope, [rows, columns], each summed over rows where its step is 0. The names: by whom dy is multiplied. */
export function bendGradient(
  dy: usize, slope: usize, by: usize, outBy: usize, outSlope: usize, rows: i32, columns: i32,
  slopeStep: i32, byStep: i32, outByStep: i32, outSlopeStep: i32,
): void {
  multiplyRows(dy, by, outBy, rows, columns, byStep, outByStep);
  multiplyRows(dy, slope, outSlope, rows, columns, slopeStep, outSlopeStep);
}

function multiplyRows(x: usize, y: usize, out: usize, rows: i32, columns: i32, yStep: i32, outStep: i32): void {
  const row = bytes(columns);
  if (outStep == 0) memory.fill(out, 0, row);
  for (let r = 0; r < rows; r++) {
    let i: usize = 0;
    if (outStep == 0) {
      for (; i + 16 <= row; i += 16) {
        v128.store(out + i, f32x4.add(v128.load(out + i), f32x4.mul(v128.load(x + i), v128.load(y + i))));
      }
      for (; i < row; i += 4) store<f32>(out + i, load<f32>(out + i) + load<f32>(x + i) * load<f32>(y + i));
    } else {
      for (; i + 16 <= row; i += 16) v128.store(out + i, f32x4.mul(v128.load(x + i), v128.load(y + i)));
      for (; i < row; i += 4) store<f32>(out + i, load<f32>(x + i) * load<f32>(y + i));
    }
    x += row;
    y += yStep;
    out += outStep;
  }
}

/**
 * out = base + slope * by + bias for each of `places` rows of an example, where by and bias are an example's, [batch, columns]; base and bias may
 * be 0 for none. A `Row` is the bytes from a row to the next one: base and slope may be the two halves of longer rows.
 */
export function bendPlaces(
  base: usize, slope: usize, by: usize, bias: usize, out: usize,
  batch: i32, places: i32, columns: i32, baseRow: i32, slopeRow: i32,
): void {
  const row = bytes(columns);
  for (let n = 0; n < batch; n++) {
    for (let p = 0; p < places; p++) {
      let i: usize = 0;
      for (; i + 16 <= row; i += 16) {
        let sum = f32x4.mul(v128.load(slope + i), v128.load(by + i));
        if (base != 0) sum = f32x4.add(sum, v128.load(base + i));
        if (bias != 0) sum = f32x4.add(sum, v128.load(bias + i));
        v128.store(out + i, sum);
      }
      for (; i < row; i += 4) {
        let sum = load<f32>(slope + i) * load<f32>(by + i);
        if (base != 0) sum += load<f32>(base + i);
        if (bias != 0) sum += load<f32>(bias + i);
        store<f32>(out + i, sum);
      }
      if (base != 0) base += baseRow;
      slope += slopeRow;
      out += row;
    }
    by += row;
    if (bias != 0) bias += row;
  }
}

/**
 * Its gradients: outBase = dy (0 for none wanted), outSlope = dy * by, both in rows of their own length; outBy and outBias, [batch, columns], the
 * sums over places of dy * slope and of dy.
 */
export function bendPlacesGradient(
  dy: usize, slope: usize, by: usize, outBase: usize, outSlope: usize, outBy: usize, outBias: usize,
  batch: i32, places: i32, columns: i32, slopeRow: i32, outBaseRow: i32, outSlopeRow: i32,
): void {
  const row = bytes(columns);
  memory.fill(outBy, 0, row * batch);
  memory.fill(outBias, 0, row * batch);
  for (let n = 0; n < batch; n++) {
    for (let p = 0; p < places; p++) {
      let i: usize = 0;
      for (; i + 16 <= row; i += 16) {
        const d = v128.load(dy + i);
        if (outBase != 0) v128.store(outBase + i, d);
        v128.store(outSlope + i, f32x4.mul(d, v128.load(by + i)));
        v128.store(outBy + i, f32x4.add(v128.load(outBy + i), f32x4.mul(d, v128.load(slope + i))));
        v128.store(outBias + i, f32x4.add(v128.load(outBias + i), d));
      }
      for (; i < row; i += 4) {
        const d = load<f32>(dy + i);
        if (outBase != 0) store<f32>(outBase + i, d);
        store<f32>(outSlope + i, d * load<f32>(by + i));
        store<f32>(outBy + i, load<f32>(outBy + i) + d * load<f32>(slope + i));
        store<f32>(outBias + i, load<f32>(outBias + i) + d);
      }
      dy += row;
      slope += slopeRow;
      if (outBase != 0) outBase += outBaseRow;
      outSlope += outSlopeRow;
    }
    by += row;
    outBy += row;
    outBias += row;
  }
}

/**
 * Half the sum of squares of base + slope * by, where by is one row of `columns` for all `rows`: the penalty on a weight that reacts. Sums of a
 * row are added up in double precision.
 */
export function bentSquares(base: usize, slope: usize, by: usize, rows: i32, columns: i32): f32 {
  const row = bytes(columns);
  let all: f64 = 0;
  for (let r = 0; r < rows; r++) {
    let four = f32x4.splat(0);
    let i: usize = 0;
    for (; i + 16 <= row; i += 16) {
      const bent = f32x4.add(v128.load(base + i), f32x4.mul(v128.load(slope + i), v128.load(by + i)));
      four = f32x4.add(four, f32x4.mul(bent, bent));
    }
    let sum = (f32x4.extract_lane(four, 0) + f32x4.extract_lane(four, 1)) + (f32x4.extract_lane(four, 2) + f32x4.extract_lane(four, 3));
    for (; i < row; i += 4) {
      const bent = load<f32>(base + i) + load<f32>(slope + i) * load<f32>(by + i);
      sum += bent * bent;
    }
    all += f64(sum);
    base += row;
    slope += row;
  }
  return f32(0.5 * all);
}

/** Its gradients, each times the number at `dy`: by base, by slope, and by `by`, which is summed over rows. */
export function bentSquaresGradient(
  dy: usize, base: usize, slope: usize, by: usize, outBase: usize, outSlope: usize, outBy: usize, rows: i32, columns: i32,
): void {
  const row = bytes(columns);
  const scale = load<f32>(dy);
  const scales = f32x4.splat(scale);
  memory.fill(outBy, 0, row);
  for (let r = 0; r < rows; r++) {
    let i: usize = 0;
    for (; i + 16 <= row; i += 16) {
      const s = v128.load(slope + i);
      const m = v128.load(by + i);
      const d = f32x4.mul(scales, f32x4.add(v128.load(base + i), f32x4.mul(s, m)));
      v128.store(outBase + i, d);
      v128.store(outSlope + i, f32x4.mul(d, m));
      v128.store(outBy + i, f32x4.add(v128.load(outBy + i), f32x4.mul(d, s)));
    }
    for (; i < row; i += 4) {
      const s = load<f32>(slope + i);
      const m = load<f32>(by + i);
      const d = scale * (load<f32>(base + i) + s * m);
      store<f32>(outBase + i, d);
      store<f32>(outSlope + i, d * m);
      store<f32>(outBy + i, load<f32>(outBy + i) + d * s);
    }
    base += row;
    slope += row;
    outBase += row;
    outSlope += row;
  }
}
