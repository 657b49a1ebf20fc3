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
