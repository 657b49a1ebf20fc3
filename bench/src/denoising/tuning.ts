/** MAID and a grid on the crops of a denoising workload, over worker threads: what they come to on these crops and on others, with the time it took. */
import { type MaidOptions, maid } from "@regulus/algorithms/solvers";
import { bestOf, psnrAt } from "./certified-psnr.js";
import { respondTask, type SampleSource } from "./respond-task.js";
import { Shards } from "./shards.js";

/** Worker threads: one a core of the smallest machine that we measure on. */
const shards = 2;
/** Seconds of processor time between two points of the curve that is reported. */
const curveEvery = 60;

export interface Setting extends SampleSource {
  readonly options: Readonly<Record<string, unknown>> & { readonly count: number; readonly size: number };
}

export interface Tuned {
  readonly theta: readonly number[];
  /** Mean over the crops tuned on, in decibels, of solutions certified to 1e-5. */
  readonly psnr: number;
  /** What the exact minimizers' mean is certainly not below. */
  readonly lowest: number;
  readonly highest: number;
  /** Mean over as many crops that nothing was tuned on. */
  readonly heldOutPsnr: number;
  readonly seconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
}

export interface TunedByMaid extends Tuned {
  readonly steps: number;
  readonly work: number;
  readonly ended: string;
  /** Processor seconds, accepted steps and mean PSNR on the way. */
  readonly curve: readonly (readonly [number, number, number])[];
}

/** MAID from the workload's start, until it ends or has used this much processor time. */
export async function tune(
  setting: Setting,
  options: MaidOptions,
  processorSecondsMax = Number.POSITIVE_INFINITY,
): Promise<TunedByMaid> {
  const { count, size } = setting.options;
  const clock = startClock();
  const open = await Shards.open(setting, { samples: count, shards });
  const state = maid.init(options, { theta: [...(await respondTask(setting)).theta], samples: count });
  const curve: [number, number, number][] = [];
  await open.drive(maid, state, ({ step, accepted, metrics, message }) => {
    const { seconds, processorSeconds } = clock();
    const { psnr = Number.NaN, accuracy = Number.NaN } = metrics;
    if (processorSeconds >= (curve.at(-1)?.[0] ?? 0) + curveEvery) curve.push([processorSeconds, step, rounded(psnr)]);
    const numbers = `PSNR ${psnr.toFixed(4)}, accuracy ${accuracy.toExponential(1)}`;
    const times = `${seconds} s (processor ${processorSeconds} s)`;
    process.stderr.write(`${setting.workload}: ${times}, step ${step}, ${accepted ? numbers : message}\n`);
    return processorSeconds >= processorSecondsMax;
  });
  const times = clock();
  const measured = await psnrAt(open, state.theta, size);
  await open.close();
  const { theta, step: steps, work } = state;
  const ended =
    state.finished === null
      ? `${processorSecondsMax} s of processor time`
      : `${state.finished.reason}: ${state.finished.message}`;
  return { theta, ...measured, heldOutPsnr: await heldOut(setting, theta), ...times, steps, work, ended, curve };
}

/** The best of a grid. */
export async function searchGrid(
  setting: Setting,
  grid: readonly (readonly number[])[],
): Promise<Tuned & { readonly rounds: readonly number[] }> {
  const clock = startClock();
  const { count, size } = setting.options;
  const open = await Shards.open(setting, { samples: count, shards });
  const best = await bestOf(open, grid, size);
  const times = clock();
  await open.close();
  const result = { ...best, heldOutPsnr: await heldOut(setting, best.theta), ...times };
  process.stderr.write(`${setting.workload}: best of ${grid.length} points ${best.psnr.toFixed(4)} at ${best.theta}\n`);
  return result;
}

async function heldOut(setting: Setting, theta: readonly number[]): Promise<number> {
  const { count, size } = setting.options;
  const open = await Shards.open({ ...setting, options: { ...setting.options, offset: count } }, { samples: count, shards });
  const { psnr } = await psnrAt(open, theta, size);
  await open.close();
  return psnr;
}

function startClock(): () => { seconds: number; processorSeconds: number } {
  const [wall, processor] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(processor);
    return { seconds: Math.round((performance.now() - wall) / 1000), processorSeconds: Math.round((user + system) / 1e6) };
  };
}

function rounded(psnr: number): number {
  return Number(psnr.toFixed(4));
}
