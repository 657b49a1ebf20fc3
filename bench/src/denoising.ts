/**
 * `npm run bench -- denoising [--only tv|foe] [--seed N] [--crops N] [--minutes N] [--quick]`: MAID on 24 crops of photographs with noise 0.1. tv: total
 * variation at 96x96 against the best of a 100-point grid on the same crops. foe: a field of experts at 48x48, for so many processor minutes, against
 * the better of MAID's and the grid's total variation there. PSNRs are means over crops, with certified bounds; crops that nothing was tuned on
 * are measured too. Each half prints its result when it is there.
 */
import { parseArgs } from "node:util";
import { maidOptions } from "@regulus/algorithms/solvers";
import { type Setting, searchGrid, type Tuned, type TunedByMaid, tune } from "./denoising/tuning.js";
import { tvCount, tvCrops, tvMethod, tvSize } from "./denoising/tv-problem.js";

/** 10 weights by 10 smoothings around what denoises well, there and back, so that each point's neighbour in the list is near. */
const grid = Array.from({ length: 100 }, (_, i) => {
  const [row, column] = [Math.floor(i / 10), i % 10];
  return [-4.25 + 0.25 * (row % 2 === 0 ? column : 9 - column), -3.5 - 0.5 * row];
});

/** Of a field that begins as total variation at two thirds of its weight, with the cosine basis behind it at weights that can move. */
const field = { filters: 12, side: 5, start: "differences", faint: 2.1 };
/** In logarithms, of the weight of total variation. */
const lessWeight = 0.4;
/** The field begins no finer than this: every solve would be longer. Where crops are flat enough for finer ones to show, it gets there on its way. */
const leastSmoothing = -6;
/** Processor minutes of the field's run where nothing else is given: five minutes on two cores. */
const minutesDefault = 10;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string", default: "1" },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      crops: { type: "string" },
      minutes: { type: "string" },
    },
  });
  const { only, quick } = values;
  if (only !== undefined && only !== "tv" && only !== "foe") throw new Error(`--only takes tv or foe, not ${only}`);
  const seed = Number(values.seed);
  const about = { bench: "denoising", seed, crops: Number(values.crops ?? (quick ? 4 : tvCount)) };
  const minutes = Number(values.minutes ?? minutesDefault);
  if (!Number.isSafeInteger(about.crops) || about.crops < 1)
    throw new Error(`--crops takes a whole number from 1, not ${values.crops}`);
  if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not ${values.minutes}`);
  const tv = (size: number): Setting => ({
    workload: "tv-denoising",
    options: { ...tvCrops, count: about.crops, size },
    seed,
  });
  if (only !== "foe") print({ ...about, half: "tv", ...(await totalVariation(tv(quick ? 48 : tvSize))).result });
  if (only !== "tv") print({ ...about, half: "foe", ...(await fieldOfExperts(tv(quick ? 32 : 48), minutes, quick)) });
}

const tvOptions = maidOptions.parse({ ...tvMethod, steps: 60 });

async function totalVariation(setting: Setting): Promise<{ result: object; better: Tuned }> {
  const byMaid = await tune(setting, tvOptions);
  const byGrid = await searchGrid(setting, grid);
  const { curve, ...maid } = byMaid;
  const certainGain = byMaid.lowest - byGrid.highest;
  const result = { size: setting.options.size, maid, grid: byGrid, gain: byMaid.psnr - byGrid.psnr, certainGain };
  return { result, better: byMaid.psnr >= byGrid.psnr ? byMaid : byGrid };
}

async function fieldOfExperts(small: Setting, minutes: number, quick: boolean): Promise<object> {
  const { result, better } = await totalVariation(small);
  const [logWeight = 0, logSmoothing = 0] = better.theta;
  const start = { ...field, logWeight: logWeight - lessWeight, logSmoothing: Math.max(leastSmoothing, logSmoothing) };
  const foe: Setting = { ...small, workload: "foe-denoising", options: { ...small.options, ...start } };
  // Filters want a shorter first step, and their many small steps accuracies that stay fine: a digit more costs a tenth of a solve.
  const finer = { ...tvOptions, stepLength: 0.1, accuracy: 3e-4, residual: 3e-5, accuracyGrowth: 1.05 };
  const experts: TunedByMaid = await tune(foe, maidOptions.parse({ ...finer, steps: quick ? 10 : 1000 }), 60 * minutes);
  const { theta, ...rest } = experts;
  return {
    size: small.options.size,
    ...start,
    maid: { hyperparameters: theta.length, ...rest },
    totalVariation: result,
    gain: experts.psnr - better.psnr,
    heldOutGain: experts.heldOutPsnr - better.heldOutPsnr,
  };
}

function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
