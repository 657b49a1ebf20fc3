/** Registration of grid search: options, limits and claims. */
import { counted, limits, type Problem } from "@regulus/proto";
import { z } from "zod";
import type { StrategyContext, StrategySpec } from "../../core/index.js";
import { createGrid, gridValueCount, gridValuesMax } from "./points.js";

const steps = z.int().min(1).max(gridValuesMax);
const options = z.strictObject({
  /** Values of a parameter, evenly spaced along its scale with both ends: one number for all doubles, or by name. */
  steps: z.union([steps, z.record(z.string(), steps)]).default(5),
});
export type GridOptions = z.output<typeof options>;

export const spec: StrategySpec<GridOptions> = {
  name: "grid",
  summary: "Every combination of evenly spaced values, in a fixed order; ends by itself.",
  source: "Folklore; for its limits see Bergstra and Bengio, JMLR 13 (2012), figure 1",
  options,
  cost: "light",
  endsByItself: true,
  accepts: { conditional: true, categorical: true, double: true },
  needsSteps: false,
  configurations: ({ space }, { steps }) => createGrid(space.parameters, steps).size,
  claims: { orderFree: true, beatsRandom: false },
  problems: gridProblems,
};

function gridProblems({ space, budget }: StrategyContext, { steps }: GridOptions): Problem[] {
  const names = space.parameters.map((parameter) => parameter.name);
  const unknown = typeof steps === "number" ? [] : Object.keys(steps).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    return unknown.map((name) => ({
      field: `strategy.options.steps.${name}`,
      seen: name,
      expected: `one of ${names.join(", ")}`,
    }));
  }
  const wide = space.parameters.filter((parameter) => gridValueCount(parameter, steps) > gridValuesMax);
  if (wide.length > 0) {
    return wide.map(({ name }) => ({
      field: `strategy.options.steps.${name}`,
      seen: "nothing",
      expected: `a number of values, since ${name} has more than ${gridValuesMax}`,
    }));
  }
  const { size } = createGrid(space.parameters, steps);
  if (budget.trials > 0 || size <= limits.trialsMax) return [];
  const expected = `at most ${limits.trialsMax} points: fewer steps, or budget.trials to try only the first ones`;
  return [{ field: "strategy.options.steps", seen: `a grid of ${counted(size, "point")}`, expected }];
}
