/**
 * Linear warm-up before any schedule, and how far the schedule is after it. Source: Goyal et al., "Accurate, large minibatch SGD",
 * arXiv:1706.02677 (2017), section 2.2. Pure.
 */
import type { RateContext } from "../training/contracts/learning-rate.js";

/**
 * The rate of a step: while it warms up a growing part of the base rate, and then what the schedule makes of it.
 * @param scaled the factor of the base rate after the warm-up, given the share of the other planned steps that is done, in [0, 1].
 */
export function warmedUp(
  { step, plannedSteps, base }: RateContext,
  warmUpShare: number,
  scaled: (shareDone: number) => number,
): number {
  const warmUpSteps = Math.round(warmUpShare * plannedSteps);
  if (step < warmUpSteps) return (base * (step + 1)) / (warmUpSteps + 1);
  return base * scaled(Math.min(1, (step - warmUpSteps) / Math.max(1, plannedSteps - warmUpSteps)));
}
