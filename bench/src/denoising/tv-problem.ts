/** Total variation on crops of photographs as the benches compare it: one problem, and MAID's options for it. */

/** Noise, and means of PSNR, which are therefore the upper loss. */
export const tvCrops = { noise: 0.1, upper: "psnr" } as const;
/** Crops, and pixels of a side. */
export const [tvCount, tvSize] = [24, 96];

/** The upper loss `psnr` is about 1, and so are useful steps on the two logarithms. */
export const tvMethod = {
  direction: "l-bfgs",
  accuracy: 0.003,
  residual: 0.0003,
  stepLength: 1,
  accuracyGrowth: 1.3,
  tolerance: 1e-4,
} as const;
