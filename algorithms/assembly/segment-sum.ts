// Sums of rows by segment, in row order: the gradient of an embedding.
import { addFloats } from "./conv";
import { bytes } from "./size";

/** out [segments, inner] from x [rows, inner] and ids [rows]. Rows whose id is outside [0, segments) are left out, as in TensorFlow. */
export function segmentSum(x: usize, ids: usize, out: usize, rows: i32, inner: i32, segments: i32): void {
  const row = bytes(inner);
  memory.fill(out, 0, row * usize(segments));
  for (let r = 0; r < rows; r++) {
    const id = load<i32>(ids + bytes(r));
    if (id >= 0 && id < segments) addFloats(x + row * usize(r), out + row * usize(id), row);
  }
}
