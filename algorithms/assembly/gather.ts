// Rows by index: the forward of an embedding.
import { copyFloats } from "./conv";
import { bytes } from "./size";

/**
 * out [outer, count, inner] from x [outer, length, inner] and ids [count] in [0, length). Gives the first position of an id outside, or -1; out is
 * then incomplete.
 */
export function gather(x: usize, ids: usize, out: usize, outer: i32, length: i32, inner: i32, count: i32): i32 {
  const row = bytes(inner);
  for (let o = 0; o < outer; o++, x += row * usize(length))
    for (let i = 0; i < count; i++, out += row) {
      const id = load<i32>(ids + bytes(i));
      if (id < 0 || id >= length) return i;
      copyFloats(x + row * usize(id), out, row);
    }
  return -1;
}
