// C = A B, or C += A B, for row-major float32 matrices, either operand transposed. The blocked and packed algorithm of Goto and van de Geijn
// (ACM TOMS 34(3), 2008): panels of B stay in the second-level cache, panels of A in the first, and a register tile of 4 x 8 sums is kept over a
// whole block. Packing takes the transposes, so they cost nothing more. The order of summation depends on the shapes alone.
import { bytes } from "./size";

/** Rows and columns of the register tile: eight sums of four lanes, which with two of B and one of A fit the sixteen registers of x86. */
const TILE_ROWS: i32 = 4;
const TILE_COLUMNS: i32 = 8;
/** Elements of the common axis in a block: a tile's strips of A and B, 12 KB, stay in a first-level cache. */
const DEPTH: i32 = 256;
/** Rows of A in a block: 96 KB. */
const ROWS: i32 = 96;
/** Columns of B in a block: 512 KB, half a common second-level cache. */
const COLUMNS: i32 = 512;

/** Scratch that `gemm` writes: the packed blocks of A and B, and one tile. */
export const GEMM_SCRATCH_BYTES: i32 = 4 * (ROWS * DEPTH + DEPTH * COLUMNS + TILE_ROWS * TILE_COLUMNS);

/**
 * c [m, n] (row length ldc) from a [m, k], or [k, m] if transposeA (row length lda), and b [k, n], or [n, k] if transposeB (row length ldb).
 * `accumulate` adds to c, otherwise c is overwritten. All lengths in elements, addresses in bytes.
 */
export function gemm(
  m: i32, n: i32, k: i32,
  a: usize, lda: i32, transposeA: i32,
  b: usize, ldb: i32, transposeB: i32,
  c: usize, ldc: i32, accumulate: i32,
  scratch: usize,
): void {
  if (k == 0 && !accumulate) for (let i = 0; i < m; i++) memory.fill(c + bytes(i * ldc), 0, bytes(n));
  const packedA = scratch;
  const packedB = packedA + bytes(ROWS * DEPTH);
  const tile = packedB + bytes(DEPTH * COLUMNS);
  for (let j = 0; j < n; j += COLUMNS) {
    const columns = min(COLUMNS, n - j);
    for (let p = 0; p < k; p += DEPTH) {
      const depth = min(DEPTH, k - p);
      packB(b + bytes(transposeB ? j * ldb + p : p * ldb + j), ldb, transposeB, depth, columns, packedB);
      const add = accumulate | i32(p > 0);
      for (let i = 0; i < m; i += ROWS) {
        const rows = min(ROWS, m - i);
        packA(a + bytes(transposeA ? p * lda + i : i * lda + p), lda, transposeA, rows, depth, packedA);
        multiplyBlock(rows, columns, depth, packedA, packedB, c + bytes(i * ldc + j), ldc, add, tile);
      }
    }
  }
}

function multiplyBlock(
  rows: i32, columns: i32, depth: i32, packedA: usize, packedB: usize, c: usize, ldc: i32, add: i32, tile: usize,
): void {
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const b = packedB + bytes(j * depth);
    for (let i = 0; i < rows; i += TILE_ROWS) {
      const a = packedA + bytes(i * depth);
      const to = c + bytes(i * ldc + j);
      if (i + TILE_ROWS <= rows && j + TILE_COLUMNS <= columns) {
        multiplyTile(depth, a, b, to, ldc, add);
      } else {
        multiplyTile(depth, a, b, tile, TILE_COLUMNS, 0);
        copyTile(tile, to, ldc, min(TILE_ROWS, rows - i), min(TILE_COLUMNS, columns - j), add);
      }
    }
  }
}

/** sum + x * b; where the module is built with relaxed SIMD, as one instruction with one rounding. */
// @ts-ignore: decorator
@inline
function addProduct(sum: v128, x: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, b, sum);
  return f32x4.add(sum, f32x4.mul(x, b));
}

