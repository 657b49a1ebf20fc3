/** Options of every denoising workload. Pure: specs use them. */
import { z } from "zod";

/** Every photograph is at least this large in each direction, in pixels. */
const photographSideMin = 240;

/** Options of every denoising workload. */
export const denoisingOptions = {
  /** Crops of nine photographs in turn, or random rectangles on a ground. */
  images: z.enum(["photographs", "piecewise-constant"]).default("photographs"),
  /** Images, each a sample. */
  count: z.int().min(1).max(1000).default(24),
  /** Number of the first image: images of different numbers are independent. */
  offset: z.int().min(0).max(1_000_000).default(0),
  /** Width and height in pixels. */
  size: z.int().min(8).max(photographSideMin).default(96),
  /** Standard deviation of the normal noise; pixels go from 0 to 1. */
  noise: z.number().min(0).max(10).default(0.1),
  /** squared-error: 1/2 |x - truth|^2. psnr: a smooth function of the PSNR in decibels, so that every image counts the same. */
  upper: z.enum(["squared-error", "psnr"]).default("squared-error"),
};
const parsed = z.object(denoisingOptions);
export type DenoisingOptions = z.infer<typeof parsed>;
