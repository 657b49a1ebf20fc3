/**
 * MAID-1: MAID's accuracy tunes itself. The claim of section 4.1 is that runs from accuracies 1e-1, 1e-3 and 1e-5 merge onto one curve of gap against
 * work, which a frozen accuracy never gets down to or pays more for.
 *
 * The document says so of one drawn instance, by the work to 1 % of the first gap, which lies at 14,651 steps of work there. Instances differ: on
 * seeds 101 to 112 that gap is reached after 720 to 96,502 steps with descent check, on three of them not within the budget. Beginning at 1e-5 costs 350 to
 * 400 steps more than beginning at 1e-1, on every instance, so that a target that is reached at once tells of these first solves and not of the curve.
 * MAID-1 is the literal claim, reported. MAID-1-CURVE looks at the same amounts of work on every instance, the first of them the document's; its
 * marks and thresholds were settled on seeds 101 to 116, what a stall is on 201 to 212 too: frozen at 1e-1 or 1e-3 a run takes its last step within
 * 1 % of the budget on each of them. How far above MAID it stays depends on how far MAID came, which differs by instance (1.2 to 22 times).
 */
import type { ClaimResult, ReproduceRequest } from "./claim.js";
import { accuracies, gapAfter, problemOf, type Run, run, settings, workTo } from "./quadratic-runs.js";

/** The document's target: this share of the first gap. */
const target = 1e-2;
/** Share of the first gap that the document's frozen runs stay above. */
const literalStall = 1.5e-2;
const workSpreadMax = 1.15;
/** Work at which the curves are compared: where the document's target lies on its instance, and on to the whole budget. */
const marks = [15_000, 30_000, 60_000, 100_000];
/** On seeds 101 to 116 at most 1.05. */
const gapSpreadMax = 1.1;
/** Gap of a run that has stalled, at the end over that at half of the work: 1 but for what rounds. MAID's is at most 0.92 on seeds 201 to 212. */
const stalledLeast = 0.999;
/** Final gap of frozen 1e-1 and 1e-3 over MAID's: on seeds 101 to 116 at least 1.86, on 201 to 212 at least 1.42, on 401 to 440 at least 1.58. */
const stallLeast = 1.2;

/** Runs from each of the accuracies, in order. */
interface Runs {
  readonly plain: readonly Run[];
  readonly checked: readonly Run[];
  readonly frozen: readonly Run[];
}

export async function reportLiteralClaim(request: ReproduceRequest): Promise<ClaimResult> {
  const measured: Record<string, number> = {};
  let holds = true;
  for (const [seed, { plain, checked, frozen }] of runsOf(request, "MAID-1")) {
    const works = (runs: readonly Run[]): readonly number[] => runs.map((one) => workTo(one, target));
    const stalled = Math.min(...frozen.slice(0, -1).map(({ finalGap }) => finalGap));
    const [slowest, tight] = [Math.max(...works(checked)), Math.max(...works(frozen.slice(-1)))];
    Object.assign(measured, {
      [`condition, seed ${seed}`]: problemOf(seed).condition,
      [`work to 1%, seed ${seed}`]: slowest,
      [`its spread, seed ${seed}`]: spread(works(checked)),
      [`its spread without descent check, seed ${seed}`]: spread(works(plain)),
      [`final gap, seed ${seed}`]: Math.max(...checked.map(({ finalGap }) => finalGap)),
      [`final gap of frozen 1e-1 and 1e-3, seed ${seed}`]: stalled,
      [`work of frozen 1e-5, seed ${seed}`]: tight,
    });
    holds &&= spread(works(checked)) <= workSpreadMax && stalled >= literalStall && slowest < tight;
  }
  return {
    id: "MAID-1",
    statement:
      "As the document has it of its one instance: the work to 1 % of the first gap does not depend on the first accuracy.",
    measured,
    threshold: `none, since it depends on the drawn matrices: reported, not asserted. Literally: works with descent check within ${workSpreadMax} of each other and below that of frozen 1e-5; frozen at 1e-1 and 1e-3 the gap stays above ${literalStall}`,
    holds,
    asserted: false,
  };
}

