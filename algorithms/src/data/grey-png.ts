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

/** A PNG of 8 bits a pixel; pixels below 0 are black and above 1 white. `description` is kept in the file, as plain ASCII words. */
export function greyPng({ width, height, pixels }: GreyImage, description = ""): Uint8Array {
  const data = Buffer.from(Uint8ClampedArray.from(pixels, (grey) => 255 * grey));
  const png = new PNG({ width, height, colorType: 0, inputColorType: 0, bitDepth: 8, inputHasAlpha: false });
  png.data = data;
  const bytes = PNG.sync.write(png, { colorType: 0, inputColorType: 0, bitDepth: 8, inputHasAlpha: false });
  return description === "" ? bytes : described(bytes, description);
}

/** Bytes of the signature and of the header's chunk, which comes first. */
const beforeChunks = 8 + 25;

/** The file with a tEXt chunk under the keyword that the standard has for it. */
function described(png: Uint8Array, text: string): Uint8Array {
  const content = Buffer.from(`tEXtDescription\0${text}`, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length - 4);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(checkSum(content));
  return Buffer.concat([png.subarray(0, beforeChunks), length, content, check, png.subarray(beforeChunks)]);
}

/** CRC-32 of a chunk's type and content, bit by bit: descriptions are short. */
function checkSum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
