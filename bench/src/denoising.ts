/**
 * `npm run bench -- denoising [--seed N] [--quick]`: MAID on 24 crops of photographs with noise 0.1. First total variation at 96x96, against the
 * best of a 100-point grid on the same crops; then a field of experts at 64x64, against the better of MAID's and the grid's total variation there. PSNRs are means over crops, of
 * solutions certified to the same accuracy; crops that nothing was tuned on are measured too. Two worker threads.
 */
import { parseArgs } from "node:util";
import { type MaidOptions, maid, maidOptions } from "@regulus/algorithms/solvers";
import { loadWorkload } from "@regulus/algorithms/training";
import { Shards } from "./denoising/shards.js";

/** Worker threads: one a core of the smallest machine that we measure on. */
const shards = 2;
/** Accuracy of the solves that PSNRs are measured at; a denoised crop is about 3 from the truth. */
const judged = 1e-3;
/** 10 weights by 10 smoothings around what denoises well. */
const grid = Array.from({ length: 100 }, (_, i) => [-4.25 + 0.25 * (i % 10), -7 + 0.5 * Math.floor(i / 10)]);

interface Setting {
  readonly workload: string;
  readonly options: Readonly<Record<string, unknown>> & { readonly count: number };
  readonly seed: number;
}

interface Tuned {
  readonly theta: readonly number[];
  readonly psnr: number;
  readonly heldOutPsnr: number;
  readonly steps: number;
  readonly work: number;
  readonly seconds: number;
  readonly ended: string;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: "string", default: "1" }, quick: { type: "boolean", default: false } },
  });
  const seed = Number(values.seed);
  const count = values.quick ? 4 : 24;
  const crops = { count, noise: 0.1, upper: "psnr" };
  const tv = (size: number): Setting => ({ workload: "tv-denoising", options: { ...crops, size }, seed });
  const sizes = values.quick ? { large: 48, small: 24 } : { large: 96, small: 64 };
  const tvOptions = maidOptions.parse({ ...methodOptions, steps: 60 });
  const large = await tune(tv(sizes.large), tvOptions);
  const best = await bestOfGrid(tv(sizes.large));
  const small = await tune(tv(sizes.small), tvOptions);
  const smallBest = await bestOfGrid(tv(sizes.small));
  const baseline = small.psnr >= smallBest.psnr ? small : smallBest;
  // The field begins as the tuned total variation and learns what that can't do.
  const [logWeight = 0, logSmoothing = 0] = small.theta;
  const filters = { filters: 8, side: 3, start: "differences", logWeight, logSmoothing };
  const foe: Setting = { workload: "foe-denoising", options: { ...crops, size: sizes.small, ...filters }, seed };
  const experts = await tune(foe, maidOptions.parse({ ...methodOptions, steps: values.quick ? 10 : 60, stepLength: 0.1 }));
  const summary = ({ theta, ...rest }: Tuned) =>
    theta.length > 2 ? { hyperparameters: theta.length, ...rest } : { theta, ...rest };
  const result = {
    bench: "denoising",
    seed,
    crops: count,
    totalVariation: { size: sizes.large, maid: summary(large), grid: best, gain: large.psnr - best.psnr },
    fieldOfExperts: {
      size: sizes.small,
      ...filters,
      maid: summary(experts),
      totalVariation: summary(small),
      grid: smallBest,
      gain: experts.psnr - baseline.psnr,
      heldOutGain: experts.heldOutPsnr - baseline.heldOutPsnr,
    },
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** The upper loss `psnr` is about 1, and so are useful steps on the two logarithms; a field's filters want shorter first ones. */
const methodOptions = {
  direction: "l-bfgs",
  accuracy: 0.003,
  residual: 0.0003,
  stepLength: 1,
  accuracyGrowth: 1.3,
  tolerance: 1e-4,
};

async function tune(setting: Setting, options: MaidOptions): Promise<Tuned> {
  const started = performance.now();
  const { count } = setting.options;
  const theta = await startOf(setting);
  const open = await Shards.open(setting, { samples: count, shards });
  const state = maid.init(options, { theta, samples: count });
  await open.drive(maid, state, ({ step, accepted, metrics, message }) => {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const numbers = `PSNR ${metrics.psnr?.toFixed(3)}, accuracy ${metrics.accuracy?.toExponential(1)}`;
    process.stderr.write(`${setting.workload}: ${seconds} s, step ${step}, ${accepted ? numbers : message}\n`);
    return false;
  });
  const seconds = (performance.now() - started) / 1000;
  const psnr = await psnrAt(open, state.theta);
  await open.close();
  const ended = `${state.finished?.reason}: ${state.finished?.message}`;
  return {
    theta: state.theta,
    psnr,
    heldOutPsnr: await heldOut(setting, state.theta),
    steps: state.step,
    work: state.work,
    seconds,
    ended,
  };
}

async function bestOfGrid(
  setting: Setting,
): Promise<{ theta: readonly number[]; psnr: number; heldOutPsnr: number; seconds: number }> {
  const started = performance.now();
  const open = await Shards.open(setting, { samples: setting.options.count, shards });
  let best: { theta: readonly number[]; psnr: number } = { theta: [], psnr: Number.NEGATIVE_INFINITY };
  for (const theta of grid) {
    const psnr = await psnrAt(open, theta);
    if (psnr > best.psnr) best = { theta, psnr };
  }
  await open.close();
  const seconds = (performance.now() - started) / 1000;
  return { ...best, heldOutPsnr: await heldOut(setting, best.theta), seconds };
}

async function heldOut(setting: Setting, theta: readonly number[]): Promise<number> {
  const { count } = setting.options;
  const open = await Shards.open({ ...setting, options: { ...setting.options, offset: count } }, { samples: count, shards });
  const psnr = await psnrAt(open, theta);
  await open.close();
  return psnr;
}

async function psnrAt(open: Shards, theta: readonly number[]): Promise<number> {
  const { metrics } = await open.ask({ id: -1, startFrom: null, question: { theta, accuracy: judged } });
  return metrics.psnr ?? Number.NaN;
}

async function startOf({ workload, options, seed }: Setting): Promise<readonly number[]> {
  const module = await loadWorkload(workload);
  if (!("respond" in module)) throw new Error(`${workload} answers no questions`);
  const parsed = module.spec.options.parse(options);
  const fallbacks = module.spec.hyperparameters(parsed).map(({ parameter, fallback }) => [parameter.name, fallback] as const);
  return [...module.respond({ options: parsed, hyperparameters: Object.fromEntries(fallbacks), seed }).theta];
}
