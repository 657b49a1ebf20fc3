/**
 * MAID-2: on total-variation denoising, MAID ends at the same loss from any starting accuracy and step length, as good as the best of a grid; HOAG's
 * runs end far apart. Synthetic piecewise-constant images, so that nothing has to be read.
 *
 * The document speaks of 6 HOAG runs and does not say which. Its schedules begin at accuracy 0.1, and MAID's runs at steps 0.01 and 1, so the six are
 * taken to be three schedules from these two steps; settled on seeds 101 to 116. HOAG's own first step is measured beside them.
 */
import { createRng } from "@regulus/algorithms/core";
import { denoisingPair } from "@regulus/algorithms/images";
import {
  answerSample,
  type BilevelMethod,
  driveLocally,
  hoag,
  hoagOptions,
  type MethodState,
  maid,
  maidOptions,
  type RespondSample,
  squaredErrorTo,
  totalVariation,
} from "@regulus/algorithms/solvers";
import type { ClaimResult, ReproduceRequest } from "./claim.js";

const images = { images: "piecewise-constant", count: 6, offset: 0, size: 16, noise: 0.1, upper: "squared-error" } as const;
const theta0 = [-5, -5];
/** Lower and adjoint steps of a run, all images together. */
const work = 3000 * images.count;
const accuracies = [10, 1, 0.1, 1e-3];
const stepLengths = [0.01, 1];
/** Where HOAG's schedules begin. */
const hoagAccuracy = 0.1;
const schedules = ["geometric", "quadratic", "cubic"] as const;
/** 21 weights by 7 smoothings. */
const grid = Array.from({ length: 147 }, (_, i) => [-5 + 0.25 * (i % 21), -6 + Math.floor(i / 21)]);
/** What MAID may lie below the best of the grid, in dB. */
const gridSlack = 0.05;
/** Accuracy of the solves that settings are judged by. */
const exact = 1e-7;

export async function runRobustnessClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  progress.begin(
    "MAID-2",
    seeds * (accuracies.length * stepLengths.length + (stepLengths.length + 1) * schedules.length + grid.length),
  );
  const measured: Record<string, number> = {};
  let holds = true;
  for (let one = seed; one < seed + seeds; one++) {
    const samples = samplesOf(one);
    const finals = <Options, State extends MethodState>(method: BilevelMethod<Options, State>, options: readonly Options[]) =>
      options.map((each) => {
        const state = method.init(each, { theta: theta0, samples: images.count });
        driveLocally(method, state, { samples });
        progress.advance(1);
        return lossAt(samples, state.theta);
      });
    const shared = { work, steps: 1_000_000, tolerance: 0 };
    const maidLosses = finals(
      maid,
      accuracies.flatMap((accuracy) =>
        stepLengths.map((stepLength) =>
          maidOptions.parse({
            ...shared,
            accuracy,
            residual: accuracy,
            stepLength,
            decrease: 1e-4,
            accuracyGrowth: 1.05,
            futility: 0,
          }),
        ),
      ),
    );
    const hoagFrom = (stepLength: number | undefined) =>
      schedules.map((schedule) => hoagOptions.parse({ ...shared, accuracy: hoagAccuracy, schedule, stepLength }));
    const hoagLosses = finals(hoag, stepLengths.flatMap(hoagFrom));
    const ownStepLosses = finals(hoag, hoagFrom(undefined));
    const gridLosses = grid.map((theta) => {
      progress.advance(1);
      return lossAt(samples, theta);
    });
    const spread = (losses: readonly number[]): number => Math.max(...losses) / Math.min(...losses);
    // The mean of the eight runs, since the threshold on their spread alone leaves 0.13 dB between them; how many keep it one by one is told too.
    const maidPsnr = maidLosses.reduce((sum, loss) => sum + psnrOf(loss), 0) / maidLosses.length;
    const gridPsnr = psnrOf(Math.min(...gridLosses));
    Object.assign(measured, {
      [`MAID spread, seed ${one}`]: spread(maidLosses),
      [`MAID mean PSNR, seed ${one}`]: maidPsnr,
      [`MAID worst PSNR, seed ${one}`]: psnrOf(Math.max(...maidLosses)),
      [`MAID runs of 8 within ${gridSlack} dB of the grid, seed ${one}`]: maidLosses.filter(
        (loss) => psnrOf(loss) >= gridPsnr - gridSlack,
      ).length,
      [`grid best PSNR, seed ${one}`]: gridPsnr,
      [`HOAG spread, seed ${one}`]: spread(hoagLosses),
      [`HOAG spread with its own first step, seed ${one}`]: spread(ownStepLosses),
      [`HOAG least loss over MAID's, seed ${one}`]: Math.min(...hoagLosses, ...ownStepLosses) / Math.min(...maidLosses),
    });
    holds &&= spread(maidLosses) <= 1.03 && maidPsnr >= gridPsnr - gridSlack && spread(hoagLosses) >= 2;
  }
  return {
    id: "MAID-2",
    statement:
      "From any of 8 starting accuracies and step lengths MAID ends at one loss, as good as the best of a grid; HOAG's do not.",
    measured,
    threshold:
      "worst over best final loss of MAID at most 1.03; the mean PSNR of its runs at least the best of a 147-point grid - 0.05 dB (how many runs keep that one by one is reported); over HOAG's three schedules from the same two steps, worst over best at least 2; its own first step is reported",
    holds,
  };
}

function samplesOf(seed: number): readonly RespondSample[] {
  return Array.from({ length: images.count }, (_, i) => {
    const { truth, noisy } = denoisingPair(images, createRng(seed).fork("MAID-2"), i);
    return {
      lower: totalVariation(noisy),
      upper: squaredErrorTo(truth.pixels),
      start: () => Float64Array.from(noisy.pixels),
    };
  });
}

/** Mean upper loss at hyperparameters, to `exact`. */
function lossAt(samples: readonly RespondSample[], theta: readonly number[]): number {
  const question = { theta, accuracy: exact, commit: false };
  const losses = samples.map(
    (sample) => answerSample(sample, question, { x: sample.start(Float64Array.from(theta)) }).answer.value,
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** PSNR of the mean squared error. */
function psnrOf(loss: number): number {
  return 10 * Math.log10((images.size * images.size) / (2 * loss));
}
