/** Grey images as PNG files, alone or in rows side by side. Source: ISO/IEC 15948 through the package `pngjs`. */
import { PNG } from "pngjs";
import type { GreyImage } from "../solvers/problems/total-variation.js";

/** White pixels between two pictures. */
const gap = 2;

/** One picture of rows of pictures of one size. */
export function sideBySide(rows: readonly (readonly GreyImage[])[]): GreyImage {
  const [first] = rows[0] ?? [];
  if (first === undefined) return { width: 1, height: 1, pixels: new Float64Array(1) };
  const [across, down] = [first.width + gap, first.height + gap];
  const width = across * Math.max(...rows.map((row) => row.length)) - gap;
  const height = down * rows.length - gap;
  const pixels = new Float64Array(width * height).fill(1);
  for (const [r, row] of rows.entries())
    for (const [c, image] of row.entries())
      for (let y = 0; y < image.height; y++) {
        const line = image.pixels.subarray(y * image.width, (y + 1) * image.width);
        pixels.set(line, (r * down + y) * width + c * across);
      }
  return { width, height, pixels };
}

/** A PNG of 8 bits a pixel; pixels below 0 are black and above 1 white. */
export function greyPng({ width, height, pixels }: GreyImage): Uint8Array {
  const data = Buffer.from(Uint8ClampedArray.from(pixels, (grey) => 255 * grey));
  const png = new PNG({ width, height, colorType: 0, inputColorType: 0, bitDepth: 8, inputHasAlpha: false });
  png.data = data;
  return PNG.sync.write(png, { colorType: 0, inputColorType: 0, bitDepth: 8, inputHasAlpha: false });
}
