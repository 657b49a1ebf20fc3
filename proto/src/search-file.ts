/**
 * A search file's content to a search, or to everything that is wrong with it. Every part of the file is read by itself and what has the
 * wrong shape is taken out, so that a file with a wrong type in one place still hears about a wrong range in another.
 */
import type { z } from "zod";
import { checkSpec } from "./check-spec.js";
import { isMap, isPlainMap } from "./check-values.js";
import { copyPlain } from "./copy-plain.js";
import { closestName, expectedOneOf } from "./did-you-mean.js";
import { RegulusError } from "./errors.js";
import type { Problem } from "./gen/regulus/v1/problem.js";
import type { SearchSpec } from "./gen/regulus/v1/search.js";
import { ProblemList, show } from "./problem-list.js";
import { type Path, readIssue, type ShapeProblem } from "./schema-issues.js";
import { componentSchema, objectiveSchema, parameterSchema, searchDocumentSchema, searchInputSchema } from "./search-document.js";
import { documentToSpec, type ReadDocument } from "./spec-document.js";
import { filePath, pathText } from "./spec-paths.js";

/** Times that fields are taken out of one part: each time at least one goes, and a part is few levels deep. */
const repairsMax = 16;

/** What a search file says, as far as it could be read. */
export interface SearchReading {
  /** What could be read, with stand-ins for what could not; a search only where there are no problems. */
  readonly spec: SearchSpec;
  /** Everything that the file alone shows to be wrong, with paths as in the file. */
  readonly problems: readonly Problem[];
  /**
   * All problems at once: the file's own, and what a coordinator found in `spec` that does not only follow from them, with paths as in
   * the file. To be called once.
   */
  joined(found: readonly Problem[]): Problem[];
}

/** The search in a file's content. Throws invalid-argument with every problem, paths as in the file. */
export function parseSearchDocument(document: unknown): SearchSpec {
  const { spec, problems } = readSearchDocument(document);
  if (problems.length > 0) throw RegulusError.invalid(problems);
  return spec;
}

/** What a file's content says, and all that is wrong with it. Throws nothing, whatever the content. */
export function readSearchDocument(document: unknown): SearchReading {
  const problems = new ProblemList();
  if (!isMap(document)) {
    problems.add("(file)", document, "a map with name, workload or command, objective, strategy, space and budget");
    return { spec: documentToSpec({}), problems: problems.all(), joined: () => problems.all() };
  }
  const parts = new PartReader();
  const read = readDocument(copyPlain(document, parts.wrong), parts);
  if (typeof read.schedule === "string") {
    const expected = "the schedule itself: what reads search files puts the file's content here";
    parts.wrong.push({ path: ["schedule"], seen: show(read.schedule), expected });
  }
  for (const { path, seen, expected } of parts.wrong) problems.addText(pathText(path), seen, expected);
  if (document.objective !== undefined && document.objectives !== undefined) {
    problems.addText("objectives", "objective and objectives", "exactly one of the two");
  }
  const spec = documentToSpec(read);
  // A command with a mistake in it or in its name is no missing one.
  const followsFromCommand = ({ field, seen }: { readonly field: string; readonly seen: string }) =>
    field === "workload" && seen === "nothing" && saysWhatRuns(document);
  for (const problem of checkSpec(spec)) {
    const field = filePath(problem.field, spec, read);
    if (!parts.hides(field, spec) && !followsFromCommand({ field, seen: problem.seen }))
      problems.addText(field, problem.seen, problem.expected);
  }
  const own = problems.all();
  const joined = (found: readonly Problem[]) => {
    for (const { field: at, seen, expected } of found) {
      const field = filePath(at, spec, read);
      // A parameter's name is read whatever else is wrong with the parameter.
      const follows =
        !/^space\[\d+\]\.name$/.test(at) && (parts.hides(field, spec) || own.some((one) => isWithin(field, one.field)));
      if (!follows && !followsFromCommand({ field, seen }) && !own.some((one) => one.field === field))
        problems.addText(field, seen, expected);
    }
    return problems.all();
  };
  return { spec, problems: own, joined };
}

/** Whether a command or a workload is written there that could not be read, or a field whose name may be meant for one. */
function saysWhatRuns(document: Readonly<Record<string, unknown>>): boolean {
  const runs = ["workload", "command"];
  const known = Object.keys(searchDocumentSchema.shape);
  return Object.entries(document).some(([name, value]) => {
    if (runs.includes(name)) return value !== undefined;
    return !known.includes(name) && closestName(name, runs) !== undefined;
  });
}

/** Stand in for parts that could not be read, so that the numbering and naming of the others stay. */
const placeholder = "placeholder";

