// Sums over leading axes (a bias's gradient) and of everything (a norm).
import { addFloats } from "./conv";
import { bytes } from "./size";

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
