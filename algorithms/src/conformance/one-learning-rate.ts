/** One learning-rate schedule at one step, for tests of what it does by hand. */
import type { LearningRate, RateContext, RateGradients } from "../training/contracts/learning-rate.js";
import { StepMemories } from "../training/state/step-memory.js";

/** A step whose gradients are all absent: schedules look at none. */
const noGradients: RateGradients = { gradients: {}, gradientsAt: () => ({}) };

/** The rate of a schedule, which looks at no gradients and remembers nothing. */
export function scheduledRate(schedule: LearningRate, point: Omit<RateContext, "memory">): number {
  return schedule.rate({ ...point, memory: new StepMemories().of("none", "learning-rate") }, noGradients);
}