/** One register tile over the whole depth of a block. */
function multiplyTile(depth: i32, a: usize, b: usize, c: usize, ldc: i32, add: i32): void {
  let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  for (const end = a + 16 * usize(depth); a < end; a += 16, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    s00 = addProduct(s00, x, b0);
    s01 = addProduct(s01, x, b1);
    x = v128.load32_splat(a, 4);
    s10 = addProduct(s10, x, b0);
    s11 = addProduct(s11, x, b1);
    x = v128.load32_splat(a, 8);
    s20 = addProduct(s20, x, b0);
    s21 = addProduct(s21, x, b1);
    x = v128.load32_splat(a, 12);
    s30 = addProduct(s30, x, b0);
    s31 = addProduct(s31, x, b1);
  }
  const row = bytes(ldc);
  storeRow(c, s00, s01, add);
  storeRow(c + row, s10, s11, add);
  storeRow(c + 2 * row, s20, s21, add);
  storeRow(c + 3 * row, s30, s31, add);
}

// @ts-ignore: decorator
@inline
function storeRow(to: usize, left: v128, right: v128, add: i32): void {
  v128.store(to, add ? f32x4.add(v128.load(to), left) : left);
  v128.store(to, add ? f32x4.add(v128.load(to, 16), right) : right, 16);
}

/** The part of a tile that lies inside c. */
function copyTile(tile: usize, c: usize, ldc: i32, rows: i32, columns: i32, add: i32): void {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const to = c + bytes(i * ldc + j);
      const sum = load<f32>(tile + bytes(i * TILE_COLUMNS + j));
      store<f32>(to, add ? load<f32>(to) + sum : sum);
    }
}

/** Strips of four rows, depth-major, filled up with zeros. */
function packA(from: usize, ld: i32, transposed: i32, rows: i32, depth: i32, to: usize): void {
  for (let i = 0; i < rows; i += TILE_ROWS, to += 16 * usize(depth)) {
    if (transposed) packAlong(from + bytes(i), ld, min(TILE_ROWS, rows - i), TILE_ROWS, depth, to);
    else packAcross(from + bytes(i * ld), ld, min(TILE_ROWS, rows - i), TILE_ROWS, depth, to);
  }
}

/** Strips of eight columns, depth-major, filled up with zeros. */
function packB(from: usize, ld: i32, transposed: i32, depth: i32, columns: i32, to: usize): void {
  for (let j = 0; j < columns; j += TILE_COLUMNS, to += 32 * usize(depth)) {
    if (transposed) packAcross(from + bytes(j * ld), ld, min(TILE_COLUMNS, columns - j), TILE_COLUMNS, depth, to);
    else packAlong(from + bytes(j), ld, min(TILE_COLUMNS, columns - j), TILE_COLUMNS, depth, to);
  }
}

/** A strip whose elements of one depth lie side by side in memory. */
function packAlong(from: usize, ld: i32, width: i32, strip: i32, depth: i32, to: usize): void {
  const row = bytes(ld);
  const step = bytes(strip);
  for (const end = to + step * usize(depth); to < end; to += step, from += row) {
    if (width == strip) {
      for (let w: usize = 0; w < step; w += 16) v128.store(to + w, v128.load(from + w));
    } else {
      for (let w = 0; w < strip; w++) store<f32>(to + bytes(w), w < width ? load<f32>(from + bytes(w)) : 0);
    }
  }
}

/** A strip whose elements of one depth lie a row apart in memory: blocks of 4 x 4 are transposed in registers. */
function packAcross(from: usize, ld: i32, width: i32, strip: i32, depth: i32, to: usize): void {
  const row = bytes(ld);
  const step = bytes(strip);
  for (let w = 0; w < strip; w += 4) {
    const source = from + row * usize(w);
    const target = to + bytes(w);
    let d = 0;
    if (w + 4 <= width) for (; d + 4 <= depth; d += 4) transpose4x4(source + bytes(d), row, target + step * usize(d), step);
    for (; d < depth; d++)
      for (let r = 0; r < 4; r++)
        store<f32>(target + step * usize(d) + bytes(r), w + r < width ? load<f32>(source + row * usize(r) + bytes(d)) : 0);
  }
}

// @ts-ignore: decorator
@inline
function transpose4x4(from: usize, row: usize, to: usize, step: usize): void {
  const r0 = v128.load(from), r1 = v128.load(from + row), r2 = v128.load(from + 2 * row), r3 = v128.load(from + 3 * row);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}
