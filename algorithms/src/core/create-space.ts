/**
 * The implementation of Space: walks the parameters in the user's order, since a condition refers to an earlier one, and leaves single
 * domains to domain.ts. It takes parameters whose structure was checked (`checkSpec`).
 */
import {
  assert,
  cellCount,
  cellValue,
  outsideDomain,
  type Parameter,
  type ParameterValue,
  sameValue,
  show,
  unitFromValue,
  valueFromUnit,
  valueKey,
} from "@regulus/proto";
import type { Configuration, Space } from "./space.js";

/** The space of these parameters. */
export function createSpace(parameters: readonly Parameter[]): Space {
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));

  /** Values of the active parameters, by a function of place; undefined as soon as it has none for one of them. */
  const assemble = (valueAt: (parameter: Parameter, index: number) => ParameterValue | undefined): Configuration | undefined => {
    const configuration: Record<string, ParameterValue> = {};
    for (const [index, parameter] of parameters.entries()) {
      if (!holds(parameter, configuration)) continue;
      const value = valueAt(parameter, index);
      if (value === undefined) return undefined;
      configuration[parameter.name] = value;
    }
    return configuration;
  };
  const fromPoint = (point: ArrayLike<number>, fixed: (parameter: Parameter) => ParameterValue | undefined): Configuration => {
    assert(point.length === parameters.length, `a point of this space has ${parameters.length} coordinates, not ${point.length}`);
    const made = assemble((parameter, index) => {
      const given = fixed(parameter);
      return given === undefined ? valueFromUnit(parameter, point[index] ?? Number.NaN) : given;
    });
    assert(made !== undefined, "a point gives every parameter a value");
    return made;
  };

  return {
    parameters,
    size: countConfigurations(parameters),
    initial: assemble(initialOf),
    fromUnit: (point) => fromPoint(point, () => undefined),
    startFrom: (point) => fromPoint(point, initialOf),
    toUnit: (configuration) =>
      Float64Array.from(parameters, (parameter) => {
        const value = ownValue(configuration, parameter.name);
        return value === undefined ? 0.5 : unitFromValue(parameter, value);
      }),
    isActive: (name, configuration) => {
      const parameter = byName.get(name);
      assert(parameter !== undefined, `${name} is a parameter of the space`);
      return holds(parameter, configuration);
    },
    check: (configuration) => checkConfiguration(parameters, configuration),
  };
}

/** The value that a configuration gives a parameter, which may be named toString; undefined where it is not active. */
export function ownValue(configuration: Configuration, name: string): ParameterValue | undefined {
  return Object.hasOwn(configuration, name) ? configuration[name] : undefined;
}

/** The initial value of a parameter, or undefined. */
export function initialOf(parameter: Parameter): ParameterValue | undefined {
  const { initial, domain } = parameter;
  // A null may stand for none, unless it is a choice.
  if (initial === null && !(domain?.$case === "categorical" && domain.value.choices.includes(null))) return undefined;
  return initial;
}

/** Whether the condition of a parameter holds. A parent that is itself inactive has no value, so that its children are inactive too. */
function holds(parameter: Parameter, configuration: Configuration): boolean {
  if (parameter.when === undefined) return true;
  if (!Object.hasOwn(configuration, parameter.when.parameter)) return false;
  const { parameter: other, equals } = parameter.when;
  return equals.some((value) => sameValue(value, configuration[other]));
}

function checkConfiguration(parameters: readonly Parameter[], configuration: Configuration): string[] {
  const problems: string[] = [];
  const known = new Set(parameters.map((parameter) => parameter.name));
  for (const name of Object.keys(configuration)) {
    if (!known.has(name)) problems.push(`${name}: is not a parameter of the space`);
  }
  for (const parameter of parameters) {
    const present = Object.hasOwn(configuration, parameter.name);
    if (!holds(parameter, configuration)) {
      if (present)
        problems.push(`${parameter.name}: has a value, and its condition on ${parameter.when?.parameter} does not hold`);
      continue;
    }
    const value = ownValue(configuration, parameter.name);
    const expected = parameter.domain && outsideDomain(parameter.domain, value);
    if (!present) problems.push(`${parameter.name}: has no value`);
    else if (expected !== undefined) problems.push(`${parameter.name}: saw ${show(value)}, expected ${expected}`);
  }
  return problems;
}

/** Number of configurations. Conditions form a forest, since each parameter has at most one parent. */
function countConfigurations(parameters: readonly Parameter[]): number {
  return product(conditionForest(parameters), (tree) => tree.count);
}

/** A parameter with the parameters that depend on it, by the value of it that they want. */
export interface ConditionTree {
  readonly parameter: Parameter;
  /** Configurations of this parameter and all that depend on it; Infinity where a double is among them. */
  readonly count: number;
  /** Dependents that are active at a value. */
  readonly at: (value: ParameterValue) => readonly ConditionTree[];
}

/** Parameters without conditions, in order, each with its dependents. */
export function conditionForest(parameters: readonly Parameter[]): readonly ConditionTree[] {
  return parameters.filter((parameter) => parameter.when === undefined).map((parameter) => treeOf(parameter, parameters));
}

function treeOf(parameter: Parameter, parameters: readonly Parameter[]): ConditionTree {
  const children = parameters.filter((other) => other.when?.parameter === parameter.name);
  const trees = children.map((child) => ({
    wanted: new Map<unknown, ParameterValue>((child.when?.equals ?? []).map((value) => [valueKey(value), value])),
    tree: treeOf(child, parameters),
  }));
  const at = (value: ParameterValue) => trees.filter(({ wanted }) => wanted.has(valueKey(value))).map(({ tree }) => tree);
  const cells = cellCount(parameter);
  // Only values that some dependent names can differ from 1; the others need no visit.
  const named = new Map(trees.flatMap(({ wanted }) => [...wanted]));
  const inDomain = [...named.values()].filter(
    (value) => parameter.domain && outsideDomain(parameter.domain, value) === undefined,
  );
  const extra = inDomain.reduce<number>((sum, value) => sum + product(at(value), (tree) => tree.count) - 1, 0);
  return { parameter, count: cells + extra, at };
}

function product<Item>(items: readonly Item[], factor: (item: Item) => number): number {
  return items.reduce((all, item) => all * factor(item), 1);
}

/** Values of a discrete parameter, in order. */
export function valuesOf(parameter: Parameter): readonly ParameterValue[] {
  return Array.from({ length: cellCount(parameter) }, (_, index) => cellValue(parameter, index));
}