/** The document with what could be read of it. */
function readDocument(document: Readonly<Record<string, unknown>>, parts: PartReader): ReadDocument {
  const { shape } = searchDocumentSchema;
  const known = Object.keys(shape);
  for (const name of Object.keys(document)) {
    if (!known.includes(name)) parts.wrong.push({ path: [name], seen: "an unknown field", expected: expectedOneOf(name, known) });
  }
  const part = <T>(name: string, schema: z.ZodType<T>) => parts.read(schema, document[name], [name]);
  const list = <T>(name: string, schema: z.ZodType<T>, instead: T) => parts.readList(schema, document[name], [name], instead);
  return {
    name: part("name", shape.name),
    workload: part("workload", shape.workload),
    command: part("command", shape.command),
    objective: part("objective", shape.objective),
    objectives: list("objectives", objectiveSchema, { metric: placeholder }),
    strategy: part("strategy", shape.strategy),
    space: parts.readMap(parameterSchema, document.space, ["space"], { type: "boolean" }),
    techniques: list("techniques", componentSchema, placeholder),
    probes: list("probes", componentSchema, placeholder),
    diagnostics: list("diagnostics", componentSchema, placeholder),
    budget: part("budget", shape.budget),
    parallelism: part("parallelism", shape.parallelism),
    resources: part("resources", shape.resources),
    retries: part("retries", shape.retries),
    reporting: part("reporting", shape.reporting),
    seed: part("seed", shape.seed),
    labels: part("labels", shape.labels),
    tuning: part("tuning", shape.tuning),
    control: part("control", shape.control),
    schedule: part("schedule", shape.schedule),
    inputs: list("inputs", searchInputSchema, { search: placeholder, kinds: [placeholder] }),
    priority: part("priority", shape.priority),
    weight: part("weight", shape.weight),
    $schema: part("$schema", shape.$schema),
  };
}

/** Reads parts of a document and keeps what is wrong with them. */
class PartReader {
  readonly wrong: ShapeProblem[] = [];

  /** A part; undefined where it is absent or past repair. */
  read<T>(schema: z.ZodType<T>, value: unknown, path: Path): T | undefined {
    if (value === undefined) return undefined;
    const holder = { value };
    for (let round = 0; round < repairsMax; round += 1) {
      const result = schema.safeParse(holder.value, { reportInput: true });
      if (result.success) return result.data;
      const found = result.error.issues.flatMap((issue) => readIssue(issue, schema, holder.value));
      for (const problem of found) this.#add({ ...problem, path: [...path, ...problem.path] });
      const taken = found.filter((problem) => takeOut(holder.value, problem.path));
      if (taken.length === 0) return undefined;
    }
    return undefined;
  }

  readList<T>(schema: z.ZodType<T>, value: unknown, path: Path, instead: T): T[] | undefined {
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value.map((item, index) => this.read(schema, item ?? null, [...path, index]) ?? instead);
    this.#add({ path, seen: show(value), expected: "a list" });
    return undefined;
  }

  readMap<T>(schema: z.ZodType<T>, value: unknown, path: Path, instead: T): Record<string, T> | undefined {
    if (value === undefined) return undefined;
    if (isPlainMap(value)) {
      const entries = Object.entries(value).map(([name, item]) => [
        name,
        this.read(schema, item ?? null, [...path, name]) ?? instead,
      ]);
      return Object.fromEntries(entries);
    }
    this.#add({ path, seen: show(value), expected: "a map of parameters by name" });
    return undefined;
  }

  /** Whether a problem stands at, in or around a value of the wrong shape, or follows from one. */
  hides(field: string, spec: SearchSpec): boolean {
    const paths = this.wrong.map(({ path }) => pathText(path));
    const near = (at: string) => paths.some((path) => isWithin(path, at) || isWithin(at, path));
    if (near(field)) return true;
    const [, name] = /^space\.(.+)\.when\.equals/.exec(field) ?? [];
    const condition = spec.space.find((parameter) => parameter.name === name)?.when;
    return condition !== undefined && near(`space.${condition.parameter}`);
  }

  #add(problem: ShapeProblem): void {
    const text = pathText(problem.path);
    if (!this.wrong.some(({ path }) => isWithin(pathText(path), text))) this.wrong.push(problem);
  }
}

/** Removes a value from the map that holds it. Not from a list, where it would renumber others. */
function takeOut(part: unknown, path: Path): boolean {
  const [name] = path.slice(-1);
  let holder = part;
  for (const step of path.slice(0, -1)) {
    holder = typeof holder === "object" && holder !== null ? Reflect.get(holder, step) : undefined;
  }
  if (name === undefined || !isPlainMap(holder) || !Object.hasOwn(holder, name)) return false;
  return Reflect.deleteProperty(holder, name);
}

function isWithin(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
}
