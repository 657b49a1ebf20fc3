/**
 * Configurations by number, without listing them: a mixed-radix number whose digits are the parameters' values, the last one turning fastest; a
 * value that switches other parameters on counts as many times as those have combinations.
 */
import { assert, type Parameter, type ParameterValue, valueKey } from "@regulus/proto";
import { type ConditionTree, conditionForest, ownValue } from "./create-space.js";
import type { Configuration } from "./space.js";

/** Numbered configurations. */
export interface Configurations {
  /** How many there are; not exact beyond 2^53. */
  readonly size: number;
  /** Configuration `index`, from 0. */
  at(index: number): Configuration;
  /** The number of a configuration; undefined where it is none of these. */
  indexOf(configuration: Configuration): number | undefined;
}

/** A parameter's values, each with the parameters that it switches on. */
interface Node {
  readonly name: string;
  readonly count: number;
  readonly digits: readonly Digit[];
  /** Digits by their value's key. */
  readonly byKey: ReadonlyMap<unknown, Digit>;
}

interface Digit {
  readonly value: ParameterValue;
  /** Combinations of the values before this one. */
  readonly from: number;
  readonly count: number;
  readonly dependents: readonly Node[];
}

/** All combinations of the values that each parameter is given. */
export function numberedConfigurations(
  parameters: readonly Parameter[],
  valuesOf: (parameter: Parameter) => readonly ParameterValue[],
): Configurations {
  const roots = conditionForest(parameters).map((tree) => nodeOf(tree, valuesOf));
  const size = roots.reduce((all, root) => all * root.count, 1);
  return {
    size,
    at: (index) => {
      assert(index >= 0 && index < size, `of ${size} configurations there is no number ${index}`);
      const chosen: Record<string, ParameterValue> = {};
      choose(roots, index, chosen);
      return chosen;
    },
    indexOf: (configuration) => rankOf(roots, configuration),
  };
}

function nodeOf(tree: ConditionTree, valuesOf: (parameter: Parameter) => readonly ParameterValue[]): Node {
  let from = 0;
  const digits = valuesOf(tree.parameter).map((value): Digit => {
    const dependents = tree.at(value).map((dependent) => nodeOf(dependent, valuesOf));
    const digit = { value, dependents, from, count: dependents.reduce((all, node) => all * node.count, 1) };
    from += digit.count;
    return digit;
  });
  return {
    name: tree.parameter.name,
    digits,
    count: from,
    byKey: new Map(digits.map((digit) => [valueKey(digit.value), digit])),
  };
}

function choose(nodes: readonly Node[], index: number, chosen: Record<string, ParameterValue>): void {
  let left = index;
  for (const node of [...nodes].reverse()) {
    const rank = left % node.count;
    left = Math.floor(left / node.count);
    const digit = digitAt(node.digits, rank);
    chosen[node.name] = digit.value;
    choose(digit.dependents, rank - digit.from, chosen);
  }
}

/** The digit that a rank below the count belongs to, by halving. */
function digitAt(digits: readonly Digit[], rank: number): Digit {
  let low = 0;
  let high = digits.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((digits[middle]?.from ?? Number.POSITIVE_INFINITY) <= rank) low = middle;
    else high = middle;
  }
  const digit = digits[low];
  assert(digit !== undefined, "a rank below the count belongs to a digit");
  return digit;
}

function rankOf(nodes: readonly Node[], configuration: Configuration): number | undefined {
  let rank = 0;
  for (const { name, count, byKey } of nodes) {
    const digit = byKey.get(valueKey(ownValue(configuration, name)));
    const within = digit && rankOf(digit.dependents, configuration);
    if (digit === undefined || within === undefined) return undefined;
    rank = rank * count + digit.from + within;
  }
  return rank;
}
