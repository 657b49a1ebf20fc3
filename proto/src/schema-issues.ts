/** Zod's issues in our format: path, what was seen, what was expected. Knows nothing of searches. */
import { z } from "zod";
import { byteSizePattern } from "./byte-sizes.js";
import { expectedOneOf } from "./did-you-mean.js";
import { durationPattern } from "./durations.js";
import { show } from "./problem-list.js";

/** Path of a value in a document. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with a document's shape. */
export interface ShapeProblem {
  readonly path: Path;
  readonly seen: string;
  readonly expected: string;
}

type Issue = z.core.$ZodIssue;

/** Problems of one issue. `schema` is what the document was held against, for the names that it knows. */
export function readIssue(issue: Issue, schema: z.core.$ZodType, document: unknown): ShapeProblem[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  if (issue.code === "unrecognized_keys") return unknownNames(issue.keys, path, schema, document);
  if (issue.code === "invalid_union") return readUnion(issue, path, schema, document);
  return [{ path, seen: show(issue.input), expected: expectedWords(issue) }];
}

function unknownNames(names: readonly string[], path: Path, schema: z.core.$ZodType, document: unknown): ShapeProblem[] {
  const known = knownNames(schema, path, document);
  return names.map((name) => ({ path: [...path, name], seen: "an unknown field", expected: expectedOneOf(name, known) }));
}

/** A union fails with the issues of each of its branches. The one that got past the type of the value is what its user meant. */
function readUnion(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: Path,
  schema: z.core.$ZodType,
  document: unknown,
): ShapeProblem[] {
  if (issue.discriminator !== undefined) {
    const known = [...new Set(discriminatorValues(schemaAt(schema, path.slice(0, -1), document), issue.discriminator))];
    const stands = valueAt(document, path);
    return [{ path, seen: show(stands), expected: expectedOneOf(typeof stands === "string" ? stands : "", known) }];
  }
  const meant = issue.errors.find((branch) => !branch.every((inner) => inner.code === "invalid_type" && inner.path.length === 0));
  if (meant !== undefined) {
    return meant.flatMap((inner) => readIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema, document));
  }
  const words = issue.errors.flatMap((branch) => branch.map(expectedWords));
  return [{ path, seen: show(valueAt(document, path)), expected: [...new Set(words)].join(" or ") }];
}

const typeWords: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a finite number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map",
  record: "a map",
  array: "a list",
};

function expectedWords(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeWords[issue.expected] ?? issue.expected;
    case "invalid_value":
      return expectedOneOf(typeof issue.input === "string" ? issue.input : "", issue.values.map(String));
    case "too_small":
      return boundWords("at least", issue.origin, issue.minimum);
    case "too_big":
      return boundWords("at most", issue.origin, issue.maximum);
    case "invalid_format":
      if (issue.pattern === String(durationPattern)) return "a duration such as 10m, 1h30m or 250ms";
      if (issue.pattern === String(byteSizePattern)) return "a size such as 2GiB or 500MB";
      return issue.message;
    default:
      return issue.message;
  }
}

function boundWords(word: string, origin: string, bound: number | bigint): string {
  if (origin === "string") return `${word} ${bound} characters`;
  return origin === "array" ? `${word} ${bound} in the list` : `a number of ${word} ${bound}`;
}

/** Names of the fields of the map that stands at a path. */
function knownNames(schema: z.core.$ZodType, path: Path, document: unknown): string[] {
  const there = schemaAt(schema, path, document);
  return there instanceof z.ZodObject ? Object.keys(there.shape) : [];
}

/** The schema that the value at a path is held against, through optional ones, lists, maps and unions. */
function schemaAt(schema: z.core.$ZodType, path: Path, document: unknown): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodOptional) return schemaAt(schema.def.innerType, path, document);
  if (schema instanceof z.ZodUnion && !(path.length === 0 && schema instanceof z.ZodDiscriminatedUnion && !isMap(document))) {
    const branch = schema.def.options.find((option) => fits(option, document));
    return branch === undefined ? schema : schemaAt(branch, path, document);
  }
  const [first, ...rest] = path;
  if (first === undefined) return schema;
  const inner = valueAt(document, [first]);
  if (schema instanceof z.ZodObject) {
    const field: z.core.$ZodType | undefined = schema.shape[String(first)];
    return field && schemaAt(field, rest, inner);
  }
  if (schema instanceof z.ZodArray) return schemaAt(schema.def.element, rest, inner);
  if (schema instanceof z.ZodRecord) return schemaAt(schema.def.valueType, rest, inner);
  return undefined;
}

/** Whether a branch of a union is the one for a value: a map's, with the same literal fields. */
function fits(option: z.core.$ZodType, value: unknown): boolean {
  if (!(option instanceof z.ZodObject) || !isMap(value)) return false;
  return Object.entries(option.shape).every(
    ([name, field]) => !(field instanceof z.ZodLiteral) || field.values.has(Reflect.get(value, name)),
  );
}

function discriminatorValues(union: z.core.$ZodType | undefined, name: string): string[] {
  if (!(union instanceof z.ZodUnion)) return [];
  return union.def.options.flatMap((option) => {
    const field: unknown = option instanceof z.ZodObject ? option.shape[name] : undefined;
    return field instanceof z.ZodLiteral ? [...field.values].map(String) : [];
  });
}

function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
    document,
  );
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
