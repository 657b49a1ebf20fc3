/**
 * Mean PSNRs with what is certain of them, and the best of many hyperparameters found by leaving out those that certainly aren't: a solve that is
 * certified to lie within eps of the minimizer knows its distance to the truth to within eps. Most of a grid is left out at coarse accuracies.
 */
import type { SampleAnswer } from "@regulus/algorithms/solvers";
import type { Shards } from "./shards.js";

/** Mean over images, in decibels. */
export interface CertifiedPsnr {
  /** At the solutions found. */
  readonly psnr: number;
  /** The exact minimizers' is between these. */
  readonly lowest: number;
  readonly highest: number;
}

/** Accuracies of one round after the other. At the last a mean PSNR of crops of 64x64 is certain to within 1e-4 dB. */
const accuracies = [0.03, 0.003, 3e-4, 1e-5];
/** Accuracy of every PSNR that is reported. */
const judged = 1e-5;

/** What is certain of images of `size` by `size` pixels. */
export function certified(answers: readonly SampleAnswer[], size: number): CertifiedPsnr {
  const mean = (of: (answer: SampleAnswer) => number): number =>
    answers.reduce((sum, answer) => sum + of(answer), 0) / answers.length;
  const psnrOf = ({ metrics }: SampleAnswer): number => metrics?.psnr ?? Number.NaN;
  const movedBy = (answer: SampleAnswer, by: number): number => {
    const distance = size * 10 ** (-psnrOf(answer) / 20);
    return -20 * Math.log10(Math.max(Number.MIN_VALUE, distance + by) / size);
  };
  return {
    psnr: mean(psnrOf),
    lowest: mean((answer) => movedBy(answer, answer.accuracy)),
    highest: mean((answer) => movedBy(answer, -answer.accuracy)),
  };
}

/** The PSNR at hyperparameters. */
export async function psnrAt(shards: Shards, theta: readonly number[], size: number): Promise<CertifiedPsnr> {
  return certified(await shards.answers({ id: -1, startFrom: null, question: { theta, accuracy: judged } }), size);
}

/** The best of `points`; neighbours in the list start from each other's solutions. `rounds`: points that each accuracy was asked of. */
export async function bestOf(
  shards: Shards,
  points: readonly (readonly number[])[],
  size: number,
): Promise<CertifiedPsnr & { readonly theta: readonly number[]; readonly rounds: readonly number[] }> {
  let left = points.map((theta) => ({ theta, psnr: Number.NaN, lowest: Number.NEGATIVE_INFINITY, highest: 0 }));
  const rounds: number[] = [];
  let id = 0;
  for (const accuracy of accuracies) {
    rounds.push(left.length);
    const measured: typeof left = [];
    for (const { theta } of left) {
      const startFrom = id === 0 ? null : id;
      id += 1;
      const answers = await shards.answers({ id, startFrom, question: { theta, accuracy } });
      measured.push({ theta, ...certified(answers, size) });
    }
    const surely = measured.reduce((most, { lowest }) => Math.max(most, lowest), Number.NEGATIVE_INFINITY);
    left = measured.filter(({ highest }) => highest >= surely);
  }
  const best = left.reduce((a, b) => (b.psnr > a.psnr ? b : a));
  return { ...best, rounds };
}
