/**
 * Margins of an image: pixels mirrored outwards, so that filters which need their whole neighbourhood find one at the edges. Whoever judges an image sees it
 * without them.
 */
import type { UpperFunction } from "../solvers/lower-problem.js";
import type { GreyImage } from "../solvers/problems/total-variation.js";

/** The image mirrored at its edges (the outermost pixel first), by `margin` pixels on each side, at most its width and height. */
export function withMargin({ width, height, pixels }: GreyImage, margin: number): GreyImage {
  const [columns, rows] = [width + 2 * margin, height + 2 * margin];
  const out = new Float64Array(columns * rows);
  for (let y = 0; y < rows; y++) {
    const from = mirrored(y - margin, height) * width;
    for (let x = 0; x < columns; x++) out[y * columns + x] = pixels[from + mirrored(x - margin, width)] ?? 0;
  }
  return { width: columns, height: rows, pixels: out };
}

/** The pixels inside the margins of an image [(height + 2 margin) * (width + 2 margin)], width and height being those without them. */
export function withoutMargin(
  pixels: Float64Array,
  { width, height }: Pick<GreyImage, "width" | "height">,
  margin: number,
): Float64Array {
  if (margin === 0) return pixels;
  const out = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (y + margin) * (width + 2 * margin) + margin;
    out.set(pixels.subarray(from, from + width), y * width);
  }
  return out;
}

/** An upper function of what is inside the margins: its gradient is 0 in them, its smoothness and convexity are the same. */
export function insideMargin(judged: UpperFunction, size: Pick<GreyImage, "width" | "height">, margin: number): UpperFunction {
  const inner = new Float64Array(size.width * size.height);
  return {
    smoothness: judged.smoothness,
    convex: judged.convex,
    value: (x) => judged.value(withoutMargin(x, size, margin)),
    gradient(x, out) {
      judged.gradient(withoutMargin(x, size, margin), inner);
      out.fill(0);
      for (let y = 0; y < size.height; y++) {
        const row = inner.subarray(y * size.width, (y + 1) * size.width);
        out.set(row, (y + margin) * (size.width + 2 * margin) + margin);
      }
    },
  };
}

/** Place `i` of a line that is mirrored at both ends, each end's pixel twice. */
function mirrored(i: number, length: number): number {
  return i < 0 ? -1 - i : i >= length ? 2 * length - 1 - i : i;
}
