/**
 * The owners of a search's hyperparameters: its workload and its techniques. Joins the techniques' own to the space, and checks the
 * space's against what they allow.
 */
import { expectedOneOf, outsideDomain, type Parameter, type ProblemList } from "@regulus/proto";
import type { ComponentSpec, HyperparameterSpec, TechniqueSpec, WorkloadSpec } from "../core/index.js";
import { optionNames, type Resolved, unfitOption } from "./components.js";
import { techniqueSpecs } from "./registry.generated.js";

/** A hyperparameter and who understands it. */
export interface Understood {
  readonly hyperparameter: HyperparameterSpec;
  readonly component: Resolved<ComponentSpec>;
  /** In words: `the technique dropout`. */
  readonly owner: string;
  /** Techniques' join the space; workloads' do not. */
  readonly joins: boolean;
}

/** All hyperparameters of a search's workload and techniques, by name. */
export function understoodBy(
  problems: ProblemList,
  workload: Resolved<WorkloadSpec> | undefined,
  techniques: readonly Resolved<TechniqueSpec>[],
): ReadonlyMap<string, Understood> {
  const understood = new Map<string, Understood>();
  for (const component of workload === undefined ? [] : [workload]) {
    const owner = `the workload ${component.spec.name}`;
    for (const hyperparameter of component.spec.hyperparameters(component.options)) {
      understood.set(hyperparameter.parameter.name, { hyperparameter, component, owner, joins: false });
    }
  }
  for (const component of techniques) {
    const owner = `the technique ${component.spec.name}`;
    for (const hyperparameter of component.spec.hyperparameters(component.options)) {
      const { name } = hyperparameter.parameter;
      const other = understood.get(name);
      if (other === undefined) understood.set(name, { hyperparameter, component, owner, joins: true });
      else problems.addText("techniques", `${name} of ${owner}`, `a name of its own; ${other.owner} has one too`);
    }
  }
  return understood;
}

/** Refuses parameters that nobody understands; where one of a registered technique is meant, says so. */
export function checkUnderstood(
  problems: ProblemList,
  space: readonly Parameter[],
  known: { readonly understood: ReadonlyMap<string, Understood>; readonly techniques: readonly Resolved<TechniqueSpec>[] },
): void {
  const { understood, techniques } = known;
  for (const [index, parameter] of space.entries()) {
    const name: unknown = parameter?.name;
    if (typeof name !== "string" || name === "") continue;
    const found = understood.get(name);
    if (found !== undefined) {
      checkAllowed(problems, `space[${index}]`, { parameter, found });
      continue;
    }
    const fixing = techniques.find(({ spec }) => optionNames(spec).includes(name));
    const wanted = techniqueOf(name);
    if (fixing !== undefined) {
      const expected = `it in one place: an option of the technique ${fixing.spec.name} fixes it already`;
      problems.add(`space[${index}].name`, name, expected);
    } else if (wanted !== undefined) {
      problems.add(`space[${index}].name`, name, `its technique ${wanted} to be switched on under techniques`);
    } else {
      const words =
        understood.size === 0 ? "no parameters: nothing here understands any" : expectedOneOf(name, [...understood.keys()]);
      problems.add(`space[${index}].name`, name, words);
    }
  }
}

/** The space with every technique's hyperparameter that it does not name. */
export function joinedSpace(space: readonly Parameter[], understood: ReadonlyMap<string, Understood>): Parameter[] {
  const named = new Set(space.map((parameter) => parameter?.name));
  const joining = [...understood.values()].filter(
    ({ joins, hyperparameter }) => joins && !named.has(hyperparameter.parameter.name),
  );
  return [...space, ...joining.map(({ hyperparameter }) => hyperparameter.parameter)];
}

/** Domains that a hyperparameter of a kind can be searched over; a list of choices is checked value by value. */
const searchable = { double: ["double", "int"], int: ["int"], categorical: [], boolean: ["boolean"] } as const;

function checkAllowed(
  problems: ProblemList,
  field: string,
  { parameter, found }: { readonly parameter: Parameter; readonly found: Understood },
): void {
  const { domain } = parameter;
  const own = found.hyperparameter.parameter.domain;
  if (domain === undefined || own === undefined) return;
  if (domain.$case === "categorical") {
    const choices: readonly unknown[] = Array.isArray(domain.value?.choices) ? domain.value.choices : [];
    for (const [at, choice] of choices.entries()) {
      const expected = unfit(found, choice);
      if (expected !== undefined) problems.add(`${field}.categorical.choices[${at}]`, choice, `${expected} for ${found.owner}`);
    }
    return;
  }
  const kinds: readonly string[] = searchable[own.$case];
  if (!kinds.includes(domain.$case)) {
    const expected = [...kinds, "categorical"].join(" or ");
    problems.addText(field, `type ${domain.$case}`, `type ${expected} for ${parameter.name} of ${found.owner}`);
    return;
  }
  if (domain.$case === "boolean") return;
  for (const end of ["min", "max"] as const) {
    const expected = unfit(found, domain.value?.[end]);
    if (expected !== undefined)
      problems.add(`${field}.${domain.$case}.${end}`, domain.value?.[end], `${expected} for ${found.owner}`);
  }
}

/** What a hyperparameter would rather have than this value; undefined where it takes it. */
function unfit({ hyperparameter: { parameter }, component }: Understood, value: unknown): string | undefined {
  const { domain } = parameter;
  if (domain === undefined) return undefined;
  const expected = kindExpected(domain, value);
  return expected ?? unfitOption(component, parameter.name, value);
}

/** A number of any size for a numeric domain, since its range is only a default; one of its values for the others. */
function kindExpected(domain: NonNullable<Parameter["domain"]>, value: unknown): string | undefined {
  if (domain.$case === "double") return typeof value === "number" ? undefined : "a number";
  if (domain.$case === "int") return Number.isInteger(value) ? undefined : "a whole number";
  return outsideDomain(domain, value);
}

/** The registered technique that has this hyperparameter, switched on or not. */
function techniqueOf(name: string): string | undefined {
  for (const [technique, spec] of techniqueSpecs) {
    const plain = spec.options.safeParse({});
    if (plain.success && spec.hyperparameters(plain.data).some(({ parameter }) => parameter.name === name)) return technique;
  }
  return undefined;
}
