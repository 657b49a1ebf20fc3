/**
 * The points of a grid by number, without listing them: a mixed-radix number whose digits are the parameters' values, the last one turning
 * fastest; a value that switches other parameters on counts as many times as those have combinations.
 */
import { assert, limits, type Parameter } from "@regulus/proto";
import {
  type ConditionTree,
  type Configuration,
  cellCount,
  conditionForest,
  type ParameterValue,
  valueFromUnit,
  valuesOf,
} from "../../core/index.js";

/** Values of one parameter at most; wider ints have to be thinned out. */
export const gridValuesMax = limits.choicesMax;

/** Number of values for all doubles, or by name; 5 for a double that is not named, all values for others. */
export type GridSteps = number | Readonly<Record<string, number>>;

/** A grid. */
export interface Grid {
  /** Number of points; not exact beyond 2^53. */
  readonly size: number;
  /** Point `index`, from 0. */
  at(index: number): Configuration;
}

/** The grid of these parameters, none of which has more than `gridValuesMax` values. */
export function createGrid(parameters: readonly Parameter[], steps: GridSteps): Grid {
  const roots = conditionForest(parameters).map((tree) => nodeOf(tree, steps));
  const size = roots.reduce((all, root) => all * root.count, 1);
  return {
    size,
    at: (index) => {
      assert(index >= 0 && index < size, `a grid of ${size} points has no point ${index}`);
      const chosen: Record<string, ParameterValue> = {};
      choose(roots, index, chosen);
      return chosen;
    },
  };
}

/** How many values of a parameter the grid has. */
export function gridValueCount(parameter: Parameter, steps: GridSteps): number {
  const named = typeof steps === "number" ? undefined : Object.hasOwn(steps, parameter.name) ? steps[parameter.name] : undefined;
  const cells = cellCount(parameter);
  if (cells !== Number.POSITIVE_INFINITY) return Math.min(cells, named ?? cells);
  return named ?? (typeof steps === "number" ? steps : 5);
}

/** A parameter's values, each with the parameters that it switches on. */
interface Node {
  readonly name: string;
  readonly count: number;
  readonly digits: readonly { readonly value: ParameterValue; readonly count: number; readonly dependents: readonly Node[] }[];
}

function nodeOf(tree: ConditionTree, steps: GridSteps): Node {
  const digits = gridValues(tree.parameter, steps).map((value) => {
    const dependents = tree.at(value).map((dependent) => nodeOf(dependent, steps));
    return { value, dependents, count: dependents.reduce((all, node) => all * node.count, 1) };
  });
  return { name: tree.parameter.name, digits, count: digits.reduce((sum, digit) => sum + digit.count, 0) };
}

/** Values in order: all cells, or evenly spaced along the scale with both ends (the middle where it is one). */
function gridValues(parameter: Parameter, steps: GridSteps): readonly ParameterValue[] {
  const count = gridValueCount(parameter, steps);
  assert(count <= gridValuesMax, `a grid's parameter has at most ${gridValuesMax} values, not ${count}`);
  if (count === cellCount(parameter)) return valuesOf(parameter);
  const spaced = Array.from({ length: count }, (_, at) => valueFromUnit(parameter, count === 1 ? 0.5 : at / (count - 1)));
  return [...new Set(spaced)];
}

function choose(nodes: readonly Node[], index: number, chosen: Record<string, ParameterValue>): void {
  let left = index;
  for (const node of [...nodes].reverse()) {
    let rank = left % node.count;
    left = Math.floor(left / node.count);
    const digit = node.digits.find(({ count }) => {
      if (rank < count) return true;
      rank -= count;
      return false;
    });
    assert(digit !== undefined, "a rank below the count belongs to a digit");
    chosen[node.name] = digit.value;
    choose(digit.dependents, rank, chosen);
  }
}
