/**
 * Checks that the components of a search exist and fills in their options. It reads what a structural check may have refused, so it takes
 * nothing for granted, and leaves to that check what is not its own.
 */
import { type Component, expectedOneOf, type ProblemList, pathText } from "@regulus/proto";
import type { ComponentSpec } from "../core/index.js";
import { oneOfWords } from "../settings/parse-options.js";

/** Options by name, as messages hold them. */
export type Options = Readonly<Record<string, unknown>>;

/** A component that exists, with all of its options. */
export interface Resolved<Spec> {
  readonly spec: Spec;
  /** Plain data with every default filled in. */
  readonly options: Options;
}

/** The component at `field`, or undefined where it is not there or something is wrong with it. */
export function resolveComponent<Spec extends ComponentSpec>(
  problems: ProblemList,
  specs: ReadonlyMap<string, Spec>,
  { field, component }: { readonly field: string; readonly component: Partial<Component> | undefined | null },
): Resolved<Spec> | undefined {
  const name: unknown = component?.name;
  if (typeof name !== "string" || name === "") return undefined;
  const spec = specs.get(name);
  if (spec === undefined) {
    problems.add(`${field}.name`, name, expectedOneOf(name, [...specs.keys()]));
    return undefined;
  }
  const options = resolveOptions(problems, { field: `${field}.options`, spec, options: component?.options });
  return options === undefined ? undefined : { spec, options };
}

/** Options with their defaults; undefined where something is wrong with them. */
function resolveOptions(
  problems: ProblemList,
  { field, spec, options }: { readonly field: string; readonly spec: ComponentSpec; readonly options: Options | undefined },
): Options | undefined {
  const given = options ?? {};
  const parsed = spec.options.safeParse(given, { reportInput: true });
  if (parsed.success) return plainData(parsed.data);
  for (const issue of parsed.error.issues) {
    const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    const at = path.length === 0 ? field : pathText([field, ...path]);
    if (issue.code === "unrecognized_keys") {
      const known = optionNames(spec);
      const words = (name: string) => (known.length === 0 ? `no options for ${spec.name}` : expectedOneOf(name, known));
      for (const name of issue.keys) problems.add(`${at}.${name}`, name, words(name));
    } else {
      const seen = valueAt(given, issue.path);
      problems.add(at, seen, oneOfWords(issue, seen) ?? expectedWords(issue.message));
    }
  }
  return undefined;
}

/** What was expected, from a schema's message: `Too big: expected number to be <=0.9` says `number to be <=0.9`. */
function expectedWords(message: string): string {
  return message.replace(/^[^:]*: expected /, "").replace(/, received .*$/, "");
}

/** What an option would rather have than this value, given the others; undefined where it takes it, or where there is no such option. */
export function unfitOption({ spec, options }: Resolved<ComponentSpec>, name: string, value: unknown): string | undefined {
  if (!optionNames(spec).includes(name)) return undefined;
  const parsed = spec.options.safeParse({ ...options, [name]: value });
  const issue = parsed.error?.issues.find(({ path }) => path[0] === name);
  return issue && (oneOfWords(issue, value) ?? expectedWords(issue.message));
}

/** Names of a component's options, from its schema; empty where it is no object schema. */
export function optionNames(spec: ComponentSpec): readonly string[] {
  const { options } = spec;
  if (!("shape" in options) || typeof options.shape !== "object" || options.shape === null) return [];
  return Object.keys(options.shape);
}

/** Drops what messages can't hold: options that are present and undefined. */
function plainData(options: unknown): Options {
  const plain: unknown = JSON.parse(JSON.stringify(options ?? {}));
  return typeof plain === "object" && plain !== null ? { ...plain } : {};
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    const inside = typeof value === "object" && value !== null && Object.hasOwn(value, key);
    return inside ? Reflect.get(value, key) : undefined;
  }, root);
}
