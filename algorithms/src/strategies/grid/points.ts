/** The points of a grid: how many values each parameter has, and which. */
import { assert, limits, type Parameter } from "@regulus/proto";
import { type Configurations, cellCount, numberedConfigurations, spacedValues } from "../../core/index.js";

/** Values of one parameter at most; wider ints have to be thinned out. */
export const gridValuesMax = limits.choicesMax;

/** Number of values for all doubles, or by name; 5 for a double that is not named, all values for others. */
export type GridSteps = number | Readonly<Record<string, number>>;

/** The grid of these parameters, none of which has more than `gridValuesMax` values. */
export function createGrid(parameters: readonly Parameter[], steps: GridSteps): Configurations {
  return numberedConfigurations(parameters, (parameter) => {
    const count = gridValueCount(parameter, steps);
    assert(count <= gridValuesMax, `a grid's parameter has at most ${gridValuesMax} values, not ${count}`);
    return spacedValues(parameter, count);
  });
}

/** How many values of a parameter the grid has at most. */
export function gridValueCount(parameter: Parameter, steps: GridSteps): number {
  const named = typeof steps === "number" ? undefined : Object.hasOwn(steps, parameter.name) ? steps[parameter.name] : undefined;
  const cells = cellCount(parameter);
  if (cells !== Number.POSITIVE_INFINITY) return Math.min(cells, named ?? cells);
  return named ?? (typeof steps === "number" ? steps : 5);
}
