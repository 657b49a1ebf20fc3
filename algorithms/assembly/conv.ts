// Gradients of a two-dimensional convolution (channels last, dilation 1) as matrix products: patches are laid out as rows (im2col), multiplied,
// and for the input's gradient added back where they came from (col2im). A bounded number of rows is laid out at a time.
import { gemm } from "./gemm";
import { bytes } from "./size";

/** Floats of patches laid out at a time, or one patch if it is longer: 1 MB, which a second-level cache holds. */
export const CONV_COLUMN_FLOATS: i32 = 262144;

/** filterGradient [kh, kw, ci, co] from x [batch, h, w, ci] and dy [batch, oh, ow, co]. `columns` holds the patches, `scratch` is gemm's. */
export function convFilterGradient(
  x: usize, dy: usize, filterGradient: usize,
  batch: i32, h: i32, w: i32, ci: i32, oh: i32, ow: i32, co: i32,
  kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32,
  columns: usize, scratch: usize,
): void {
  const patch = kh * kw * ci;
  const rows = batch * oh * ow;
  const step = max(1, CONV_COLUMN_FLOATS / patch);
  for (let row = 0; row < rows; row += step) {
    const count = min(step, rows - row);
    movePatches(x, columns, row, count, h, w, ci, oh, ow, kh, kw, strideH, strideW, padTop, padLeft, 0);
    gemm(patch, co, count, columns, patch, 1, dy + bytes(row * co), co, 0, filterGradient, co, i32(row > 0), scratch);
  }
}

/** dx [batch, h, w, ci] from dy [batch, oh, ow, co] and filter [kh, kw, ci, co]. */
export function convInputGradient(
  dy: usize, filter: usize, dx: usize,
  batch: i32, h: i32, w: i32, ci: i32, oh: i32, ow: i32, co: i32,
  kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32,
  columns: usize, scratch: usize,
): void {
  const patch = kh * kw * ci;
  const rows = batch * oh * ow;
  const step = max(1, CONV_COLUMN_FLOATS / patch);
  memory.fill(dx, 0, bytes(batch * h * w * ci));
  for (let row = 0; row < rows; row += step) {
    const count = min(step, rows - row);
    gemm(count, patch, co, dy + bytes(row * co), co, 0, filter, co, 1, columns, patch, 0, scratch);
    movePatches(dx, columns, row, count, h, w, ci, oh, ow, kh, kw, strideH, strideW, padTop, padLeft, 1);
  }
}

/** Copies patches of an image to rows of columns, zeros where a patch leaves the image; or adds the rows back to the image. */
function movePatches(
  image: usize, columns: usize, row: i32, count: i32,
  h: i32, w: i32, ci: i32, oh: i32, ow: i32,
  kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32, back: i32,
): void {
  const line = bytes(kw * ci);
  for (const end = row + count; row < end; row++) {
    const ox = row % ow;
    const oy = (row / ow) % oh;
    const n = row / (ow * oh);
    const left = ox * strideW - padLeft;
    const from = max(left, 0);
    const to = min(left + kw, w);
    const before = bytes((from - left) * ci);
    const inside = to > from ? bytes((to - from) * ci) : 0;
    for (let ky = 0; ky < kh; ky++, columns += line) {
      const y = oy * strideH - padTop + ky;
      const seen = y >= 0 && y < h ? inside : 0;
      const at = image + bytes(((n * h + y) * w + from) * ci);
      if (back) addFloats(columns + before, at, seen);
      else if (seen == line) copyFloats(at, columns, line);
      else {
        zeroFloats(columns, line);
        copyFloats(at, columns + before, seen);
      }
    }
  }
}

/** Copies `size` bytes of floats. */
// @ts-ignore: decorator
@inline
export function copyFloats(from: usize, to: usize, size: usize): void {
  let i: usize = 0;
  for (; i + 16 <= size; i += 16) v128.store(to + i, v128.load(from + i));
  for (; i < size; i += 4) store<f32>(to + i, load<f32>(from + i));
}

// @ts-ignore: decorator
@inline
function zeroFloats(to: usize, size: usize): void {
  let i: usize = 0;
  for (; i + 16 <= size; i += 16) v128.store(to + i, f32x4.splat(0));
  for (; i < size; i += 4) store<f32>(to + i, 0);
}

/** Adds `size` bytes of floats to what stands at `to`. */
// @ts-ignore: decorator
@inline
export function addFloats(from: usize, to: usize, size: usize): void {
  let i: usize = 0;
  for (; i + 16 <= size; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
  for (; i < size; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(from + i));
}
