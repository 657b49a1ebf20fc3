// A row added to every row (a bias), sums over leading axes (its gradient) and of everything (a norm).
import { addFloats } from "./conv";
import { bytes } from "./size";

/** out [rows, columns]: x [rows, columns] plus one row [columns]. */
export function addRow(x: usize, row: usize, out: usize, rows: i32, columns: i32): void {
  const length = bytes(columns);
  for (let r = 0; r < rows; r++, x += length, out += length) {
    let i: usize = 0;
    for (; i + 16 <= length; i += 16) v128.store(out + i, f32x4.add(v128.load(x + i), v128.load(row + i)));
    for (; i < length; i += 4) store<f32>(out + i, load<f32>(x + i) + load<f32>(row + i));
  }
}

/** out [columns]: sums of x [rows, columns] over its rows, in order. */
export function sumRows(x: usize, out: usize, rows: i32, columns: i32): void {
  const row = bytes(columns);
  memory.fill(out, 0, row);
  for (let r = 0; r < rows; r++) addFloats(x + row * usize(r), out, row);
}

/** The sum of `size` elements, as sixteen sums side by side: quicker than one, and its rounding grows a sixteenth as fast. */
export function sumAll(x: usize, size: i32): f32 {
  let a = f32x4.splat(0), b = f32x4.splat(0), c = f32x4.splat(0), d = f32x4.splat(0);
  const end = x + bytes(size);
  for (; x + 64 <= end; x += 64) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
  }
  const four = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  let sum = (f32x4.extract_lane(four, 0) + f32x4.extract_lane(four, 1)) + (f32x4.extract_lane(four, 2) + f32x4.extract_lane(four, 3));
  for (; x < end; x += 4) sum += load<f32>(x);
  return sum;
}