export async function runCurveClaim(request: ReproduceRequest): Promise<ClaimResult> {
  const measured: Record<string, number> = {};
  let holds = true;
  for (const [seed, { plain, checked, frozen }] of runsOf(request, "MAID-1-CURVE")) {
    /** The gap that the last of them has come to after this work. */
    const reached = (runs: readonly Run[], work: number): number => Math.max(...runs.map((one) => gapAfter(one, work)));
    const gaps = Math.max(
      ...[plain, checked].flatMap((runs) => marks.map((work) => spread(runs.map((one) => gapAfter(one, work))))),
    );
    const worksOf = (runs: readonly Run[]): number =>
      Math.max(...marks.map((work) => spread(runs.map((one) => workTo(one, reached(runs, work))))));
    const [loose, tight] = [frozen.slice(0, -1), frozen.slice(-1)];
    const stalled = Math.min(...loose.map(({ finalGap }) => finalGap)) / Math.max(...plain.map(({ finalGap }) => finalGap));
    const kept = Math.min(...loose.map(keptInSecondHalf));
    const overTight = Math.min(...tight.map(({ finalGap }) => finalGap)) / Math.max(...checked.map(({ finalGap }) => finalGap));
    const begun = plain.map((one) => workTo(one, 0.5));
    Object.assign(measured, {
      [`gap spread, seed ${seed}`]: gaps,
      [`work spread, seed ${seed}`]: worksOf(checked),
      [`work spread without descent check, seed ${seed}`]: worksOf(plain),
      [`frozen 1e-1 and 1e-3 over MAID's final gap, seed ${seed}`]: stalled,
      [`share of the gap that they keep in the second half of the work, seed ${seed}`]: kept,
      [`share that MAID keeps there, seed ${seed}`]: Math.max(...plain.map(keptInSecondHalf)),
      [`frozen 1e-5 over MAID's final gap with descent check, seed ${seed}`]: overTight,
      [`work that the tightest start costs more, seed ${seed}`]: Math.max(...begun) - Math.min(...begun),
    });
    holds &&= gaps <= gapSpreadMax && worksOf(checked) <= workSpreadMax && overTight > 1;
    holds &&= kept >= stalledLeast && stalled >= stallLeast;
  }
  return {
    id: "MAID-1-CURVE",
    statement: "From any accuracy MAID comes onto one curve of gap against work; frozen, it stalls above it or pays more.",
    measured,
    threshold: `at each of ${marks.join(", ")} steps of work: gaps from 1e-1, 1e-3 and 1e-5 within ${gapSpreadMax} of each other, with and without descent check; with it, the works to the gap that the slowest has there within ${workSpreadMax}; frozen at 1e-1 and 1e-3 at least ${stalledLeast} of the gap is left of the second half of the work, and the final gap is at least ${stallLeast} times MAID's; frozen at 1e-5 it is above that of MAID with descent check`,
    holds,
  };
}

/** The gap at the end, as a share of that at half of the work. */
function keptInSecondHalf(one: Run): number {
  return gapAfter(one, settings.work) / gapAfter(one, settings.work / 2);
}

function* runsOf({ seed, seeds, progress }: ReproduceRequest, label: string): Generator<readonly [number, Runs]> {
  progress.begin(label, seeds * 3 * accuracies.length);
  for (let one = seed; one < seed + seeds; one++) {
    const problem = problemOf(one);
    const from = (more: Parameters<typeof run>[2]): readonly Run[] =>
      accuracies.map((accuracy) => {
        const result = run(problem, accuracy, more);
        progress.advance(1);
        return result;
      });
    yield [one, { plain: from({}), checked: from({ checkDescent: true }), frozen: from({ freezeAccuracy: true }) }];
  }
}

function spread(values: readonly number[]): number {
  return Math.max(...values) / Math.min(...values);
}
